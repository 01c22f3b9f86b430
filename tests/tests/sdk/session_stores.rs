//! Every store of sessions keeps the promises of `SessionStore`, and two machines over one store see one state.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
};

use gapura_client::{Clock, Ended, MemoryStore, PostgresStore, RedisStore, Session, SessionKey, SessionStore};
use gapura_tests::servers::{postgres, psql, redis};
use serde_json::json;

const START: i64 = 1_795_000_000;
const LIFETIME: i64 = 12 * 3600;

/// The same sessions from two machines, and the time both read.
struct Shared {
    one: Arc<dyn SessionStore>,
    other: Arc<dyn SessionStore>,
    time: Arc<AtomicI64>,
    /// The database behind them.
    url: String,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Memory,
    Postgres,
    Redis,
}

impl Shared {
    async fn new(kind: Kind) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let time = Arc::new(AtomicI64::new(START));
        let read = Arc::clone(&time);
        let clock = Clock::from_fn(move || read.load(Ordering::SeqCst));
        let (one, other, url): (Arc<dyn SessionStore>, Arc<dyn SessionStore>, _) = match kind {
            Kind::Memory => {
                let store = Arc::new(MemoryStore::new(100, clock));
                (store.clone(), store, String::new())
            }
            Kind::Postgres => {
                let url = postgres().database(None);
                let connect = async |clock: Clock| PostgresStore::connect(&url, clock).await.unwrap();
                let (one, other) = tokio::join!(connect(clock.clone()), connect(clock));
                (Arc::new(one), Arc::new(other), url)
            }
            Kind::Redis => {
                let prefix = format!("toko-{}", NEXT.fetch_add(1, Ordering::SeqCst));
                let url = redis().database();
                let connect = async |clock: Clock| RedisStore::connect(&url, &prefix, clock).await.unwrap();
                (Arc::new(connect(clock.clone()).await), Arc::new(connect(clock).await), url)
            }
        };
        Self { one, other, time, url }
    }

    fn at(&self, time: i64) {
        self.time.store(time, Ordering::SeqCst);
    }
}

/// Makes a test of each function for each store.
macro_rules! on_every_store {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            use super::Kind;

            #[tokio::test]
            async fn memory() {
                super::$name(Kind::Memory).await;
            }

            #[tokio::test]
            async fn postgres() {
                super::$name(Kind::Postgres).await;
            }

            #[tokio::test]
            async fn redis() {
                super::$name(Kind::Redis).await;
            }
        }
    )*};
}

on_every_store!(
    a_session_is_one_on_all_machines,
    an_end_covers_what_it_names_and_leaves_its_mark,
    an_identifier_is_claimed_once,
    a_sign_in_under_way_does_not_outlive_the_sign_out,
);

fn session(sub: &str, sid: Option<&str>, issued_at: i64) -> Session {
    serde_json::from_value(json!({
        "sub": sub, "sid": sid, "claims": {"name": "Siti"}, "roles": ["pegawai"], "issued_at": issued_at,
        "started_at": issued_at, "expires_at": issued_at + LIFETIME, "renewed_at": issued_at, "nonce": "n",
        "tokens": {"access": "akses", "access_until": issued_at + 300, "refresh": null, "id": "id"},
    }))
    .unwrap()
}

/// The same session with another refresh token.
fn renewed(session: &Session, refresh: &str) -> Session {
    let mut value = serde_json::to_value(session).unwrap();
    value["tokens"]["refresh"] = json!(refresh);
    serde_json::from_value(value).unwrap()
}

/// Keys are made of cookies inside the library only; stored they are text.
fn key(name: &str) -> SessionKey {
    serde_json::from_value(json!(name)).unwrap()
}

async fn a_session_is_one_on_all_machines(kind: Kind) {
    let Shared { one, other, time, .. } = &Shared::new(kind).await;
    let first = session("a", Some("x"), START);
    assert!(!one.update(&key("1"), &first, first.clone()).await.unwrap(), "it was never there");
    assert!(one.insert(&key("1"), first.clone()).await.unwrap());
    let found = other.load(&key("1")).await.unwrap().unwrap();
    assert_eq!((found.sub(), found.sid(), found.expires_at()), ("a", Some("x"), START + LIFETIME));
    let [second, third] = ["kedua", "ketiga"].map(|refresh| renewed(&first, refresh));
    assert!(other.update(&key("1"), &first, second.clone()).await.unwrap());
    assert!(!one.update(&key("1"), &first, third.clone()).await.unwrap(), "another machine renewed it");
    assert_eq!(one.load(&key("1")).await.unwrap().unwrap().revision(), second.revision());
    assert!(one.update(&key("1"), &second, third).await.unwrap());
    assert!(other.remove(&key("1")).await.unwrap().is_some());
    assert!(one.load(&key("1")).await.unwrap().is_none());
    assert!(one.remove(&key("1")).await.unwrap().is_none());
    assert!(!one.update(&key("1"), &first, first.clone()).await.unwrap(), "a session that ended is not brought back");
    assert!(one.insert(&key("2"), first.clone()).await.unwrap());
    time.store(START + LIFETIME, Ordering::SeqCst);
    assert!(other.load(&key("2")).await.unwrap().is_none(), "its time is over");
    assert!(!one.update(&key("2"), &first, first.clone()).await.unwrap());
}

