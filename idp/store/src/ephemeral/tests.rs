//! One contract, run on both arms; then what only Redis can do wrong.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use futures::future::join_all;
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};

use super::*;

const START: i64 = 1_795_500_000_000;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn at(millis: i64) -> Instant {
    Instant::from_millis(START + millis)
}

fn entry(value: &[u8], ends: i64) -> Entry<'_> {
    Entry { value, expires_at: at(ends) }
}

fn used(mark: &str, until: i64) -> Use<'_> {
    Use { mark, until: at(until) }
}

/// Runs each fact on memory and on a Redis of its own.
macro_rules! contract {
    ($($fact:ident)*) => {
        mod on_memory {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $fact() {
                super::$fact(super::Ephemeral::memory()).await;
            })*
        }
        mod on_redis {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $fact() {
                let server = super::Server::start();
                super::$fact(server.ephemeral(stringify!($fact)).await).await;
            })*
        }
    };
}

contract! {
    a_key_is_put_once
    any_bytes_are_a_value
    the_same_key_of_two_kinds_is_two_entries
    an_entry_ends_by_the_clock_of_the_caller
    a_slow_clock_still_finds_what_a_fast_one_has_seen_end
    the_end_of_time_is_an_end
    a_swap_needs_the_value_that_is_there
    a_swap_moves_the_end
    a_value_is_consumed_once
    a_tombstone_keeps_its_key
    a_tombstone_stays_until_its_own_end
    what_was_never_put_is_unknown
    a_mark_is_claimed_once
    values_can_be_removed
    promises_cannot_be_removed
    one_of_many_consumers_wins
    one_of_many_claims_wins
    one_of_many_puts_wins
    one_of_many_swaps_wins
    marks_are_whole_since_the_first_asking
}

async fn a_key_is_put_once(ephemeral: Ephemeral) {
    let put = async |value: &[u8], now| ephemeral.put(Kind::Code, "k", entry(value, 1_000), at(now)).await.unwrap();
    assert_eq!(put(b"first", 0).await, Put::Stored);
    assert_eq!(put(b"second", 999).await, Put::Exists);
    assert_eq!(ephemeral.get(Kind::Code, "k", at(999)).await.unwrap().unwrap(), b"first");
    ephemeral.put(Kind::Code, "k", entry(b"third", 2_000), at(1_000)).await.unwrap();
    assert_eq!(ephemeral.get(Kind::Code, "k", at(1_000)).await.unwrap().unwrap(), b"third", "an ended key is free");
}

async fn any_bytes_are_a_value(ephemeral: Ephemeral) {
    let every = (0..=255).collect::<Vec<u8>>();
    for (key, value) in [("every:byte\r\n*1", every.as_slice()), ("none", b""), ("", b"no key")] {
        ephemeral.put(Kind::Code, key, entry(value, 1_000), at(0)).await.unwrap();
        assert_eq!(ephemeral.get(Kind::Code, key, at(0)).await.unwrap().unwrap(), value);
        let consumed = ephemeral.consume(Kind::Code, key, used("m\u{e9}\u{0}", 1_000), at(0)).await.unwrap();
        assert_eq!(consumed, Consumed::Fresh(value.to_vec()));
        let again = ephemeral.consume(Kind::Code, key, used("other", 1_000), at(0)).await.unwrap();
        assert_eq!(again, Consumed::Spent("m\u{e9}\u{0}".to_owned()));
    }
}

async fn the_same_key_of_two_kinds_is_two_entries(ephemeral: Ephemeral) {
    let kinds = [Kind::Code, Kind::Interaction, Kind::PostedRequest, Kind::JtiMark];
    for kind in kinds {
        let put = ephemeral.put(kind, "k", entry(kind.word().as_bytes(), 1_000), at(0)).await.unwrap();
        assert_eq!(put, Put::Stored);
    }
    for kind in kinds {
        assert_eq!(ephemeral.get(kind, "k", at(0)).await.unwrap().unwrap(), kind.word().as_bytes());
    }
}

