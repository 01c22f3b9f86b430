//! What the doctor looks at: a look changes nothing and tells apart what a start would refuse.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use gapura_core::audit::{Actor, AuditEvent, EventKind};
use gapura_core::id::{EventId, SessionId};
use gapura_core::identity::SessionEnd;
use gapura_store::{
    Db, DbConfig, Fault, StoreError, audit,
    deployment::{self, Property},
    logout_messages::{self, FailedAttempt},
    migrations::{MIGRATIONS, Schema},
    nodes::{self, Node, Seen},
    sessions,
};

use crate::{
    fixtures::{city, entry, session},
    servers,
    support::{Engine, NOW, Store, change, on_both_engines},
};

const SECOND: Duration = Duration::from_secs(1);

on_both_engines! {
    async fn a_look_reads_and_cannot_write(store) {
        let look = Db::open_to_read(&store.config).await.unwrap();
        assert_eq!(look.schema().await, Ok(Schema::Current));
        let written = look.write(async |tx| deployment::fix(tx, Property::Zone, "Asia/Jakarta").await).await;
        assert_eq!(written, Err(StoreError::Stopped));
        assert_eq!(deployment::stored(&look, Property::Zone).await.unwrap(), None);
        change!(store, |tx| deployment::fix(tx, Property::Zone, "Asia/Jayapura"));
        let look = Db::open_to_read(&store.config).await.unwrap();
        assert_eq!(deployment::stored(&look, Property::Zone).await.unwrap().as_deref(), Some("Asia/Jayapura"));
        let is_postgres = store.engine == Engine::Postgres;
        assert_eq!(look.clock().await.unwrap().is_some(), is_postgres);
        assert_eq!(look.collation().await.unwrap().map(|found| found.is_by_bytes()), is_postgres.then_some(true));
    }

    async fn every_schema_is_told_apart(store) {
        let schema = async || Db::open_to_read(&store.config).await.unwrap().schema().await.unwrap();
        store.run("UPDATE schema_migrations SET checksum = 'x' WHERE version = 3").await;
        assert_eq!(schema().await, Schema::Foreign(MIGRATIONS[2].0.to_owned()));
        store.run("DELETE FROM schema_migrations WHERE version >= 3").await;
        assert_eq!(schema().await, Schema::Older(2));
        store.run("DELETE FROM schema_migrations").await;
        assert_eq!(schema().await, Schema::None);
        store.run("DROP TABLE schema_migrations").await;
        assert_eq!(schema().await, Schema::None);
        Db::migrate(&Store::new(store.engine).await.config).await.unwrap();
    }

    async fn live_nodes_are_seen(store) {
        assert_eq!(nodes::alive(&store.db, NOW).await.unwrap(), []);
        let node = Node { id: "a", ephemeral: "memory" };
        change!(store, |tx| nodes::beat(tx, &node, NOW, SECOND));
        let seen = Seen { id: "a".to_owned(), ephemeral: "memory".to_owned() };
        assert_eq!(nodes::alive(&store.db, NOW.minus(SECOND)).await.unwrap(), [seen]);
        assert_eq!(nodes::alive(&store.db, NOW).await.unwrap(), []);
    }

    async fn the_newest_event_tells_the_time_it_happened(store) {
        assert_eq!(audit::newest(&store.db).await.unwrap(), None);
        for (id, at) in [("01", NOW), ("02", NOW.plus(SECOND))] {
            let event = AuditEvent::new(EventId::new(id), [7; 16], at, EventKind::KeyChanged, Actor::System);
            change!(store, |tx| audit::record(tx, &event));
        }
        assert_eq!(audit::newest(&store.db).await.unwrap(), Some(NOW.plus(SECOND)));
    }

    async fn messages_that_fail_are_counted_by_client(store) {
        city(store).await;
        for name in ["s1", "s2", "s3"] {
            session(store, name).await;
            change!(store, |tx| sessions::enter(tx, &entry(name, "web"), NOW));
            let id = SessionId::new(name);
            change!(store, |tx| sessions::end(tx, &id, SessionEnd::SignedOut, NOW));
        }
        assert_eq!(logout_messages::undelivered(&store.db, NOW).await.unwrap(), []);
        let day = Duration::from_secs(24 * 3600);
        let claimed = change!(store, |tx| logout_messages::claim(tx, "a", NOW, 10 * SECOND, 2));
        for (message, due_at) in claimed.iter().zip([NOW.plus(SECOND), NOW.plus(day)]) {
            let (id, attempt) = (message.id.clone(), FailedAttempt { error: "status 500", due_at });
            assert!(change!(store, |tx| logout_messages::failed(tx, &id, "a", attempt, NOW)));
        }
        let found = logout_messages::undelivered(&store.db, NOW.minus(SECOND)).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].client_id.as_str(), found[0].waiting, found[0].given_up), ("web", 1, 1));
        assert_eq!(found[0].last_error, "status 500");
        assert_eq!(logout_messages::undelivered(&store.db, NOW).await.unwrap()[0].given_up, 0, "long ago");
    }
}

/// Names and contents of everything in a folder.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|it| (it.file_name().into_string().unwrap(), fs::read(it.path()).unwrap())).collect()
}

#[tokio::test]
async fn a_look_leaves_no_trace_beside_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let config = DbConfig::sqlite(folder.path().join("gapura.db"));
    Db::migrate(&config).await.unwrap();
    // Its connection is closed on a thread of its own, which moves the log into the file.
    while contents(folder.path()).len() > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let before = contents(folder.path());
    let look = Db::open_to_read(&config).await.unwrap();
    assert_eq!(look.schema().await, Ok(Schema::Current));
    drop(look);
    assert!(contents(folder.path()) == before, "{:?}", contents(folder.path()).keys());
}

#[tokio::test]
async fn what_is_no_database_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gapura.db");
    let look = async || Db::open_to_read(&DbConfig::sqlite(&path)).await.err();
    assert_eq!(look().await, Some(Fault::Missing));
    fs::write(&path, "").unwrap();
    assert_eq!(look().await, Some(Fault::Missing), "a start made it and went no further");
    for text in ["hello", "hello, I am no database at all"] {
        fs::write(&path, text).unwrap();
        assert_eq!(look().await, Some(Fault::NotSqlite));
    }
    let look = async |url: &str| Db::open_to_read(&DbConfig::postgres(url)).await.err();
    assert_eq!(look("postgres://[").await, Some(Fault::Url));
    let url = servers::postgres().url("tidak_ada");
    assert_eq!(look(&url).await, Some(Fault::Absent));
    let nobody = format!("postgres://gapura@127.0.0.1:{}/gapura", servers::free_port());
    assert!(matches!(look(&nobody).await, Some(Fault::Unreachable(_))));
    let stranger = url.replace("gapura@", "tidak_ada:rahasia@");
    assert_eq!(look(&stranger).await, Some(Fault::Login));
}
