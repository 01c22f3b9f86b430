//! The SQLite writer: one connection, many changes in one commit.
//!
//! `BEGIN IMMEDIATE` `SAVEPOINT s` - change - `RELEASE s` `SAVEPOINT s` - change … `COMMIT`. A failed change is
//! rolled back to its savepoint, the others go on; an error of the frame itself fails the whole group, because
//! nobody can say then what stands. Callers are answered after the commit, when the disk has it
//! (`synchronous=FULL`). A change that waited too long to be begun is refused: its caller hears soon that nobody
//! knows whether it stands, and does the same again.

use std::{
    collections::VecDeque,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::{
    sync::{mpsc, watch},
    time::{sleep, timeout},
};

use super::{Timed, checkpoint::Wal, execute, open_writer};
use crate::door::{StoreError, Tx, job::Job, tx::Arm};

/// Changes in one commit (measured: 16 loses up to a third of the throughput of 128).
const GROUP: usize = 128;
/// A group takes no more changes once it is this old, so that long ones do not pile up behind one commit.
const GROUP_TIME: Duration = Duration::from_millis(10);
/// After this long without work the writer truncates the log.
const IDLE: Duration = Duration::from_secs(1);

/// How long a group waits for another process, and how often it looks.
const BUSY: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(1);

/// Changes that have run and wait for the commit.
type Ran = Vec<Box<dyn Job>>;

/// What the writer works with.
pub(in crate::door) struct Work {
    pub(in crate::door) path: PathBuf,
    pub(in crate::door) connection: Connection,
    pub(in crate::door) queue: mpsc::Receiver<Box<dyn Job>>,
    pub(in crate::door) stop: watch::Receiver<bool>,
    pub(in crate::door) longest_change: Duration,
}

/// Makes the changes of a queue until the store is closed, with a checkpointer beside.
pub(in crate::door) async fn serve(work: Work, tx: impl FnOnce(Arm) -> Tx) -> Result<(), StoreError> {
    work.connection.busy_timeout(Duration::ZERO)?;
    let wal = Wal::default();
    let (working, until) = std::sync::mpsc::channel();
    let checkpointer = thread::Builder::new().name("gapura-log".to_owned()).spawn({
        let (wal, path) = (wal.clone(), work.path.clone());
        move || wal.tend(&path, &until)
    });
    let writer = Writer {
        tx: tx(Arm::Sqlite(Timed::new(work.connection)?)),
        path: work.path,
        queue: work.queue,
        again: VecDeque::new(),
        stop: work.stop,
        longest_change: work.longest_change,
        wal,
    };
    writer.run().await;
    drop(working);
    let checkpointer = checkpointer.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    checkpointer.join().map_err(|_| StoreError::Panicked)
}

struct Writer {
    tx: Tx,
    path: PathBuf,
    queue: mpsc::Receiver<Box<dyn Job>>,
    /// Changes whose group was undone through no fault of theirs.
    again: VecDeque<Box<dyn Job>>,
    stop: watch::Receiver<bool>,
    longest_change: Duration,
    wal: Wal,
}

/// A change that may still be begun; another is answered.
fn in_time(job: Box<dyn Job>) -> Option<Box<dyn Job>> {
    if !job.overdue() {
        return Some(job);
    }
    job.answer(Err(StoreError::Busy));
    None
}

impl Writer {
    /// Works until the store is closed or nobody can send any more; what was queued and is not overdue is still done.
    async fn run(mut self) {
        let mut stop = self.stop.clone();
        loop {
            if let Some(job) = self.again.pop_front() {
                self.group(job).await;
                continue;
            }
            let waiting = timeout(IDLE, async {
                tokio::select! {
                    biased;
                    _ = stop.wait_for(|stop| *stop), if !self.queue.is_closed() => {
                        self.queue.close();
                        self.queue.recv().await
                    }
                    job = self.queue.recv() => job,
                }
            });
            match waiting.await {
                Ok(Some(job)) => self.group(job).await,
                Ok(None) => break,
                Err(_) => self.idle(),
            }
        }
        self.idle();
    }

    async fn group(&mut self, first: Box<dyn Job>) {
        let Some(first) = in_time(first) else { return };
        let mut ran = Ran::new();
        let committed = match self.begin().await {
            Ok(()) => self.fill(first, &mut ran).await.and_then(|()| self.frame("COMMIT")),
            Err(error) => {
                ran.push(first);
                Err(error)
            }
        };
        if committed.is_err() {
            self.recover();
        }
        if committed == Err(StoreError::TooSlow)
            && let Some(slow) = ran.pop()
        {
            // It holds its own answer, and SQLite undid the others with it.
            slow.answer(Ok(()));
            self.again.extend(ran.drain(..));
        }
        for job in ran {
            job.answer(committed.clone());
        }
        self.wal.grew();
        if self.wal.writer_should_help() {
            self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)");
        }
    }

    /// Runs changes until the queue is empty or the group is full or old.
    async fn fill(&mut self, first: Box<dyn Job>, ran: &mut Ran) -> Result<(), StoreError> {
        // The group may have waited long for another process.
        let first = in_time(first).or_else(|| self.next());
        let (began, mut waiting, mut savepoint) = (Instant::now(), first, false);
        while let Some(mut job) = waiting {
            self.tx.renew();
            let framed = if savepoint { Ok(()) } else { self.frame("SAVEPOINT s") };
            let kept = framed.is_ok() && self.run_one(&mut job).await;
            ran.push(job);
            framed?;
            let settled = if kept { self.frame("RELEASE s") } else { self.undo() };
            settled?;
            // One that was rolled back to is still there, and serves the next change.
            savepoint = !kept;
            waiting = if ran.len() < GROUP && began.elapsed() < GROUP_TIME { self.next() } else { None };
        }
        Ok(())
    }

    /// Runs one change within its time; whether it may be committed.
    async fn run_one(&mut self, job: &mut Box<dyn Job>) -> bool {
        if let Arm::Sqlite(timed) = &self.tx.arm {
            timed.allow(self.longest_change);
        }
        let kept = job.run(&mut self.tx).await;
        if let Arm::Sqlite(timed) = &self.tx.arm {
            timed.allow_all();
        }
        kept
    }

    fn next(&mut self) -> Option<Box<dyn Job>> {
        loop {
            let job = self.again.pop_front().or_else(|| self.queue.try_recv().ok())?;
            if let Some(job) = in_time(job) {
                return Some(job);
            }
        }
    }

    /// Begins a group. Another process may hold the file: a command beside the server, or the server
    /// beside a command. SQLite's own waiting looks every 100 ms and would hardly ever meet the moment
    /// between two groups of a busy server; looking every millisecond does.
    async fn begin(&self) -> Result<(), StoreError> {
        let began = Instant::now();
        loop {
            match self.frame("BEGIN IMMEDIATE") {
                Err(StoreError::Busy) if began.elapsed() < BUSY => sleep(LOOK).await,
                done => return done,
            }
        }
    }

    /// Rolls one change back. Where SQLite has ended the whole transaction by itself there is nothing to roll
    /// back to, and the change's own error says why: the disk is full, or a statement that writes was cut off.
    fn undo(&self) -> Result<(), StoreError> {
        let undone = self.frame("ROLLBACK TO s");
        undone.map_err(|error| self.tx.first_error().unwrap_or(error))
    }

    /// One control statement.
    fn frame(&self, sql: &'static str) -> Result<(), StoreError> {
        let Arm::Sqlite(timed) = &self.tx.arm else { return Err(StoreError::Stopped) };
        execute(&timed.connection, sql, &[]).map(drop)
    }

    /// After a failed frame: no transaction may stay open, or later changes would join it. SQLite may
    /// have ended it already (disk full); a connection that cannot even do that is replaced.
    fn recover(&mut self) {
        let Arm::Sqlite(timed) = &mut self.tx.arm else { return };
        if timed.connection.is_autocommit() || execute(&timed.connection, "ROLLBACK", &[]).is_ok() {
            return;
        }
        let fresh = open_writer(&self.path).and_then(|fresh| {
            fresh.busy_timeout(Duration::ZERO)?;
            Timed::new(fresh)
        });
        match fresh {
            Ok(fresh) => *timed = fresh,
            Err(error) => tracing::error!(%error, "the database file cannot be opened again"),
        }
    }

    fn idle(&self) {
        if self.wal.worth_truncating() {
            self.checkpoint("PRAGMA wal_checkpoint(TRUNCATE)");
        }
    }

    fn checkpoint(&self, sql: &'static str) {
        let Arm::Sqlite(timed) = &self.tx.arm else { return };
        self.wal.checkpoint(&timed.connection, sql);
    }
}
