//! Sessions begin, enter, end once, and tell their clients.

use std::time::Duration;

use gapura_core::{
    id::{FamilyId, SessionId, UserId},
    identity::{Session, SessionEnd},
    time::Instant,
};
use gapura_store::{grants, logout_messages, sessions, standing};

use crate::{
    fixtures::{born, city, entry, family, session, siti},
    support::{NOW, change, on_both_engines},
};

const MINUTE: Duration = Duration::from_secs(60);

on_both_engines! {
    async fn the_first_entry_is_told_apart(store) {
        city(store).await;
        session(store, "s1").await;
        assert!(change!(store, |tx| sessions::enter(tx, &entry("s1", "web"), NOW)));
        assert!(!change!(store, |tx| sessions::enter(tx, &entry("s1", "web"), NOW.plus(MINUTE))));
        assert!(change!(store, |tx| sessions::enter(tx, &entry("s1", "quiet"), NOW.plus(MINUTE))));
        let last = store.number("SELECT last_at FROM application_entries WHERE user_id = 'siti'").await;
        assert_eq!(last, NOW.plus(MINUTE).millis());
    }

    async fn an_ended_session_enters_nothing_and_bears_no_family(store) {
        city(store).await;
        let ended = session(store, "s1").await;
        change!(store, |tx| sessions::end(tx, &SessionId::new("s1"), SessionEnd::SignedOut, NOW));
        assert!(!change!(store, |tx| sessions::enter(tx, &entry("s1", "web"), NOW)));
        let family = family("f1", &ended);
        assert!(!change!(store, |tx| grants::create(tx, &family, NOW)));
    }

    async fn ending_a_session_ends_its_families_and_tells_its_clients_once(store) {
        city(store).await;
        let live = session(store, "s1").await;
        born(store, &family("bound", &live)).await;
        let mut offline = family("offline", &live);
        offline.offline = true;
        born(store, &offline).await;
        for client in ["web", "quiet"] {
            change!(store, |tx| sessions::enter(tx, &entry("s1", client), NOW));
        }
        let id = SessionId::new("s1");
        let again = id.clone();
        assert_eq!(change!(store, |tx| sessions::end(tx, &id, SessionEnd::SignedOut, NOW)), Some(siti()));
        assert_eq!(change!(store, |tx| sessions::end(tx, &again, SessionEnd::Expired, NOW)), None);
        assert_eq!(store.rows("refresh_families WHERE revoke_reason = 'session_ended'").await, 1);
        assert_eq!(store.rows("refresh_families WHERE id = 'offline' AND revoked_at IS NULL").await, 1);
        assert_eq!(logout_messages::pending(&store.db).await.unwrap(), 1, "one application listens, the quiet one does not");
        let messages = logout_messages::list(&store.db, 10).await.unwrap();
        assert_eq!(messages.len(), 1, "a client without a receiver is told nothing");
        assert_eq!((messages[0].client_id.as_str(), messages[0].sub.as_str()), ("web", "sub-siti"));
        assert_eq!(messages[0].session_id.as_str(), "s1");
    }

    async fn ending_all_of_a_person_ends_what_outlives_sessions_too(store) {
        city(store).await;
        let first = session(store, "s1").await;
        session(store, "s2").await;
        let mut offline = family("offline", &first);
        offline.offline = true;
        born(store, &offline).await;
        for session in ["s1", "s2"] {
            change!(store, |tx| sessions::enter(tx, &entry(session, "web"), NOW));
        }
        change!(store, |tx| sessions::end_all_of(tx, &siti(), SessionEnd::AccountEnded, NOW));
        assert_eq!(store.rows("sessions WHERE ended_at IS NULL").await, 0);
        assert_eq!(store.rows("refresh_families WHERE revoked_at IS NULL").await, 0);
        assert_eq!(store.rows("logout_messages WHERE state = 'pending'").await, 2);
    }

    async fn last_seen_moves_no_more_than_every_few_minutes(store) {
        city(store).await;
        session(store, "s1").await;
        let seen = async || standing::by_cookie(&store.db, b"s1").await.unwrap().unwrap().session.unwrap().last_seen_at;
        let id = SessionId::new("s1");
        let soon = NOW.plus(MINUTE);
        change!(store, |tx| sessions::touch(tx, &id, 5 * MINUTE, soon));
        assert_eq!(seen().await, NOW);
        let id = SessionId::new("s1");
        let later = NOW.plus(5 * MINUTE);
        change!(store, |tx| sessions::touch(tx, &id, 5 * MINUTE, later));
        assert_eq!(seen().await, later);
    }

    async fn sessions_run_out_by_idleness_and_by_age(store) {
        city(store).await;
        session(store, "s1").await;
        let idle = Duration::from_secs(4 * 3600);
        let at = async |now| sessions::run_out(&store.db, idle, 10, now).await.unwrap();
        assert!(at(NOW.plus(idle - MINUTE)).await.is_empty());
        assert_eq!(at(NOW.plus(idle)).await, [SessionId::new("s1")]);
        let id = SessionId::new("s1");
        let end = NOW.plus(Duration::from_secs(12 * 3600));
        change!(store, |tx| sessions::touch(tx, &id, MINUTE, end));
        assert_eq!(at(end).await, [SessionId::new("s1")]);
    }

    async fn a_family_that_was_used_says_when(store) {
        city(store).await;
        let live = session(store, "s1").await;
        born(store, &family("f1", &live)).await;
        let later = NOW.plus(10 * MINUTE);
        change!(store, |tx| grants::touch(tx, &FamilyId::new("f1"), 5 * MINUTE, later));
        assert_eq!(store.number("SELECT last_used_at FROM refresh_families").await, later.millis());
    }

    async fn a_session_is_renewed_under_a_new_cookie_by_its_person_only(store) {
        city(store).await;
        let before = session(store, "s1").await;
        let idle = Duration::from_secs(4 * 3600);
        let renew = async |user: UserId, now: Instant| {
            let after = Session { user_id: user, acr: "2".to_owned(), auth_time: now, ..before.clone() };
            change!(store, |tx| sessions::renew(tx, &after, b"new", idle, now))
        };
        assert!(!renew(UserId::new("budi"), NOW.plus(MINUTE)).await);
        assert!(!renew(siti(), NOW.plus(idle)).await, "idle too long");
        assert!(renew(siti(), NOW.plus(MINUTE)).await);
        assert!(standing::by_cookie(&store.db, b"s1").await.unwrap().is_none(), "the old cookie is nobody's");
        let behind = change!(store, |tx| sessions::behind(tx, b"new"));
        assert_eq!(behind, Some((before.id.clone(), siti())));
        let renewed = standing::by_cookie(&store.db, b"new").await.unwrap().unwrap().session.unwrap();
        assert_eq!((renewed.acr.as_str(), renewed.auth_time), ("2", NOW.plus(MINUTE)));
        let id = before.id.clone();
        change!(store, |tx| sessions::end(tx, &id, SessionEnd::SignedOut, NOW));
        assert_eq!(change!(store, |tx| sessions::behind(tx, b"new")), None);
        assert!(!renew(siti(), NOW.plus(MINUTE)).await);
    }
}