async fn an_end_covers_what_it_names_and_leaves_its_mark(kind: Kind) {
    let shared = Shared::new(kind).await;
    let Shared { one, other, .. } = &shared;
    for (name, sub, sid, at) in [("1", "a", "x", -100), ("2", "a", "y", 0), ("3", "b", "x", -100), ("4", "a", "z", 1)] {
        one.insert(&key(name), session(sub, Some(sid), START + at)).await.unwrap();
    }
    one.insert(&key("tanpa"), session("a", None, START + 1)).await.unwrap();
    let of_sid = Ended::Sid { sid: "x".to_owned(), sub: Some("a".to_owned()) };
    assert_eq!(other.end(&of_sid, START + 600).await.unwrap(), 1);
    assert!(one.load(&key("3")).await.unwrap().is_some());
    let of_sub = Ended::Sub { sub: "a".to_owned(), at: START };
    assert_eq!(other.end(&of_sub, START + 600).await.unwrap(), 1);
    assert!(one.load(&key("4")).await.unwrap().is_some(), "signed in after the word was given");
    assert!(one.load(&key("tanpa")).await.unwrap().is_some());
    assert!(!one.insert(&key("5"), session("a", Some("x"), START + 2)).await.unwrap());
    assert!(one.insert(&key("6"), session("b", Some("x"), START + 2)).await.unwrap(), "the word named a person");
    assert!(!one.insert(&key("5"), session("a", Some("w"), START - 1)).await.unwrap());
    assert!(one.load(&key("5")).await.unwrap().is_none());
    assert!(one.insert(&key("5"), session("a", Some("w"), START + 1)).await.unwrap());
    let whole = Ended::Sid { sid: "x".to_owned(), sub: None };
    assert_eq!(one.end(&whole, START + 600).await.unwrap(), 2);
    shared.at(START + 600);
    assert!(one.insert(&key("7"), session("a", Some("x"), START + 2)).await.unwrap(), "the mark is gone");
}

async fn an_identifier_is_claimed_once(kind: Kind) {
    let shared = Shared::new(kind).await;
    assert!(shared.one.claim("a", START + 100).await.unwrap());
    assert!(!shared.other.claim("a", START + 100).await.unwrap());
    assert!(shared.other.claim("b", START + 100).await.unwrap());
    shared.at(START + 101);
    assert!(shared.other.claim("a", START + 200).await.unwrap());
    shared.one.release("a", START + 100).await.unwrap();
    assert!(!shared.one.claim("a", START + 300).await.unwrap(), "another has it since");
    shared.other.release("a", START + 200).await.unwrap();
    assert!(shared.one.claim("a", START + 300).await.unwrap(), "given back");
    let racers = (0..32).map(|turn| {
        let store = if turn % 2 == 0 { Arc::clone(&shared.one) } else { Arc::clone(&shared.other) };
        tokio::spawn(async move { store.claim("balapan", START + 200).await.unwrap() })
    });
    let won = futures::future::join_all(racers).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
    assert_eq!(won, 1);
}

/// Sign-ins and the sign-out of their session at the same moment: whichever comes first, nobody stays in.
async fn a_sign_in_under_way_does_not_outlive_the_sign_out(kind: Kind) {
    let shared = Shared::new(kind).await;
    for round in 0..40 {
        let sid = format!("sid-{round}");
        let (one, other) = (Arc::clone(&shared.one), Arc::clone(&shared.other));
        let names = [key(&format!("{round}-a")), key(&format!("{round}-b"))];
        let new = session("a", Some(&sid), START);
        let ended = Ended::Sid { sid, sub: Some("a".to_owned()) };
        let (first, second, gone) = tokio::join!(
            one.insert(&names[0], new.clone()),
            other.insert(&names[1], new),
            other.end(&ended, START + 600)
        );
        first.unwrap();
        second.unwrap();
        gone.unwrap();
        for name in names {
            assert!(shared.one.load(&name).await.unwrap().is_none(), "round {round}");
        }
    }
}

/// What ended leaves, and a clean-up that fails undoes no sign-in.
#[tokio::test]
async fn postgres_forgets_what_has_ended() {
    let shared = Shared::new(Kind::Postgres).await;
    let rows = |table: &str| {
        let rows = psql(&shared.url, &format!("SELECT COUNT(*) FROM gapura_client_{table}"));
        rows.trim().to_owned()
    };
    let ended = Ended::Sub { sub: "b".to_owned(), at: START };
    shared.one.end(&ended, START + 600).await.unwrap();
    for name in 0..100 {
        assert!(shared.one.claim(&format!("pesan {name}"), START + 100).await.unwrap());
    }
    assert!(shared.one.insert(&key("1"), session("a", None, START)).await.unwrap());
    shared.at(START + LIFETIME);
    for name in 0..64 {
        assert!(shared.one.claim(&format!("lain {name}"), START + LIFETIME + 100).await.unwrap());
    }
    assert_eq!(["sessions", "marks", "claims"].map(rows), ["0", "0", "64"]);
    psql(&shared.url, "DROP TABLE gapura_client_claims");
    assert!(shared.one.insert(&key("2"), session("a", None, START + LIFETIME)).await.unwrap());
}

#[tokio::test]
async fn redis_forgets_what_has_ended() {
    let shared = Shared::new(Kind::Redis).await;
    for name in ["1", "2", "3"] {
        assert!(shared.one.insert(&key(name), session("a", Some("x"), START)).await.unwrap());
    }
    let members = || {
        let keys = redis_cli(&shared.url, &["--scan", "--pattern", "*all-of-*"]);
        keys.lines().map(|set| redis_cli(&shared.url, &["zcard", set])).collect::<Vec<_>>()
    };
    assert_eq!(members(), ["3", "3"]);
    shared.other.remove(&key("2")).await.unwrap();
    assert_eq!(members(), ["2", "2"]);
    shared.at(START + LIFETIME);
    assert!(shared.one.insert(&key("4"), session("a", Some("x"), START + LIFETIME)).await.unwrap());
    assert_eq!(members(), ["1", "1"]);
}

fn redis_cli(url: &str, words: &[&str]) -> String {
    let done = Command::new("redis-cli").args(["-u", url]).args(words).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}
