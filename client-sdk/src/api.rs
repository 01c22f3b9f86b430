//! Guarding an API: who calls it proves it with an access token in the `Authorization` header.
//!
//! Checked here, without asking the provider: RFC 9068 tokens (`typ` `at+jwt`) by signature, issuer, audience, time
//! and scope. Such a check learns of a withdrawal when the token ends, at most five minutes later. Where that is too
//! late, [`Api::introspect`] asks the provider at each request.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::{FromRequestParts, Request};
use axum::response::Response;
use http::header::{AUTHORIZATION, HeaderMap, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use openidconnect::{AccessToken, IntrospectionUrl, TokenIntrospectionResponse};
use serde::Deserialize;
use serde_json::Value;
use tower::{Layer, Service};

use crate::clock::LEEWAY;
use crate::error::Error;
use crate::gapura::Gapura;
use crate::keys::KeySet;
use crate::pages;
use crate::person;
use crate::provider::token_error;
use crate::refusal;
use crate::signed::{self, Audience, refused};

const OTHER_AUDIENCE: &str =
    "aud is another application (GAPURA_AUDIENCE must be the identifier this one has at the provider)";

impl Gapura {
    /// A layer for the routes of an API. Each request must bring an access token of the provider that was made for
    /// this application; [`Api::scope`] asks for more.
    ///
    /// ```no_run
    /// use axum::{Router, routing::get};
    /// use gapura_client::{ApiCaller, Gapura};
    ///
    /// async fn attendance(caller: ApiCaller) -> String {
    ///     format!("data untuk {}", caller.client_id())
    /// }
    ///
    /// fn routes(gapura: &Gapura) -> Router {
    ///     Router::new()
    ///         .route("/api/kehadiran", get(attendance))
    ///         .route_layer(gapura.api().scope("presensi.baca"))
    /// }
    /// ```
    #[must_use]
    pub fn api(&self) -> Api {
        Api { gapura: self.clone(), audience: self.settings().audience.clone(), scopes: Vec::new(), way: Way::Offline }
    }
}

#[derive(Debug, Clone, Copy)]
enum Way {
    Offline,
    Introspection,
}

/// What a route asks of its callers. A [`tower::Layer`].
#[derive(Debug, Clone)]
pub struct Api {
    gapura: Gapura,
    audience: String,
    scopes: Vec<String>,
    way: Way,
}

impl Api {
    /// The token must hold this scope. Called twice, it must hold both.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// The token must be made for `audience` instead of the one of the settings.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// Asks the provider about each token: a withdrawal counts at once, for the price of one request.
    #[must_use]
    pub fn introspect(mut self) -> Self {
        self.way = Way::Introspection;
        self
    }

    async fn admit(&self, headers: &HeaderMap) -> Result<ApiCaller, Denied> {
        let token = bearer(headers)?;
        let caller = match self.way {
            Way::Offline => self.check_offline(token).await?,
            Way::Introspection => self.ask(token).await?,
        };
        if self.scopes.iter().any(|scope| !caller.has_scope(scope)) {
            return Err(Denied::Scope);
        }
        Ok(caller)
    }

    //= RFC9068#4
    async fn check_offline(&self, token: &str) -> Result<ApiCaller, Denied> {
        let gapura = &self.gapura;
        let now = gapura.now();
        let provider = gapura.provider().await?;
        let keys = provider.keys(gapura.outbound(), person::kid_of(token).as_deref(), now).await;
        let claims: Claims = signed::verify(token, "at+jwt", &keys)?;
        let rules = [
            (claims.iss == gapura.settings().issuer.as_str(), "iss is another provider"),
            (claims.aud.names(&self.audience), OTHER_AUDIENCE),
            (claims.exp > now - LEEWAY, "it has expired"),
            (claims.iat <= now + LEEWAY, "it was issued in the future"),
            (claims.nbf.is_none_or(|nbf| nbf <= now + LEEWAY), "it is not valid yet"),
            (!claims.sub.is_empty() && !claims.client_id.is_empty() && !claims.jti.is_empty(), "a claim is empty"),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, why)) => Err(refused(&format!("access token: {why}")).into()),
            None => Ok(ApiCaller {
                roles: claims.roles.as_ref().map(person::role_names).unwrap_or_default(),
                scopes: claims.scope.split_ascii_whitespace().map(str::to_owned).collect(),
                sub: claims.sub,
                client_id: claims.client_id,
            }),
        }
    }

    async fn ask(&self, token: &str) -> Result<ApiCaller, Denied> {
        let gapura = &self.gapura;
        let provider = gapura.provider().await?;
        let endpoint = provider.metadata.additional_metadata().introspection_endpoint.clone();
        let endpoint = endpoint.ok_or(Error::NotOffered("introspection_endpoint"))?;
        let relying_party = provider
            .relying_party(gapura.settings(), &KeySet::default())?
            .set_introspection_url(IntrospectionUrl::from_url(endpoint.clone()));
        let token = AccessToken::new(token.to_owned());
        let mut request = relying_party.introspect(&token).set_token_type_hint("access_token");
        for (name, value) in gapura.proof()? {
            request = request.add_extra_param(name, value);
        }
        let answer =
            request.request_async(gapura.outbound()).await.map_err(|error| token_error(endpoint.as_str(), error))?;
        let rules = [
            (answer.active(), "the provider says it is not active"),
            (answer.iss().is_none_or(|iss| iss == gapura.settings().issuer.as_str()), "iss is another provider"),
            (answer.aud().is_some_and(|all| all.contains(&self.audience)), OTHER_AUDIENCE),
            (answer.exp().is_none_or(|exp| exp.timestamp() > gapura.now() - LEEWAY), "it has expired"),
        ];
        if let Some((_, why)) = rules.iter().find(|(holds, _)| !holds) {
            return Err(refused(&format!("access token: {why}")).into());
        }
        Ok(ApiCaller {
            sub: answer.sub().unwrap_or_default().to_owned(),
            client_id: answer.client_id().map(|id| id.as_str().to_owned()).unwrap_or_default(),
            scopes: answer.scopes().into_iter().flatten().map(|scope| scope.as_str().to_owned()).collect(),
            roles: answer.extra_fields().roles.as_ref().map(person::role_names).unwrap_or_default(),
        })
    }

    /// The answer of RFC 6750 section 3.
    fn deny(&self, denied: &Denied) -> Response {
        let realm = pages::token(&self.audience);
        let (status, error, challenge) = match denied {
            Denied::NoToken => (StatusCode::UNAUTHORIZED, "token_missing", format!("Bearer realm=\"{realm}\"")),
            Denied::Malformed => (
                StatusCode::BAD_REQUEST,
                "invalid_request",
                format!("Bearer realm=\"{realm}\", error=\"invalid_request\""),
            ),
            Denied::Scope => {
                let scope = pages::token(&self.scopes.join(" "));
                let challenge = format!("Bearer realm=\"{realm}\", error=\"insufficient_scope\", scope=\"{scope}\"");
                (StatusCode::FORBIDDEN, "insufficient_scope", challenge)
            }
            Denied::Failed(Error::Token(why)) => {
                tracing::info!(why, "an access token was refused");
                (
                    StatusCode::UNAUTHORIZED,
                    "invalid_token",
                    format!("Bearer realm=\"{realm}\", error=\"invalid_token\""),
                )
            }
            Denied::Failed(error) => {
                tracing::error!(%error, "an access token could not be checked");
                return refusal::json(StatusCode::SERVICE_UNAVAILABLE, error.code(), None);
            }
        };
        let mut answer = refusal::json(status, error, None);
        if let Ok(challenge) = HeaderValue::from_str(&challenge) {
            answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        answer
    }
}

