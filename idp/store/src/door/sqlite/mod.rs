//! SQLite, called directly: what a connection is, how it binds and reads.
//!
//! Each call runs on the thread that makes it. Through sqlx every statement crossed to a thread of its own
//! and back, which cost more than the statement.

mod checkpoint;
mod readers;
mod writer;

use std::{
    fs::File,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, Statement};

use super::{
    StoreError, Value,
    row::{Places, Record},
};

pub(super) use readers::Readers;
pub(super) use writer::{Work, serve};

/// Prepared statements kept on each connection; the crate has fewer.
const STATEMENTS: usize = 512;
/// How long SQLite waits for another process while it opens and reads; changes wait by themselves.
const BUSY: Duration = Duration::from_secs(5);
/// Instructions of SQLite's machine between two looks at the clock: about a millisecond.
const LOOK_EVERY: i32 = 50_000;

/// WAL, FULL (nobody is told "done" before the disk has it), foreign keys, checkpoints by us alone.
/// A new file is readable by its owner alone; the log beside it takes that over.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| StoreError::Unfit(format!("cannot open {}: {error}", path.display())))?;
    open(
        path,
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 0",
    )
}

/// A connection that cannot write.
fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    open(path, "PRAGMA query_only = 1")
}

/// A connection that leaves no trace: not even the log's index is made where no log is.
fn open_untouched(path: &Path) -> Result<Connection, StoreError> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match path.to_str() {
        Some(plain) if !Path::new(&log).exists() => {
            let escaped = plain.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
            let uri = format!("file:{escaped}?immutable=1");
            Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?
        }
        _ => Connection::open_with_flags(path, flags)?,
    };
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// A connection that only moves the log into the file, and waits for nobody.
fn open_checkpointer(path: &Path) -> Result<Connection, StoreError> {
    let connection = open(path, "PRAGMA synchronous = FULL")?;
    connection.busy_timeout(Duration::ZERO)?;
    Ok(connection)
}

fn open(path: &Path, pragmas: &str) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch(pragmas)?;
    Ok(connection)
}

/// Runs a statement; how many rows it changed.
pub(crate) fn execute(connection: &Connection, sql: &'static str, values: &[Value]) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, values)?;
    Ok(statement.raw_execute().map(|changed| u64::try_from(changed).unwrap_or(u64::MAX))?)
}

/// Every row of a statement.
pub(crate) fn fetch<R: Record>(
    connection: &Connection,
    sql: &'static str,
    values: &[Value],
) -> Result<Vec<R>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, values)?;
    let places = Places::of::<R>(|place| statement.column_name(place).ok())?;
    let (mut rows, mut found) = (statement.raw_query(), Vec::new());
    while let Some(row) = rows.next()? {
        found.push(places.read(row)?);
    }
    Ok(found)
}

/// Binds by name: SQLite numbers `$2 … $1` by first appearance.
fn bind(statement: &mut Statement<'_>, values: &[Value]) -> Result<(), StoreError> {
    for index in 1..=statement.parameter_count() {
        let number = statement.parameter_name(index).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let value = number.and_then(|number| values.get(number.checked_sub(1)?));
        let value = value.ok_or_else(|| StoreError::Statement(format!("no value for parameter {index}")))?;
        statement.raw_bind_parameter(index, value)?;
    }
    Ok(())
}

/// A connection whose statements end when their time is up, however long one would take by itself.
pub(super) struct Timed {
    pub(super) connection: Connection,
    deadline: Deadline,
}

impl Timed {
    fn new(connection: Connection) -> Result<Self, StoreError> {
        let deadline = Deadline::default();
        let looked_at = deadline.clone();
        connection.progress_handler(LOOK_EVERY, Some(move || looked_at.passed()))?;
        Ok(Self { connection, deadline })
    }

    /// From now on statements have so long, together.
    fn allow(&self, time: Duration) {
        self.deadline.set(Some(time));
    }

    /// From now on statements have all the time they need.
    fn allow_all(&self) {
        self.deadline.set(None);
    }
}

/// A moment, shared with SQLite's progress handler.
#[derive(Clone)]
struct Deadline {
    began: Instant,
    /// Microseconds after `began`.
    at: Arc<AtomicU64>,
}

impl Default for Deadline {
    fn default() -> Self {
        Self { began: Instant::now(), at: Arc::new(AtomicU64::new(u64::MAX)) }
    }
}

impl Deadline {
    fn set(&self, time: Option<Duration>) {
        self.at.store(time.map_or(u64::MAX, |time| self.now().saturating_add(micros(time))), Ordering::Relaxed);
    }

    fn passed(&self) -> bool {
        self.now() > self.at.load(Ordering::Relaxed)
    }

    fn now(&self) -> u64 {
        micros(self.began.elapsed())
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