async fn an_entry_ends_by_the_clock_of_the_caller(ephemeral: Ephemeral) {
    ephemeral.put(Kind::Code, "value", entry(b"v", 5), at(0)).await.unwrap();
    ephemeral.claim(Kind::JtiMark, "mark", at(5), at(0)).await.unwrap();
    assert!(ephemeral.get(Kind::Code, "value", at(4)).await.unwrap().is_some());
    assert!(ephemeral.get(Kind::Code, "value", at(5)).await.unwrap().is_none());
    let swap = Swap { seen: b"v", new: b"w", expires_at: at(9) };
    assert!(!ephemeral.swap(Kind::Code, "value", swap, at(5)).await.unwrap());
    assert_eq!(ephemeral.consume(Kind::Code, "value", used("m", 9), at(5)).await.unwrap(), Consumed::Unknown);
    assert!(!ephemeral.claim(Kind::JtiMark, "mark", at(9), at(4)).await.unwrap());
    assert!(ephemeral.claim(Kind::JtiMark, "mark", at(9), at(5)).await.unwrap());
}

/// Within the margin; otherwise a mark collected by one node would let another accept a replay.
async fn a_slow_clock_still_finds_what_a_fast_one_has_seen_end(ephemeral: Ephemeral) {
    ephemeral.claim(Kind::JtiMark, "mark", at(1_000), at(0)).await.unwrap();
    ephemeral.put(Kind::Code, "spent", entry(b"v", 1_000), at(0)).await.unwrap();
    ephemeral.consume(Kind::Code, "spent", used("m", 1_000), at(0)).await.unwrap();
    let fast = at(1_000).plus(MINUTE);
    for key in ["a", "b", "c"] {
        ephemeral.claim(Kind::JtiMark, key, fast.plus(MINUTE), fast).await.unwrap();
        ephemeral.put(Kind::Code, key, entry(b"v", 100_000), fast).await.unwrap();
    }
    assert!(!ephemeral.claim(Kind::JtiMark, "mark", at(1_000), at(999)).await.unwrap());
    let consumed = ephemeral.consume(Kind::Code, "spent", used("n", 1_000), at(999)).await.unwrap();
    assert_eq!(consumed, Consumed::Spent("m".to_owned()));
}

async fn the_end_of_time_is_an_end(ephemeral: Ephemeral) {
    let end = Instant::from_millis(i64::MAX);
    let put = ephemeral.put(Kind::Code, "k", Entry { value: b"v", expires_at: end }, at(0)).await.unwrap();
    assert_eq!(put, Put::Stored);
    assert!(ephemeral.get(Kind::Code, "k", at(0).plus(HOUR)).await.unwrap().is_some());
}

async fn a_swap_needs_the_value_that_is_there(ephemeral: Ephemeral) {
    ephemeral.put(Kind::Interaction, "k", entry(b"one", 1_000), at(0)).await.unwrap();
    let rows: [(&str, &[u8], &[u8], bool); 5] = [
        ("k", b"other", b"two", false),
        ("k", b"one", b"two", true),
        ("k", b"one", b"three", false),
        ("k", b"two", b"", true),
        ("absent", b"", b"four", false),
    ];
    for (key, seen, new, swapped) in rows {
        let swap = Swap { seen, new, expires_at: at(1_000) };
        assert_eq!(ephemeral.swap(Kind::Interaction, key, swap, at(1)).await.unwrap(), swapped, "{seen:?} to {new:?}");
    }
    assert_eq!(ephemeral.get(Kind::Interaction, "k", at(1)).await.unwrap().unwrap(), b"");
    assert!(ephemeral.get(Kind::Interaction, "absent", at(1)).await.unwrap().is_none());
}

async fn a_swap_moves_the_end(ephemeral: Ephemeral) {
    ephemeral.put(Kind::Interaction, "k", entry(b"v", 1_000), at(0)).await.unwrap();
    let swap = Swap { seen: b"v", new: b"v", expires_at: at(2_000) };
    assert!(ephemeral.swap(Kind::Interaction, "k", swap, at(1)).await.unwrap());
    assert!(ephemeral.get(Kind::Interaction, "k", at(1_999)).await.unwrap().is_some());
    assert!(ephemeral.get(Kind::Interaction, "k", at(2_000)).await.unwrap().is_none());
}

