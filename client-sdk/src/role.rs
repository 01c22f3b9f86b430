//! Handlers that only holders of a role may reach.

use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::{FromRef, FromRequestParts};
use axum::response::Response;
use http::request::Parts;

use crate::gapura::Gapura;
use crate::refusal;
use crate::user::{self, User};

/// A role of this application, as a type.
///
/// ```
/// use gapura_client::{RequireRole, Role};
///
/// struct Bendahara;
/// impl Role for Bendahara {
///     const CODE: &'static str = "bendahara";
///     const NAME: &'static str = "Bendahara";
/// }
///
/// async fn pay(user: RequireRole<Bendahara>) -> String {
///     format!("dibayar oleh {}", user.sub())
/// }
/// ```
pub trait Role: Send + Sync + 'static {
    /// The code in the `roles` claim.
    const CODE: &'static str;
    /// What people call it; stands on the refusal page.
    const NAME: &'static str = Self::CODE;
}

/// The signed-in person, who holds role `R`. Whoever does not gets a page (or, an API call, an answer with 403) that
/// names the role and leads to the provider's explanation.
pub struct RequireRole<R> {
    user: User,
    role: PhantomData<R>,
}

impl<R> RequireRole<R> {
    /// The person.
    #[must_use]
    pub fn into_user(self) -> User {
        self.user
    }
}

impl<R> Deref for RequireRole<R> {
    type Target = User;

    fn deref(&self) -> &User {
        &self.user
    }
}

impl<R: Role> std::fmt::Debug for RequireRole<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequireRole").field("role", &R::CODE).field("user", &self.user).finish()
    }
}

impl<S, R> FromRequestParts<S> for RequireRole<R>
where
    Gapura: FromRef<S>,
    S: Send + Sync,
    R: Role,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let gapura = Gapura::from_ref(state);
        let user = user::needed(&gapura, parts).await?;
        if user.has_role(R::CODE) {
            return Ok(Self { user, role: PhantomData });
        }
        Err(refusal::role_missing(&gapura, parts, (R::CODE, R::NAME)).await)
    }
}
