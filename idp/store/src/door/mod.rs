//! The door to the database: SQLite or PostgreSQL behind one set of portable SQL.
//!
//! Reads take a connection that the store owns and run one statement. Writes go one way:
//! [`Db::write`] hands a closure to the store's own thread, which runs it in a transaction and
//! answers after the commit. A caller that hangs up leaves a whole change or none. The closure may
//! run again, so it takes values only and touches nothing but the store.

mod config;
mod error;
mod inspect;
mod job;
pub(crate) mod lock;
pub(crate) mod postgres;
mod row;
mod shelf;
pub(crate) mod sqlite;
#[cfg(test)]
mod tests;
mod tx;
mod value;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use sqlx::{ConnectOptions, PgConnection};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::spawn_blocking,
    time::timeout,
};

pub use config::{DbConfig, Opener, Place};
pub use error::StoreError;
pub use inspect::{Collation, Fault};
pub(crate) use row::{Cells, Record, Row, record};
pub use tx::Tx;
pub use value::Value;
pub(crate) use value::values;

use job::{Change, Job, Limits};
use shelf::Shelf;

use crate::migrations;

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
    /// Where this handle's reads are counted.
    reads: Arc<AtomicU64>,
}

struct Inner {
    read: Readers,
    queue: mpsc::Sender<Box<dyn Job>>,
    stop: watch::Sender<bool>,
    /// Its sender lives on the store's thread: closed when that has ended.
    ended: watch::Receiver<()>,
    tally: Tally,
    limits: Limits,
    patience: Duration,
    /// Whether the last change that was tried reached the database.
    takes_changes: AtomicBool,
}

enum Readers {
    Sqlite(Arc<sqlite::Readers>),
    Postgres(Arc<Shelf<PgConnection>>),
}

#[derive(Default)]
struct Tally {
    reads: Arc<AtomicU64>,
    follows: Arc<AtomicU64>,
    writes: AtomicU64,
    write_statements: Arc<AtomicU64>,
}

/// What was asked of the database since it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Reading statements of requests.
    pub reads: u64,
    /// Reading statements that keep copies fresh, whoever asked.
    pub follows: u64,
    /// Changes, each one closure.
    pub writes: u64,
    /// Statements inside changes, repetitions included, without BEGIN and COMMIT.
    pub write_statements: u64,
}

impl Db {
    /// Opens a database. A SQLite file is made and migrated; a PostgreSQL database must be exactly at
    /// the schema this version knows, and sort text by bytes.
    pub async fn open(config: &DbConfig) -> Result<Self, StoreError> {
        match &config.place {
            Place::Sqlite(path) => {
                let lock = match config.opener {
                    Opener::Server => Some(lock::take(path)?),
                    Opener::Command => None,
                };
                let connection = open_migrated(path.clone()).await?.0;
                let read = sqlite::Readers::new(path.clone(), config.readers);
                let (path, longest_change) = (path.clone(), config.longest_change);
                Self::start(config, Readers::Sqlite(read), async move |queue, stop, statements| {
                    let work = sqlite::Work { path, connection, queue, stop, longest_change };
                    if let Err(error) = sqlite::serve(work, |arm| Tx::new(arm, statements)).await {
                        tracing::error!(%error, "the writer ended");
                    }
                    drop(lock);
                })
            }
            Place::Postgres(url) => {
                let options = config::postgres(url)?;
                let mut first = options.connect().await?;
                migrations::check_postgres(&mut first).await?;
                let read = Shelf::new(options.clone(), config.readers);
                read.put(first);
                let shelf = Shelf::new(options, config.writers);
                Self::start(config, Readers::Postgres(read), |queue, stop, statements| async move {
                    postgres::Writer { shelf, queue, stop, statements }.run().await;
                })
            }
        }
    }

