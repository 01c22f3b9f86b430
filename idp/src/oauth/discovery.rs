//! What this server says of itself, at both well-known paths (OpenID Connect Discovery 1.0 section 4, RFC 8414
//! section 3). The bytes are made once at start and carry an entity tag.

use axum::{
    body::Bytes,
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
    response::{IntoResponse, Response},
};
use gapura_core::oauth::metadata;
use sha2::{Digest, Sha256};

use crate::state::App;

/// Bytes with their entity tag.
pub struct Document {
    bytes: Bytes,
    tag: Option<HeaderValue>,
}

impl Document {
    /// The metadata of an issuer.
    //= RFC8414#3.3
    pub fn of(issuer: &str) -> Self {
        Self::new(Bytes::from(metadata(issuer).to_string()))
    }

    /// Any bytes.
    pub fn new(bytes: Bytes) -> Self {
        let mut tag = gapura_core::hex(&Sha256::digest(&bytes));
        tag.truncate(32);
        Self { tag: HeaderValue::try_from(format!("\"{tag}\"")).ok(), bytes }
    }

    /// Whether it is made of these very bytes, not of others that are equal.
    pub(super) fn holds(&self, bytes: &Bytes) -> bool {
        (self.bytes.as_ptr(), self.bytes.len()) == (bytes.as_ptr(), bytes.len())
    }

    /// The answer: public, kept for five minutes, or nothing where the caller has it (RFC 9110 section 13.1.2).
    pub fn answer(&self, asked: &HeaderMap) -> Response {
        let known = asked.get(IF_NONE_MATCH).is_some_and(|sent| Some(sent) == self.tag.as_ref());
        let mut response =
            if known { StatusCode::NOT_MODIFIED.into_response() } else { self.bytes.clone().into_response() };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        if let Some(tag) = &self.tag {
            headers.insert(ETAG, tag.clone());
        }
        response
    }
}

/// Anybody; reads and writes nothing.
//= OIDC-DISCOVERY#4
//= RFC8414#3
pub async fn discovery(State(app): State<App>, headers: HeaderMap) -> Response {
    app.oauth.metadata.answer(&headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    //= RFC8414#3.3 test
    #[tokio::test]
    async fn who_has_the_document_is_told_so() {
        use http_body_util::BodyExt as _;
        let document = Document::of("https://sso.kota.go.id");
        let first = document.answer(&HeaderMap::new());
        assert_eq!(first.status(), 200);
        let tag = first.headers()[ETAG].clone();
        let bytes = first.into_body().collect().await.unwrap().to_bytes();
        let said: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(said["issuer"], "https://sso.kota.go.id");
        let again = document.answer(&HeaderMap::from_iter([(IF_NONE_MATCH, tag.clone())]));
        assert_eq!((again.status().as_u16(), &again.headers()[ETAG]), (304, &tag));
        let changed = Document::of("https://lain.kota.go.id");
        assert_eq!(changed.answer(&HeaderMap::from_iter([(IF_NONE_MATCH, tag)])).status(), 200);
    }
}
