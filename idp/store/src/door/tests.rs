//! What only the door's inside can arrange: a SQLite file that may not grow, a statement that never ends.

use std::time::Duration;

use futures::future::join_all;
use gapura_core::time::Instant;

use super::{tx::Arm, *};
use crate::leases;

const NOW: Instant = Instant::from_millis(1);

/// Sets how many pages the file may have, on the writer's own connection.
async fn limit(db: &Db, sql: &'static str) {
    let set = db.write(async move |tx| {
        let Arm::Sqlite(timed) = &tx.arm else { return Err(StoreError::Stopped) };
        Ok(timed.connection.execute_batch(sql)?)
    });
    set.await.unwrap();
}

record! {
    struct Held {
        held: i64,
    }
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
    let row: Option<Held> = db.first("SELECT COUNT(*) AS held FROM job_leases", values![]).await.unwrap();
    assert_eq!(row.unwrap().held, i64::try_from(done).unwrap() + 1);
}

/// A store whose changes have a twentieth of a second.
async fn hasty(folder: &tempfile::TempDir) -> Db {
    let config = DbConfig::sqlite(folder.path().join("gapura.db"));
    Db::open(&DbConfig { longest_change: Duration::from_millis(50), ..config }).await.unwrap()
}

/// A change's time is up also where one statement takes it all.
#[tokio::test]
async fn a_statement_that_never_ends_is_cut_off() {
    const ENDLESS: &str =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT SUM(i) AS held FROM n";
    let folder = tempfile::tempdir().unwrap();
    let db = hasty(&folder).await;
    let endless = db.write(async |tx| tx.first::<Held>(ENDLESS, values![]).await.map(drop)).await;
    assert_eq!(endless, Err(StoreError::TooSlow));
    db.write(async |tx| hold(tx, 1).await).await.unwrap();
}

/// SQLite undoes the whole transaction with a statement that was cut off while it wrote. Whoever was in the
/// group with it is made again, once.
#[tokio::test]
async fn a_writing_statement_that_is_cut_off_takes_nobody_along() {
    const ENDLESS: &str = "INSERT INTO job_leases (job, holder, lease_until) \
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, i, i FROM n";
    let folder = tempfile::tempdir().unwrap();
    let db = hasty(&folder).await;
    let changes = (0..60).map(|job| {
        let db = &db;
        async move {
            db.write(async move |tx| match job % 20 {
                10 => tx.execute(ENDLESS, values![]).await.map(drop),
                _ => hold(tx, job).await,
            })
            .await
        }
    });
    for (job, answer) in join_all(changes).await.into_iter().enumerate() {
        assert_eq!(answer, if job % 20 == 10 { Err(StoreError::TooSlow) } else { Ok(()) }, "{job}");
    }
    let row: Option<Held> = db.first("SELECT COUNT(*) AS held FROM job_leases", values![]).await.unwrap();
    assert_eq!(row.unwrap().held, 57);
}

/// A value that a column cannot hold names the column.
#[tokio::test]
async fn a_cell_of_another_type_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let db = hasty(&folder).await;
    for sql in ["SELECT 'many' AS held", "SELECT NULL AS held", "SELECT 1 AS more, 'x' AS held"] {
        let row: Result<Option<Held>, _> = db.first(sql, values![]).await;
        assert_eq!(row.map(drop), Err(StoreError::Corrupt("held".to_owned())), "{sql}");
    }
    let row: Option<Held> = db.first("SELECT 'x' AS more, 2 AS held", values![]).await.unwrap();
    assert_eq!(row.map(|row| row.held), Some(2), "columns are found by name");
    let missing: Result<Option<Held>, _> = db.first("SELECT 1 AS more", values![]).await;
    assert!(matches!(missing.map(drop), Err(StoreError::Statement(why)) if why.contains("held")));
}
