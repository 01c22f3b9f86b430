//! What has ended leaves in small batches, found by index, so that no statement holds the writer
//! longer than a few milliseconds. Audit events stay.

use std::time::{self, Duration};

use gapura_core::time::Instant;

use crate::{
    Db, StoreError,
    door::{record, values},
};

/// Rows one statement removes.
const BATCH: i64 = 50;
/// How long ended sessions and delivered messages stay to be looked at.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Statements in the order that foreign keys ask for; `$1` is the time, `$2` the batch.
const SWEEPS: &[(&str, Duration)] = &[
    (
        "DELETE FROM refresh_tokens WHERE id IN \
         (SELECT id FROM refresh_tokens WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        Duration::ZERO,
    ),
    (
        "DELETE FROM refresh_families WHERE id IN (SELECT f.id FROM refresh_families f WHERE f.expires_at <= $1 \
         AND NOT EXISTS (SELECT 1 FROM refresh_tokens t WHERE t.family_id = f.id) ORDER BY f.expires_at LIMIT $2)",
        Duration::ZERO,
    ),
    (
        "DELETE FROM session_clients WHERE session_id IN (SELECT s.id FROM sessions s \
         WHERE s.ended_at <= $1 ORDER BY s.ended_at LIMIT $2)",
        KEPT,
    ),
    (
        "DELETE FROM sessions WHERE id IN (SELECT s.id FROM sessions s \
         WHERE s.ended_at <= $1 \
         AND NOT EXISTS (SELECT 1 FROM session_clients c WHERE c.session_id = s.id) ORDER BY s.ended_at LIMIT $2)",
        KEPT,
    ),
    (
        "DELETE FROM logout_messages WHERE id IN \
         (SELECT id FROM logout_messages WHERE ended_at <= $1 ORDER BY ended_at LIMIT $2)",
        KEPT,
    ),
    (
        "DELETE FROM sign_in_throttles WHERE key IN \
         (SELECT key FROM sign_in_throttles WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        Duration::ZERO,
    ),
    (
        "DELETE FROM one_time_links WHERE token_hash IN \
         (SELECT token_hash FROM one_time_links WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        KEPT,
    ),
];

/// Whether anything is to go: `$1` is the time, `$2` the time less what is kept. Most of the time nothing
/// is, and a read costs no disk.
const DUE: &str = "SELECT EXISTS (SELECT 1 FROM refresh_tokens WHERE expires_at <= $1) \
     OR EXISTS (SELECT 1 FROM refresh_families WHERE expires_at <= $1) \
     OR EXISTS (SELECT 1 FROM sessions WHERE ended_at <= $2) \
     OR EXISTS (SELECT 1 FROM logout_messages WHERE ended_at <= $2) \
     OR EXISTS (SELECT 1 FROM sign_in_throttles WHERE expires_at <= $1) \
     OR EXISTS (SELECT 1 FROM one_time_links WHERE expires_at <= $2) AS due";

record! {
    struct Due {
        due: bool,
    }
}

/// What one call of [`sweep`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Rows that went.
    pub rows: u64,
    /// The longest of its statements, without the commit that follows.
    pub longest_statement: Duration,
}

/// Removes one batch of each kind. The caller repeats until no row goes.
pub async fn sweep(db: &Db, now: Instant) -> Result<Swept, StoreError> {
    let due: Option<Due> = db.following().first(DUE, values![now, now.minus(KEPT)]).await?;
    let mut swept = Swept::default();
    if !due.is_some_and(|row| row.due) {
        return Ok(swept);
    }
    for &(sql, kept) in SWEEPS {
        let removing = db.write(async move |tx| {
            let begun = time::Instant::now();
            let rows = tx.execute(sql, values![now.minus(kept), BATCH]).await?;
            Ok((rows, begun.elapsed()))
        });
        let (rows, took) = removing.await?;
        swept.rows += rows;
        swept.longest_statement = swept.longest_statement.max(took);
    }
    Ok(swept)
}
