//! The one way to write: whole or not at all, whatever the caller or the closure does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::FutureExt as _;
use gapura_core::{id::UserId, identity::Status};
use gapura_store::{
    Db, StoreError, generations, leases,
    nodes::{self, Node},
    purpose_keys::{self, PurposeKey},
    users,
};
use tokio::sync::Barrier;

use crate::{
    fixtures::city,
    support::{Engine, NOW, Store, on_both_engines},
};

const LEASE: Duration = Duration::from_secs(60);

/// A change of two rows that belong together.
async fn pair(tx: &mut gapura_store::Tx, name: &str) -> Result<(), StoreError> {
    leases::hold(tx, &format!("{name}-left"), "me", NOW, LEASE).await?;
    tokio::task::yield_now().await;
    leases::hold(tx, &format!("{name}-right"), "me", NOW, LEASE).await.map(drop)
}

async fn whole_pairs(store: &Store) -> i64 {
    assert_eq!(
        store
            .rows(
                "job_leases a WHERE a.job LIKE '%-left' AND NOT EXISTS (SELECT 1 FROM job_leases b \
             WHERE b.job = REPLACE(a.job, '-left', '-right'))"
            )
            .await
            + store
                .rows(
                    "job_leases a WHERE a.job LIKE '%-right' AND NOT EXISTS (SELECT 1 FROM job_leases b \
             WHERE b.job = REPLACE(a.job, '-right', '-left'))"
                )
                .await,
        0,
        "half a change"
    );
    store.rows("job_leases WHERE job LIKE '%-left'").await
}

fn key(id: &str) -> PurposeKey {
    PurposeKey { id: id.to_owned(), purpose: id.to_owned(), wrapped: vec![1], root_key_id: "root".to_owned() }
}

