//! The public keys (RFC 7517 section 5). The bytes are made when a key moves.

use std::time::Duration;

use axum::{extract::State, http::HeaderMap, response::Response};

use super::discovery::Document;
use crate::state::App;

/// Longest wait for a database that does not answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Anybody; reads the published keys, writes nothing. Who asks may have met a key that another node signs with, so
/// copies are confirmed first; in an outage what is here is served.
//= OIDC-DISCOVERY#3
pub async fn jwks(State(app): State<App>, headers: HeaderMap) -> Response {
    let _ = tokio::time::timeout(PATIENCE, app.snapshot()).await;
    Document::new(app.keys.jwks()).answer(&headers)
}
