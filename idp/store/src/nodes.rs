//! Live nodes by their heartbeat. Two that keep short-lived state in memory of their own would each
//! miss the other's codes and replay marks, so the second refuses to start.

use std::time::Duration;

use gapura_core::time::{CLOCK_LEEWAY, Instant};

use crate::{
    Db, StoreError, Tx,
    door::{record, values},
};

/// One running server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node<'a> {
    /// Random, new at each start.
    pub id: &'a str,
    /// `memory`, or which Redis: nodes with the same word share their short-lived state.
    pub ephemeral: &'a str,
}

record! {
    struct Row {
        id: String,
    }
}

/// Says that a node is alive. Answers another live one whose short-lived state is not shared with it.
pub async fn beat(
    tx: &mut Tx,
    node: &Node<'_>,
    now: Instant,
    alive_for: Duration,
) -> Result<Option<String>, StoreError> {
    const BEAT: &str = "INSERT INTO nodes (id, ephemeral, started_at, seen_at) VALUES ($1, $2, $3, $3) \
         ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at";
    const STRANGER: &str = "SELECT id FROM nodes WHERE id <> $1 AND seen_at > $2 \
         AND seen_at <= $4 AND (ephemeral <> $3 OR ephemeral = 'memory') ORDER BY started_at, id LIMIT 1";
    tx.execute(BEAT, values![node.id, node.ephemeral, now]).await?;
    let stranger: Option<Row> =
        tx.first(STRANGER, values![node.id, now.minus(alive_for), node.ephemeral, now.plus(CLOCK_LEEWAY)]).await?;
    Ok(stranger.map(|row| row.id))
}

/// Takes a node off the list when it stops, and those that died long ago.
pub async fn leave(tx: &mut Tx, node: &Node<'_>, dead_since: Instant) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM nodes WHERE id = $1 OR seen_at <= $2";
    tx.execute(SQL, values![node.id, dead_since]).await.map(drop)
}

record! {
    /// A running server as the others see it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Seen {
        /// Random, new at each start.
        pub id: String,
        /// `memory`, or which Redis.
        pub ephemeral: String,
    }
}

/// Every node heard of after `since`, the oldest first.
pub async fn alive(db: &Db, since: Instant) -> Result<Vec<Seen>, StoreError> {
    const SQL: &str = "SELECT id, ephemeral FROM nodes WHERE seen_at > $1 ORDER BY started_at, id";
    db.all(SQL, values![since]).await
}
