//! What can go wrong at the door. Not found is never an error.

use rusqlite::ffi;
use sqlx::error::DatabaseError;

/// Why the store gave no answer. Cloned, because one failed commit answers a whole group.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The queue is full, or another process holds the file: try again later (503).
    #[error("the store is busy")]
    Busy,
    /// The store was closed.
    #[error("the store was stopped")]
    Stopped,
    /// The database does not answer (503).
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Concurrent changes kept colliding until the tries ran out (503).
    #[error("concurrent changes kept colliding")]
    Conflict,
    /// A unique key is taken. Holds the engine's name of it.
    #[error("already taken: {0}")]
    Unique(String),
    /// A change held the writer too long and was undone.
    #[error("the change took too long")]
    TooSlow,
    /// A change panicked and was undone.
    #[error("the change panicked")]
    Panicked,
    /// A stored row cannot be. Names the column.
    #[error("corrupt row: {0}")]
    Corrupt(String),
    /// The engine refused a statement: a mistake of ours.
    #[error("refused statement: {0}")]
    Statement(String),
    /// The database is not one this version can serve. Says why and what to do.
    #[error("{0}")]
    Unfit(String),
}

impl StoreError {
    pub(super) fn silent() -> Self {
        Self::Unavailable("the database does not answer".to_owned())
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::SqliteFailure(code, message) => from_sqlite(code, message),
            rusqlite::Error::SqlInputError { error, msg, .. } => from_sqlite(error, Some(msg)),
            other => Self::Statement(other.to_string()),
        }
    }
}

/// By extended result code, then by the primary one in its low byte (sqlite.org/rescode.html).
fn from_sqlite(code: ffi::Error, message: Option<String>) -> StoreError {
    let message = message.unwrap_or_else(|| code.to_string());
    match code.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => return StoreError::Unique(message),
        _ => {}
    }
    match code.extended_code & 0xff {
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => StoreError::Busy,
        // Nothing but a change's time limit interrupts.
        ffi::SQLITE_INTERRUPT => StoreError::TooSlow,
        ffi::SQLITE_READONLY
        | ffi::SQLITE_IOERR
        | ffi::SQLITE_CORRUPT
        | ffi::SQLITE_FULL
        | ffi::SQLITE_CANTOPEN
        | ffi::SQLITE_NOTADB => StoreError::Unavailable(message),
        _ => StoreError::Statement(message),
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => from_postgres(error.as_ref()),
            sqlx::Error::ColumnDecode { index, .. } => Self::Corrupt(index),
            sqlx::Error::ColumnNotFound(name) => Self::Statement(format!("no column {name}")),
            sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::TypeNotFound { .. }
            | sqlx::Error::Encode(_)
            | sqlx::Error::Decode(_) => Self::Statement(error.to_string()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// By SQLSTATE class (PostgreSQL 15, appendix A).
fn from_postgres(error: &dyn DatabaseError) -> StoreError {
    let message = error.message();
    if error.is_unique_violation() {
        return StoreError::Unique(error.constraint().unwrap_or(message).to_owned());
    }
    match error.code().unwrap_or_default().as_ref() {
        "40001" | "40P01" => StoreError::Conflict,
        // 08 connection, 25P03 idle in transaction, 28 authorization, 3D000 no such database, 53 resources,
        // 57 operator intervention, 58 system
        code if ["08", "25P03", "28", "3D", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
            StoreError::Unavailable(message.to_owned())
        }
        _ => StoreError::Statement(message.to_owned()),
    }
}
