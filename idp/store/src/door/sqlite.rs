//! The SQLite writer: one connection, many changes in one commit.
//!
//! `BEGIN IMMEDIATE; SAVEPOINT s` - change - `RELEASE s; SAVEPOINT s` - change … `COMMIT`, each line
//! one call. A failed change is rolled back to its savepoint, the others go on; an error of the
//! frame itself fails the whole group, because nobody can say then what stands. Callers are
//! answered after the commit, when the disk has it (`synchronous=FULL`).

use std::time::{Duration, Instant};

use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
use tokio::{
    sync::{mpsc, watch},
    time::{sleep, timeout},
};

use super::{StoreError, Tx, checkpoint::Wal, job::Job, tx::Arm};

/// Changes in one commit (measured: 16 loses up to a third of the throughput of 128).
const GROUP: usize = 128;
/// A group takes no more changes once it is this old, so that long ones do not pile up behind one commit.
const GROUP_TIME: Duration = Duration::from_millis(10);
/// After this long without work the writer truncates the log.
const IDLE: Duration = Duration::from_secs(1);

/// How long a group waits for another process, and how often it looks.
const BUSY: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(1);

const BEGIN: &str = "BEGIN IMMEDIATE; SAVEPOINT s";
const NEXT: &str = "RELEASE s; SAVEPOINT s";
const UNDO: &str = "ROLLBACK TO s";
const COMMIT: &str = "COMMIT";

/// Changes that have run and wait for the commit.
type Ran = Vec<Box<dyn Job>>;

pub(super) struct Writer {
    pub(super) tx: Tx,
    pub(super) options: SqliteConnectOptions,
    pub(super) queue: mpsc::Receiver<Box<dyn Job>>,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) wal: Wal,
}

impl Writer {
    /// Works until the store is closed or nobody can send any more; what was queued is still done.
    pub(super) async fn run(mut self) {
        let mut stop = self.stop.clone();
        if let Err(error) = self.frame("PRAGMA busy_timeout = 0").await {
            tracing::error!(%error, "the writer waits by SQLite's own rule");
        }
        loop {
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
                Err(_) => self.idle().await,
            }
        }
        self.idle().await;
    }

    async fn group(&mut self, first: Box<dyn Job>) {
        let mut ran = Ran::new();
        let committed = match self.fill(first, &mut ran).await {
            Ok(()) => self.frame(COMMIT).await,
            Err(error) => Err(error),
        };
        if committed.is_err() {
            self.recover().await;
        }
        for job in ran {
            job.answer(committed.clone());
        }
        self.wal.grew();
        if self.wal.writer_should_help() {
            self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)").await;
        }
    }

    /// Runs changes until the queue is empty or the group is full or old.
    async fn fill(&mut self, first: Box<dyn Job>, ran: &mut Ran) -> Result<(), StoreError> {
        let began = Instant::now();
        let (mut frame, mut waiting) = (Some(BEGIN), Some(first));
        while let Some(mut job) = waiting {
            self.tx.renew();
            let framed = match frame {
                Some(BEGIN) => self.begin().await,
                Some(sql) => self.frame(sql).await,
                None => Ok(()),
            };
            if framed.is_ok() {
                frame = job.run(&mut self.tx).await.then_some(NEXT);
            }
            ran.push(job);
            framed?;
            if frame.is_none() {
                self.undo().await?;
            }
            waiting = if ran.len() < GROUP && began.elapsed() < GROUP_TIME { self.queue.try_recv().ok() } else { None };
        }
        Ok(())
    }

    /// Begins a group. Another process may hold the file: a command beside the server, or the server
    /// beside a command. SQLite's own waiting looks every 100 ms and would hardly ever meet the moment
    /// between two groups of a busy server; looking every millisecond does.
    async fn begin(&mut self) -> Result<(), StoreError> {
        let began = Instant::now();
        loop {
            match self.frame(BEGIN).await {
                Err(StoreError::Busy) if began.elapsed() < BUSY => sleep(LOOK).await,
                done => return done,
            }
        }
    }

    /// Rolls one change back. Where SQLite has ended the whole transaction by itself there is nothing to roll
    /// back to, and the change's own error says why (disk full).
    async fn undo(&mut self) -> Result<(), StoreError> {
        let undone = self.frame(UNDO).await;
        undone.map_err(|error| self.tx.first_error().unwrap_or(error))
    }

    /// One control statement, or two fused: each call crosses to SQLite's thread and back.
    async fn frame(&mut self, sql: &'static str) -> Result<(), StoreError> {
        let Arm::Sqlite(connection) = &mut self.tx.arm else { return Err(StoreError::Stopped) };
        sqlx::query(sql).execute(connection).await?;
        Ok(())
    }

    /// After a failed frame: no transaction may stay open, or later changes would join it. SQLite may
    /// have ended it already (disk full); a connection that cannot even say so is replaced.
    async fn recover(&mut self) {
        let Arm::Sqlite(connection) = &mut self.tx.arm else { return };
        match sqlx::query("ROLLBACK").execute(&mut *connection).await {
            Ok(_) => {}
            Err(sqlx::Error::Database(error)) if error.message().contains("no transaction is active") => {}
            Err(_) => match self.options.connect().await {
                Ok(fresh) => self.tx.arm = Arm::Sqlite(fresh),
                Err(error) => tracing::error!(%error, "the database file cannot be opened again"),
            },
        }
    }

    async fn idle(&mut self) {
        if self.wal.worth_truncating() {
            self.checkpoint("PRAGMA wal_checkpoint(TRUNCATE)").await;
        }
    }

    async fn checkpoint(&mut self, sql: &'static str) {
        let Arm::Sqlite(connection) = &mut self.tx.arm else { return };
        self.wal.checkpoint(connection, sql).await;
    }
}