async fn a_value_is_consumed_once(ephemeral: Ephemeral) {
    ephemeral.put(Kind::Code, "k", entry(b"v", 1_000), at(0)).await.unwrap();
    let consume = async |mark| ephemeral.consume(Kind::Code, "k", used(mark, 5_000), at(1)).await.unwrap();
    assert_eq!(consume("family-1").await, Consumed::Fresh(b"v".to_vec()));
    assert_eq!(consume("family-2").await, Consumed::Spent("family-1".to_owned()));
    assert_eq!(consume("family-3").await, Consumed::Spent("family-1".to_owned()), "the first mark stays");
}

async fn a_tombstone_keeps_its_key(ephemeral: Ephemeral) {
    ephemeral.put(Kind::Code, "k", entry(b"v", 1_000), at(0)).await.unwrap();
    ephemeral.consume(Kind::Code, "k", used("v", 5_000), at(1)).await.unwrap();
    assert_eq!(ephemeral.get(Kind::Code, "k", at(2)).await.unwrap(), None);
    assert_eq!(ephemeral.put(Kind::Code, "k", entry(b"w", 9_000), at(2)).await.unwrap(), Put::Exists);
    let swap = Swap { seen: b"v", new: b"w", expires_at: at(9_000) };
    assert!(!ephemeral.swap(Kind::Code, "k", swap, at(2)).await.unwrap());
    assert!(!ephemeral.claim(Kind::Code, "k", at(9_000), at(2)).await.unwrap());
}

async fn a_tombstone_stays_until_its_own_end(ephemeral: Ephemeral) {
    ephemeral.put(Kind::Code, "k", entry(b"v", 1_000), at(0)).await.unwrap();
    ephemeral.consume(Kind::Code, "k", used("m", 5_000), at(999)).await.unwrap();
    let consume = async |now| ephemeral.consume(Kind::Code, "k", used("n", 9_000), at(now)).await.unwrap();
    assert_eq!(consume(4_999).await, Consumed::Spent("m".to_owned()));
    assert_eq!(consume(5_000).await, Consumed::Unknown);
}

async fn what_was_never_put_is_unknown(ephemeral: Ephemeral) {
    ephemeral.claim(Kind::Code, "mark", at(1_000), at(0)).await.unwrap();
    for key in ["absent", "mark"] {
        assert_eq!(ephemeral.get(Kind::Code, key, at(0)).await.unwrap(), None);
        let consumed = ephemeral.consume(Kind::Code, key, used("m", 1_000), at(0)).await.unwrap();
        assert_eq!(consumed, Consumed::Unknown, "{key}");
    }
    let put = ephemeral.put(Kind::Code, "absent", entry(b"v", 1_000), at(0)).await.unwrap();
    assert_eq!(put, Put::Stored, "asking for an absent key leaves nothing");
}

async fn a_mark_is_claimed_once(ephemeral: Ephemeral) {
    let claim = async |key, now| ephemeral.claim(Kind::JtiMark, key, at(1_000), at(now)).await.unwrap();
    assert!(claim("j", 0).await);
    assert!(!claim("j", 0).await);
    assert!(!claim("j", 999).await);
    assert!(claim("other", 0).await);
    assert!(ephemeral.claim(Kind::JtiMark, "j", at(2_000), at(1_000)).await.unwrap(), "an ended mark is free");
}

async fn values_can_be_removed(ephemeral: Ephemeral) {
    ephemeral.put(Kind::Code, "value", entry(b"v", 1_000), at(0)).await.unwrap();
    ephemeral.remove(Kind::Code, "value").await.unwrap();
    ephemeral.remove(Kind::Code, "absent").await.unwrap();
    assert_eq!(ephemeral.get(Kind::Code, "value", at(0)).await.unwrap(), None);
}

