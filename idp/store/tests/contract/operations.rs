//! What a deployment is, its nodes, its outbox, its throttles, and how things end.

use std::time::Duration;

use gapura_core::{
    id::SessionId,
    identity::{SessionEnd, Throttle},
    time::Instant,
};
use gapura_store::{
    Db, StoreError, backup,
    deployment::{self, Property},
    expiry, leases,
    logout_messages::{self, FailedAttempt, MessageState},
    nodes::{self, Node},
    one_time_links::{self, LinkPurpose, OneTimeLink},
    sessions, throttles,
};

use crate::{
    fixtures::{born, city, entry, family, session, siti, stored, token},
    support::{Engine, NOW, Store, change, on_both_engines},
};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// So many ended sessions that have a message for the client `web`.
async fn messages(store: &Store, names: &'static [&'static str]) {
    for &name in names {
        session(store, name).await;
        change!(store, |tx| sessions::enter(tx, &entry(name, "web"), NOW));
        let id = SessionId::new(name);
        change!(store, |tx| sessions::end(tx, &id, SessionEnd::SignedOut, NOW));
    }
}

on_both_engines! {
    async fn the_zone_is_fixed_at_first_start(store) {
        change!(store, |tx| deployment::insist(tx, Property::Zone, "Asia/Jakarta"));
        change!(store, |tx| deployment::insist(tx, Property::Zone, "Asia/Jakarta"));
        let moved = store.db.write(async |tx| deployment::insist(tx, Property::Zone, "Asia/Jayapura").await).await;
        assert!(matches!(&moved, Err(StoreError::Unfit(why)) if why.contains("Asia/Jakarta")), "{moved:?}");
        let fixed = change!(store, |tx| deployment::fix(tx, Property::Zone, "Asia/Jayapura"));
        assert_eq!(fixed, "Asia/Jakarta");
    }

    async fn two_nodes_with_memory_of_their_own_see_each_other(store) {
        let [first, second, shared] =
            [("a", "memory"), ("b", "memory"), ("c", "redis")].map(|(id, ephemeral)| Node { id, ephemeral });
        let beat = async |node: Node<'static>, now: Instant| {
            change!(store, |tx| nodes::beat(tx, &node, now, 10 * SECOND))
        };
        assert_eq!(beat(first.clone(), NOW).await, None);
        assert_eq!(beat(second.clone(), NOW.plus(SECOND)).await.as_deref(), Some("a"));
        assert_eq!(beat(shared.clone(), NOW.plus(SECOND)).await.as_deref(), Some("a"));
        assert_eq!(beat(second.clone(), NOW.plus(30 * SECOND)).await, None, "the first is dead");
        change!(store, |tx| nodes::leave(tx, &second, NOW.plus(20 * SECOND)));
        assert_eq!(store.rows("nodes").await, 0, "who leaves takes the dead along");
        assert_eq!(beat(shared, NOW).await, None);
        assert_eq!(beat(Node { id: "d", ephemeral: "redis" }, NOW).await, None, "these share theirs");
    }

    async fn a_lease_ends_by_time_or_by_hand(store) {
        let hold = async |who: &'static str, now: Instant| {
            change!(store, |tx| leases::hold(tx, "job", who, now, 10 * SECOND))
        };
        assert!(hold("a", NOW).await);
        assert!(!hold("b", NOW.plus(9 * SECOND)).await);
        assert!(hold("b", NOW.plus(10 * SECOND)).await);
        change!(store, |tx| leases::release(tx, "job", "a"));
        assert_eq!(store.rows("job_leases").await, 1, "only its holder gives it back");
        change!(store, |tx| leases::release(tx, "job", "b"));
        assert_eq!(store.rows("job_leases").await, 0);
    }

    async fn at_most_two_messages_to_one_client_are_on_their_way(store) {
        city(store).await;
        assert!(!logout_messages::any_due(&store.db, NOW).await.unwrap());
        messages(store, &["s1", "s2", "s3"]).await;
        assert!(logout_messages::any_due(&store.db, NOW).await.unwrap());
        assert_eq!(logout_messages::pending(&store.db).await.unwrap(), 3);
        let claim = async |holder: &'static str, now: Instant| {
            change!(store, |tx| logout_messages::claim(tx, holder, now, 10 * SECOND, 100))
        };
        let first = claim("a", NOW).await;
        assert_eq!(first.iter().map(|m| m.attempts).collect::<Vec<_>>(), [1, 1]);
        assert!(claim("b", NOW).await.is_empty(), "two are on their way");
        let id = first[0].id.clone();
        assert!(change!(store, |tx| logout_messages::delivered(tx, &id, "a", NOW)));
        assert_eq!(claim("b", NOW).await.len(), 1, "a place is free");
        assert_eq!(logout_messages::pending(&store.db).await.unwrap(), 2, "what is on its way still counts");
        let late = NOW.plus(10 * SECOND);
        assert_eq!(claim("c", late).await.len(), 2, "leases have ended, their holders may be dead");
        let id = first[1].id.clone();
        assert!(!change!(store, |tx| logout_messages::delivered(tx, &id, "a", late)), "the lease has gone to another");
    }

    async fn a_failed_message_comes_again_and_is_given_up_after_a_day(store) {
        city(store).await;
        messages(store, &["s1"]).await;
        let fail = async |now: Instant, due_at: Instant| {
            let claimed = change!(store, |tx| logout_messages::claim(tx, "a", now, 10 * SECOND, 1));
            let id = claimed[0].id.clone();
            let attempt = FailedAttempt { error: "status 500", due_at };
            assert!(change!(store, |tx| logout_messages::failed(tx, &id, "a", attempt, now)));
            logout_messages::list(&store.db, 10).await.unwrap().remove(0)
        };
        let again = NOW.plus(5 * SECOND);
        let message = fail(NOW, again).await;
        assert_eq!((message.state, message.due_at, message.attempts), (MessageState::Pending, again, 1));
        assert_eq!(message.last_error.as_deref(), Some("status 500"));
        assert!(!logout_messages::any_due(&store.db, NOW).await.unwrap());
        let message = fail(again, NOW.plus(DAY)).await;
        assert_eq!((message.state, message.ended_at), (MessageState::GivenUp, Some(again)));
        assert!(!logout_messages::any_due(&store.db, NOW.plus(2 * DAY)).await.unwrap());
    }

    async fn a_clock_set_back_holds_nothing_for_ever(store) {
        city(store).await;
        messages(store, &["s1", "s2"]).await;
        let (hour, back) = (3600 * SECOND, NOW.minus(3600 * SECOND));
        let hold = async |who: &'static str, now: Instant| {
            change!(store, |tx| leases::hold(tx, "job", who, now, 10 * SECOND))
        };
        assert!(hold("dead", NOW).await);
        assert!(!hold("b", NOW.minus(60 * SECOND)).await, "the clocks of two nodes may differ");
        assert!(hold("b", back).await);
        let claim = async |now: Instant| {
            change!(store, |tx| logout_messages::claim(tx, "dead", now, 10 * SECOND, 1))
        };
        assert_eq!(claim(NOW).await.len(), 1);
        assert!(claim(back).await.is_empty(), "due within an hour by any clock");
        let far = NOW.minus(2 * hour);
        assert!(logout_messages::any_due(&store.db, far).await.unwrap());
        assert_eq!((claim(far).await.len(), claim(far).await.len()), (1, 1), "the dead one's lease is free, too");
        let beat = async |id: &'static str, now: Instant| {
            let node = Node { id, ephemeral: "memory" };
            change!(store, |tx| nodes::beat(tx, &node, now, 10 * SECOND))
        };
        assert_eq!(beat("dead", NOW).await, None);
        assert_eq!(beat("b", NOW.minus(SECOND)).await.as_deref(), Some("dead"));
        assert_eq!(beat("b", back).await, None);
        let seen = change!(store, |tx| throttles::fail(tx, "key", NOW, |before| Throttle::after_failure(before, NOW)));
        let new = Throttle { blocked_until: back, last_failure_at: back, ..seen };
        assert!(change!(store, |tx| throttles::amend(tx, "key", seen, new)));
        assert!(!change!(store, |tx| throttles::amend(tx, "key", seen, new)), "somebody was faster");
        let kept = throttles::state(&store.db, "key", back).await.unwrap().unwrap();
        assert_eq!((kept.failures, kept.blocked_until), (1, back));
    }

    async fn every_failure_of_a_flood_counts(store) {
        let failures: Vec<_> = (0..20)
            .map(|_| {
                let db = store.db.clone();
                tokio::spawn(async move { db.write(async |tx| throttles::fail(tx, "key", NOW, |before| Throttle::after_failure(before, NOW)).await).await.unwrap() })
            })
            .collect();
        for failure in failures {
            failure.await.unwrap();
        }
        let state = throttles::state(&store.db, "key", NOW).await.unwrap().unwrap();
        assert_eq!((state.failures, state.last_failure_at), (20, NOW));
        assert!(state.blocks(NOW).is_some());
        change!(store, |tx| throttles::clear(tx, "key"));
        assert!(throttles::state(&store.db, "key", NOW).await.unwrap().is_none());
    }

    async fn a_link_ends(store) {
        city(store).await;
        let end = NOW.plus(DAY);
        let link = OneTimeLink { purpose: LinkPurpose::FirstPassword, user_id: siti(), expires_at: end };
        let added = link.clone();
        change!(store, |tx| one_time_links::add(tx, &[1; 32], &added, NOW));
        assert_eq!(one_time_links::find(&store.db, &[1; 32], NOW).await.unwrap(), Some(link));
        assert_eq!(one_time_links::find(&store.db, &[1; 32], end).await.unwrap(), None);
        assert_eq!(change!(store, |tx| one_time_links::use_up(tx, &[1; 32], end)), None);
    }

    async fn a_password_that_was_set_ends_every_link_of_its_account(store) {
        city(store).await;
        for hash in [[1; 32], [2; 32]] {
            let link = OneTimeLink { purpose: LinkPurpose::FirstPassword, user_id: siti(), expires_at: NOW.plus(DAY) };
            change!(store, |tx| one_time_links::add(tx, &hash, &link, NOW));
        }
        let user = siti();
        change!(store, |tx| one_time_links::end_all_of(tx, &user, NOW));
        for hash in [[1; 32], [2; 32]] {
            assert_eq!(one_time_links::find(&store.db, &hash, NOW).await.unwrap(), None);
            assert_eq!(change!(store, |tx| one_time_links::use_up(tx, &hash, NOW)), None);
        }
    }

    async fn what_has_ended_leaves_in_batches(store) {
        city(store).await;
        let live = session(store, "s1").await;
        born(store, &family("f1", &live)).await;
        for number in 0..110 {
            stored(store, &token(&format!("t{number}"), "f1")).await;
        }
        messages(store, &["s2"]).await;
        change!(store, |tx| throttles::fail(tx, "key", NOW, |before| Throttle::after_failure(before, NOW)));
        let hour = NOW.plus(Duration::from_secs(3600));
        assert_eq!(expiry::sweep(&store.db, NOW).await.unwrap().rows, 0);
        assert_eq!(expiry::sweep(&store.db, hour).await.unwrap().rows, 50);
        assert_eq!(expiry::sweep(&store.db, hour).await.unwrap().rows, 50);
        assert_eq!(expiry::sweep(&store.db, hour).await.unwrap().rows, 11, "the family leaves after its last token");
        assert_eq!(expiry::sweep(&store.db, hour).await.unwrap().rows, 0);
        let claimed = change!(store, |tx| logout_messages::claim(tx, "a", hour, SECOND, 1));
        let id = claimed[0].id.clone();
        change!(store, |tx| logout_messages::delivered(tx, &id, "a", hour));
        let later = NOW.plus(9 * DAY);
        while expiry::sweep(&store.db, later).await.unwrap().rows > 0 {}
        for table in ["refresh_tokens", "refresh_families", "session_clients", "logout_messages", "sign_in_throttles"] {
            assert_eq!(store.rows(table).await, 0, "{table}");
        }
        assert_eq!(store.rows("sessions WHERE id = 's1'").await, 1, "it was never ended, so nobody was told yet");
        assert_eq!(store.rows("sessions").await, 1);
    }
}

