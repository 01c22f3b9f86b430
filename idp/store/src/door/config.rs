//! Which database, opened by whom, and how its connections behave.

use std::{
    fs::File,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    ConnectOptions,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::StoreError;

/// Prepared statements kept on each connection; the crate has fewer.
const STATEMENTS: usize = 512;
/// How long SQLite waits for another process while it opens and reads; changes wait by themselves.
const BUSY: Duration = Duration::from_secs(5);

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file.
    Sqlite(PathBuf),
    /// A `postgres://` URL. Holds a password: never logged.
    Postgres(String),
}

/// Who opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// A server: only one for a SQLite file.
    Server,
    /// A command, beside a server or alone.
    Command,
}

/// How to open a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbConfig {
    /// Where.
    pub place: Place,
    /// By whom.
    pub opener: Opener,
    /// Changes that may wait; one more is refused as [`StoreError::Busy`].
    pub queue: usize,
    /// Connections for reading.
    pub readers: usize,
    /// Connections for writing (PostgreSQL only; SQLite has one).
    pub writers: usize,
    /// How long one change may hold the writer before it is undone. Looked at between its statements.
    pub longest_change: Duration,
}

impl DbConfig {
    /// A SQLite file, for a command.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self::new(Place::Sqlite(path.into()))
    }

    /// A PostgreSQL database, for a command.
    pub fn postgres(url: impl Into<String>) -> Self {
        Self::new(Place::Postgres(url.into()))
    }

    /// The same, for a server.
    #[must_use]
    pub fn for_server(self) -> Self {
        Self { opener: Opener::Server, ..self }
    }

    fn new(place: Place) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            place,
            opener: Opener::Command,
            queue: 1024,
            readers: cores.clamp(2, 4),
            writers: 6,
            longest_change: Duration::from_secs(5),
        }
    }
}

/// WAL, FULL (nobody is told "done" before the disk has it), foreign keys, checkpoints by us alone.
/// A new file is readable by its owner alone; the log beside it takes that over.
pub(super) fn sqlite_writer(path: &Path) -> Result<SqliteConnectOptions, StoreError> {
    File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| StoreError::Unfit(format!("cannot open {}: {error}", path.display())))?;
    Ok(sqlite(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("wal_autocheckpoint", "0"))
}

/// A connection that cannot write.
pub(super) fn sqlite_reader(path: &Path) -> SqliteConnectOptions {
    sqlite(path).pragma("query_only", "1")
}

/// A connection that only moves the log into the file.
pub(super) fn sqlite_checkpointer(path: &Path) -> SqliteConnectOptions {
    sqlite(path).synchronous(SqliteSynchronous::Full).busy_timeout(Duration::ZERO)
}

fn sqlite(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY)
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging()
}

/// Statements and forgotten transactions end by themselves, so a stuck one holds no connection; a commit
/// is answered when the disk has it, whatever the server's own settings say.
pub(super) fn postgres(url: &str) -> Result<PgConnectOptions, StoreError> {
    let options: PgConnectOptions =
        url.parse().map_err(|_| StoreError::Unfit("the database URL is not a postgres:// URL".to_owned()))?;
    Ok(options
        .application_name("gapura")
        .statement_cache_capacity(STATEMENTS)
        .options([
            ("statement_timeout", "15s"),
            ("idle_in_transaction_session_timeout", "15s"),
            ("synchronous_commit", "on"),
        ])
        .disable_statement_logging())
}
