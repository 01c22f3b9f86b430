//! What only the door's inside can arrange: a SQLite file that may not grow.

use std::time::Duration;

use futures::future::join_all;
use gapura_core::time::Instant;

use super::{tx::Arm, *};
use crate::leases;

const NOW: Instant = Instant::from_millis(1);

/// Sets how many pages the file may have, on the writer's own connection.
async fn limit(db: &Db, sql: &'static str) {
    let set = db.write(async move |tx| {
        let Arm::Sqlite(connection) = &mut tx.arm else { return Err(StoreError::Stopped) };
        sqlx::raw_sql(sql).execute(connection).await?;
        Ok(())
    });
    set.await.unwrap();
}

/// A row that fills most of a page.
async fn hold(tx: &mut Tx, job: usize) -> Result<(), StoreError> {
    let holder = "h".repeat(3000);
    leases::hold(tx, &format!("job-{job:05}"), &holder, NOW, Duration::from_secs(60)).await.map(drop)
}

/// SQLite ends the transaction by itself; whoever was in the group learns it, nobody was told "done" for
/// nothing, and the store goes on when there is room again.
#[tokio::test]
async fn a_full_disk_fails_its_groups_and_not_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&DbConfig::sqlite(folder.path().join("gapura.db"))).await.unwrap();
    limit(&db, "PRAGMA max_page_count = 120").await;
    let changes = (0..200).map(|job| {
        let db = &db;
        async move { db.write(async move |tx| hold(tx, job).await).await }
    });
    let answers = join_all(changes).await;
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    let full = answers.iter().filter(|answer| matches!(answer, Err(StoreError::Unavailable(_)))).count();
    assert!(full > 0 && done + full == 200, "{done} done, {full} refused, of 200: {answers:?}");
    limit(&db, "PRAGMA max_page_count = 100000").await;
    db.write(async |tx| hold(tx, 200).await).await.unwrap();
    #[derive(sqlx::FromRow)]
    struct Row {
        held: i64,
    }
    let row: Option<Row> = db.first("SELECT COUNT(*) AS held FROM job_leases", values![]).await.unwrap();
    assert_eq!(row.unwrap().held, i64::try_from(done).unwrap() + 1);
}
