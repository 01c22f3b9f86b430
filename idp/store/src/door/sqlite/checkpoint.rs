//! The write-ahead log's way back into the file, off the writer's path.
//!
//! A connection of its own, on a thread of its own, checkpoints PASSIVE four times a second and does the bulk.
//! PASSIVE alone never restarts the log under steady writes, so above some thousand pages the writer finishes
//! between two groups, after the answers are sent. TRUNCATE is the idle writer's alone: from another
//! connection it stalled writes for 189-319 ms (measured).

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use rusqlite::Connection;

use super::{fetch, open_checkpointer};
use crate::door::record;

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

record! {
    /// The answer of `PRAGMA wal_checkpoint`: pages in the log, pages moved.
    struct Answer {
        log: i64,
        checkpointed: i64,
    }
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
    pub(super) fn checkpoint(&self, connection: &Connection, sql: &'static str) -> bool {
        let answers = match fetch::<Answer>(connection, sql, &[]) {
            Ok(answers) => answers,
            Err(error) => {
                tracing::warn!(%error, "checkpoint failed");
                return false;
            }
        };
        for answer in answers {
            self.0.pages.store(answer.log, Ordering::Relaxed);
            if answer.checkpointed < answer.log {
                self.grew();
            }
        }
        true
    }

    /// Checkpoints what has grown, until the writer has dropped the other end of `until`.
    pub(super) fn tend(&self, path: &Path, until: &Receiver<()>) {
        let mut connection = None;
        while until.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
            if !self.0.grew.swap(false, Ordering::Relaxed) {
                continue;
            }
            if connection.is_none() {
                connection = open_checkpointer(path).ok();
            }
            let Some(open) = connection.as_ref() else { continue };
            if !self.checkpoint(open, "PRAGMA wal_checkpoint(PASSIVE)") {
                connection = None;
            }
            if self.0.pages.load(Ordering::Relaxed) > HELP_ABOVE {
                self.0.help.store(true, Ordering::Relaxed);
            }
        }
    }
}
