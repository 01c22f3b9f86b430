//! Connections that only read.
//!
//! What a request reads runs on the thread that asks: one statement costs a few microseconds, less than handing
//! it to another thread would. What walks through a table that grows with the city, or meets a file that another
//! process holds, goes to a thread that may wait.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::Connection;
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{BUSY, fetch, open_reader, open_untouched};
use crate::door::{Record, StoreError, Value};

/// Idle connections. There are never more than threads that read at once.
pub(in crate::door) struct Readers {
    path: PathBuf,
    open: fn(&Path) -> Result<Connection, StoreError>,
    idle: Mutex<Vec<Connection>>,
    /// Long reads at once.
    long: Semaphore,
}

impl Readers {
    pub(in crate::door) fn new(path: PathBuf, long: usize) -> Arc<Self> {
        Self::by(open_reader, path, long)
    }

    /// Of a file that must not be changed in any way.
    pub(in crate::door) fn untouched(path: PathBuf, long: usize) -> Arc<Self> {
        Self::by(open_untouched, path, long)
    }

    fn by(open: fn(&Path) -> Result<Connection, StoreError>, path: PathBuf, long: usize) -> Arc<Self> {
        Arc::new(Self { path, open, idle: Mutex::default(), long: Semaphore::new(long) })
    }

    /// Every row of a statement that finds them by index.
    pub(in crate::door) async fn all<R: Record>(
        self: &Arc<Self>,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<R>, StoreError> {
        match self.read(sql, &values, Duration::ZERO) {
            Err(StoreError::Busy) => self.walk(sql, values).await,
            read => read,
        }
    }

    /// Every row of a statement that may take long.
    pub(in crate::door) async fn walk<R: Record>(
        self: &Arc<Self>,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<R>, StoreError> {
        let _turn = self.long.acquire().await.map_err(|_| StoreError::Stopped)?;
        let readers = Arc::clone(self);
        spawn_blocking(move || readers.read(sql, &values, BUSY)).await.unwrap_or(Err(StoreError::Stopped))
    }

    /// Reads through an idle connection, or a new one. One that broke is replaced, once.
    fn read<R: Record>(&self, sql: &'static str, values: &[Value], patience: Duration) -> Result<Vec<R>, StoreError> {
        let idle = self.lock().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => (self.open)(&self.path)?,
        };
        connection.busy_timeout(patience)?;
        let mut rows = fetch(&connection, sql, values);
        if let Err(StoreError::Unavailable(_)) = rows {
            connection = (self.open)(&self.path)?;
            rows = fetch(&connection, sql, values);
        }
        self.lock().push(connection);
        rows
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
