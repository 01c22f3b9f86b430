//! A deployment on servers that a test may stop, with an officer in it.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use axum::Router;
use gapura_tests::{browser::Page, office::Office, own_servers::OwnServer, provider::Provider, wire};
use http::StatusCode;

/// The cost of a password is not what is tried here.
pub(super) const CHEAP: [(&str, &str); 2] = [("PASSWORDS__MEMORY_KIB", "64"), ("PASSWORDS__ITERATIONS", "1")];

/// The longest that docs/faults.md lets anybody wait for an answer, and what a busy machine may add.
pub(super) const PATIENCE: Duration = Duration::from_secs(10 + 20);

/// What befalls a server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    /// Every process killed, as by a power cut.
    Gone,
    /// Every process stopped: connections stay open, nothing comes.
    Silent,
}

/// A running office on PostgreSQL and Redis of its own.
pub(super) struct Scene {
    pub(super) office: Office,
    pub(super) postgres: OwnServer,
    pub(super) redis: OwnServer,
}

impl Scene {
    pub(super) async fn open() -> Self {
        let (postgres, redis) = (OwnServer::postgres(), OwnServer::redis());
        let provider = Provider::on(Some([postgres.database(), redis.database()]), None, &CHEAP);
        let scene = Self { office: Office::over(provider, &[]), postgres, redis };
        until_ready(&scene.office.provider).await;
        scene
    }

    pub(super) fn provider(&self) -> &Provider {
        &self.office.provider
    }
}

/// Waits until the server says that it is ready.
pub(super) async fn until_ready(provider: &Provider) {
    let ops = operations(provider);
    until("the server to be ready", async || wire::get(&ops, "/readyz").await.0 == 200).await;
}

/// Waits until the server says that it waits for something.
pub(super) async fn until_waiting_for(provider: &Provider, what: &str) {
    let (ops, named) = (operations(provider), format!("\"{what}\""));
    until("the server to be red", async || {
        let (status, said) = answered("/readyz", wire::get(&ops, "/readyz")).await;
        status == 503 && said.contains(&named)
    })
    .await;
}

fn operations(provider: &Provider) -> Router {
    wire::router(provider.ops_port())
}

/// Looks again and again, at most a minute.
pub(super) async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited a minute for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An answer, which comes within the patience whatever is broken.
pub(super) async fn answered<T>(what: &str, answer: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| panic!("{what} hangs"))
}

/// A person sees our page of an outage, in the language of choice and with a reference code.
//= BSSN4-2021#6.a test
pub(super) fn is_our_page(page: &Page, words: &str) {
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}: {}", page.url, page.text());
    assert_eq!(page.error_code().as_deref(), Some("temporarily_unavailable"), "{}", page.body);
    let text = page.text();
    assert!(text.contains(words), "{text}");
    let reference = page.header("x-request-id");
    assert!(reference.starts_with("GP-") && text.contains(reference), "{reference}: {text}");
    assert!(!page.header("retry-after").is_empty());
    tells_nothing_inner(page);
}

/// A program gets the error of OAuth that says: later.
pub(super) fn is_our_json(answer: &Page) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}: {}", answer.url, answer.body);
    let said: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(said["error"], "temporarily_unavailable", "{}", answer.body);
    assert!(!answer.header("retry-after").is_empty());
    tells_nothing_inner(answer);
}

/// No answer tells what lies behind it.
fn tells_nothing_inner(answer: &Page) {
    for inner in ["ostgres", "edis", "qlite", "sqlx", ".rs:", "panick", "127.0.0.1:", "os error", "SQLSTATE"] {
        assert!(!answer.body.contains(inner), "{} tells {inner}: {}", answer.url, answer.body);
    }
}

pub(super) const INDONESIAN: &str = "Layanan sedang tidak tersedia";
pub(super) const ENGLISH: &str = "The service is not available";

/// Lines of the log with this message: the values of one of their fields.
pub(super) fn logged(provider: &Provider, message: &str, field: &str) -> Vec<String> {
    let log = provider.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let of_it = lines.filter(|line| line["message"] == message);
    of_it.map(|line| line[field].as_str().unwrap_or_default().to_owned()).collect()
}
