//! Numbered schema changes, embedded in the binary: one portable text for both engines.
//!
//! A migration never changes after a release; its checksum is kept beside its number, and a database
//! whose past differs, or that is newer than this version, is refused with a sentence.

use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection, raw_sql};

use crate::{
    Collation, StoreError,
    door::{postgres, record, sqlite, values},
};

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
    "0010_client_keys.sql",
    "0011_audit_chain.sql",
];

/// Tables whose rows SQLite keeps in the tree of their key (`WITHOUT ROWID`): found by one descent instead of two, and a
/// new row writes a page less. They are those that every entry reads or writes by key, and small ones. `users` and
/// `assignments` are not, since each of their many indexes would carry the key, nor is `audit_events`, whose keys
/// the sealer reads without the rows.
///
/// A file that was made with rowid stays as it is: no statement names a rowid. A migration writes
/// `CREATE TABLE name (`, and `);` on a line of its own.
const BY_KEY: &[&str] = &[
    "login_names",
    "passwords",
    "sign_in_throttles",
    "one_time_links",
    "application_entries",
    "sessions",
    "session_clients",
    "refresh_families",
    "refresh_tokens",
    "consents",
    "import_items",
    "audit_chain",
];

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_migrations \
     (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)";
pub(crate) const APPLIED: &str = "SELECT version, name, checksum FROM schema_migrations ORDER BY version";
const RECORD: &str = "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)";

pub(crate) const COLLATION: &str = "SELECT CAST(datcollate AS TEXT) AS collation, \
     CAST(pg_encoding_to_char(encoding) AS TEXT) AS encoding FROM pg_database WHERE datname = current_database()";

record! {
    /// A migration as the database remembers it.
    pub(crate) struct Applied {
        version: i64,
        name: String,
        checksum: String,
    }
}

/// Brings a SQLite file to the newest schema, all in one transaction. Two processes that start together wait
/// for each other.
pub(crate) fn migrate_sqlite(connection: &mut rusqlite::Connection) -> Result<Vec<&'static str>, StoreError> {
    let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    tx.execute_batch(LEDGER)?;
    let applied = sqlite::fetch(&tx, APPLIED, &[])?;
    let mut names = Vec::new();
    for (version, &(name, text)) in (1_i64..).zip(MIGRATIONS).skip(known(&applied)?) {
        tx.execute_batch(&keep_by_key(text))?;
        let record = values![version, name, checksum(text)];
        sqlite::execute(&tx, RECORD, &record)?;
        names.push(name);
    }
    tx.commit()?;
    Ok(names)
}

/// Brings a PostgreSQL database to the newest schema, all in one transaction. The advisory lock lets two of us
/// wait for each other.
pub(crate) async fn migrate_postgres(connection: &mut PgConnection) -> Result<Vec<&'static str>, StoreError> {
    check_collation(connection).await?;
    let mut tx = connection.begin().await?;
    for sql in ["SET LOCAL statement_timeout = 0", "SELECT pg_advisory_xact_lock(7276757261)", LEDGER] {
        raw_sql(sql).execute(&mut *tx).await?;
    }
    let applied = postgres::fetch(&mut tx, APPLIED, &[]).await?;
    let mut names = Vec::new();
    for (version, &(name, text)) in (1_i64..).zip(MIGRATIONS).skip(known(&applied)?) {
        raw_sql(text).execute(&mut *tx).await?;
        let record = values![version, name, checksum(text)];
        postgres::execute(&mut tx, RECORD, &record).await?;
        names.push(name);
    }
    tx.commit().await?;
    Ok(names)
}

