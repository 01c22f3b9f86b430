//! What can go wrong at the door. Not found is never an error.

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

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => from_database(error.as_ref()),
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

fn from_database(error: &dyn DatabaseError) -> StoreError {
    if error.is_unique_violation() {
        return StoreError::Unique(error.constraint().unwrap_or_else(|| error.message()).to_owned());
    }
    let code = error.code().unwrap_or_default();
    let sqlite = error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
    if sqlite { from_sqlite(&code, error.message()) } else { from_postgres(&code, error.message()) }
}

/// By primary result code: the extended code's low byte (sqlite.org/rescode.html).
fn from_sqlite(code: &str, message: &str) -> StoreError {
    match code.parse::<i64>().unwrap_or(0) & 0xff {
        5 | 6 => StoreError::Busy,
        // READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB
        8 | 10 | 11 | 13 | 14 | 26 => StoreError::Unavailable(message.to_owned()),
        _ => StoreError::Statement(message.to_owned()),
    }
}

/// By SQLSTATE class (PostgreSQL 15, appendix A).
fn from_postgres(code: &str, message: &str) -> StoreError {
    match code {
        "40001" | "40P01" => StoreError::Conflict,
        // 08 connection, 25P03 idle in transaction, 28 authorization, 3D000 no such database, 53 resources,
        // 57 operator intervention, 58 system
        _ if ["08", "25P03", "28", "3D", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
            StoreError::Unavailable(message.to_owned())
        }
        _ => StoreError::Statement(message.to_owned()),
    }
}