async fn promises_cannot_be_removed(ephemeral: Ephemeral) {
    ephemeral.put(Kind::Code, "spent", entry(b"v", 1_000), at(0)).await.unwrap();
    ephemeral.consume(Kind::Code, "spent", used("m", 1_000), at(0)).await.unwrap();
    ephemeral.claim(Kind::JtiMark, "mark", at(1_000), at(0)).await.unwrap();
    ephemeral.remove(Kind::Code, "spent").await.unwrap();
    ephemeral.remove(Kind::JtiMark, "mark").await.unwrap();
    let consumed = ephemeral.consume(Kind::Code, "spent", used("n", 1_000), at(0)).await.unwrap();
    assert_eq!(consumed, Consumed::Spent("m".to_owned()));
    assert!(!ephemeral.claim(Kind::JtiMark, "mark", at(1_000), at(0)).await.unwrap());
}

/// What 32 tasks at once are told.
async fn race<T: Send + 'static, F: Future<Output = T> + Send + 'static>(racer: impl Fn(usize) -> F) -> Vec<T> {
    join_all((0..32).map(|number| tokio::spawn(racer(number)))).await.into_iter().map(Result::unwrap).collect()
}

async fn one_of_many_consumers_wins(ephemeral: Ephemeral) {
    for round in 0..20 {
        let key = format!("k{round}");
        ephemeral.put(Kind::Code, &key, entry(b"v", 1_000), at(0)).await.unwrap();
        let told = race(|number| {
            let (ephemeral, key) = (ephemeral.clone(), key.clone());
            async move {
                let mark = format!("family-{number}");
                (ephemeral.consume(Kind::Code, &key, used(&mark, 1_000), at(0)).await.unwrap(), mark)
            }
        })
        .await;
        let winners: Vec<_> = told.iter().filter(|(told, _)| *told == Consumed::Fresh(b"v".to_vec())).collect();
        let [(_, mark)] = winners.as_slice() else { panic!("{} winners", winners.len()) };
        assert_eq!(told.iter().filter(|(told, _)| *told == Consumed::Spent(mark.clone())).count(), 31);
    }
}

async fn one_of_many_claims_wins(ephemeral: Ephemeral) {
    for round in 0..20 {
        let told = race(|_| {
            let ephemeral = ephemeral.clone();
            async move { ephemeral.claim(Kind::JtiMark, &round.to_string(), at(1_000), at(0)).await.unwrap() }
        })
        .await;
        assert_eq!(told.into_iter().filter(|won| *won).count(), 1);
    }
}

async fn one_of_many_puts_wins(ephemeral: Ephemeral) {
    for round in 0..20 {
        let key = round.to_string();
        let told = race(|number| {
            let (ephemeral, key) = (ephemeral.clone(), key.clone());
            async move {
                let value = number.to_string();
                ephemeral.put(Kind::Code, &key, entry(value.as_bytes(), 1_000), at(0)).await.unwrap()
            }
        })
        .await;
        let winners: Vec<_> = told.iter().enumerate().filter(|(_, put)| **put == Put::Stored).collect();
        let [(winner, _)] = winners.as_slice() else { panic!("{} winners", winners.len()) };
        let kept = ephemeral.get(Kind::Code, &key, at(0)).await.unwrap().unwrap();
        assert_eq!(kept, winner.to_string().into_bytes());
    }
}

async fn one_of_many_swaps_wins(ephemeral: Ephemeral) {
    ephemeral.put(Kind::Interaction, "k", entry(b"seen", 1_000), at(0)).await.unwrap();
    let told = race(|number| {
        let ephemeral = ephemeral.clone();
        async move {
            let swap = Swap { seen: b"seen", new: &[u8::try_from(number).unwrap()], expires_at: at(1_000) };
            ephemeral.swap(Kind::Interaction, "k", swap, at(0)).await.unwrap()
        }
    })
    .await;
    assert_eq!(told.into_iter().filter(|won| *won).count(), 1);
}