/// Refuses a database that is older or newer than this version, or that does not sort text by bytes.
pub(crate) async fn check_postgres(connection: &mut PgConnection) -> Result<(), StoreError> {
    check_collation(connection).await?;
    let exists: Option<String> =
        sqlx::query_scalar("SELECT CAST(to_regclass('schema_migrations') AS TEXT)").fetch_one(&mut *connection).await?;
    let applied: Vec<Applied> = match exists {
        Some(_) => postgres::fetch(connection, APPLIED, &[]).await?,
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
pub(crate) fn inspect_sqlite(connection: &rusqlite::Connection) -> Result<(), StoreError> {
    let applied = sqlite::fetch(connection, APPLIED, &[])
        .map_err(|_| StoreError::Unfit("the file is not a database of gapura".to_owned()))?;
    known(&applied).map(drop)
}

/// A database's schema beside the one this version knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schema {
    /// Nothing was ever migrated.
    None,
    /// So many migrations; the rest is missing.
    Older(usize),
    /// Exactly ours.
    Current,
    /// So many migrations, more than this version knows.
    Newer(usize),
    /// Another past: the name of the first migration that is not ours.
    Foreign(String),
}

impl Schema {
    pub(crate) fn of(applied: &[Applied]) -> Self {
        let stranger = (1_i64..).zip(applied).zip(MIGRATIONS).find(|((place, row), (name, text))| {
            row.version != *place || row.name != *name || row.checksum != checksum(text)
        });
        match (stranger, applied.len()) {
            (Some(((_, row), _)), _) => Self::Foreign(row.name.clone()),
            (None, 0) => Self::None,
            (None, count) if count < MIGRATIONS.len() => Self::Older(count),
            (None, count) if count > MIGRATIONS.len() => Self::Newer(count),
            (None, _) => Self::Current,
        }
    }
}

/// How many migrations are applied, all of them ours and unchanged.
fn known(applied: &[Applied]) -> Result<usize, StoreError> {
    match Schema::of(applied) {
        Schema::None | Schema::Older(_) | Schema::Current => Ok(applied.len()),
        Schema::Newer(count) => Err(StoreError::Unfit(format!(
            "the database is at schema {count}, newer than the {} this version knows; use a newer gapura",
            MIGRATIONS.len()
        ))),
        Schema::Foreign(name) => {
            Err(StoreError::Unfit(format!("migration {name} of the database is not the one this version knows")))
        }
    }
}

/// A migration as SQLite runs it.
fn keep_by_key(text: &str) -> String {
    // Each part ends with a table, before which there may be other statements.
    let parts = text.split_inclusive("\n);").map(|part| {
        let table = part.rsplit_once("CREATE TABLE ").and_then(|(_, table)| table.split_once(' '));
        match part.strip_suffix(';') {
            Some(open) if table.is_some_and(|(name, _)| BY_KEY.contains(&name)) => format!("{open} WITHOUT ROWID;"),
            _ => part.to_owned(),
        }
    });
    parts.collect()
}

fn checksum(text: &str) -> String {
    gapura_core::hex(&Sha256::digest(text))
}

/// Text must compare by bytes: keyset pages and prefix ranges rest on it.
async fn check_collation(connection: &mut PgConnection) -> Result<(), StoreError> {
    let found: Vec<Collation> = postgres::fetch(connection, COLLATION, &[]).await?;
    let Some(found) = found.into_iter().find(|found| !found.is_by_bytes()) else { return Ok(()) };
    Err(StoreError::Unfit(format!(
        "the database has encoding {} and collation {}; create it with \
         ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
        found.encoding, found.collation
    )))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{BY_KEY, LEDGER, MIGRATIONS, RECORD, checksum, inspect_sqlite, migrate_sqlite};
    use crate::door::{sqlite, values};

    fn kept_by_key(connection: &Connection) -> Vec<String> {
        let mut tables = connection.prepare("SELECT name FROM pragma_table_list WHERE wr ORDER BY name").unwrap();
        tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn exactly_the_named_tables_are_kept_by_key() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate_sqlite(&mut connection).unwrap();
        let mut named = BY_KEY.to_vec();
        named.sort_unstable();
        assert_eq!(kept_by_key(&connection), named);
    }

    #[test]
    fn a_file_made_with_rowid_stays_as_it_is() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(LEDGER).unwrap();
        for (version, &(name, text)) in (1_i64..).zip(MIGRATIONS) {
            connection.execute_batch(text).unwrap();
            let record = values![version, name, checksum(text)];
            sqlite::execute(&connection, RECORD, &record).unwrap();
        }
        assert_eq!(migrate_sqlite(&mut connection), Ok(vec![]));
        assert_eq!(inspect_sqlite(&connection), Ok(()));
        assert_eq!(kept_by_key(&connection), [""; 0]);
    }
}
