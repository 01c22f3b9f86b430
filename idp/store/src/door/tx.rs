//! A transaction, as the closures of [`Db::write`](super::Db::write) see it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sqlx::{
    FromRow, PgConnection, SqliteConnection,
    postgres::{PgQueryResult, PgRow},
    sqlite::{SqliteQueryResult, SqliteRow},
};

use super::{
    StoreError,
    shelf::Lent,
    value::{Value, for_postgres, for_sqlite},
};

/// A row type of both engines; `#[derive(FromRow)]` is enough.
pub(crate) trait Record: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Record for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// An open transaction. It remembers its first error, refuses everything after it, and fails the
/// change whatever the closure makes of the error.
pub struct Tx {
    pub(super) arm: Arm,
    failed: Option<StoreError>,
    statements: Arc<AtomicU64>,
}

/// The engine behind a transaction.
pub(super) enum Arm {
    Sqlite(SqliteConnection),
    Postgres(Lent<PgConnection>),
}

/// How many rows a statement changed, on either engine.
struct Done(u64);

impl From<SqliteQueryResult> for Done {
    fn from(done: SqliteQueryResult) -> Self {
        Self(done.rows_affected())
    }
}

impl From<PgQueryResult> for Done {
    fn from(done: PgQueryResult) -> Self {
        Self(done.rows_affected())
    }
}

/// Runs one statement on whichever connection the arm holds.
macro_rules! on_arm {
    ($arm:expr, $query:ident($sql:ident, $values:ident).$fetch:ident) => {
        async {
            match $arm {
                Arm::Sqlite(connection) => {
                    Ok::<_, StoreError>(sqlx::$query($sql, for_sqlite(&$values)?).$fetch(connection).await?.into())
                }
                Arm::Postgres(lent) => {
                    Ok(sqlx::$query($sql, for_postgres(&$values)?).$fetch(lent.connection()?).await?.into())
                }
            }
        }
    };
}

impl Tx {
    pub(super) const fn new(arm: Arm, statements: Arc<AtomicU64>) -> Self {
        Self { arm, failed: None, statements }
    }

    /// The first error of this change, if a statement failed.
    pub(super) fn first_error(&self) -> Option<StoreError> {
        self.failed.clone()
    }

    /// Forgets the last change's error.
    pub(super) fn renew(&mut self) {
        self.failed = None;
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) async fn execute(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64, StoreError> {
        self.begin()?;
        let done: Result<Done, StoreError> = on_arm!(&mut self.arm, query_with(sql, values).execute).await;
        self.end(done.map(|done| done.0))
    }

    /// Every row.
    pub(crate) async fn all<R: Record>(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<R>, StoreError> {
        self.begin()?;
        let rows = on_arm!(&mut self.arm, query_as_with(sql, values).fetch_all).await;
        self.end(rows)
    }

    /// The first row, if any.
    pub(crate) async fn first<R: Record>(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Option<R>, StoreError> {
        self.begin()?;
        let row = on_arm!(&mut self.arm, query_as_with(sql, values).fetch_optional).await;
        self.end(row)
    }

    fn begin(&self) -> Result<(), StoreError> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn end<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }
}