#[tokio::test]
async fn a_copy_is_made_while_serving_and_put_back() {
    let store = Store::new(Engine::Sqlite).await;
    city(&store).await;
    let writing = {
        let db = store.db.clone();
        tokio::spawn(async move {
            for number in 0..200 {
                db.write(async move |tx| {
                    leases::hold(tx, &format!("{number}-a"), "me", NOW, DAY).await?;
                    leases::hold(tx, &format!("{number}-b"), "me", NOW, DAY).await
                })
                .await
                .unwrap();
            }
        })
    };
    let (copy, restored) = (store.file("copy.db"), store.file("restored.db"));
    backup::copy(&store.config, &copy).await.unwrap();
    writing.await.unwrap();
    let again = backup::copy(&store.config, &copy).await;
    assert!(matches!(again, Err(StoreError::Unfit(_))), "an older copy is not overwritten");
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let target = gapura_store::DbConfig::sqlite(&restored);
    backup::restore(&target, &copy).await.unwrap();
    assert!(matches!(backup::restore(&target, &copy).await, Err(StoreError::Unfit(_))));
    let db = Db::open(&target).await.unwrap();
    assert_eq!(gapura_store::clients::all(&db).await.unwrap().len(), 2);
    let odd = rusqlite::Connection::open(&restored).unwrap();
    let held: i64 = odd.query_one("SELECT COUNT(*) FROM job_leases", [], |row| row.get(0)).unwrap();
    assert_eq!(held % 2, 0, "no change is torn");
    std::fs::write(store.file("text.db"), "not a database").unwrap();
    let refused = backup::restore(&gapura_store::DbConfig::sqlite(store.file("x.db")), &store.file("text.db")).await;
    assert!(refused.is_err());
}
