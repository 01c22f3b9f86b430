//! A transaction, as the closures of [`Db::write`](super::Db::write) see it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sqlx::PgConnection;

use super::{
    StoreError, postgres,
    row::Record,
    shelf::Lent,
    sqlite::{self, Timed},
    value::Value,
};

/// An open transaction. It remembers its first error, refuses everything after it, and fails the
/// change whatever the closure makes of the error.
pub struct Tx {
    pub(super) arm: Arm,
    failed: Option<StoreError>,
    statements: Arc<AtomicU64>,
}

/// The engine behind a transaction.
pub(super) enum Arm {
    Sqlite(Timed),
    Postgres(Lent<PgConnection>),
}

impl Arm {
    async fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(timed) => sqlite::execute(&timed.connection, sql, values),
            Self::Postgres(lent) => postgres::execute(lent.connection()?, sql, values).await,
        }
    }

    async fn fetch<R: Record>(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<R>, StoreError> {
        match self {
            Self::Sqlite(timed) => sqlite::fetch(&timed.connection, sql, values),
            Self::Postgres(lent) => postgres::fetch(lent.connection()?, sql, values).await,
        }
    }
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
        let changed = self.arm.execute(sql, &values).await;
        self.end(changed)
    }

    /// Every row.
    pub(crate) async fn all<R: Record>(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<R>, StoreError> {
        self.begin()?;
        let rows = self.arm.fetch(sql, &values).await;
        self.end(rows)
    }

    /// The first row, if any.
    pub(crate) async fn first<R: Record>(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Option<R>, StoreError> {
        Ok(self.all(sql, values).await?.into_iter().next())
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
