//! The public keys (RFC 7517 section 5). Bytes and entity tag are made when a key moves.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use axum::{body::Bytes, extract::State, http::HeaderMap, response::Response};

use super::discovery::Document;
use crate::state::App;

/// Longest wait for a database that does not answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Anybody; reads the published keys, writes nothing. Who asks may have met a key that another node signs with, so
/// copies are confirmed first; in an outage what is here is served.
//= OIDC-DISCOVERY#3
pub async fn jwks(State(app): State<App>, headers: HeaderMap) -> Response {
    let _ = tokio::time::timeout(PATIENCE, app.snapshot()).await;
    app.oauth.jwks.of(app.keys.jwks()).answer(&headers)
}

/// The document of the keys that were published last.
pub(super) struct Published(ArcSwap<Document>);

impl Default for Published {
    fn default() -> Self {
        Self(ArcSwap::from_pointee(Document::new(Bytes::new())))
    }
}

impl Published {
    fn of(&self, bytes: Bytes) -> Arc<Document> {
        let known = self.0.load_full();
        if known.holds(&bytes) {
            return known;
        }
        let made = Arc::new(Document::new(bytes));
        self.0.store(Arc::clone(&made));
        made
    }
}