async fn marks_are_whole_since_the_first_asking(ephemeral: Ephemeral) {
    assert_eq!(ephemeral.marks_since(at(7)).await.unwrap(), at(7));
    assert_eq!(ephemeral.clone().marks_since(at(5_000)).await.unwrap(), at(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_redis_tells_faults_apart() {
    let server = Server::with_policy("allkeys-lru");
    let seen = look(&server.url()).await.unwrap();
    assert_eq!((seen.policy.as_str(), seen.keeps_promises(), seen.appends), ("allkeys-lru", false, false));
    assert!(seen.clock.millis() > START - 400 * 24 * 3600 * 1000, "{:?}", seen.clock);
    assert_eq!(look("redis:/").await, Err(RedisFault::Url));
    let nobody = format!("redis+unix://{}/nobody.sock", server.folder.path().display());
    assert!(matches!(look(&nobody).await, Err(RedisFault::Unreachable(_))));
    let asked = Command::new("redis-cli")
        .arg("-s")
        .arg(server.socket())
        .args(["CONFIG", "SET", "requirepass", "rahasia"])
        .output()
        .unwrap();
    assert!(asked.status.success());
    assert_eq!(look(&server.url()).await, Err(RedisFault::Login));
    let wrong = format!("{}?pass=salah", server.url());
    assert_eq!(look(&wrong).await, Err(RedisFault::Login));
    assert!(look(&format!("{}?pass=rahasia", server.url())).await.unwrap().policy == "allkeys-lru");
}

/// A Redis of one test, on a socket in a folder of its own.
struct Server {
    folder: TempDir,
    process: Child,
}

impl Server {
    fn start() -> Self {
        Self::with_policy("noeviction")
    }

    fn with_policy(policy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let process = Self::spawn(folder.path(), policy);
        Self { folder, process }
    }

    fn spawn(folder: &Path, policy: &str) -> Child {
        let socket = folder.join("r.sock");
        let mut process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--maxmemory-policy", policy, "--unixsocket"])
            .arg(&socket)
            .current_dir(folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(process.try_wait().unwrap().is_none(), "redis-server ended before it listened");
            std::thread::yield_now();
        }
        process
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("r.sock")
    }

    fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    async fn ephemeral(&self, prefix: &str) -> Ephemeral {
        Ephemeral::redis(&self.url(), prefix).await.unwrap()
    }

    fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        fs::remove_file(self.socket()).unwrap();
    }

    fn start_again(&mut self) {
        self.process = Self::spawn(self.folder.path(), "noeviction");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    async fn clock(&self) -> Instant {
        let (seconds, _): (i64, i64) = self.ask(&["TIME"]).await;
        Instant::from_millis(seconds * 1000)
    }

    async fn ask<T: ::redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let client = ::redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        ::redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Every operation that must not be answered without Redis, each within three seconds.
async fn refusals(ephemeral: &Ephemeral) -> Vec<EphemeralError> {
    let swap = Swap { seen: b"v", new: b"w", expires_at: at(9) };
    let within = Duration::from_secs(3);
    macro_rules! refused {
        ($($asked:expr),*) => {
            vec![$(tokio::time::timeout(within, $asked).await.expect("an answer in time").expect_err("no answer")),*]
        };
    }
    refused![
        ephemeral.put(Kind::Code, "k", entry(b"v", 9), at(0)),
        ephemeral.get(Kind::Code, "k", at(0)),
        ephemeral.swap(Kind::Code, "k", swap, at(0)),
        ephemeral.consume(Kind::Code, "k", used("m", 9), at(0)),
        ephemeral.claim(Kind::JtiMark, "k", at(9), at(0)),
        ephemeral.remove(Kind::Code, "k"),
        ephemeral.marks_since(at(0)),
        ephemeral.check()
    ]
}

fn all_unavailable(refusals: &[EphemeralError]) {
    assert!(refusals.iter().all(|error| matches!(error, EphemeralError::Unavailable(_))), "{refusals:?}");
}

#[tokio::test]
async fn a_redis_that_evicts_is_refused() {
    for policy in ["allkeys-lru", "volatile-ttl"] {
        let server = Server::with_policy(policy);
        let Err(EphemeralError::Unfit(sentence)) = Ephemeral::redis(&server.url(), "p").await else {
            panic!("{policy} was accepted");
        };
        assert!(sentence.contains(policy) && sentence.contains("noeviction"), "{sentence}");
    }
}

#[tokio::test]
async fn a_policy_changed_later_is_found_by_the_check() {
    let server = Server::start();
    let ephemeral = server.ephemeral("p").await;
    assert_eq!(ephemeral.check().await, Ok(()));
    let _: String = server.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]).await;
    assert!(matches!(ephemeral.check().await, Err(EphemeralError::Unfit(_))));
}

#[tokio::test]
async fn no_redis_and_no_url_are_told_apart_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = format!("redis+unix://{}", folder.path().join("r.sock").display());
    assert!(matches!(Ephemeral::redis(&nobody, "p").await, Err(EphemeralError::Unavailable(_))));
    assert!(matches!(Ephemeral::redis("postgres://x", "p").await, Err(EphemeralError::Unfit(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_redis_is_unavailable_and_comes_back() {
    let mut server = Server::start();
    let ephemeral = server.ephemeral("p").await;
    ephemeral.claim(Kind::JtiMark, "j", at(1_000), at(0)).await.unwrap();
    assert_eq!(ephemeral.marks_since(at(1)).await.unwrap(), at(1));
    server.stop();
    all_unavailable(&refusals(&ephemeral).await);
    server.start_again();
    assert!(ephemeral.claim(Kind::JtiMark, "j", at(1_000), at(500)).await.unwrap(), "the mark was lost with Redis");
    assert_eq!(ephemeral.marks_since(at(500)).await.unwrap(), at(500), "and that is known");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_redis_needs_no_restart_of_ours() {
    let mut server = Server::start();
    let ephemeral = server.ephemeral("p").await;
    let mut unnoticed = 0;
    for _ in 0..5 {
        server.stop();
        server.start_again();
        // An operation sent before the manager heard of the closed connection fails; so may the next.
        let mut told = ephemeral.get(Kind::Code, "k", at(0)).await;
        unnoticed += u8::from(told.is_ok());
        for _ in 0..2 {
            if told.is_err() {
                told = ephemeral.get(Kind::Code, "k", at(0)).await;
            }
        }
        assert_eq!(told, Ok(None));
    }
    assert!(unnoticed > 0, "the manager hears of closed connections only by failing operations");
}

/// Redis writes to disk behind its answers, and a successor copies behind them.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_read_its_marks_from_disk_is_not_believed_to_have_all() {
    let mut server = Server::start();
    let ephemeral = server.ephemeral("p").await;
    assert_eq!(ephemeral.marks_since(at(1)).await.unwrap(), at(1));
    ephemeral.claim(Kind::JtiMark, "saved", at(1_000), at(1)).await.unwrap();
    let _: String = server.ask(&["SAVE"]).await;
    ephemeral.claim(Kind::JtiMark, "lost", at(1_000), at(2)).await.unwrap();
    server.stop();
    server.start_again();
    let ephemeral = server.ephemeral("p").await;
    assert!(!ephemeral.claim(Kind::JtiMark, "saved", at(1_000), at(500)).await.unwrap());
    assert_eq!(ephemeral.marks_since(at(500)).await.unwrap(), at(500));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_redis_is_unavailable_and_comes_back() {
    let server = Server::start();
    let ephemeral = server.ephemeral("p").await;
    ephemeral.put(Kind::Code, "kept", entry(b"v", 1_000), at(0)).await.unwrap();
    server.signal("-STOP");
    let refused = tokio::time::timeout(Duration::from_secs(3), ephemeral.get(Kind::Code, "kept", at(0))).await;
    assert!(matches!(refused, Ok(Err(EphemeralError::Unavailable(_)))), "{refused:?}");
    server.signal("-CONT");
    assert_eq!(ephemeral.get(Kind::Code, "kept", at(0)).await.unwrap().unwrap(), b"v");
}

/// As when the machine of Redis loses its power: the connection stays open and says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_fell_silent_is_left() {
    let server = Server::start();
    let front = server.folder.path().join("front.sock");
    let listener = UnixListener::bind(&front).unwrap();
    let (silence, mut silent) = tokio::sync::watch::channel(false);
    let back = server.socket();
    let proxy = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut redis = UnixStream::connect(&back).await.unwrap();
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut client, &mut redis) => {}
            _ = silent.changed() => {}
        }
        while let Ok((mut next, _)) = listener.accept().await {
            let mut redis = UnixStream::connect(&back).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut next, &mut redis).await });
        }
        drop((client, redis));
    });
    let ephemeral = Ephemeral::redis(&format!("redis+unix://{}", front.display()), "p").await.unwrap();
    silence.send(true).unwrap();
    all_unavailable(&[ephemeral.get(Kind::Code, "k", at(0)).await.unwrap_err()]);
    assert_eq!(ephemeral.get(Kind::Code, "k", at(0)).await, Ok(None));
    proxy.abort();
}

