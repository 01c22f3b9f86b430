//! Audit events, written in the transaction of their change.

use gapura_core::{
    audit::{AuditEvent, EventKind},
    id::EventId,
    time::Instant,
};

use crate::{
    Db, StoreError, Tx,
    columns::word,
    door::{record, values},
};

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

/// An event as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Time-ordered key.
    pub id: EventId,
    /// When.
    pub at: Instant,
    /// What.
    pub kind: EventKind,
    /// The canonical bytes.
    pub body: Vec<u8>,
}

record! {
    struct Row {
        id: String,
        at: i64,
        kind: String,
        body: Vec<u8>,
    }
}

/// The newest events older than `before` (the newest of all where none is given), at most `limit`.
pub async fn older(db: &Db, before: Option<&EventId>, limit: i64) -> Result<Vec<Recorded>, StoreError> {
    const SQL: &str = "SELECT id, at, kind, body FROM audit_events WHERE id < $1 ORDER BY id DESC LIMIT $2";
    // Keys are hexadecimal: "g" stands behind them all.
    let before = before.map_or("g", EventId::as_str);
    let rows: Vec<Row> = db.all(SQL, values![before, limit]).await?;
    let read = |row: Row| {
        Ok(Recorded {
            id: EventId::new(row.id),
            at: Instant::from_millis(row.at),
            kind: word(&row.kind, "audit_events.kind")?,
            body: row.body,
        })
    };
    rows.into_iter().map(read).collect()
}

record! {
    struct At {
        at: i64,
    }
}

/// When the newest event happened.
pub async fn newest(db: &Db) -> Result<Option<Instant>, StoreError> {
    const SQL: &str = "SELECT at FROM audit_events ORDER BY id DESC LIMIT 1";
    Ok(db.first::<At>(SQL, values![]).await?.map(|row| Instant::from_millis(row.at)))
}
