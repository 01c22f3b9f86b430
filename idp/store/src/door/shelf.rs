//! Owned connections: taken for one use, put back when the user is done or gone.
//!
//! A permit per connection keeps the number bounded; connections are opened when first needed and
//! after an outage, so the store recovers without a restart.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{ConnectOptions, Connection};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::StoreError;

/// How long a connection may take to open, and a control statement to be answered. A host that is gone
/// says nothing at all.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Up to `n` connections of one kind.
pub(super) struct Shelf<C: Connection> {
    options: C::Options,
    permits: Arc<Semaphore>,
    size: usize,
    idle: Mutex<Vec<C>>,
}

impl<C: Connection> Shelf<C> {
    pub(super) fn new(options: C::Options, size: usize) -> Arc<Self> {
        let idle = Mutex::new(Vec::with_capacity(size));
        Arc::new(Self { options, permits: Arc::new(Semaphore::new(size)), size, idle })
    }

    /// Waits for the right to use one connection.
    pub(super) async fn permit(self: &Arc<Self>) -> Result<Permit<C>, StoreError> {
        let right = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Stopped)?;
        Ok(Permit { shelf: Arc::clone(self), right })
    }

    /// A connection, new if none is idle.
    pub(super) async fn take(self: &Arc<Self>) -> Result<Lent<C>, StoreError> {
        self.permit().await?.connect().await
    }

    /// Puts a connection that is already open on the shelf.
    pub(super) fn put(&self, connection: C) {
        self.lock().push(connection);
    }

    async fn open(&self) -> Result<C, StoreError> {
        match timeout(PATIENCE, self.options.connect()).await {
            Ok(opened) => Ok(opened?),
            Err(_) => Err(StoreError::silent()),
        }
    }

    /// Forgets every idle connection: the other side went away, and all of them with it.
    fn clear(&self) {
        self.lock().clear();
    }

    /// Waits until every connection is back, and closes them.
    pub(super) async fn close(&self) {
        let all = u32::try_from(self.size).unwrap_or(u32::MAX);
        drop(self.permits.acquire_many(all).await);
        self.permits.close();
        let idle = std::mem::take(&mut *self.lock());
        for connection in idle {
            drop(connection.close().await);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<C>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to use one connection, not yet connected.
pub(super) struct Permit<C: Connection> {
    shelf: Arc<Shelf<C>>,
    right: OwnedSemaphorePermit,
}

impl<C: Connection> Permit<C> {
    pub(super) async fn connect(self) -> Result<Lent<C>, StoreError> {
        let idle = self.shelf.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.shelf.open().await?,
        };
        Ok(Lent { shelf: self.shelf, connection: Some(connection), _right: self.right })
    }
}

/// A connection in use. Goes back when dropped, also with its user's future.
pub(super) struct Lent<C: Connection> {
    shelf: Arc<Shelf<C>>,
    connection: Option<C>,
    // Declared last: the permit is given back after the connection is.
    _right: OwnedSemaphorePermit,
}

impl<C: Connection> Lent<C> {
    /// The connection; there is none after a replacement that failed.
    pub(super) fn connection(&mut self) -> Result<&mut C, StoreError> {
        self.connection.as_mut().ok_or_else(StoreError::silent)
    }

    /// Throws away a connection that did not answer in time: what it says later would answer somebody else.
    pub(super) fn discard(&mut self) {
        self.connection = None;
    }

    /// Throws a broken connection away, every idle one with it, and opens another.
    pub(super) async fn replace(&mut self) -> Result<(), StoreError> {
        self.connection = None;
        self.shelf.clear();
        self.connection = Some(self.shelf.open().await?);
        Ok(())
    }
}

impl<C: Connection> Drop for Lent<C> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.shelf.lock().push(connection);
        }
    }
}
