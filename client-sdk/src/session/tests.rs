//! The promises of a session store, kept by the one in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::clock::Clock;

fn session(sub: &str, sid: &str, issued_at: i64) -> Session {
    let tokens =
        Tokens { access: "akses".to_owned(), access_until: issued_at + 300, refresh: None, id: "id".to_owned() };
    Session {
        sub: sub.to_owned(),
        sid: Some(sid.to_owned()),
        claims: Map::new(),
        roles: Vec::new(),
        issued_at,
        started_at: issued_at,
        expires_at: issued_at + LIFETIME,
        renewed_at: issued_at,
        nonce: String::new(),
        tokens,
    }
}

fn store(capacity: usize) -> (MemoryStore, Arc<AtomicI64>) {
    let time = Arc::new(AtomicI64::new(1000));
    let read = Arc::clone(&time);
    (MemoryStore::new(capacity, Clock::from_fn(move || read.load(Ordering::SeqCst))), time)
}

fn key(name: &str) -> SessionKey {
    SessionKey::of_cookie(name)
}

#[tokio::test]
async fn a_full_store_gives_up_what_ends_soonest() {
    let (store, _) = store(2);
    for (name, at) in [("a", 1000), ("b", 900), ("c", 1001)] {
        assert!(store.insert(&key(name), session(name, name, at)).await.unwrap());
    }
    assert_eq!(store.len(), 2);
    assert!(store.load(&key("b")).await.unwrap().is_none());
    assert!(store.load(&key("a")).await.unwrap().is_some() && store.load(&key("c")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_session_that_ended_is_not_brought_back() {
    let (store, time) = store(9);
    let one = session("a", "a", 1000);
    assert!(!store.update(&key("a"), &one, one.clone()).await.unwrap());
    store.insert(&key("a"), one.clone()).await.unwrap();
    assert!(store.update(&key("a"), &one, one.clone()).await.unwrap());
    time.store(1000 + LIFETIME, Ordering::SeqCst);
    assert!(!store.update(&key("a"), &one, one.clone()).await.unwrap());
    assert!(store.is_empty());
}

#[tokio::test]
async fn an_end_covers_what_it_names_and_leaves_its_mark() {
    let (store, time) = store(9);
    for (name, sub, sid, at) in
        [("1", "a", "x", 900), ("2", "a", "y", 1000), ("3", "b", "x", 900), ("4", "a", "z", 1001)]
    {
        store.insert(&key(name), session(sub, sid, at)).await.unwrap();
    }
    let of_sid = Ended::Sid { sid: "x".to_owned(), sub: Some("a".to_owned()) };
    assert_eq!(store.end(&of_sid, 1600).await.unwrap(), 1);
    assert!(store.load(&key("3")).await.unwrap().is_some());
    let of_sub = Ended::Sub { sub: "a".to_owned(), at: 1000 };
    assert_eq!(store.end(&of_sub, 1600).await.unwrap(), 1);
    assert!(store.load(&key("4")).await.unwrap().is_some(), "signed in after the word was given");
    assert!(!store.insert(&key("5"), session("a", "x", 1002)).await.unwrap());
    assert!(!store.insert(&key("5"), session("a", "w", 999)).await.unwrap());
    assert!(store.insert(&key("5"), session("a", "w", 1001)).await.unwrap());
    time.store(1600, Ordering::SeqCst);
    assert!(store.insert(&key("6"), session("a", "x", 1002)).await.unwrap(), "the mark is gone");
}

#[tokio::test]
async fn an_identifier_is_claimed_once() {
    let (store, time) = store(9);
    assert!(store.claim("a", 1100).await.unwrap());
    assert!(!store.claim("a", 1100).await.unwrap());
    time.store(1101, Ordering::SeqCst);
    assert!(store.claim("a", 1200).await.unwrap());
}

#[test]
fn a_session_survives_a_store_and_hides_its_tokens() {
    let before = session("a", "x", 1000);
    let after: Session = serde_json::from_str(&serde_json::to_string(&before).unwrap()).unwrap();
    assert_eq!(
        (after.sub(), after.sid(), after.expires_at(), after.issued_at()),
        ("a", Some("x"), 1000 + LIFETIME, 1000)
    );
    assert_eq!(after.tokens.access, "akses");
    assert!(!format!("{after:?}").contains("akses"));
}
