//! Receivers of logout messages that misbehave in every way: who signs out is not slowed, the others hear of it at
//! once, each failure is named, nothing is followed or swallowed whole.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use gapura_tests::{
    browser::Browser,
    office::{OFFICER, Office, PASSWORD},
    provider::Provider,
    relying_party::RelyingParty,
    wire,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use url::Url;

use super::scene::{CHEAP, until};

/// How a receiver answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Good,
    Hangs,
    Fails,
    Redirects,
    NeverEnds,
    ClosesEarly,
    TricklesBytes,
    IsNoTls,
    Refused,
}

use Manner::{ClosesEarly, Fails, Good, Hangs, IsNoTls, NeverEnds, Redirects, Refused, TricklesBytes};

/// One client of each; the good ones first and last. What the operator reads of the others.
const RECEIVERS: [(&str, Manner, &str); 10] = [
    ("baik-awal", Good, ""),
    ("diam", Hangs, "no answer within 5 s"),
    ("gagal", Fails, "status 500"),
    ("alih", Redirects, "status 302"),
    ("deras", NeverEnds, "no usable answer"),
    ("putus", ClosesEarly, "no usable answer"),
    ("tetes", TricklesBytes, "no answer within 5 s"),
    ("polos", IsNoTls, "TLS failed"),
    ("terlarang", Refused, "outbound.allow"),
    ("baik-akhir", Good, ""),
];

/// What reached a receiver.
#[derive(Default)]
struct Reached {
    times: AtomicU32,
    /// Connections to the place a redirect names.
    trapped: AtomicU32,
}

async fn listen(manner: Manner, reached: Arc<Reached>) -> u16 {
    let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = trap.local_addr().unwrap().port();
    let seen = Arc::clone(&reached);
    tokio::spawn(async move {
        while trap.accept().await.is_ok() {
            seen.trapped.fetch_add(1, Ordering::SeqCst);
        }
    });
    let listener = TcpListener::bind(if manner == Refused { "127.0.0.2:0" } else { "127.0.0.1:0" }).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            reached.times.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(answer(manner, stream, elsewhere));
        }
    });
    port
}

