//! The public keys (RFC 7517 section 5). The bytes are made when a key moves.

use axum::{extract::State, http::HeaderMap, response::Response};

use super::discovery::Document;
use crate::state::App;

/// Anybody; reads the published keys, writes nothing.
//= OIDC-DISCOVERY#3
pub async fn jwks(State(app): State<App>, headers: HeaderMap) -> Response {
    Document::new(app.keys.jwks()).answer(&headers)
}
