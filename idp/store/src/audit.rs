//! Audit events, written in the transaction of their change.

use gapura_core::audit::AuditEvent;

use crate::{StoreError, Tx, door::values};

/// Records one event: its canonical bytes and salt, and beside them what it is searched by.
pub async fn record(tx: &mut Tx, event: &AuditEvent) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO audit_events \
         (id, at, kind, user_id, client_id, application_id, request_id, salt, body) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let values = values![
        &event.id,
        event.at,
        event.kind.as_str(),
        event.user_id.as_ref(),
        event.client_id.as_ref(),
        event.application_id.as_ref(),
        event.request_id.as_deref(),
        &event.salt,
        event.canonical(),
    ];
    tx.execute(SQL, values).await.map(drop)
}
