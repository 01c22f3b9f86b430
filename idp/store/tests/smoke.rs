//! The door opens.
use gapura_core::time::Instant;
use gapura_store::{Db, DbConfig, leases};

#[tokio::test]
async fn a_lease_is_held_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&DbConfig::sqlite(folder.path().join("g.db"))).await.unwrap();
    let now = Instant::from_millis(1);
    let took = |who: &'static str| {
        let db = db.clone();
        async move {
            db.write(async move |tx| leases::hold(tx, "job", who, now, std::time::Duration::from_secs(1)).await)
                .await
                .unwrap()
        }
    };
    assert!(took("a").await);
    assert!(!took("b").await);
    assert!(took("a").await);
    assert_eq!(gapura_store::generations::current(&db).await.unwrap().keys, 1);
    assert!(gapura_store::standing::by_cookie(&db, &[1]).await.unwrap().is_none());
    db.close().await;
}
