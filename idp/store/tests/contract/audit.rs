//! Audit events, and the chain over them.

use gapura_core::{
    audit::{
        Actor, AuditEvent, EventKind,
        chain::{self, Broken},
    },
    id::{ApplicationId, EventId},
};
use gapura_store::{StoreError, audit, audit_chain};

use crate::{
    fixtures::{siti, web},
    support::{NOW, Store, change, on_both_engines},
};

/// Records an event that says everything there is a column for.
async fn record(store: &Store, id: &str) {
    let mut event = AuditEvent::new(EventId::new(id), [7; 16], NOW, EventKind::SignedOut, Actor::System);
    (event.user_id, event.client_id) = (Some(siti()), Some(web()));
    (event.application_id, event.request_id) = (Some(ApplicationId::new("app")), Some("r".to_owned()));
    change!(store, |tx| audit::record(tx, &event));
}

/// Seals at most so many events from a key on, as the sealer does; which they were.
pub(crate) async fn seal(store: &Store, from: Option<&str>, limit: i64) -> Vec<String> {
    let events = audit_chain::unsealed(&store.db, from.map(EventId::new).as_ref(), limit).await.unwrap();
    let ids = events.iter().map(|event| event.id.to_string()).collect();
    let places: Vec<_> = events.into_iter().map(|e| (e.id, chain::digest(&e.salt, &e.body))).collect();
    change!(store, |tx| audit_chain::append(tx, &places));
    ids
}

/// Reads the chain page by page, as its verifier does.
pub(crate) async fn first_broken(store: &Store) -> Option<(i64, Broken)> {
    let (mut head, mut from) = (None, i64::MIN);
    loop {
        let page = audit_chain::page(&store.db, from, 3).await.unwrap();
        from = page.last()?.0.number + 1;
        for (link, event) in page {
            if let Err(broken) = chain::check(head.as_ref(), &link, event.as_ref()) {
                return Some((link.number, broken));
            }
            head = Some(link);
        }
    }
}

on_both_engines! {
    async fn an_event_is_stored_as_its_canonical_bytes(store) {
        let mut event = AuditEvent::new(EventId::new("e1"), [9; 16], NOW, EventKind::SignedIn, Actor::Anonymous);
        event.user_id = Some(siti());
        event.reason = Some("alasan \"é\"".to_owned());
        let stored = event.clone();
        change!(store, |tx| audit::record(tx, &stored));
        let length = i64::try_from(event.canonical().len()).unwrap();
        let found = format!(
            "audit_events WHERE id = 'e1' AND kind = 'sign_in' AND user_id = 'siti' AND LENGTH(body) = {length} \
             AND LENGTH(salt) = 16"
        );
        assert_eq!(store.rows(&found).await, 1);
    }

    async fn events_are_read_from_the_newest_backwards(store) {
        for id in ["a1", "a2", "a3"] {
            let event = AuditEvent::new(EventId::new(id), [0; 16], NOW, EventKind::SignedOut, Actor::System);
            change!(store, |tx| audit::record(tx, &event));
        }
        let newest = audit::older(&store.db, None, 2).await.unwrap();
        assert_eq!(newest.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["a3", "a2"]);
        assert_eq!((newest[0].kind, newest[0].at), (EventKind::SignedOut, NOW));
        let rest = audit::older(&store.db, Some(&newest[1].id), 2).await.unwrap();
        assert_eq!(rest.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["a1"]);
    }

    //= SEC-03 test
    //= BSSN4-2021#6.e test
    async fn the_chain_names_the_event_that_was_changed_removed_or_moved(store) {
        for id in ["01", "02", "03", "04"] {
            record(store, id).await;
        }
        seal(store, None, 3).await;
        assert_eq!(seal(store, Some("02"), 9).await, ["04"], "one is left after three");
        assert_eq!(first_broken(store).await, None);
        let again = vec![(EventId::new("03"), [0; 32])];
        let twice = store.db.write(async move |tx| audit_chain::append(tx, &again).await).await;
        assert!(matches!(twice, Err(StoreError::Unique(_))), "one event has one place: {twice:?}");
        let set = |what: &str| format!("UPDATE audit_events SET {what} WHERE id = '02'");
        // Each line is undone by the next, so that one break at a time stands.
        let table = [
            (
                "INSERT INTO audit_chain SELECT 0, 'lain', digest, previous FROM audit_chain WHERE number = 4".to_owned(),
                Some((0, Broken::Number)),
            ),
            (
                "UPDATE audit_chain SET number = -9223372036854775807 - 1 WHERE number = 0".to_owned(),
                Some((i64::MIN, Broken::Number)),
            ),
            ("DELETE FROM audit_chain WHERE number < 1".to_owned(), None),
            (set("kind = 'sign_in'"), Some((2, Broken::Columns))),
            (set("kind = 'sign_out', at = at + 1"), Some((2, Broken::Columns))),
            (set("at = at - 1, user_id = 'budi'"), Some((2, Broken::Columns))),
            (set("user_id = NULL"), Some((2, Broken::Columns))),
            (set("user_id = 'siti', client_id = 'quiet'"), Some((2, Broken::Columns))),
            (set("client_id = 'web', application_id = NULL"), Some((2, Broken::Columns))),
            (set("application_id = 'app', request_id = ''"), Some((2, Broken::Columns))),
            (set("request_id = 'r'"), None),
            (
                "UPDATE audit_events SET body = (SELECT body FROM audit_events WHERE id = '04') WHERE id = '03'".to_owned(),
                Some((3, Broken::Altered)),
            ),
            ("DELETE FROM audit_events WHERE id = '01'".to_owned(), Some((1, Broken::Gone))),
            ("DELETE FROM audit_chain WHERE number = 1".to_owned(), Some((2, Broken::Number))),
        ];
        for (sql, broken) in table {
            store.run(&sql).await;
            assert_eq!(first_broken(store).await, broken, "{sql}");
        }
    }

    async fn an_event_that_came_late_is_found_by_walking_through_all(store) {
        for id in ["01", "03", "05"] {
            record(store, id).await;
        }
        assert_eq!(audit_chain::newest(&store.db).await.unwrap(), None);
        assert_eq!(seal(store, None, 9).await.len(), 3);
        record(store, "02").await;
        assert!(seal(store, Some("03"), 9).await.is_empty(), "it lies before where is looked");
        let first = audit_chain::places(&store.db, &EventId::new(""), 2).await.unwrap();
        let second = audit_chain::places(&store.db, &first[1].id, 9).await.unwrap();
        let seen: Vec<_> = first.iter().chain(&second).map(|one| (one.id.as_str(), one.number)).collect();
        assert_eq!(seen, [("01", Some(1)), ("02", None), ("03", Some(2)), ("05", Some(3))]);
        let late = audit_chain::event(&store.db, &EventId::new("02")).await.unwrap().unwrap();
        assert_eq!(Some(&late), audit_chain::unsealed(&store.db, None, 9).await.unwrap().first());
        assert_eq!(audit_chain::event(&store.db, &EventId::new("04")).await.unwrap(), None);
        seal(store, None, 9).await;
        assert_eq!(audit_chain::newest(&store.db).await.unwrap(), Some(EventId::new("05")), "not the last that came");
        assert_eq!(first_broken(store).await, None);
    }
}
