//! A consistent copy of a SQLite database while it is served, and its way back.
//!
//! `VACUUM INTO` reads one snapshot and writes a compact file; writers go on meanwhile. The file
//! gets its name only when it is whole and on the disk. The root key is not in it.

use std::{
    fs::{self, File},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};
use tokio::task::spawn_blocking;

use crate::{
    DbConfig, StoreError,
    door::{Place, lock},
    migrations,
};

/// Copies the database of `config` into the new file `target`.
pub async fn copy(config: &DbConfig, target: &Path) -> Result<(), StoreError> {
    let Place::Sqlite(path) = &config.place else {
        return Err(StoreError::Unfit(
            "a PostgreSQL database is copied by its own tools: pg_dump --format=custom".to_owned(),
        ));
    };
    let (from, to) = (path.clone(), target.to_path_buf());
    // It may take minutes, on a thread that nothing else waits for.
    spawn_blocking(move || vacuum(&from, &to)).await.unwrap_or(Err(StoreError::Panicked))
}

/// Puts a copy back as the database of `config`, which must not exist yet.
pub async fn restore(config: &DbConfig, source: &Path) -> Result<(), StoreError> {
    let Place::Sqlite(path) = &config.place else {
        return Err(StoreError::Unfit("a PostgreSQL database is restored by its own tools: pg_restore".to_owned()));
    };
    let _lock = lock::take(path)?;
    let (from, to) = (source.to_path_buf(), path.clone());
    let restored = spawn_blocking(move || {
        inspect(&from)?;
        vacuum(&from, &to)
    });
    restored.await.unwrap_or(Err(StoreError::Panicked))
}

/// Whether a file is a whole database of ours, not newer than this version.
fn inspect(source: &Path) -> Result<(), StoreError> {
    let connection = Connection::open_with_flags(source, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let verdict: String = connection.query_one("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(StoreError::Unfit(format!("{} is damaged: {verdict}", source.display())));
    }
    migrations::inspect_sqlite(&connection)
}

fn vacuum(from: &Path, to: &Path) -> Result<(), StoreError> {
    let failed = |what: &Path, error: &std::io::Error| StoreError::Unfit(format!("{}: {error}", what.display()));
    if to.exists() {
        return Err(StoreError::Unfit(format!("{} exists already; nothing was written", to.display())));
    }
    let partial = partial(to);
    // VACUUM INTO takes an empty file, and so it is ours alone from its first byte.
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)
        .map_err(|error| failed(&partial, &error))?;
    let copied = vacuum_into(from, &partial);
    if copied.is_err() {
        drop(fs::remove_file(&partial));
        return copied;
    }
    let named = File::open(&partial)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&partial, to))
        .and_then(|()| File::open(to.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))))
        .and_then(|folder| folder.sync_all());
    named.map_err(|error| failed(to, &error))
}

fn vacuum_into(from: &Path, to: &Path) -> Result<(), StoreError> {
    let target = to.to_str().ok_or_else(|| StoreError::Unfit(format!("{}: not UTF-8", to.display())))?;
    let connection = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute("VACUUM INTO ?1", [target])?;
    Ok(())
}

fn partial(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}
