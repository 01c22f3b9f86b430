//! How a request that may not go on is answered: a page for a person, JSON with a challenge for a program.

use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use url::{Url, form_urlencoded};

use crate::entropy;
use crate::error::Error;
use crate::gapura::Gapura;
use crate::pages::{self, Link, Page};
use crate::return_to::ReturnTo;
use crate::text::Text;

/// Who reads the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A person looks at the window this request fills.
    Person,
    /// A script or another program reads it.
    Program,
}

impl Kind {
    pub(crate) fn of(parts: &Parts) -> Self {
        Self::of_headers(&parts.headers)
    }

    /// A browser says what it is doing (`Sec-Fetch-Mode`); where nothing says so, `Accept` must name HTML.
    pub(crate) fn of_headers(headers: &HeaderMap) -> Self {
        let navigates = match headers.get("sec-fetch-mode") {
            Some(mode) => mode == "navigate",
            None => headers
                .get(ACCEPT)
                .and_then(|value| value.to_str().ok())
                .is_some_and(|types| types.contains("text/html")),
        };
        if navigates { Self::Person } else { Self::Program }
    }
}

/// Nobody is signed in: a person goes to sign in and comes back; a program learns where. What a form sent is not sent
/// again behind anybody's back.
pub(crate) fn sign_in_first(gapura: &Gapura, parts: &Parts) -> Response {
    match (Kind::of(parts), &parts.method) {
        (Kind::Person, &Method::GET | &Method::HEAD) => {
            to_login(gapura, parts.uri.path_and_query().map(http::uri::PathAndQuery::as_str))
        }
        (Kind::Person, _) => {
            let page = Page::new("session_over", Text::SESSION_OVER).link(Link::to(
                "/auth/login",
                "Masuk lagi",
                "Sign in again",
            ));
            page.respond(StatusCode::UNAUTHORIZED)
        }
        (Kind::Program, _) => {
            let challenge = format!(
                "Cookie realm=\"{}\", form-action=\"/auth/login\", cookie-name=\"{}\"",
                pages::token(&gapura.settings().client_id),
                gapura.cookies().session_name()
            );
            let mut answer = json(StatusCode::UNAUTHORIZED, "sign_in_required", None);
            if let Ok(value) = HeaderValue::from_str(&challenge) {
                answer.headers_mut().insert(WWW_AUTHENTICATE, value);
            }
            answer
        }
    }
}

fn to_login(gapura: &Gapura, path: Option<&str>) -> Response {
    let return_to =
        path.and_then(|path| ReturnTo::parse(path, &gapura.settings().public_url)).unwrap_or_else(ReturnTo::home);
    let query: String =
        form_urlencoded::Serializer::new(String::new()).append_pair("return_to", return_to.as_str()).finish();
    redirect(&format!("/auth/login?{query}"))
}

/// A redirect after which the browser uses GET; never stored.
pub(crate) fn redirect(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(location) => {
            (StatusCode::SEE_OTHER, [(LOCATION, location), (CACHE_CONTROL, HeaderValue::from_static("no-store"))])
                .into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A state-changing request that no page of this application made.
pub(crate) fn foreign(kind: Kind) -> Response {
    match kind {
        Kind::Person => {
            Page::new("foreign_request", Text::FOREIGN_POST).link(Link::home()).respond(StatusCode::FORBIDDEN)
        }
        Kind::Program => json(StatusCode::FORBIDDEN, "foreign_request", None),
    }
}

/// The library failed. The log has the developer's sentence under the same reference code as the page.
pub(crate) fn failed(error: &Error, kind: Kind) -> Response {
    let reference: String =
        entropy::token().unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    tracing::error!(%error, code = error.code(), reference, "a request was refused");
    let status = status_of(error);
    match kind {
        Kind::Person => Page::new(error.code(), error.for_person())
            .reference(&reference)
            .link(Link::to("/auth/login", "Masuk lagi", "Sign in again"))
            .link(Link::home())
            .respond(status),
        Kind::Program => json(status, error.code(), Some(&reference)),
    }
}

fn status_of(error: &Error) -> StatusCode {
    match error {
        _ if error.is_temporary() => StatusCode::SERVICE_UNAVAILABLE,
        Error::NotBegunHere(_) | Error::MixedUp { .. } => StatusCode::BAD_REQUEST,
        Error::Refused { code, .. } if code == "access_denied" => StatusCode::FORBIDDEN,
        Error::Refused { .. } | Error::Token(_) => StatusCode::BAD_REQUEST,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Signed in, but without the role. The link leads to the provider, which knows who gives it and why it is missing.
pub(crate) async fn role_missing(gapura: &Gapura, parts: &Parts, (code, name): (&str, &str)) -> Response {
    if Kind::of(parts) == Kind::Program {
        return json(StatusCode::FORBIDDEN, "role_missing", None);
    }
    let explanation = explanation(gapura, code).await;
    Page::new("role_missing", Text::ROLE_MISSING)
        .detail(name)
        .link(Link::to(explanation.as_str(), "Mengapa? Lihat penjelasan", "Why? See the explanation"))
        .link(Link::home())
        .respond(StatusCode::FORBIDDEN)
}

async fn explanation(gapura: &Gapura, role: &str) -> Url {
    let endpoint = match gapura.provider().await {
        Ok(provider) => provider.metadata.additional_metadata().gapura_explanation_endpoint.clone(),
        Err(_) => None,
    };
    match endpoint {
        Some(mut url) => {
            url.query_pairs_mut().append_pair("client_id", &gapura.settings().client_id).append_pair("role", role);
            url
        }
        None => gapura.settings().issuer.url().clone(),
    }
}

/// An error for a program.
pub(crate) fn json(status: StatusCode, error: &str, reference: Option<&str>) -> Response {
    let body = serde_json::json!({ "error": error, "reference": reference }).to_string();
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, body).into_response()
}
