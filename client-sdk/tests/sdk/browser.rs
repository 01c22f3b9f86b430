//! A browser with a cookie jar in front of the application and the provider, both called in process.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use axum::response::Html;
use axum::routing::get;
use gapura_client::{Builder, Gapura, MemoryStore, RequireRole, Role, User, keep_typed};
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::provider::{CLIENT, Provider, SECRET};

pub(crate) const APP: &str = "http://presensi.localhost:8081";

pub(crate) struct Bendahara;
impl Role for Bendahara {
    const CODE: &'static str = "bendahara";
    const NAME: &'static str = "Bendahara <pembantu>";
}

/// An application after the ten lines of the README, and the provider it trusts.
pub(crate) struct World {
    pub(crate) provider: Provider,
    pub(crate) gapura: Gapura,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) app: Router,
}

pub(crate) fn builder(provider: &Provider) -> Builder {
    Gapura::builder(&provider.issuer, CLIENT, APP).client_secret(SECRET).clock(provider.clock.for_app())
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Provider::start().await, |builder| builder).await
    }

    pub(crate) async fn with(provider: Provider, change: impl FnOnce(Builder) -> Builder) -> Self {
        let store = Arc::new(MemoryStore::new(100, provider.clock.for_app()));
        let kept_in = store.clone();
        Self::over(provider, store, |builder| change(builder).session_store(kept_in)).await
    }

    /// An application that keeps its sessions as `change` says, in the end in `store`.
    pub(crate) async fn over(
        provider: Provider,
        store: Arc<MemoryStore>,
        change: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let gapura = change(builder(&provider)).build().await.unwrap();
        let app = Router::new()
            .route("/", get(home).post(post))
            .route("/bayar", get(pay))
            .route("/siapa", get(maybe).post(maybe))
            .route("/fakta", get(facts))
            .route("/laporan", axum::routing::post(report).layer(from_fn_with_state(gapura.clone(), keep_typed)))
            .merge(gapura.routes())
            .with_state(gapura.clone());
        Self { provider, gapura, store, app }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser { app: self.app.clone(), provider: self.provider.clone(), cookies: BTreeMap::new() }
    }

    /// A browser that has signed in.
    pub(crate) async fn signed_in(&self) -> Browser {
        let mut browser = self.browser();
        let page = browser.open("/").await;
        assert_eq!((page.status, page.body.as_str()), (StatusCode::OK, "Siti Aminah"));
        browser
    }
}

async fn home(user: User) -> Html<String> {
    Html(user.name().unwrap_or("-").to_owned())
}

async fn post(user: User) -> String {
    format!("simpan oleh {}", user.sub())
}

async fn pay(user: RequireRole<Bendahara>) -> String {
    format!("bayar oleh {}", user.sub())
}

async fn facts(user: User) -> String {
    let units: Vec<_> = user.penugasan().iter().map(|one| one.unit.clone()).collect();
    format!("{:?} {:?} {:?} {:?} {units:?}", user.name(), user.opd(), user.jabatan(), user.email())
}

async fn report(_user: User, body: String) -> String {
    body
}

async fn maybe(user: Option<User>) -> String {
    user.map_or("tamu".to_owned(), |user| format!("{} {:?}", user.sub(), user.roles()))
}

#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Page {
    pub(crate) fn location(&self) -> String {
        self.headers.get(LOCATION).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) struct Browser {
    app: Router,
    provider: Provider,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Opens an address and follows redirects until a page comes.
    pub(crate) async fn open(&mut self, url: &str) -> Page {
        let mut next = url.to_owned();
        for _ in 0..10 {
            let page = self.get(&next).await;
            if !page.status.is_redirection() {
                return page;
            }
            next = page.location();
        }
        panic!("redirects without end at {next}");
    }

    /// One navigation, no redirect followed.
    pub(crate) async fn get(&mut self, url: &str) -> Page {
        self.send(Method::GET, url, &[("sec-fetch-mode", "navigate")], "").await
    }

    /// A form of a page of this application.
    pub(crate) async fn post(&mut self, url: &str, body: &str) -> Page {
        let headers = [
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.send(Method::POST, url, &headers, body).await
    }

    pub(crate) async fn send(&mut self, method: Method, url: &str, headers: &[(&str, &str)], body: &str) -> Page {
        let at_provider = url.starts_with(&self.provider.issuer);
        let path = url.strip_prefix(&self.provider.issuer).or_else(|| url.strip_prefix(APP)).unwrap_or(url);
        assert!(path.starts_with('/'), "left for {url}");
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !at_provider && !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let router = if at_provider { self.provider.router() } else { self.app.clone() };
        let answer = router.oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        if !at_provider {
            self.keep_cookies(&parts.headers);
        }
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Page { status: parts.status, headers: parts.headers, body }
    }

    fn keep_cookies(&mut self, headers: &http::HeaderMap) {
        for line in headers.get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (pair, attributes) = line.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            assert!(
                attributes.contains("HttpOnly") && attributes.contains("SameSite=Lax") && attributes.contains("Path=/"),
                "{line}"
            );
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    pub(crate) fn session_cookie(&self) -> Option<&String> {
        self.cookies.get("gapura_presensi_session")
    }
}
