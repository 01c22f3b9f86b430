//! This node lives. Two live nodes that each keep short-lived state in memory would miss each other's
//! codes and replay marks, so the second one refuses to start.

use std::time::Duration;

use gapura_core::time::Instant;
use gapura_store::{
    StoreError,
    nodes::{self, Node},
};

use super::{Health, Shift};
use crate::{settings::Database, state::StartError};

const EVERY: Duration = Duration::from_secs(5);
/// A node that was silent for so long is dead.
pub(crate) const ALIVE: Duration = Duration::from_secs(15);
/// Rows of dead nodes leave after this time.
const KEPT: Duration = Duration::from_secs(3600);
const AGAIN: Duration = Duration::from_millis(500);

/// The first beat. A stranger may be ourselves before a crash: one that falls silent is waited for.
pub(super) async fn first(shift: &Shift) -> Result<(), StartError> {
    // A SQLite file has a lock of its own: whoever holds it is alone, and dead rows are its own.
    let alone = matches!(shift.app.settings.database, Database::Sqlite(_));
    let waited_enough = tokio::time::Instant::now() + ALIVE + AGAIN;
    loop {
        let stranger = beat(shift).await?;
        match stranger {
            Some(_) if alone => return Ok(()),
            None => return Ok(()),
            Some(_) if tokio::time::Instant::now() < waited_enough => tokio::time::sleep(AGAIN).await,
            Some(other) => {
                leave(shift).await?;
                return Err(StartError::Environment(format!(
                    "another server (node {other}) lives on this database and does not share its short-lived state: \
                     give both the same redis.url, or stop it"
                )));
            }
        }
    }
}

pub(super) async fn run(mut shift: Shift) {
    let mut health = Health::default();
    while !shift.pause(EVERY).await {
        health.note("heartbeat", &beat(&shift).await.map(drop));
    }
    if let Err(why) = leave(&shift).await {
        tracing::warn!(error = %why, "this node could not take itself off the list");
    }
}

async fn beat(shift: &Shift) -> Result<Option<String>, StoreError> {
    let (id, ephemeral, now) = words(shift);
    shift.app.db.write(async move |tx| nodes::beat(tx, &Node { id: &id, ephemeral }, now, ALIVE).await).await
}

async fn leave(shift: &Shift) -> Result<(), StoreError> {
    let (id, ephemeral, now) = words(shift);
    let dead_since = now.minus(KEPT);
    shift.app.db.write(async move |tx| nodes::leave(tx, &Node { id: &id, ephemeral }, dead_since).await).await
}

/// Nodes with a Redis share it by the settings; which one is not compared, since one Redis has many
/// names.
fn words(shift: &Shift) -> (String, &'static str, Instant) {
    let ephemeral = if shift.app.settings.redis.is_some() { "redis" } else { "memory" };
    (shift.node.clone(), ephemeral, shift.app.clock.now())
}