on_both_engines! {
    async fn an_error_at_the_end_undoes_everything(store) {
        let refused: Result<(), _> = store
            .db
            .write(async |tx| {
                pair(tx, "a").await?;
                Err(StoreError::Busy)
            })
            .await;
        assert_eq!(refused, Err(StoreError::Busy));
        assert_eq!(whole_pairs(store).await, 0);
    }

    /// An SQL error decides, even where the closure ignores it.
    async fn a_swallowed_error_fails_the_change(store) {
        let answer = store
            .db
            .write(async |tx| {
                pair(tx, "a").await?;
                purpose_keys::add_first(tx, &key("one"), NOW).await?;
                let mut twin = key("one");
                twin.purpose = "other".to_owned();
                let ignored = purpose_keys::add_first(tx, &twin, NOW).await;
                assert!(matches!(ignored, Err(StoreError::Unique(_))), "{ignored:?}");
                let after = pair(tx, "b").await;
                assert!(matches!(after, Err(StoreError::Unique(_))), "nothing runs after an error");
                Ok(())
            })
            .await;
        assert!(matches!(answer, Err(StoreError::Unique(_))), "{answer:?}");
        assert_eq!(whole_pairs(store).await, 0);
        store.db.write(async |tx| pair(tx, "c").await).await.unwrap();
        assert_eq!(whole_pairs(store).await, 1);
    }

    async fn a_panic_undoes_its_change_only(store) {
        let changes: Vec<_> = (0..16)
            .map(|number| {
                let db = store.db.clone();
                tokio::spawn(async move {
                    db.write(async move |tx| {
                        pair(tx, &format!("n{number}")).await?;
                        assert!(number % 4 != 3, "every fourth panics");
                        Ok(())
                    })
                    .await
                })
            })
            .collect();
        for (number, change) in changes.into_iter().enumerate() {
            let expected = if number % 4 == 3 { Err(StoreError::Panicked) } else { Ok(()) };
            assert_eq!(change.await.unwrap(), expected);
        }
        assert_eq!(whole_pairs(store).await, 12);
    }

    /// The caller is dropped after every possible number of polls; each change is whole or absent.
    async fn a_caller_that_hangs_up_leaves_whole_changes_only(store) {
        let mut answered = 0;
        for polls in 0..12 {
            for round in 0..8 {
                let mut writing = Box::pin(store.db.write(async move |tx| pair(tx, &format!("p{polls}r{round}")).await));
                for _ in 0..polls {
                    if (&mut writing).now_or_never().is_some() {
                        answered += 1;
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            }
        }
        store.db.write(async |tx| pair(tx, "last").await).await.unwrap();
        let pairs = whole_pairs(store).await;
        assert!((answered + 1..=12 * 8 + 1).contains(&pairs), "{answered} answered, {pairs} stored");
        assert_eq!(store.db.counts().writes, 11 * 8 + 1, "an unpolled change was never sent, every other was");
        store.db.close().await;
        assert_eq!(whole_pairs(store).await, 11 * 8 + 1, "what was sent is done");
    }

    async fn counts_say_what_was_asked(store) {
        let before = store.db.counts();
        store.db.write(async |tx| pair(tx, "a").await).await.unwrap();
        generations::current(&store.db).await.unwrap();
        let after = store.db.counts();
        assert_eq!(after.writes - before.writes, 1);
        assert_eq!(after.write_statements - before.write_statements, 2);
        assert_eq!(after.reads - before.reads, 1);
    }

    async fn a_closed_store_refuses(store) {
        store.db.write(async |tx| pair(tx, "a").await).await.unwrap();
        store.db.close().await;
        assert_eq!(store.db.write(async |tx| pair(tx, "b").await).await, Err(StoreError::Stopped));
    }

    /// Each of two changes looks at the other's person and disables its own only while that one is active: exactly
    /// one wins. READ COMMITTED would let both.
    async fn two_changes_that_rest_on_each_other_do_not_both_win(store) {
        city(store).await;
        for round in 0..8 {
            store.run("UPDATE users SET status = 'active' WHERE id IN ('siti', 'budi')").await;
            let (both, tries) = (Arc::new(Barrier::new(2)), Arc::new(AtomicUsize::new(0)));
            let race = [0, 1].map(|side| {
                let (db, both, tries) = (store.db.clone(), Arc::clone(&both), Arc::clone(&tries));
                // Only PostgreSQL runs two at once; there the first tries meet between reading and writing.
                let meet = store.engine == Engine::Postgres;
                tokio::spawn(async move {
                    db.write(async move |tx| {
                        let mut people = ["siti", "budi"].map(UserId::new);
                        people.rotate_left(side);
                        let [mine, other] = people;
                        let other = users::load(tx, &other).await?;
                        let free = other.is_some_and(|other| other.status == Status::Active);
                        if meet && tries.fetch_add(1, Ordering::SeqCst) < 2 {
                            both.wait().await;
                        }
                        if free {
                            users::set_status(tx, &mine, Status::Disabled, NOW).await?;
                        }
                        Ok(free)
                    })
                    .await
                    .unwrap()
                })
            });
            let mut won = 0;
            for side in race {
                won += u32::from(side.await.unwrap());
            }
            assert_eq!(won, 1, "round {round}");
            assert_eq!(store.rows("users WHERE status = 'disabled' AND id IN ('siti', 'budi')").await, 1);
        }
    }

    async fn many_changes_at_once_are_all_made(store) {
        let changes: Vec<_> = (0..200)
            .map(|number| {
                let db = store.db.clone();
                tokio::spawn(async move { db.write(async move |tx| pair(tx, &number.to_string()).await).await })
            })
            .collect();
        for change in changes {
            change.await.unwrap().unwrap();
        }
        assert_eq!(whole_pairs(store).await, 200);
    }
}

/// Holds the writer until told to go on.
fn holder(db: &Db, gate: &Arc<Barrier>) -> tokio::task::JoinHandle<Result<(), StoreError>> {
    let (db, gate) = (db.clone(), Arc::clone(gate));
    tokio::spawn(async move {
        db.write(async move |_| {
            gate.wait().await;
            gate.wait().await;
            Ok(())
        })
        .await
    })
}

#[tokio::test]
async fn a_full_queue_is_refused_at_once() {
    let store = Store::with(Engine::Sqlite, |config| gapura_store::DbConfig { queue: 2, ..config }).await;
    let gate = Arc::new(Barrier::new(2));
    let held = holder(&store.db, &gate);
    gate.wait().await;
    let mut waiting: Vec<_> =
        (0..2).map(|n| Box::pin(store.db.write(async move |tx| pair(tx, &n.to_string()).await))).collect();
    for change in &mut waiting {
        assert!(change.now_or_never().is_none());
    }
    assert_eq!(store.db.write(async |tx| pair(tx, "third").await).await, Err(StoreError::Busy));
    gate.wait().await;
    held.await.unwrap().unwrap();
    for change in waiting {
        change.await.unwrap();
    }
    assert_eq!(whole_pairs(&store).await, 2);
}

/// Another process holds the file longer than callers wait. Of what they gave up nothing is made afterwards: they
/// may have done it again by then.
#[tokio::test]
async fn a_change_that_waited_too_long_is_not_made_afterwards() {
    let patience = Duration::from_millis(500);
    let store = Store::with(Engine::Sqlite, |config| gapura_store::DbConfig { patience, ..config }).await;
    let other = store.sqlite();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let given = async |name: &'static str| store.db.write(async move |tx| pair(tx, name).await).await;
    let release = async {
        tokio::time::sleep(patience * 3).await;
        other.execute_batch("COMMIT").unwrap();
    };
    let (first, second, ()) = tokio::join!(given("first"), given("second"), release);
    let gave_up = |answer: &Result<(), _>| matches!(answer, Err(StoreError::Unavailable(_)));
    assert!(gave_up(&first) && gave_up(&second), "{first:?}, {second:?}");
    given("third").await.unwrap();
    assert_eq!(whole_pairs(&store).await, 1);
    // The writer's own work may take long, too: who waits behind it hears before giving up.
    let gate = Arc::new(Barrier::new(2));
    let held = holder(&store.db, &gate);
    gate.wait().await;
    let release = async {
        tokio::time::sleep(patience * 3 / 2).await;
        gate.wait().await;
    };
    let (late, ()) = tokio::join!(given("late"), release);
    assert_eq!(late, Err(StoreError::Busy));
    held.await.unwrap().unwrap();
    assert_eq!(whole_pairs(&store).await, 1);
}

async fn an_overlong_change_is_undone(engine: Engine) {
    let store =
        Store::with(engine, |config| gapura_store::DbConfig { longest_change: Duration::from_millis(20), ..config })
            .await;
    let endless: Result<(), _> = store
        .db
        .write(async |tx| {
            pair(tx, "a").await?;
            std::future::pending().await
        })
        .await;
    assert_eq!(endless, Err(StoreError::TooSlow));
    store.db.write(async |tx| leases::hold(tx, "next", "me", NOW, LEASE).await).await.unwrap();
    assert_eq!(store.rows("job_leases").await, 1);
}

#[tokio::test]
async fn an_overlong_change_is_undone_on_sqlite() {
    an_overlong_change_is_undone(Engine::Sqlite).await;
}

#[tokio::test]
async fn an_overlong_change_is_undone_on_postgres() {
    an_overlong_change_is_undone(Engine::Postgres).await;
}

/// Every connection is cut, as by a restart of the server; nobody restarts us.
#[tokio::test]
async fn the_store_recovers_when_the_database_comes_back() {
    let store = Store::new(Engine::Postgres).await;
    let use_all = async || {
        let writes = (0..20).map(|n| store.db.write(async move |tx| pair(tx, &n.to_string()).await));
        let reads = (0..20).map(|_| generations::current(&store.db));
        let (writes, reads) = tokio::join!(futures::future::join_all(writes), futures::future::join_all(reads));
        assert!(writes.iter().all(Result::is_ok), "{writes:?}");
        assert!(reads.iter().all(Result::is_ok), "{reads:?}");
    };
    use_all().await;
    for _ in 0..3 {
        store
            .run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .await;
        use_all().await;
    }
}

#[tokio::test]
async fn one_server_has_a_sqlite_file_and_commands_work_beside_it() {
    let store = Store::with(Engine::Sqlite, gapura_store::DbConfig::for_server).await;
    let second = Db::open(&store.config).await.map(drop);
    assert!(matches!(&second, Err(StoreError::Unfit(why)) if why.contains("another server")), "{second:?}");
    let command = gapura_store::DbConfig { opener: gapura_store::door::Opener::Command, ..store.config.clone() };
    let command = Db::open(&command).await.unwrap();
    // The server is never idle meanwhile; the command gets its turn between two groups.
    let done = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..8)
        .map(|caller| {
            let (db, done) = (store.db.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let mut made = 0;
                while !done.load(Ordering::SeqCst) {
                    db.write(async move |tx| pair(tx, &format!("server{caller}-{made}")).await).await.unwrap();
                    made += 1;
                }
                made
            })
        })
        .collect();
    for round in 0..20 {
        command.write(async move |tx| pair(tx, &format!("command{round}")).await).await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    let mut made = 20;
    for caller in load {
        made += caller.await.unwrap();
    }
    command.close().await;
    assert_eq!(whole_pairs(&store).await, made);
    store.db.close().await;
    let next = Db::open(&store.config).await.unwrap();
    let alone =
        next.write(async |tx| nodes::beat(tx, &Node { id: "n", ephemeral: "memory" }, NOW, LEASE).await).await.unwrap();
    assert_eq!(alone, None);
}
