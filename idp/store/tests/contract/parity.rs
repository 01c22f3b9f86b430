//! Both engines hold the same schema, read back from their own catalogues.

use std::collections::BTreeSet;

use gapura_store::{Db, DbConfig, StoreError, migrations::MIGRATIONS};
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::{
    servers,
    support::{Engine, Store},
};

/// A row type that both catalogues answer with.
macro_rules! described {
    ($(struct $name:ident { $($field:ident: $kind:ty),* $(,)? })*) => {$(
        #[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
        struct $name {
            $($field: $kind),*
        }

        impl $name {
            fn on_sqlite(store: &Store, sql: &str) -> BTreeSet<Self> {
                let connection = store.sqlite();
                let mut statement = connection.prepare(sql).unwrap();
                let rows = statement.query_map([], |row| Ok(Self { $($field: row.get(stringify!($field))?),* }));
                rows.unwrap().map(Result::unwrap).collect()
            }

            async fn on_postgres(store: &Store, sql: &'static str) -> BTreeSet<Self> {
                let mut connection = PgConnection::connect(store.place()).await.unwrap();
                let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
                rows.iter().map(|row| Self { $($field: row.get(stringify!($field))),* }).collect()
            }
        }
    )*};
}

described! {
    struct Column {
        table_name: String,
        column_name: String,
        kind: String,
        mandatory: bool,
        in_key: i64,
    }

    struct Index {
        table_name: String,
        columns: String,
        is_unique: bool,
        is_partial: bool,
    }

    struct Reference {
        table_name: String,
        column_name: String,
        target: String,
    }
}

const SQLITE_COLUMNS: &str = "SELECT t.name AS table_name, c.name AS column_name, c.type AS kind, \
     c.\"notnull\" AS mandatory, c.pk AS in_key FROM sqlite_master t JOIN pragma_table_info(t.name) c \
     WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
const POSTGRES_COLUMNS: &str = "SELECT c.table_name::text, c.column_name::text, upper(c.data_type)::text AS kind, \
     c.is_nullable = 'NO' AS mandatory, COALESCE(k.ordinal_position, 0)::bigint AS in_key \
     FROM information_schema.columns c \
     LEFT JOIN information_schema.table_constraints p ON p.table_schema = c.table_schema \
       AND p.table_name = c.table_name AND p.constraint_type = 'PRIMARY KEY' \
     LEFT JOIN information_schema.key_column_usage k ON k.constraint_name = p.constraint_name \
       AND k.table_schema = c.table_schema AND k.column_name = c.column_name WHERE c.table_schema = 'public'";

// The key of a table kept by key (WITHOUT ROWID) is an index without a row of its own in sqlite_master.
const SQLITE_INDEXES: &str = "SELECT t.name AS table_name, \
     (SELECT group_concat(c.name, ',' ORDER BY c.seqno) FROM pragma_index_info(i.name) c) AS columns, \
     i.\"unique\" AS is_unique, i.partial AS is_partial FROM sqlite_master t JOIN pragma_index_list(t.name) i \
     WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
const POSTGRES_INDEXES: &str = "SELECT t.relname::text AS table_name, \
     (SELECT string_agg(a.attname, ',' ORDER BY k.place) FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(att, place) \
       JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.att)::text AS columns, \
     i.indisunique AS is_unique, i.indpred IS NOT NULL AS is_partial \
     FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
     WHERE n.nspname = 'public'";

const SQLITE_REFERENCES: &str = "SELECT t.name AS table_name, f.\"from\" AS column_name, \
     f.\"table\" || '.' || f.\"to\" AS target FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) f \
     WHERE t.type = 'table'";
const POSTGRES_REFERENCES: &str = "SELECT t.relname::text AS table_name, a.attname::text AS column_name, \
     (r.relname || '.' || b.attname)::text AS target FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid \
     JOIN pg_class r ON r.oid = c.confrelid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1] \
     JOIN pg_attribute b ON b.attrelid = r.oid AND b.attnum = c.confkey[1] WHERE c.contype = 'f'";

#[tokio::test]
async fn both_engines_hold_the_same_schema() {
    let [sqlite, postgres] = [Store::new(Engine::Sqlite).await, Store::new(Engine::Postgres).await];
    macro_rules! same {
        ($what:ty, $sqlite:expr, $postgres:expr) => {
            let (here, there) =
                (<$what>::on_sqlite(&sqlite, $sqlite), <$what>::on_postgres(&postgres, $postgres).await);
            assert!(here.len() > 5);
            let apart: Vec<_> = here.symmetric_difference(&there).collect();
            assert!(apart.is_empty(), "{apart:#?}");
        };
    }
    same!(Column, SQLITE_COLUMNS, POSTGRES_COLUMNS);
    same!(Index, SQLITE_INDEXES, POSTGRES_INDEXES);
    same!(Reference, SQLITE_REFERENCES, POSTGRES_REFERENCES);
}

#[tokio::test]
async fn columns_are_of_four_types() {
    let store = Store::new(Engine::Sqlite).await;
    for column in Column::on_sqlite(&store, SQLITE_COLUMNS) {
        assert!(["TEXT", "BIGINT", "BOOLEAN", "BYTEA"].contains(&column.kind.as_str()), "{column:?}");
    }
}

#[tokio::test]
async fn migrations_are_numbered_complete_and_opened_by_a_reason() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, MIGRATIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (number, (name, text)) in (1..).zip(MIGRATIONS) {
        assert!(name.starts_with(&format!("{number:04}_")), "{name}");
        assert!(text.starts_with("-- "), "{name} does not say why");
    }
}

#[tokio::test]
async fn postgres_is_migrated_by_command_only() {
    let url = servers::postgres().database(None);
    let config = DbConfig::postgres(&url);
    let refusal = async || match Db::open(&config).await {
        Err(StoreError::Unfit(why)) => why,
        other => panic!("{:?}", other.map(drop)),
    };
    assert!(refusal().await.contains("gapura migrate"));
    assert_eq!(Db::migrate(&config).await.unwrap().len(), MIGRATIONS.len());
    assert!(Db::migrate(&config).await.unwrap().is_empty());
    Db::open(&config).await.unwrap().close().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("INSERT INTO schema_migrations VALUES (1000, 'future.sql', 'x')")
        .execute(&mut connection)
        .await
        .unwrap();
    assert!(refusal().await.contains("newer"));
    sqlx::raw_sql("DELETE FROM schema_migrations WHERE version = 1000; UPDATE schema_migrations SET checksum = 'x' WHERE version = 2")
        .execute(&mut connection)
        .await
        .unwrap();
    assert!(refusal().await.contains("not the one"));
}

#[tokio::test]
async fn postgres_must_sort_by_bytes() {
    let plain = servers::postgres().database(None);
    let mut connection = PgConnection::connect(&plain).await.unwrap();
    let sorted = plain.rsplit_once('/').unwrap().1.to_owned() + "_en";
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "CREATE DATABASE {sorted} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"
    )))
    .execute(&mut connection)
    .await
    .unwrap();
    let config = DbConfig::postgres(plain.rsplit_once('/').unwrap().0.to_owned() + "/" + &sorted);
    for refused in [Db::migrate(&config).await.map(drop), Db::open(&config).await.map(drop)] {
        assert!(matches!(&refused, Err(StoreError::Unfit(why)) if why.contains("LC_COLLATE 'C'")), "{refused:?}");
    }
}