#[tokio::test]
async fn a_full_redis_changes_nothing() {
    let server = Server::start();
    let ephemeral = server.ephemeral("p").await;
    ephemeral.put(Kind::Code, "k", entry(b"v", 1_000), at(0)).await.unwrap();
    let _: String = server.ask(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let full = EphemeralError::Full(Kind::Code);
    assert_eq!(ephemeral.put(Kind::Code, "l", entry(b"v", 1_000), at(0)).await, Err(full.clone()));
    assert_eq!(ephemeral.consume(Kind::Code, "k", used("m", 1_000), at(0)).await, Err(full));
    let claimed = ephemeral.claim(Kind::JtiMark, "j", at(1_000), at(0)).await;
    assert_eq!(claimed, Err(EphemeralError::Full(Kind::JtiMark)));
    let _: String = server.ask(&["CONFIG", "SET", "maxmemory", "0"]).await;
    let consumed = ephemeral.consume(Kind::Code, "k", used("m", 1_000), at(0)).await.unwrap();
    assert_eq!(consumed, Consumed::Fresh(b"v".to_vec()));
}

#[tokio::test]
async fn redis_collects_what_ended_and_not_before_the_margin() {
    let server = Server::start();
    let ephemeral = server.ephemeral("p").await;
    let now = server.clock().await;
    let entry = |ends| Entry { value: b"v", expires_at: ends };
    ephemeral.put(Kind::Code, "value", entry(now.plus(HOUR)), now).await.unwrap();
    ephemeral.put(Kind::Code, "spent", entry(now.plus(MINUTE)), now).await.unwrap();
    ephemeral.consume(Kind::Code, "spent", Use { mark: "m", until: now.plus(HOUR) }, now).await.unwrap();
    ephemeral.claim(Kind::JtiMark, "mark", now.plus(HOUR), now).await.unwrap();
    for key in ["p:code:value", "p:code:spent", "p:jti:mark"] {
        let left: u64 = server.ask(&["PTTL", key]).await;
        let kept = Duration::from_millis(left);
        assert!(kept > HOUR && kept <= HOUR + GARBAGE_MARGIN, "{key}: {kept:?}");
    }
}

/// By a clock that runs ahead: set right, it must still find the mark when what was used comes to its end again.
/// By one that is behind: the mark lives as long as that clock says.
#[tokio::test]
async fn redis_keeps_a_mark_until_its_end_by_either_clock() {
    let server = Server::start();
    let ephemeral = server.ephemeral("p").await;
    let now = server.clock().await;
    for (key, caller, least) in [("ahead", now.plus(HOUR), HOUR + MINUTE), ("behind", now.minus(HOUR), MINUTE)] {
        assert!(ephemeral.claim(Kind::JtiMark, key, caller.plus(MINUTE), caller).await.unwrap());
        let left: u64 = server.ask(&["PTTL", &format!("p:jti:{key}")]).await;
        let kept = Duration::from_millis(left);
        assert!(kept > least && kept <= least + GARBAGE_MARGIN, "{key}: {kept:?}");
    }
}

#[tokio::test]
async fn two_prefixes_share_nothing() {
    let server = Server::start();
    let (one, two) = (server.ephemeral("one").await, server.ephemeral("two").await);
    assert!(one.claim(Kind::JtiMark, "j", at(1_000), at(0)).await.unwrap());
    assert!(two.claim(Kind::JtiMark, "j", at(1_000), at(0)).await.unwrap());
    assert_eq!(one.marks_since(at(1)).await.unwrap(), at(1));
    assert_eq!(two.marks_since(at(2)).await.unwrap(), at(2));
}
