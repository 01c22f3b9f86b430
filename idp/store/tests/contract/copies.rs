//! Copies follow their database, and are not believed where it is away.

use std::time::Duration;

use gapura_store::{
    Db, StoreError,
    clients::{self, Enabled},
    copies::Copies,
};

use crate::{
    fixtures::{city, web},
    servers,
    support::{NOW, change, on_both_engines},
};

async fn web_is_enabled(copies: &Copies) -> bool {
    copies.current().await.unwrap().clients[&web()].enabled
}

/// Asks until the answer comes, at most for the second that ARCHITECTURE.md promises and its margin.
async fn becomes(copies: &Copies, enabled: bool) {
    let followed = async {
        while web_is_enabled(copies).await != enabled {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), followed).await.unwrap();
}

on_both_engines! {
    async fn a_change_is_seen_at_home_at_once_and_elsewhere_soon(store) {
        city(store).await;
        let other = Db::open(&store.config).await.unwrap();
        let [here, there] = [Copies::open(store.db.clone()).await.unwrap(), Copies::open(other.clone()).await.unwrap()];
        assert!(web_is_enabled(&here).await && web_is_enabled(&there).await);
        change!(store, |tx| clients::set_enabled(tx, &web(), Enabled::Off, NOW));
        here.refresh().await.unwrap();
        assert!(!web_is_enabled(&here).await);
        becomes(&there, false).await;
        other.close().await;
    }

    async fn confirmed_copies_cost_a_request_no_statement(store) {
        city(store).await;
        let copies = Copies::open(store.db.clone()).await.unwrap();
        let before = store.db.counts().reads;
        for _ in 0..100 {
            copies.current().await.unwrap();
        }
        assert_eq!(store.db.counts().reads, before);
    }
}

/// A client that was switched off must not live on in memory because the database went away.
#[tokio::test]
async fn unconfirmed_copies_are_not_served() {
    let server = servers::Postgres::start();
    let url = server.database(None);
    let config = gapura_store::DbConfig::postgres(&url);
    Db::migrate(&config).await.unwrap();
    let db = Db::open(&config).await.unwrap();
    let copies = Copies::open(db.clone()).await.unwrap();
    assert!(copies.current().await.is_ok());
    drop(server);
    let write = db.write(async |tx| clients::set_enabled(tx, &web(), Enabled::Off, NOW).await).await;
    assert!(matches!(write, Err(StoreError::Unavailable(_))), "{write:?}");
    let read = clients::all(&db).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    let refused = async {
        while copies.current().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), refused).await.unwrap();
}
