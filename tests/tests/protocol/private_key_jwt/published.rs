//! Keys that a client publishes at its own address (`jwks_uri`): rotation there, and who may make us ask.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::body::{Body, Bytes};
use gapura_core::{id::ClientId, oauth::SignatureAlg};
use gapura_store::clients::{self, Enabled};
use gapura_tests::{browser::encoded, relying_party::pairs};
use http::{Request, header};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{
    AuthMethod, City, ClientKey, ClientKeys, Pair, RelyingParty, SETTLED, asserted, claims, error, on_both_pairs, token,
};

on_both_pairs!(
    a_client_rotates_without_a_failed_request,
    made_up_names_do_not_make_us_ask,
    a_client_switched_off_while_its_keys_are_fetched_is_refused,
);

/// The client's own server.
#[derive(Clone)]
struct Publisher {
    port: u16,
    /// The whole answer, none where it keeps silent, and how often it was asked for.
    says: Arc<Mutex<(Vec<u8>, usize)>>,
}

impl Publisher {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let says: Arc<Mutex<(Vec<u8>, usize)>> = Arc::default();
        let shared = Arc::clone(&says);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                shared.lock().unwrap().1 += 1;
                let says = Arc::clone(&shared);
                tokio::spawn(async move {
                    // The connection is held until there is something to say.
                    while says.lock().unwrap().0.is_empty() {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    let answer = says.lock().unwrap().0.clone();
                    let _ = stream.write_all(&answer).await;
                });
            }
        });
        Self { port, says }
    }

    fn say(&self, status: &str, body: &str) {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.says.lock().unwrap().0 = answer.into_bytes();
    }

    fn publish(&self, keys: &[&ClientKey]) {
        self.say("200 OK", &ClientKey::set(keys));
    }

    fn keep_silent(&self) {
        self.says.lock().unwrap().0.clear();
    }

    fn asked(&self) -> usize {
        self.says.lock().unwrap().1
    }

    fn uri(&self) -> String {
        format!("http://kunci.localhost:{}/jwks.json", self.port)
    }
}

async fn world(pair: Pair, allow: &str) -> (City, RelyingParty, Publisher) {
    let city = City::under(pair, &[("OUTBOUND__ALLOW", allow)]).await;
    let publisher = Publisher::start().await;
    let uri = publisher.uri();
    let rp = city
        .register("direktori", |client| {
            client.id = ClientId::new("kunci");
            client.auth_method = AuthMethod::PrivateKeyJwt;
            client.secrets = Vec::new();
            client.keys = Some(ClientKeys::At(uri));
        })
        .await;
    city.advance(SETTLED);
    (city, rp, publisher)
}

async fn status(city: &City, rp: &RelyingParty, key: &ClientKey) -> u16 {
    let page = token(rp, &asserted(&key.sign(&key.header(), &claims(city)))).await;
    if page.status != 200 {
        assert_eq!(error(&page), "invalid_client");
    }
    page.status.as_u16()
}

async fn a_client_rotates_without_a_failed_request(pair: Pair) {
    let (city, rp, publisher) = world(pair, "127.0.0.0/8, ::1").await;
    let (old, new) = (ClientKey::new(SignatureAlg::Es256, "lama"), ClientKey::new(SignatureAlg::EdDsa, "baru"));
    publisher.publish(&[&old]);
    for _ in 0..3 {
        assert_eq!(status(&city, &rp, &old).await, 200);
    }
    assert_eq!(publisher.asked(), 1, "kept");
    // The client publishes one more key and signs with it at once.
    city.advance(SETTLED);
    publisher.publish(&[&old, &new]);
    assert_eq!((status(&city, &rp, &new).await, status(&city, &rp, &old).await), (200, 200));
    assert_eq!(publisher.asked(), 2);
    // What it withdraws counts for ten minutes at most.
    publisher.publish(&[&new]);
    city.advance(Duration::from_secs(599));
    assert_eq!(status(&city, &rp, &old).await, 200);
    city.advance(Duration::from_secs(1));
    assert_eq!((status(&city, &rp, &old).await, status(&city, &rp, &new).await), (401, 200));
    assert_eq!(publisher.asked(), 3);
    // While its server is away the keys we hold are good for an hour.
    publisher.say("500 Internal Server Error", "");
    city.advance(Duration::from_secs(3599));
    assert_eq!(status(&city, &rp, &new).await, 200);
    city.advance(Duration::from_secs(1));
    assert_eq!(status(&city, &rp, &new).await, 401);
    publisher.publish(&[&new]);
    city.advance(Duration::from_secs(10));
    assert_eq!(status(&city, &rp, &new).await, 200);
}

//= T18 test
async fn made_up_names_do_not_make_us_ask(pair: Pair) {
    let (city, rp, publisher) = world(pair, "127.0.0.0/8, ::1").await;
    let key = ClientKey::new(SignatureAlg::Es256, "a");
    publisher.publish(&[&key]);
    assert_eq!(status(&city, &rp, &key).await, 200);
    city.advance(Duration::from_secs(10));
    for number in 0..20 {
        let header = serde_json::json!({"alg": "ES256", "kid": format!("x{number}")});
        assert_eq!(token(&rp, &asserted(&key.sign(&header, &claims(&city)))).await.status, 401);
    }
    assert_eq!(publisher.asked(), 2, "once in ten seconds");
    assert_eq!(status(&city, &rp, &key).await, 200, "the others are not disturbed");
    // A statement that is refused before anybody's keys are looked at asks nobody.
    city.advance(Duration::from_secs(10));
    let mut foreign = claims(&city);
    foreign["aud"] = "https://lain.example".into();
    let made_up = serde_json::json!({"alg": "ES256", "kid": "z"});
    assert_eq!(token(&rp, &asserted(&key.sign(&made_up, &foreign))).await.status, 401);
    assert_eq!(publisher.asked(), 2);
}

