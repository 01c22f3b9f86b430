//! The client behind a request to an endpoint for clients, proved once.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use gapura_core::{
    id::ClientId,
    oauth::{Caller, Params, Proof, authenticate, presented},
    time::Instant,
};
use gapura_store::copies::Snapshot;

use super::assertion;
use crate::{failure::Failure, state::App};

/// Authenticates the caller against confirmed copies; no statement.
//= RFC6749#2.3.1
pub(super) async fn caller(
    app: &App,
    headers: &HeaderMap,
    params: &Params,
    now: Instant,
) -> Result<(Caller, Arc<Snapshot>), Failure> {
    let lines = headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
    let offered = presented(lines, params)?;
    let snapshot = app.snapshot().await?;
    match &offered.proof {
        Proof::Assertion(assertion) => assertion::proved(app, snapshot, assertion, now).await,
        Proof::Secret(..) | Proof::Nothing => {
            let found = snapshot.clients.get(&ClientId::new(&*offered.client_id));
            Ok((authenticate(found, &offered, now)?, snapshot))
        }
    }
}
