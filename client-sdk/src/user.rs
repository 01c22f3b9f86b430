//! The signed-in person, as an argument of a handler.
//!
//! `User` sends a browser to sign in and answers an API call with 401; `Option<User>` never does either. A request
//! that changes something must come from a page of this application: the session cookie alone does not prove it,
//! since a neighbour under the same domain can make the browser send it.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum::response::Response;
use http::request::Parts;
use serde::Deserialize;
use serde_json::Value;

use crate::cookies;
use crate::error::Error;
use crate::gapura::Gapura;
use crate::own_page;
use crate::refusal::{self, Kind};
use crate::renew;
use crate::session::{Session, SessionKey};

/// The person who is signed in. Roles and claims are at most five minutes old.
///
/// A claim that was not asked for, or that the provider does not give, is absent; it is never an empty text.
#[derive(Debug, Clone)]
pub struct User {
    session: Arc<Session>,
    penugasan: Arc<[Penugasan]>,
}

/// One assignment (penugasan) of a person to a position.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Penugasan {
    /// Name of the position.
    pub jabatan: Option<String>,
    /// Name of the unit inside the OPD.
    pub unit: Option<String>,
    /// Name of the OPD.
    pub opd: Option<String>,
    /// Code of the OPD.
    pub opd_kode: Option<String>,
    /// `definitif`, `plt`, `plh` or `pj`.
    pub sebagai: Option<String>,
    /// Last day, as `YYYY-MM-DD`; absent for an assignment without end.
    pub sampai: Option<String>,
}

impl User {
    fn new(session: Session) -> Self {
        let listed = session.claims.get("penugasan").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let penugasan = listed.iter().filter_map(|one| Penugasan::deserialize(one).ok()).collect();
        Self { session: Arc::new(session), penugasan }
    }

    /// The provider's identifier of the person. Store this one; names, NIP and addresses change.
    #[must_use]
    pub fn sub(&self) -> &str {
        &self.session.sub
    }

    /// Full name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.text("name")
    }

    /// Name of the OPD of the main assignment.
    #[must_use]
    pub fn opd(&self) -> Option<&str> {
        self.text("opd")
    }

    /// Position of the main assignment.
    #[must_use]
    pub fn jabatan(&self) -> Option<&str> {
        self.text("jabatan")
    }

    /// Official e-mail address.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.text("email")
    }

    /// All current assignments, the main one among them.
    #[must_use]
    pub fn penugasan(&self) -> &[Penugasan] {
        &self.penugasan
    }

    /// Codes of the roles in this application.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.session.roles
    }

    /// Whether the person holds the role with this code.
    #[must_use]
    pub fn has_role(&self, code: &str) -> bool {
        self.session.roles.iter().any(|role| role == code)
    }

    /// Any claim of the provider.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.session.claims.get(name)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claim(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }
}

/// Who makes this request.
enum Visitor {
    Known(User),
    Unknown,
    /// There is a session, but the request comes from a foreign page.
    Foreign,
}

/// Reads the session of a request, renewed if it was due. A second extractor of the same request finds the first
/// one's answer.
async fn visitor(gapura: &Gapura, parts: &mut Parts) -> Result<Visitor, Error> {
    if let Some(user) = parts.extensions.get::<User>() {
        return Ok(Visitor::Known(user.clone()));
    }
    let Some(cookie) = cookies::read(&parts.headers, &gapura.cookies().session_name()) else {
        return Ok(Visitor::Unknown);
    };
    if !own_page::is_safe(&parts.method) && !own_page::from_own_page(&parts.headers, &gapura.settings().origin) {
        return Ok(Visitor::Foreign);
    }
    match renew::current(gapura, &SessionKey::of_cookie(cookie)).await? {
        Some(session) => {
            let user = User::new(session);
            parts.extensions.insert(user.clone());
            Ok(Visitor::Known(user))
        }
        None => Ok(Visitor::Unknown),
    }
}

/// The session's answer to a request that needs a person.
pub(crate) async fn needed(gapura: &Gapura, parts: &mut Parts) -> Result<User, Response> {
    match visitor(gapura, parts).await {
        Ok(Visitor::Known(user)) => Ok(user),
        Ok(Visitor::Unknown) => Err(refusal::sign_in_first(gapura, parts)),
        Ok(Visitor::Foreign) => Err(refusal::foreign(Kind::of(parts))),
        Err(error) => Err(refusal::failed(&error, Kind::of(parts))),
    }
}

impl<S> FromRequestParts<S> for User
where
    Gapura: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        needed(&Gapura::from_ref(state), parts).await
    }
}

impl<S> OptionalFromRequestParts<S> for User
where
    Gapura: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Self::Rejection> {
        match visitor(&Gapura::from_ref(state), parts).await {
            Ok(Visitor::Known(user)) => Ok(Some(user)),
            Ok(Visitor::Unknown | Visitor::Foreign) => Ok(None),
            Err(error) => {
                tracing::warn!(%error, "a session could not be read; the request goes on without a person");
                Ok(None)
            }
        }
    }
}
