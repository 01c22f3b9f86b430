//! How a request fails: one type for all endpoints, one renderer for each surface.
//!
//! ```text
//! OAuth     ── on json ────▶ {"error", "error_description"}, 401 always with a challenge
//!           ── on a page ──▶ error page
//! Redirect  ───────────────▶ back to the checked redirect URI (RFC 6749 section 4.1.2.1)
//! Page      ───────────────▶ error page: nobody may be redirected to
//! Trouble   ───────────────▶ ours: 500 or 503, as the surface speaks
//! ```
//! A failure is logged here, once, with the request id that also stands on the page. What the log says is
//! ours; nothing that was typed or sent stands in it.

use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, PRAGMA, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use gapura_core::oauth::{BadParam, ErrorCode, OAuthError, PageError, ReplyTo};
use gapura_store::{StoreError, ephemeral::EphemeralError};
use serde::Serialize;

use crate::{
    edge::{RequestContext, parameters::Unreadable},
    entropy::NoEntropy,
    keys::KeyError,
    pages::{ErrorPage, error},
    sign_in::session::SessionError,
    state::App,
};

/// How a request fails.
#[derive(Debug)]
pub enum Failure {
    /// An error of the protocol, told to whoever called.
    OAuth(OAuthError),
    /// An error of the protocol, told to the application by way of the browser.
    Redirect(Box<ReplyTo>, OAuthError),
    /// An error told to the person, with the home address of the application, where it is known.
    Page(PageError, Option<String>),
    /// Not the caller's fault.
    Trouble(Trouble),
}

/// What went wrong on our side.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Durable state.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Short-lived state.
    #[error(transparent)]
    Ephemeral(#[from] EphemeralError),
    /// Keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// A session that could not begin or end.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// What we stored ourselves cannot be read, or cannot be written as an answer.
    #[error("{0} is not what it should be")]
    Corrupt(&'static str),
    /// A handler panicked.
    #[error("a panic")]
    Panicked,
}

impl Trouble {
    /// Whether it may be gone soon: 503 instead of 500.
    fn passes(&self) -> bool {
        match self {
            Self::Store(error) | Self::Session(SessionError::Store(error)) => matches!(
                error,
                StoreError::Busy
                    | StoreError::Stopped
                    | StoreError::Unavailable(_)
                    | StoreError::Conflict
                    | StoreError::TooSlow
            ),
            Self::Ephemeral(error) => matches!(error, EphemeralError::Unavailable(_) | EphemeralError::Full(_)),
            Self::Key(error) => matches!(error, KeyError::NotYet(_)),
            Self::Entropy(_) | Self::Session(SessionError::Entropy(_)) => true,
            Self::Session(SessionError::Gone) => true,
            Self::Corrupt(_) | Self::Panicked => false,
        }
    }

    fn error(&self) -> OAuthError {
        let (code, public) = if self.passes() {
            (ErrorCode::TemporarilyUnavailable, "try again later")
        } else {
            (ErrorCode::ServerError, "something went wrong on our side")
        };
        OAuthError::new(code, public).because(self.to_string())
    }
}

impl<T: Into<Trouble>> From<T> for Failure {
    fn from(trouble: T) -> Self {
        Self::Trouble(trouble.into())
    }
}

impl From<OAuthError> for Failure {
    fn from(error: OAuthError) -> Self {
        Self::OAuth(error)
    }
}

impl From<BadParam> for Failure {
    fn from(bad: BadParam) -> Self {
        Self::OAuth(bad.into())
    }
}

impl From<Unreadable> for Failure {
    fn from(unreadable: Unreadable) -> Self {
        let public = match unreadable {
            Unreadable::TooLarge => "the body is too large",
            Unreadable::TooMany => "too many parameters",
            Unreadable::NotAForm => "the body is not application/x-www-form-urlencoded",
            Unreadable::Cut => "the body ended early",
        };
        Self::OAuth(OAuthError::invalid_request(public))
    }
}

/// Who sees what the browser shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// Somebody sits there.
    Person,
    /// Nobody: the application asks behind the person's back (`prompt=none`).
    Nobody,
}

