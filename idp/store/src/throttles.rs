//! Failed sign-ins by key: an account, or the hash of a name nobody has. Survives a restart.

use gapura_core::{identity::Throttle, time::Instant};

use crate::{
    Db, StoreError, Tx,
    door::{record, values},
};

record! {
    struct Row {
        failures: i64,
        last_failure_at: i64,
        blocked_until: i64,
        expires_at: i64,
    }
}

impl From<Row> for Throttle {
    fn from(row: Row) -> Self {
        Self {
            failures: u32::try_from(row.failures).unwrap_or(u32::MAX),
            last_failure_at: Instant::from_millis(row.last_failure_at),
            blocked_until: Instant::from_millis(row.blocked_until),
            expires_at: Instant::from_millis(row.expires_at),
        }
    }
}

const STATE: &str = "SELECT failures, last_failure_at, blocked_until, expires_at FROM sign_in_throttles \
     WHERE key = $1 AND expires_at > $2";

/// What is remembered of a key now; none where nothing is.
pub async fn state(db: &Db, key: &str, now: Instant) -> Result<Option<Throttle>, StoreError> {
    Ok(db.first::<Row>(STATE, values![key, now]).await?.map(Into::into))
}

/// Records one more failure: `next` is the rule that makes the new state of the old. Parallel
/// failures each count, because load, rule and record are one transaction.
pub async fn fail(
    tx: &mut Tx,
    key: &str,
    now: Instant,
    next: impl Fn(Option<Throttle>) -> Throttle,
) -> Result<Throttle, StoreError> {
    const SQL: &str = "INSERT INTO sign_in_throttles (key, failures, last_failure_at, blocked_until, expires_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, \
         last_failure_at = excluded.last_failure_at, blocked_until = excluded.blocked_until, \
         expires_at = excluded.expires_at";
    let before = tx.first::<Row>(STATE, values![key, now]).await?.map(Into::into);
    let after = next(before);
    let values = values![key, i64::from(after.failures), after.last_failure_at, after.blocked_until, after.expires_at];
    tx.execute(SQL, values).await?;
    Ok(after)
}

/// Keeps another state of a key, where it still is the one seen.
pub async fn amend(tx: &mut Tx, key: &str, seen: Throttle, new: Throttle) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE sign_in_throttles SET last_failure_at = $3, blocked_until = $4, expires_at = $5 \
         WHERE key = $1 AND blocked_until = $2";
    let values = values![key, seen.blocked_until, new.last_failure_at, new.blocked_until, new.expires_at];
    Ok(tx.execute(SQL, values).await? == 1)
}

/// Forgets a key: the right password was given.
pub async fn clear(tx: &mut Tx, key: &str) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM sign_in_throttles WHERE key = $1";
    tx.execute(SQL, values![key]).await.map(drop)
}
