//! A database of a test's own, on either engine.

use std::path::PathBuf;

use gapura_core::time::Instant;
use gapura_store::{Db, DbConfig};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;

use crate::servers;

/// The time of most tests.
pub(crate) const NOW: Instant = Instant::from_millis(1_800_000_000_000);

/// An engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// An open database and the way around the store to it.
pub(crate) struct Store {
    pub(crate) db: Db,
    pub(crate) engine: Engine,
    pub(crate) config: DbConfig,
    place: String,
    folder: TempDir,
}

impl Store {
    /// A migrated database that nobody else knows.
    pub(crate) async fn new(engine: Engine) -> Self {
        Self::with(engine, |config| config).await
    }

    /// The same, opened with other settings.
    pub(crate) async fn with(engine: Engine, change: impl FnOnce(DbConfig) -> DbConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (config, place) = match engine {
            Engine::Sqlite => {
                let path = folder.path().join("gapura.db");
                (DbConfig::sqlite(&path), path.display().to_string())
            }
            Engine::Postgres => {
                let url = servers::postgres().database(None);
                (DbConfig::postgres(&url), url)
            }
        };
        let config = change(config);
        Db::migrate(&config).await.unwrap();
        let db = Db::open(&config).await.unwrap();
        Self { db, engine, config, place, folder }
    }

    /// How to reach it past the store.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// A connection of its own to a SQLite file.
    pub(crate) fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(&self.place).unwrap()
    }

    /// Where files of this test may lie.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs SQL past the store.
    pub(crate) async fn run(&self, sql: &str) {
        match self.engine {
            Engine::Sqlite => {
                self.sqlite().execute_batch(sql).unwrap();
            }
            Engine::Postgres => {
                let mut connection = PgConnection::connect(&self.place).await.unwrap();
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// One number, past the store.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let sql = format!("SELECT CAST(({sql}) AS BIGINT)");
        match self.engine {
            Engine::Sqlite => self.sqlite().query_one(&sql, [], |row| row.get(0)).unwrap(),
            Engine::Postgres => {
                let mut connection = PgConnection::connect(&self.place).await.unwrap();
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap()
            }
        }
    }

    /// How many rows of a table meet a condition.
    pub(crate) async fn rows(&self, from_where: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) FROM {from_where}")).await
    }
}

/// Each test once on SQLite and once on PostgreSQL.
macro_rules! on_both_engines {
    ($($(#[doc = $doc:literal])* async fn $name:ident($store:ident) $body:block)*) => {$(
        mod $name {
            use super::*;

            $(#[doc = $doc])*
            async fn test($store: &$crate::support::Store) $body

            #[tokio::test]
            async fn sqlite() {
                test(&$crate::support::Store::new($crate::support::Engine::Sqlite).await).await;
            }

            #[tokio::test]
            async fn postgres() {
                test(&$crate::support::Store::new($crate::support::Engine::Postgres).await).await;
            }
        }
    )*};
}
pub(crate) use on_both_engines;

/// Runs a change and takes its answer.
macro_rules! change {
    ($store:expr, |$tx:ident| $change:expr) => {
        $store.db.write(async move |$tx| $change.await).await.unwrap()
    };
}
pub(crate) use change;
