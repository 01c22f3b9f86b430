//! A consistent copy of a SQLite database while it is served, and its way back.
//!
//! `VACUUM INTO` reads one snapshot and writes a compact file; writers go on meanwhile. The file
//! gets its name only when it is whole and on the disk. The root key is not in it.

use std::{
    fs::{self, File},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};

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
    vacuum(path, target).await
}

/// Puts a copy back as the database of `config`, which must not exist yet.
pub async fn restore(config: &DbConfig, source: &Path) -> Result<(), StoreError> {
    let Place::Sqlite(path) = &config.place else {
        return Err(StoreError::Unfit("a PostgreSQL database is restored by its own tools: pg_restore".to_owned()));
    };
    let _lock = lock::take(path)?;
    inspect(source).await?;
    vacuum(source, path).await
}

/// Whether a file is a whole database of ours, not newer than this version.
async fn inspect(source: &Path) -> Result<(), StoreError> {
    let mut connection = SqliteConnectOptions::new().filename(source).read_only(true).connect().await?;
    let verdict: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut connection).await?;
    if verdict != "ok" {
        return Err(StoreError::Unfit(format!("{} is damaged: {verdict}", source.display())));
    }
    migrations::inspect_sqlite(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

async fn vacuum(from: &Path, to: &Path) -> Result<(), StoreError> {
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
    let copied = vacuum_into(from, &partial).await;
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

async fn vacuum_into(from: &Path, to: &Path) -> Result<(), StoreError> {
    let target = to.to_str().ok_or_else(|| StoreError::Unfit(format!("{}: not UTF-8", to.display())))?;
    let mut connection = SqliteConnectOptions::new().filename(from).connect().await?;
    sqlx::query("VACUUM INTO $1").bind(target).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

fn partial(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}
