//! Query and form as multimaps.
//!
//! Nothing is refused here but size: what is doubled, not UTF-8 or holds U+0000 stays data in
//! [`Params`] until somebody asks for it by name, so that the error is reported in the right place.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, Uri, header::CONTENT_TYPE, request},
};
use gapura_core::oauth::{MAX_PARAMS, Params};
use http_body_util::{BodyExt, LengthLimitError, Limited};

//= BSSN4-2021#7.d
/// Largest body of a form, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// The longest that the body of a form may take. A body that trickles would hold one of the server's
/// connections for as long as its sender likes.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Why a form could not be read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// More than [`MAX_BODY`] bytes.
    #[error("the body is too large")]
    TooLarge,
    /// More than 64 parameters.
    #[error("too many parameters")]
    TooMany,
    /// Not `application/x-www-form-urlencoded`.
    #[error("the body is no form")]
    NotAForm,
    /// The connection broke while the body was sent, or it took too long.
    #[error("the body ended early")]
    Cut,
}

/// The parameters of the query, or why there are too many. Taking it never fails: the handler
/// decides what its error looks like.
pub struct Query(pub Result<Params, Unreadable>);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(of_query(&parts.uri)))
    }
}

/// The parameters of a form body, or why it could not be read. Taking it never fails.
pub struct Form(pub Result<Params, Unreadable>);

impl<S: Sync> FromRequest<S> for Form {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        let (parts, body) = request.into_parts();
        Ok(Self(of_form(&parts.headers, body).await))
    }
}

fn of_query(uri: &Uri) -> Result<Params, Unreadable> {
    few(Params::parse(uri.query().unwrap_or_default().as_bytes()))
}

async fn of_form(headers: &HeaderMap, body: Body) -> Result<Params, Unreadable> {
    if !is_form(headers) {
        return Err(Unreadable::NotAForm);
    }
    few(Params::parse(&whole(body, BODY_TIME).await?))
}

async fn whole(body: Body, time: Duration) -> Result<Bytes, Unreadable> {
    let collected = tokio::time::timeout(time, Limited::new(body, MAX_BODY).collect()).await;
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unreadable::TooLarge),
        Ok(Err(_)) | Err(_) => Err(Unreadable::Cut),
    }
}

fn few(params: Params) -> Result<Params, Unreadable> {
    if params.count() > MAX_PARAMS { Err(Unreadable::TooMany) } else { Ok(params) }
}

fn is_form(headers: &HeaderMap) -> bool {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(kind: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        headers
    }

    const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";

    #[tokio::test]
    async fn a_form_is_read_losslessly() {
        let params = of_form(&form(FORM), Body::from("a=%ff&b=1&b=2&c=%00&d=ok")).await.unwrap();
        assert_eq!(params.count(), 5);
        assert!(params.one("a").is_err() && params.one("b").is_err() && params.one("c").is_err());
        assert_eq!(params.one("d"), Ok(Some("ok")));
    }

    #[tokio::test]
    async fn size_is_bounded_before_anything_is_read() {
        let huge = Body::from(vec![b'a'; MAX_BODY + 1]);
        assert_eq!(of_form(&form(FORM), huge).await.err(), Some(Unreadable::TooLarge));
        let fitting = Body::from(vec![b'a'; MAX_BODY]);
        assert!(of_form(&form(FORM), fitting).await.is_ok());
        let many = "a=1&".repeat(MAX_PARAMS + 1);
        assert_eq!(of_form(&form(FORM), Body::from(many.clone())).await.err(), Some(Unreadable::TooMany));
        let uri = format!("/authorize?{many}").parse::<Uri>().unwrap();
        assert_eq!(of_query(&uri).err(), Some(Unreadable::TooMany));
    }

    #[tokio::test]
    async fn another_content_is_no_form() {
        for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x", ""] {
            assert_eq!(of_form(&form(kind), Body::from("a=1")).await.err(), Some(Unreadable::NotAForm));
        }
        assert_eq!(of_form(&HeaderMap::new(), Body::from("a=1")).await.err(), Some(Unreadable::NotAForm));
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_not_waited_for() {
        let silent = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let waited = tokio::time::timeout(BODY_TIME, whole(Body::from_stream(silent), Duration::from_millis(20)));
        assert_eq!(waited.await.expect("waited for ever").err(), Some(Unreadable::Cut));
    }
}
