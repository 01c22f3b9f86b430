//! What operations ask: is it alive, is it ready, how does it do. Metrics and readiness are answered
//! on `ops.listen` only; `/healthz` on both sockets.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use gapura_core::words;
use serde_json::json;

use crate::{failure::Trouble, metrics, state::App};

words! {
    /// What a server waits for that is not ready.
    pub enum WaitsFor {
        /// The database answers.
        Database = "database",
        /// The database takes changes: its disk is neither full nor read-only.
        Changes = "changes to the database",
        /// Redis answers.
        ShortLived = "short-lived state",
        /// A key of every announced algorithm is there.
        SigningKeys = "signing keys",
    }
}

/// `GET /healthz`. Anybody; reads and writes nothing: the process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`. Operations; one read, and those of copies not confirmed for a second. Ready when the database and Redis answer, the last change was taken
/// (it is not on a full disk), copies can be confirmed as every endpoint does, and a key of every announced
/// algorithm is there and opens.
pub async fn readyz(State(app): State<App>) -> Response {
    let mut waiting_for = Vec::new();
    let (asked, copies) = tokio::join!(gapura_store::generations::current(&app.db), app.snapshot());
    let keys_open = !matches!(copies, Err(Trouble::Key(_)));
    if asked.is_err() || (keys_open && copies.is_err()) {
        waiting_for.push(WaitsFor::Database);
    } else if !app.db.takes_changes() {
        waiting_for.push(WaitsFor::Changes);
    }
    if app.ephemeral.check().await.is_err() {
        waiting_for.push(WaitsFor::ShortLived);
    }
    if !keys_open || !app.keys.complete() {
        waiting_for.push(WaitsFor::SigningKeys);
    }
    let status = if waiting_for.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({"ready": waiting_for.is_empty(), "waiting_for": waiting_for}))).into_response()
}

/// `GET /metrics`. Operations; Prometheus text format.
pub async fn page() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics::page()).into_response()
}
