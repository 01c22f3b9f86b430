//! Looking at a database without touching it: nothing is made, migrated, locked or checkpointed, and what
//! a start would refuse is told apart. Changes through such a door are refused as stopped.

use std::{
    fs::File,
    io::{ErrorKind, Read as _},
    path::Path,
};

use gapura_core::time::Instant;
use sqlx::ConnectOptions;
use tokio::time::timeout;

use super::{
    Db, DbConfig, Place, Readers, StoreError, config, record,
    shelf::{PATIENCE, Shelf},
    sqlite, values,
};
use crate::migrations::{self, Applied, Schema};

/// The first bytes of every SQLite file.
const SQLITE: &[u8; 16] = b"SQLite format 3\0";

/// Why a database cannot be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The URL is no `postgres://` URL.
    Url,
    /// There is no such file.
    Missing,
    /// The file cannot be read: why.
    Unreadable(String),
    /// The file is no SQLite database.
    NotSqlite,
    /// PostgreSQL refuses the user or the password.
    Login,
    /// PostgreSQL has no database of this name.
    Absent,
    /// PostgreSQL does not answer, or not as it should: why.
    Unreachable(String),
}

record! {
    /// How a database sorts text, and what its text is written in.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Collation {
        /// `LC_COLLATE`.
        pub collation: String,
        /// Character encoding.
        pub encoding: String,
    }

    struct Millis {
        millis: i64,
    }
}

impl Collation {
    /// Text compares by bytes, as keyset pages and prefix ranges need.
    pub fn is_by_bytes(&self) -> bool {
        matches!(self.collation.as_str(), "C" | "POSIX") && self.encoding == "UTF8"
    }
}

impl Db {
    /// Opens a database for reading, at whatever schema it is.
    pub async fn open_to_read(config: &DbConfig) -> Result<Self, Fault> {
        let read = match &config.place {
            Place::Sqlite(path) => {
                is_sqlite(path)?;
                Readers::Sqlite(sqlite::Readers::untouched(path.clone(), config.readers))
            }
            Place::Postgres(url) => {
                let options = config::postgres(url).map_err(|_| Fault::Url)?;
                let options = options.options([("default_transaction_read_only", "on")]);
                let first = timeout(PATIENCE, options.connect()).await;
                let first = first
                    .map_err(|_| Fault::Unreachable(StoreError::silent().to_string()))?
                    .map_err(|why| fault(&why))?;
                let read = Shelf::new(options, config.readers);
                read.put(first);
                Readers::Postgres(read)
            }
        };
        Self::start(config, read, |_, _, _| async {}).map_err(|why| Fault::Unreachable(why.to_string()))
    }

    /// The schema of the database beside the one this version knows.
    pub async fn schema(&self) -> Result<Schema, StoreError> {
        match self.all::<Applied>(migrations::APPLIED, values![]).await {
            Ok(applied) => Ok(Schema::of(&applied)),
            Err(StoreError::Statement(_)) => Ok(Schema::None),
            Err(why) => Err(why),
        }
    }

    /// How a PostgreSQL database sorts; SQLite always does it by bytes.
    pub async fn collation(&self) -> Result<Option<Collation>, StoreError> {
        match &self.inner.read {
            Readers::Sqlite(_) => Ok(None),
            Readers::Postgres(_) => self.first(migrations::COLLATION, values![]).await,
        }
    }

    /// What time it is for PostgreSQL; SQLite has no clock of its own.
    pub async fn clock(&self) -> Result<Option<Instant>, StoreError> {
        const SQL: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS millis";
        match &self.inner.read {
            Readers::Sqlite(_) => Ok(None),
            Readers::Postgres(_) => {
                Ok(self.first::<Millis>(SQL, values![]).await?.map(|row| Instant::from_millis(row.millis)))
            }
        }
    }
}

fn is_sqlite(path: &Path) -> Result<(), Fault> {
    let mut head = [0; 16];
    match File::open(path).and_then(|mut file| file.read_exact(&mut head)) {
        Ok(()) if head == *SQLITE => Ok(()),
        // An empty file is what a start makes first.
        Err(why) if why.kind() == ErrorKind::UnexpectedEof && std::fs::metadata(path).is_ok_and(|it| it.len() == 0) => {
            Err(Fault::Missing)
        }
        Err(why) if why.kind() == ErrorKind::NotFound => Err(Fault::Missing),
        Err(why) if why.kind() != ErrorKind::UnexpectedEof => Err(Fault::Unreadable(why.to_string())),
        _ => Err(Fault::NotSqlite),
    }
}

/// By SQLSTATE: 28 refuses who connects, 3D000 knows no such database.
fn fault(why: &sqlx::Error) -> Fault {
    match why {
        sqlx::Error::Database(refused) => match refused.code().unwrap_or_default() {
            code if code.starts_with("28") => Fault::Login,
            code if code == "3D000" => Fault::Absent,
            _ => Fault::Unreachable(refused.message().to_owned()),
        },
        other => Fault::Unreachable(other.to_string()),
    }
}