impl Failure {
    /// The same, once it is known where the application may be told: errors of the protocol go there, a page
    /// stays a page. Our own trouble goes there only where nobody would see our page: a person is told by us, in
    /// words and with the reference code, because an application can do nothing about it but send the browser
    /// here again at once.
    //= RFC6749#4.1.2.1
    #[must_use]
    pub fn toward(self, reply_to: &ReplyTo, viewer: Viewer) -> Self {
        match self {
            Self::OAuth(error) => Self::Redirect(Box::new(reply_to.clone()), error),
            Self::Trouble(trouble) if viewer == Viewer::Nobody => {
                tracing::error!(%trouble, "the request failed on our side");
                Self::Redirect(Box::new(reply_to.clone()), trouble.error())
            }
            kept => kept,
        }
    }
}

/// What an authenticated endpoint demands of a caller it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// Endpoints for clients (RFC 6749 section 5.2).
    Basic,
    /// Endpoints for tokens (RFC 6750 section 3).
    Bearer,
}

#[derive(Serialize)]
struct Body {
    error: ErrorCode,
    error_description: &'static str,
}

/// Answers an endpoint that clients call directly.
//= RFC6749#5.2
pub fn json(failure: Failure, challenge: Challenge) -> Response {
    let error = match failure {
        Failure::OAuth(error) | Failure::Redirect(_, error) => error,
        Failure::Page(page, _) => OAuthError::invalid_request("the request is not valid").because(page.as_str()),
        Failure::Trouble(trouble) => trouble.error(),
    };
    log(&error);
    let mut response = body(&Body { error: error.code, error_description: error.public }, status(error.code));
    if let Some(demand) = demanded(&error, challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, demand);
    }
    response
}