    /// Brings a database to the newest schema: what [`open`](Self::open) does by itself for SQLite only.
    /// Answers the migrations it applied.
    pub async fn migrate(config: &DbConfig) -> Result<Vec<&'static str>, StoreError> {
        match &config.place {
            Place::Sqlite(path) => Ok(open_migrated(path.clone()).await?.1),
            Place::Postgres(url) => {
                let mut connection = config::postgres(url)?.connect().await?;
                migrations::migrate_postgres(&mut connection).await
            }
        }
    }

    /// Starts the store's own thread around a writer.
    fn start<W, F>(config: &DbConfig, read: Readers, writer: W) -> Result<Self, StoreError>
    where
        W: FnOnce(mpsc::Receiver<Box<dyn Job>>, watch::Receiver<bool>, Arc<AtomicU64>) -> F + Send + 'static,
        F: Future<Output = ()>,
    {
        let (queue, jobs) = mpsc::channel(config.queue);
        let (stop, stopped) = watch::channel(false);
        let (ending, ended) = watch::channel(());
        let tally = Tally::default();
        let statements = Arc::clone(&tally.write_statements);
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = match &read {
            // Nothing there waits for a socket, and a thread without them is woken more cheaply.
            Readers::Sqlite(_) => runtime.enable_time(),
            Readers::Postgres(_) => runtime.enable_all(),
        };
        let runtime = runtime.build().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        thread::Builder::new()
            .name("gapura-store".to_owned())
            .spawn(move || {
                runtime.block_on(writer(jobs, stopped, statements));
                drop(ending);
            })
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let reads = Arc::clone(&tally.reads);
        let patience = config.patience;
        let limits = Limits { run: config.longest_change, wait: patience, answer: patience * 2 };
        Ok(Self {
            inner: Arc::new(Inner {
                read,
                queue,
                stop,
                ended,
                tally,
                limits,
                patience,
                takes_changes: AtomicBool::new(true),
            }),
            reads,
        })
    }

    /// The one way to write. The closure loads, decides and records in one transaction, may run again,
    /// and is answered after the commit. A full queue is refused at once as [`StoreError::Busy`]; a database
    /// that says nothing is [`StoreError::Unavailable`] after twice the patience, and then nobody knows
    /// whether the change stands.
    pub async fn write<R, F>(&self, apply: F) -> Result<R, StoreError>
    where
        F: AsyncFn(&mut Tx) -> Result<R, StoreError> + Send + 'static,
        R: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let limits = self.inner.limits;
        self.inner.queue.try_send(Box::new(Change::new(apply, limits, reply))).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Stopped,
        })?;
        self.inner.tally.writes.fetch_add(1, Ordering::Relaxed);
        let answered = match timeout(limits.answer, answer).await {
            Ok(answer) => answer.unwrap_or(Err(StoreError::Stopped)),
            Err(_) => Err(StoreError::silent()),
        };
        match &answered {
            Ok(_) => self.inner.takes_changes.store(true, Ordering::Relaxed),
            Err(StoreError::Unavailable(_)) => self.inner.takes_changes.store(false, Ordering::Relaxed),
            Err(_) => {}
        }
        answered
    }

    /// Whether the last change reached the database: false on a full or read-only disk, where reads go on. A
    /// server writes its heartbeat every five seconds, so this is no older.
    pub fn takes_changes(&self) -> bool {
        self.inner.takes_changes.load(Ordering::Relaxed)
    }

    /// Finishes the waiting changes and ends the store's thread. Later changes are refused as stopped.
    pub async fn close(&self) {
        self.inner.stop.send_replace(true);
        let mut ended = self.inner.ended.clone();
        while ended.changed().await.is_ok() {}
    }

    /// What was asked of the database so far.
    pub fn counts(&self) -> Counts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let tally = &self.inner.tally;
        Counts {
            reads: of(&tally.reads),
            follows: of(&tally.follows),
            writes: of(&tally.writes),
            write_statements: of(&tally.write_statements),
        }
    }

    /// The same database, its reads counted apart from those of requests.
    pub(crate) fn following(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), reads: Arc::clone(&self.inner.tally.follows) }
    }

    /// Every row of a statement that finds them by index, or reads a table of some ten rows.
    pub(crate) async fn all<R: Record>(&self, sql: &'static str, values: Vec<Value>) -> Result<Vec<R>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        match &self.inner.read {
            Readers::Sqlite(readers) => readers.all(sql, values).await,
            Readers::Postgres(shelf) => postgres::read(shelf, self.inner.patience, sql, &values).await,
        }
    }

    /// Every row of a statement that reads a table which grows with the city.
    pub(crate) async fn walk<R: Record>(&self, sql: &'static str, values: Vec<Value>) -> Result<Vec<R>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        match &self.inner.read {
            Readers::Sqlite(readers) => readers.walk(sql, values).await,
            Readers::Postgres(shelf) => postgres::read(shelf, self.inner.patience * 4, sql, &values).await,
        }
    }

    /// The first row of a reading statement, if any.
    pub(crate) async fn first<R: Record>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Option<R>, StoreError> {
        Ok(self.all(sql, values).await?.into_iter().next())
    }
}

/// Opens a SQLite file at the newest schema, making it where there is none, and names the migrations applied.
async fn open_migrated(path: PathBuf) -> Result<(rusqlite::Connection, Vec<&'static str>), StoreError> {
    let opening = spawn_blocking(move || {
        let mut connection = sqlite::open_writer(&path)?;
        let applied = migrations::migrate_sqlite(&mut connection)?;
        Ok((connection, applied))
    });
    opening.await.unwrap_or(Err(StoreError::Panicked))
}
