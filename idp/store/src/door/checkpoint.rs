//! The write-ahead log's way back into the file, off the writer's path.
//!
//! A connection of its own checkpoints PASSIVE four times a second and does the bulk. PASSIVE alone
//! never restarts the log under steady writes, so above some thousand pages the writer finishes
//! between two groups, after the answers are sent. TRUNCATE is the idle writer's alone: from another
//! connection it stalled writes for 189-319 ms (measured).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use sqlx::{ConnectOptions, FromRow, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::time::{MissedTickBehavior, interval};

const EVERY: Duration = Duration::from_millis(250);
/// Pages in the log above which the writer itself goes on.
const HELP_ABOVE: i64 = 8_000;
/// Pages in the log that are worth giving back to the disk.
const TRUNCATE_ABOVE: i64 = 1_000;

/// What is known of the log, shared by writer and checkpointer.
#[derive(Clone, Default)]
pub(super) struct Wal(Arc<Known>);

#[derive(Default)]
struct Known {
    /// Pages in the log at the last look.
    pages: AtomicI64,
    /// A group was committed since, or pages were left.
    grew: AtomicBool,
    /// The writer is to go on where this connection could not.
    help: AtomicBool,
}

/// The answer of `PRAGMA wal_checkpoint`: whether it was kept from finishing, pages in the log, pages moved.
#[derive(FromRow)]
struct Answer {
    log: i64,
    checkpointed: i64,
}

impl Wal {
    pub(super) fn grew(&self) {
        self.0.grew.store(true, Ordering::Relaxed);
    }

    pub(super) fn writer_should_help(&self) -> bool {
        self.0.help.swap(false, Ordering::Relaxed)
    }

    pub(super) fn worth_truncating(&self) -> bool {
        self.0.pages.load(Ordering::Relaxed) > TRUNCATE_ABOVE
    }

    /// One checkpoint; whether the connection still works.
    pub(super) async fn checkpoint(&self, connection: &mut SqliteConnection, sql: &'static str) -> bool {
        match sqlx::query_as::<_, Answer>(sql).fetch_one(connection).await {
            Ok(answer) => {
                self.0.pages.store(answer.log, Ordering::Relaxed);
                if answer.checkpointed < answer.log {
                    self.grew();
                }
                true
            }
            Err(error) => {
                tracing::warn!(%error, "checkpoint failed");
                false
            }
        }
    }

    /// Checkpoints what has grown, for ever; ends only with the writer.
    pub(super) async fn tend(self, options: SqliteConnectOptions) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut connection = None;
        loop {
            ticks.tick().await;
            if !self.0.grew.swap(false, Ordering::Relaxed) {
                continue;
            }
            if connection.is_none() {
                connection = options.connect().await.ok();
            }
            let Some(open) = connection.as_mut() else { continue };
            if !self.checkpoint(open, "PRAGMA wal_checkpoint(PASSIVE)").await {
                connection = None;
            }
            if self.0.pages.load(Ordering::Relaxed) > HELP_ABOVE {
                self.0.help.store(true, Ordering::Relaxed);
            }
        }
    }
}