/// A JSON answer that nobody may keep.
//= RFC6749#5.1
pub fn body(value: &impl Serialize, status: StatusCode) -> Response {
    let Ok(bytes) = serde_json::to_vec(value) else {
        tracing::error!("an answer could not be written as JSON");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    (status, headers, bytes).into_response()
}

/// Answers an endpoint that people reach by browser.
pub fn page(app: &App, context: &RequestContext, failure: Failure) -> Response {
    let (code, status, home) = match failure {
        Failure::Redirect(reply_to, error) => {
            log(&error);
            return see_other(&reply_to.refuse(&error, app.settings.server.public_url.as_str()));
        }
        Failure::Page(error, home) => {
            tracing::info!(code = %error, "the request ended on a page");
            (error.as_str(), StatusCode::BAD_REQUEST, home)
        }
        Failure::OAuth(error) => {
            log(&error);
            (error.code.as_str(), status(error.code), None)
        }
        Failure::Trouble(trouble) => {
            let error = trouble.error();
            log(&error);
            (error.code.as_str(), status(error.code), None)
        }
    };
    error::page(app, context, ErrorPage { status, code, restart: home.as_deref() })
}

/// Endpoints that programs call: they are answered in JSON whatever happens.
const FOR_PROGRAMS: [&str; 7] = [
    "/token",
    "/introspect",
    "/revoke",
    "/userinfo",
    "/jwks",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
];

/// Answers for a handler that panicked: as its surface speaks, with nothing of the panic, which stands in the
/// log under the same reference code.
//= BSSN4-2021#6.a
//= BSSN4-2021#6.b
pub fn of_panic(app: &App, context: &RequestContext, route: &str) -> Response {
    let failure = Failure::from(Trouble::Panicked);
    if FOR_PROGRAMS.contains(&route) { json(failure, Challenge::Basic) } else { page(app, context, failure) }
}

/// A redirect that turns every method into GET.
//= RFC9700#4.12
pub fn see_other(address: &str) -> Response {
    match HeaderValue::try_from(address) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => {
            tracing::error!("a registered address is no header value");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn status(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Every 401 carries its challenge, and so does every refusal of a bearer token.
//= RFC6750#3
//= RFC6750#3.1
fn demanded(error: &OAuthError, challenge: Challenge) -> Option<HeaderValue> {
    let code = error.code;
    match challenge {
        Challenge::Basic => {
            (code == ErrorCode::InvalidClient).then(|| HeaderValue::from_static("Basic realm=\"gapura\""))
        }
        Challenge::Bearer if matches!(code, ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable) => None,
        Challenge::Bearer => {
            let public = error.public;
            let named = format!("Bearer realm=\"gapura\", error=\"{code}\", error_description=\"{public}\"");
            HeaderValue::try_from(named).ok()
        }
    }
}

/// A request without any token learns only that one is needed.
//= RFC6750#3.1
pub fn no_token() -> Response {
    let demand = [(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"gapura\""))];
    (StatusCode::UNAUTHORIZED, demand).into_response()
}

fn log(error: &OAuthError) {
    match error.code {
        ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable => {
            tracing::error!(code = %error.code, detail = %error.private, "the request failed on our side");
        }
        code => tracing::info!(%code, said = error.public, detail = %error.private, "the request was refused"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(code: ErrorCode, challenge: Challenge) -> (u16, Option<String>) {
        let response = json(OAuthError::new(code, "why").because("detail").into(), challenge);
        let demand = response.headers().get(WWW_AUTHENTICATE).map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), demand)
    }

    //= RFC6749#5.2 test
    //= RFC6750#3 test
    //= RFC6750#3.1 test
    #[test]
    fn every_401_carries_its_challenge() {
        for code in ErrorCode::ALL {
            for challenge in [Challenge::Basic, Challenge::Bearer] {
                let (status, demand) = sent(*code, challenge);
                let ours = *code == ErrorCode::InvalidToken && challenge == Challenge::Basic;
                assert!(status != 401 || demand.is_some() || ours, "{code} {challenge:?}");
            }
        }
        assert_eq!(sent(ErrorCode::InvalidClient, Challenge::Basic), (401, Some("Basic realm=\"gapura\"".into())));
        let (status, demand) = sent(ErrorCode::InvalidToken, Challenge::Bearer);
        assert_eq!(status, 401);
        assert!(demand.unwrap().contains("error=\"invalid_token\""));
        let response = no_token();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer realm=\"gapura\"");
    }

    //= T9 test
    //= BSSN4-2021#6.b test
    #[test]
    fn whatever_goes_wrong_with_us_is_never_a_yes() {
        let store = Trouble::Store;
        let table: [(Trouble, u16); 12] = [
            (Trouble::Entropy(NoEntropy), 503),
            (Trouble::Session(SessionError::Entropy(NoEntropy)), 503),
            (Trouble::Key(KeyError::Refused), 500),
            (Trouble::Ephemeral(EphemeralError::Unavailable("redis://10.0.0.7".into())), 503),
            (Trouble::Ephemeral(EphemeralError::Full(gapura_store::ephemeral::Kind::JtiMark)), 503),
            (store(StoreError::Busy), 503),
            (store(StoreError::Unavailable("10.0.0.8".into())), 503),
            (store(StoreError::TooSlow), 503),
            (store(StoreError::Corrupt("users.status".into())), 500),
            (store(StoreError::Panicked), 500),
            (Trouble::Corrupt("a code"), 500),
            (Trouble::Panicked, 500),
        ];
        for (trouble, status) in table {
            let shown = trouble.to_string();
            let error = trouble.error();
            assert!(!error.public.contains(&shown), "{shown}");
            for challenge in [Challenge::Basic, Challenge::Bearer] {
                let response = json(OAuthError::new(error.code, error.public).into(), challenge);
                assert_eq!(response.status().as_u16(), status, "{shown}");
            }
        }
    }

    //= RFC9700#4.12 test
    #[test]
    fn a_redirect_never_repeats_the_post() {
        let response = see_other("https://a.example/b?c=d");
        assert_eq!(response.status(), 303);
        assert_eq!(response.headers()[LOCATION], "https://a.example/b?c=d");
        assert_eq!(see_other("https://a.example/\nb").status(), 500);
    }

    //= RFC6749#5.1 test
    #[tokio::test]
    async fn what_only_the_log_may_know_stays_there() {
        use http_body_util::BodyExt as _;
        let response = json(OAuthError::invalid_grant("no").because("rahasia").into(), Challenge::Basic);
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&bytes[..], br#"{"error":"invalid_grant","error_description":"no"}"#);
    }
}