/// What would lead us astray is no answer: a redirect, too much, no keys; and an inner address is not asked at all.
//= T18 test
#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_keys_leads_nowhere_else() {
    let key = ClientKey::new(SignatureAlg::Es256, "a");
    let (city, rp, publisher) = world(Pair::SqliteMemory, "127.0.0.0/8, ::1").await;
    let elsewhere = Publisher::start().await;
    elsewhere.publish(&[&key]);
    let location = format!("302 Found\r\nLocation: {}", elsewhere.uri());
    let padded = format!("{}{}", ClientKey::set(&[&key]), " ".repeat(70_000));
    for (status_line, body) in [
        (location.as_str(), ""),
        ("200 OK", padded.as_str()),
        ("200 OK", "{}"),
        ("200 OK", "<html>"),
        ("404 Not Found", ""),
    ] {
        publisher.say(status_line, body);
        assert_eq!(status(&city, &rp, &key).await, 401, "{status_line}");
        city.advance(Duration::from_secs(10));
    }
    assert_eq!((publisher.asked(), elsewhere.asked()), (5, 0));
    publisher.publish(&[&key]);
    assert_eq!(status(&city, &rp, &key).await, 200);

    let (closed, rp, publisher) = world(Pair::SqliteMemory, "10.0.0.0/8").await;
    publisher.publish(&[&key]);
    assert_eq!(status(&closed, &rp, &key).await, 401);
    assert_eq!(publisher.asked(), 0);
}

/// Who names a key that we hold does not wait for a server that hangs; who names another waits five seconds at most.
//= T18 test
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_delays_only_who_asks_for_it() {
    let (city, rp, publisher) = world(Pair::SqliteMemory, "127.0.0.0/8, ::1").await;
    let (key, other) = (ClientKey::new(SignatureAlg::Es256, "a"), ClientKey::new(SignatureAlg::Es256, "b"));
    publisher.publish(&[&key]);
    assert_eq!(status(&city, &rp, &key).await, 200);
    city.advance(Duration::from_secs(10));
    publisher.keep_silent();
    let mut waiting = std::pin::pin!(status(&city, &rp, &other));
    while publisher.asked() < 2 {
        assert!(futures::poll!(&mut waiting).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!(status(&city, &rp, &key).await, 200);
    assert!(futures::poll!(&mut waiting).is_pending());
    assert_eq!(waiting.await, 401);
    assert_eq!(publisher.asked(), 2);
}

/// Whoever sends the head of a request early and its body late makes us ask no more often than others.
//= T18 test
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_late_does_not_make_us_ask_again() {
    let (city, rp, publisher) = world(Pair::SqliteMemory, "127.0.0.0/8, ::1").await;
    let key = ClientKey::new(SignatureAlg::Es256, "a");
    publisher.publish(&[&key]);
    let made_up = serde_json::json!({"alg": "ES256", "kid": "z"});
    let late = pairs(&[("grant_type", "client_credentials")]);
    let late = [late, asserted(&key.sign(&made_up, &claims(&city)))].concat();
    let late: Vec<(&str, &str)> = late.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let late = Bytes::from(encoded(&late));
    let (send, body) = tokio::sync::oneshot::channel::<Bytes>();
    let body = Body::from_stream(futures::stream::once(body));
    let request = Request::post("/token").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let mut slow = std::pin::pin!(rp.raw(request.body(body).unwrap()));
    assert!(futures::poll!(&mut slow).is_pending(), "its head is in");
    city.advance(Duration::from_secs(20));
    assert_eq!(status(&city, &rp, &key).await, 200);
    assert_eq!(publisher.asked(), 1);
    send.send(late).unwrap();
    assert_eq!(slow.await.status, 401);
    assert_eq!(publisher.asked(), 1, "once in ten seconds");
}

//= T7 test
async fn a_client_switched_off_while_its_keys_are_fetched_is_refused(pair: Pair) {
    let (city, rp, publisher) = world(pair, "127.0.0.0/8, ::1").await;
    let key = ClientKey::new(SignatureAlg::Es256, "a");
    let mut waiting = std::pin::pin!(status(&city, &rp, &key));
    while publisher.asked() < 1 {
        assert!(futures::poll!(&mut waiting).is_pending());
        tokio::task::yield_now().await;
    }
    let now = city.clock.now();
    let off = async move |tx: &mut gapura_store::Tx| {
        clients::set_enabled(tx, &ClientId::new("kunci"), Enabled::Off, now).await
    };
    assert!(city.app.db.write(off).await.unwrap());
    city.app.copies.refresh().await.unwrap();
    publisher.publish(&[&key]);
    assert_eq!(waiting.await, 401);
}
