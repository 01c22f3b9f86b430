//! An application's receiver of back-channel logout messages, as many applications as there are paths.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, body::Bytes, extract::Path, http::StatusCode, routing::post};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

/// How often each session's end was told to each application.
pub(super) type Told = Arc<Mutex<HashMap<(String, String), u32>>>;

/// A receiver that takes every message.
pub(super) struct Receiver {
    port: u16,
    told: Told,
    hold: Arc<AtomicBool>,
}

impl Receiver {
    /// Listens on a port of its own.
    pub(super) async fn start() -> Self {
        let told = Told::default();
        let hold = Arc::<AtomicBool>::default();
        let (noted, held) = (Arc::clone(&told), Arc::clone(&hold));
        let take = async move |Path(client): Path<String>, body: Bytes| {
            let message = session_of(&body);
            *noted.lock().unwrap().entry((message, client)).or_default() += 1;
            if held.swap(false, Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            StatusCode::OK
        };
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let routes = Router::new().route("/{client}", post(take));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { port, told, hold }
    }

    /// Takes the next message and never answers it.
    pub(super) fn hold_the_next(&self) {
        self.hold.store(true, Ordering::SeqCst);
    }

    /// Where a client's messages go.
    pub(super) fn address(&self, client: &str) -> String {
        format!("http://terima.localhost:{}/{client}", self.port)
    }

    /// How often the end of a session was told to a client.
    pub(super) fn times(&self, session: &str, client: &str) -> u32 {
        self.told.lock().unwrap().get(&(session.to_owned(), client.to_owned())).copied().unwrap_or(0)
    }
}

/// `sid` of a logout token in a form.
fn session_of(body: &[u8]) -> String {
    let token = url::form_urlencoded::parse(body).find(|(name, _)| name == "logout_token").expect("a logout token").1;
    claims(&token)["sid"].as_str().expect("sid").to_owned()
}

/// The claims of a token, unchecked.
pub(super) fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("a token");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