/// Why a caller was not let in.
enum Denied {
    NoToken,
    Malformed,
    Scope,
    Failed(Error),
}

impl From<Error> for Denied {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The token of the `Authorization` header, which stands there once. Query and body are not looked at (RFC 9700).
fn bearer(headers: &HeaderMap) -> Result<&str, Denied> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let value = given.next().ok_or(Denied::NoToken)?;
    if given.next().is_some() {
        return Err(Denied::Malformed);
    }
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Denied::Malformed)?;
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() { Ok(token.trim()) } else { Err(Denied::NoToken) }
}

/// Claims that RFC 9068 section 2.2 requires, and those this library knows beyond.
#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    client_id: String,
    iat: i64,
    exp: i64,
    jti: String,
    nbf: Option<i64>,
    #[serde(default)]
    scope: String,
    roles: Option<Value>,
}

/// Who calls an API behind [`Gapura::api`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiCaller {
    sub: String,
    client_id: String,
    scopes: Vec<String>,
    roles: Vec<String>,
}

impl ApiCaller {
    /// The person on whose behalf the call is made; a job's own identifier where there is none.
    #[must_use]
    pub fn sub(&self) -> &str {
        &self.sub
    }

    /// The application that calls.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Codes of the person's roles in this application.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// Whether the token holds this scope.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|one| one == scope)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ApiCaller {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!(
                path = parts.uri.path(),
                "a handler asks for ApiCaller, but its route has no gapura.api() layer"
            );
            StatusCode::INTERNAL_SERVER_ERROR
        })
    }
}

impl<S> Layer<S> for Api {
    type Service = ApiGate<S>;

    fn layer(&self, inner: S) -> ApiGate<S> {
        ApiGate { api: self.clone(), inner }
    }
}

/// A service behind [`Api`].
#[derive(Debug, Clone)]
pub struct ApiGate<S> {
    api: Api,
    inner: S,
}

impl<S> Service<Request> for ApiGate<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        // The service that was polled ready answers this request; its copy waits for the next one.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        let api = self.api.clone();
        Box::pin(async move {
            match api.admit(request.headers()).await {
                Ok(caller) => {
                    request.extensions_mut().insert(caller);
                    inner.call(request).await
                }
                Err(denied) => Ok(api.deny(&denied)),
            }
        })
    }
}
