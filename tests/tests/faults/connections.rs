//! Slow clients, silent ones and very many: everybody else is served meanwhile.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream};
use gapura_tests::{provider::Provider, servers::wait_until, wire};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::scene::{CHEAP, answered};

const CONNECTIONS: usize = 10_000;

fn serving(connections: &str, through: &[&str]) -> Provider {
    let settings = [CHEAP[0], CHEAP[1], ("SERVER__CONNECTIONS", connections)];
    let mut provider = Provider::on(None, None, &settings).through(through);
    provider.serve();
    provider
}

fn memory_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

/// A connection that was used once and is kept.
async fn idle(port: u16) -> tokio::net::TcpStream {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: sso.localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::with_capacity(1024);
    while !answer.ends_with(b"ok\n") {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "{}", String::from_utf8_lossy(&answer));
    }
    stream
}

/// The server begins with the small limit of open files that most systems give, and raises it by itself.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_idle_ones() {
    let here = gapura_idp::server::descriptors::room_for(CONNECTIONS);
    let hard = hard_limit();
    let number = here.min(usize::try_from(hard).unwrap().saturating_sub(512)).min(CONNECTIONS);
    if number < CONNECTIONS {
        println!("the hard limit of open files is {hard}: {number} connections instead of {CONNECTIONS}");
    }
    let provider = serving("20000", &["prlimit", &format!("--nofile=256:{hard}")]);
    idle(provider.port()).await;
    let before = memory_kib(provider.pid());
    let begun = Instant::now();
    let held: Vec<_> = stream::iter(0..number).map(|_| idle(provider.port())).buffer_unordered(64).collect().await;
    let took = begun.elapsed();
    let each = memory_kib(provider.pid()).saturating_sub(before) * 1024 / u64::try_from(held.len()).unwrap();
    let begun = Instant::now();
    let (status, form) = answered("the form", wire::get(&wire::router(provider.port()), "/masuk")).await;
    println!(
        "{} idle connections in {took:?}: {each} bytes each; a form meanwhile in {:?}",
        held.len(),
        begun.elapsed()
    );
    assert!(status == 200 && form.contains("name=\"password\""), "{form}");
    assert!(each < 24 * 1024, "{each} bytes of memory for a connection that does nothing");
    drop(held);
}

fn hard_limit() -> u64 {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    line.split_whitespace().nth(4).unwrap().parse().unwrap_or(1 << 20)
}

/// Beyond the bound a connection waits, and is served when another goes.
#[tokio::test(flavor = "multi_thread")]
async fn one_more_than_allowed_waits() {
    let provider = serving("16", &[]);
    let mut held = stream::iter(0..16).then(|_| idle(provider.port())).collect::<Vec<_>>().await;
    let waits = tokio::spawn(idle(provider.port()));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!waits.is_finished(), "seventeen at once");
    held.pop();
    answered("the one that waited", waits).await.unwrap();
}

/// A limit of open files that is too small is said at the start, and no more is promised than it holds.
#[test]
fn too_small_a_limit_is_said() {
    let provider = serving("4096", &["prlimit", "--nofile=700:700"]);
    let said = || provider.log().contains("the limit of open files allows 444 connections");
    wait_until("the notice", said, || provider.log());
}

/// A client that says something of what it owes, and then waits for the server to lose patience.
struct Slow {
    what: &'static str,
    stream: TcpStream,
    trickles: bool,
}

//= BSSN4-2021#7.d test
#[test]
fn slow_ones_are_cut_off_and_keep_nobody_waiting() {
    let provider = serving("64", &[]);
    let port = provider.port();
    let begin = |what, said: &str, trickles| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(said.as_bytes()).unwrap();
        Slow { what, stream, trickles }
    };
    let post = "POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let begun = Instant::now();
    let mut slow = Vec::new();
    for _ in 0..8 {
        slow.push(begin("a silent one", "", false));
        slow.push(begin("half a head", "GET /masuk HTTP/1.1\r\nHo", false));
        slow.push(begin("a head byte by byte", "GET /masuk HTTP/1.1\r\nX: ", true));
        slow.push(begin("half a body", &format!("{post}Content-Length: 60000\r\n\r\na=1"), false));
        slow.push(begin("a body byte by byte", &format!("{post}Content-Length: 60000\r\n\r\na=1"), true));
        slow.push(begin("a chunked body", &format!("{post}Transfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n"), false));
    }
    // Half-open: what it will ever say is said, and it still listens.
    let mut half = begin("half-open", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", false).stream;
    half.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    half.read_to_string(&mut answer).unwrap();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 200"), "{answer}");

    let mut served = 0;
    let mut ended = Vec::new();
    while !slow.is_empty() {
        // Somebody else, in between.
        let mut other = TcpStream::connect(("127.0.0.1", port)).unwrap();
        other.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        other.write_all(b"GET /masuk HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut page = String::new();
        other.read_to_string(&mut page).unwrap();
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        served += 1;
        slow.retain_mut(|one| {
            let over = is_over(one);
            if over {
                ended.push((one.what, begun.elapsed()));
            }
            !over
        });
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "never cut off: {:?}",
            slow.iter().map(|one| one.what).collect::<Vec<_>>()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    let (first, last) = (ended.first().unwrap().1, ended.last().unwrap().1);
    println!("48 slow clients cut off after {first:?} to {last:?}; {served} others served meanwhile");
    assert!(first > Duration::from_secs(9), "{:?} was cut off too early", ended.first());
}

/// Says one more byte where it trickles; whether the server has hung up.
fn is_over(one: &mut Slow) -> bool {
    if one.trickles && one.stream.write_all(b"a").is_err() {
        return true;
    }
    one.stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    match one.stream.read(&mut [0; 4096]) {
        Ok(read) => read == 0,
        Err(why) => !matches!(why.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
    }
}
