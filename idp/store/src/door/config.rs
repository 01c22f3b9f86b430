//! Which database, opened by whom, and how its connections behave.

use std::{path::PathBuf, time::Duration};

use sqlx::{ConnectOptions, postgres::PgConnectOptions};

use super::StoreError;

/// Prepared statements kept on each connection; the crate has fewer.
const STATEMENTS: usize = 512;

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
    /// Connections for reading; on SQLite only for statements that may take long.
    pub readers: usize,
    /// Connections for writing (PostgreSQL only; SQLite has one).
    pub writers: usize,
    /// How long one change may hold the writer before it is undone: between its statements, and inside one.
    pub longest_change: Duration,
    /// How long a caller waits for a read, and twice as long for a change, however silent the database is.
    pub patience: Duration,
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
        Self { opener: Opener::Server, patience: Duration::from_secs(5), ..self }
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
            // A command reads whole tables, and waits longer than the server's own limit of a statement.
            patience: Duration::from_secs(20),
        }
    }
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
