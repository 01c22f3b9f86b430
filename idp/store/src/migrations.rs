//! Numbered schema changes, embedded in the binary: one portable text for both engines.
//!
//! A migration never changes after a release; its checksum is kept beside its number, and a database
//! whose past differs, or that is newer than this version, is refused with a sentence.

use sha2::{Digest, Sha256};
use sqlx::{Connection, FromRow, PgConnection, SqliteConnection, raw_sql};

use crate::StoreError;

/// Each migration's file name and text, in order.
macro_rules! migrations {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("../../../migrations/", $name)))),*] };
}

/// All of them, oldest first; the number is the place in this list, from 1.
pub const MIGRATIONS: &[(&str, &str)] = migrations![
    "0001_deployment.sql",
    "0002_audit.sql",
    "0003_organization.sql",
    "0004_users.sql",
    "0005_access.sql",
    "0006_clients.sql",
    "0007_sessions.sql",
    "0008_logout_messages.sql",
    "0009_imports.sql",
];

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_migrations \
     (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)";
const APPLIED: &str = "SELECT version, name, checksum FROM schema_migrations ORDER BY version";
const RECORD: &str = "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)";

#[derive(FromRow)]
struct Applied {
    version: i64,
    name: String,
    checksum: String,
}

/// Applies what is missing, each migration and its record in one transaction with the rest.
macro_rules! migrate {
    ($connection:ident, $begin:literal, $first:expr) => {{
        let mut tx = $connection.begin_with($begin).await?;
        for sql in $first {
            raw_sql(sql).execute(&mut *tx).await?;
        }
        raw_sql(LEDGER).execute(&mut *tx).await?;
        let applied = sqlx::query_as(APPLIED).fetch_all(&mut *tx).await?;
        let mut names = Vec::new();
        for (version, &(name, text)) in (1_i64..).zip(MIGRATIONS).skip(known(&applied)?) {
            raw_sql(text).execute(&mut *tx).await?;
            sqlx::query(RECORD).bind(version).bind(name).bind(checksum(text)).execute(&mut *tx).await?;
            names.push(name);
        }
        tx.commit().await?;
        Ok(names)
    }};
}

/// Brings a SQLite file to the newest schema. Two processes that start together wait for each other.
pub(crate) async fn migrate_sqlite(connection: &mut SqliteConnection) -> Result<Vec<&'static str>, StoreError> {
    migrate!(connection, "BEGIN IMMEDIATE", [] as [&'static str; 0])
}

/// Brings a PostgreSQL database to the newest schema. The advisory lock lets two of us wait for each other.
pub(crate) async fn migrate_postgres(connection: &mut PgConnection) -> Result<Vec<&'static str>, StoreError> {
    check_collation(connection).await?;
    migrate!(connection, "BEGIN", ["SET LOCAL statement_timeout = 0", "SELECT pg_advisory_xact_lock(7276757261)"])
}

/// Refuses a database that is older or newer than this version, or that does not sort text by bytes.
pub(crate) async fn check_postgres(connection: &mut PgConnection) -> Result<(), StoreError> {
    check_collation(connection).await?;
    let exists: Option<String> =
        sqlx::query_scalar("SELECT CAST(to_regclass('schema_migrations') AS TEXT)").fetch_one(&mut *connection).await?;
    let applied: Vec<Applied> = match exists {
        Some(_) => sqlx::query_as(APPLIED).fetch_all(&mut *connection).await?,
        None => Vec::new(),
    };
    match known(&applied)? {
        count if count == MIGRATIONS.len() => Ok(()),
        count => Err(StoreError::Unfit(format!(
            "the database is at schema {count}, this version needs {}; run `gapura migrate`",
            MIGRATIONS.len()
        ))),
    }
}

/// Refuses a SQLite file that is not ours or newer than this version; an older one will do.
pub(crate) async fn inspect_sqlite(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let applied: Vec<Applied> = sqlx::query_as(APPLIED)
        .fetch_all(connection)
        .await
        .map_err(|_| StoreError::Unfit("the file is not a database of gapura".to_owned()))?;
    known(&applied).map(drop)
}

/// How many migrations are applied, all of them ours and unchanged.
fn known(applied: &[Applied]) -> Result<usize, StoreError> {
    for (place, row) in (1_i64..).zip(applied) {
        let ours = usize::try_from(place - 1).ok().and_then(|index| MIGRATIONS.get(index));
        let Some(&(name, text)) = ours else {
            return Err(StoreError::Unfit(format!(
                "the database is at schema {}, newer than the {} this version knows; use a newer gapura",
                applied.len(),
                MIGRATIONS.len()
            )));
        };
        if row.version != place || row.name != name || row.checksum != checksum(text) {
            return Err(StoreError::Unfit(format!(
                "migration {} of the database ({}) is not the one this version knows",
                row.version, row.name
            )));
        }
    }
    Ok(applied.len())
}

fn checksum(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Text must compare by bytes: keyset pages and prefix ranges rest on it.
async fn check_collation(connection: &mut PgConnection) -> Result<(), StoreError> {
    let (collation, encoding): (String, String) = sqlx::query_as(
        "SELECT CAST(datcollate AS TEXT), CAST(pg_encoding_to_char(encoding) AS TEXT) \
         FROM pg_database WHERE datname = current_database()",
    )
    .fetch_one(connection)
    .await?;
    if matches!(collation.as_str(), "C" | "POSIX") && encoding == "UTF8" {
        return Ok(());
    }
    Err(StoreError::Unfit(format!(
        "the database has encoding {encoding} and collation {collation}; create it with \
         ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    )))
}