async fn answer(manner: Manner, mut stream: TcpStream, elsewhere: u16) {
    let mut request = [0; 8192];
    let _ = stream.read(&mut request).await;
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
    let whole = match manner {
        Good => format!("{head}Content-Length: 0\r\n\r\n"),
        Fails => "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n".to_owned(),
        Redirects => {
            format!("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{elsewhere}/\r\nContent-Length: 0\r\n\r\n")
        }
        NeverEnds => format!("{head}\r\n"),
        IsNoTls => "SSH-2.0-x\r\n".to_owned(),
        Hangs | ClosesEarly | TricklesBytes | Refused => String::new(),
    };
    let _ = stream.write_all(whole.as_bytes()).await;
    match manner {
        Hangs => while stream.read(&mut request).await.is_ok_and(|read| read > 0) {},
        NeverEnds => while stream.write_all(&[b'x'; 16 * 1024]).await.is_ok() {},
        TricklesBytes => {
            for byte in head.bytes().cycle() {
                if stream.write_all(&[byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        _ => {}
    }
}

/// Registers a client of e-Presensi with a receiver; the application's side of it.
fn register(provider: &Provider, id: &str, logout: &str) -> RelyingParty {
    let redirect = format!("https://{id}.kota-contoh.go.id/cb");
    let add = ["client", "add", "--id", id, "--application", "e-Presensi", "--redirect-uri", &redirect];
    let added = provider.gapura_json(&[&add[..], &["--logout-uri", logout]].concat());
    let secret = added["client_secret"].as_str().unwrap().to_owned();
    let public = Url::parse(&provider.public_url).unwrap();
    RelyingParty::new(wire::router(provider.port()), public, id, Some(secret), &redirect)
}

fn memory_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

/// The officer signs in and enters every application.
async fn entered(office: &Office, rps: &[RelyingParty]) -> Browser {
    let mut browser = office.browser(&office.provider);
    for rp in rps {
        let mut page = browser.follow(&rp.redirect_uri, &rp.start(&[]).url).await;
        if page.status == 200 {
            page = browser.submit("password", &[("username", OFFICER), ("password", PASSWORD)]).await;
        }
        assert!(page.location().is_some_and(|next| next.as_str().contains("code=")), "{}", page.text());
    }
    browser
}

/// Signs out; how long that took.
async fn sign_out(browser: &mut Browser) -> Duration {
    browser.open("/keluar").await;
    let begun = Instant::now();
    let page = browser.submit("", &[]).await;
    assert!(page.status.as_u16() < 400, "{}", page.text());
    begun.elapsed()
}

//= T18 test
#[tokio::test(flavor = "multi_thread")]
async fn bad_receivers_slow_nobody_and_reach_nothing() {
    let allow = [CHEAP[0], CHEAP[1], ("OUTBOUND__ALLOW", "127.0.0.2/32")];
    let mut office = Office::over(Provider::on(None, None, &allow), &[]);
    let all = RECEIVERS.map(|_| Arc::new(Reached::default()));
    let mut rps = Vec::new();
    for ((id, manner, _), reached) in RECEIVERS.iter().zip(&all) {
        let port = listen(*manner, Arc::clone(reached)).await;
        let uri = match manner {
            IsNoTls => format!("https://{id}.localhost:{port}/keluar"),
            Refused => format!("http://127.0.0.2:{port}/keluar"),
            _ => format!("http://{id}.localhost:{port}/keluar"),
        };
        rps.push(register(&office.provider, id, &uri));
    }
    // The network it lives in is no longer listed: an address that was good is refused when it is called.
    office.provider.stop();
    office.provider.forget_variable("OUTBOUND__ALLOW");
    office.provider.serve();

    let mut browsers = Vec::new();
    for _ in 0..3 {
        browsers.push(entered(&office, &rps).await);
    }
    let before = memory_kib(office.provider.pid());
    let mut slowest = Duration::ZERO;
    for browser in &mut browsers {
        slowest = slowest.max(sign_out(browser).await);
    }
    // The first attempt at a bad receiver takes five seconds; nobody who signs out waits for one.
    assert!(slowest < Duration::from_secs(4), "a sign-out took {slowest:?}");
    let messages = || {
        let said = office.provider.gapura_json(&["logout", "list"]);
        said["messages"].as_array().unwrap().clone()
    };
    let delivered = |all: &[Value], id: &str| {
        all.iter().filter(|one| one["client_id"] == id && one["state"] == "delivered").count()
    };
    until("the good ones to hear", async || {
        let all = messages();
        delivered(&all, "baik-awal") == 3 && delivered(&all, "baik-akhir") == 3
    })
    .await;
    for (id, _, error) in RECEIVERS.iter().filter(|(_, manner, _)| *manner != Good) {
        until(&format!("{id} to fail by {error}"), async || {
            let all = messages();
            assert_eq!(delivered(&all, id), 0);
            all.iter().any(|one| one["client_id"] == *id && one["last_error"].as_str().unwrap_or("").contains(error))
        })
        .await;
    }
    // Tried again, as stated: a second and then five seconds later.
    let failing = &all[2];
    until("another attempt", async || failing.times.load(Ordering::SeqCst) > 3).await;
    let grown = memory_kib(office.provider.pid()).saturating_sub(before);
    println!("slowest sign-out {slowest:?}, memory grew by {grown} KiB");
    assert!(grown < 32 * 1024, "{grown} KiB for answers that nobody reads to the end");
    for ((id, manner, _), reached) in RECEIVERS.iter().zip(&all) {
        assert_eq!(reached.trapped.load(Ordering::SeqCst), 0, "{id}: a redirect was followed");
        assert_eq!(reached.times.load(Ordering::SeqCst) == 0, *manner == Refused, "{id}");
    }
    assert!(!office.provider.log().contains("a panic"));
}
