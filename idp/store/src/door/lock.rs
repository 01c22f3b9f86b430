//! One server for each SQLite file. Commands work beside it without the lock.

use std::{
    fs::{File, TryLockError},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use super::StoreError;

/// The lock, held until dropped or the process ends.
pub(crate) struct Lock(#[expect(dead_code, reason = "held, not read: closing the file gives the lock back")] File);

/// Locks the file beside the database, or says who is in the way.
pub(crate) fn take(database: &Path) -> Result<Lock, StoreError> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let unfit = |why: String| StoreError::Unfit(format!("cannot lock {}: {why}", database.display()));
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        // Whoever may open the file may lock it.
        .mode(0o600)
        .open(&path)
        .map_err(|error| unfit(error.to_string()))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::Unfit(format!("another server has {} open; stop it first", database.display())))
        }
        Err(TryLockError::Error(error)) => Err(unfit(error.to_string())),
    }
}
