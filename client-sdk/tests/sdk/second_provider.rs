//! The library with a provider of other hands, over real HTTP: it depends on nothing of ours.
//!
//! `tests/second-provider` holds it: oidc-provider from the npm registry, pinned, put there by `tests/requirements.sh`
//! where Node 20 is. Elsewhere these tests say that they did not run.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::{Router, routing::get};
use gapura_client::{Clock, Gapura, MemoryStore, User};
use reqwest::{Client, Method, StatusCode, header, redirect};
use url::Url;

const SECRET: &str = "rahasia-yang-cukup-panjang-untuk-basic";

/// The running provider; dropping it ends it.
struct Second {
    child: Child,
    issuer: String,
    /// What it told: a line for each grant.
    told: Arc<Mutex<Vec<String>>>,
}

impl Second {
    /// None where it was not put.
    fn start(application: &str) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/second-provider");
        if !folder.join("node_modules/.put").exists() {
            eprintln!("NOT RUN: tests/requirements.sh has put no second provider into {}", folder.display());
            return None;
        }
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let mut child = Command::new("node")
            .arg(folder.join("provider.mjs"))
            .args([&port.to_string(), application, SECRET])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "ready"), "the second provider did not start");
        // It goes on telling; a closed pipe would end it.
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = told.clone();
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| heard.lock().unwrap().push(line)));
        Some(Self { child, issuer: format!("http://localhost:{port}"), told })
    }

    /// Waits until it has redeemed so many refresh tokens; how many they are.
    async fn refreshed(&self, awaited: usize) -> usize {
        let began = Instant::now();
        loop {
            let seen = self.told.lock().unwrap().iter().filter(|line| *line == "grant refresh_token").count();
            if seen >= awaited || began.elapsed() > Duration::from_secs(10) {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A browser as far as this needs one: cookies by origin, redirects, the first form of a page.
struct Browser {
    client: Client,
    cookies: BTreeMap<(String, String), String>,
}

#[derive(Debug)]
struct Page {
    url: Url,
    status: StatusCode,
    body: String,
}

impl Browser {
    #[expect(clippy::disallowed_methods, reason = "a browser of a test goes where it likes")]
    fn new() -> Self {
        let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { client, cookies: BTreeMap::new() }
    }

    async fn open(&mut self, url: &str) -> Page {
        self.go(Method::GET, Url::parse(url).unwrap(), None).await
    }

    /// Sends the first form of a page with these fields beside its hidden ones.
    async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let form = page.body.split("<form").nth(1).unwrap_or_else(|| panic!("no form: {page:?}"));
        let form = form.split("</form>").next().unwrap();
        let action = page.url.join(&attribute(form, "action").unwrap().replace("&amp;", "&")).unwrap();
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        for input in form.split("<input").skip(1) {
            let input = input.split('>').next().unwrap();
            if attribute(input, "type").as_deref() == Some("hidden") {
                body.append_pair(&attribute(input, "name").unwrap(), &attribute(input, "value").unwrap_or_default());
            }
        }
        for (name, value) in fields {
            body.append_pair(name, value);
        }
        self.go(Method::POST, action, Some(body.finish())).await
    }

    async fn go(&mut self, method: Method, url: Url, body: Option<String>) -> Page {
        let (mut method, mut url, mut body) = (method, url, body);
        for _ in 0..20 {
            let origin = url.origin().ascii_serialization();
            let cookies: Vec<_> = self.cookies.iter().filter(|((of, _), _)| *of == origin).collect();
            let cookies =
                cookies.iter().map(|((_, name), value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
            let mut request = self.client.request(method.clone(), url.clone()).header(header::COOKIE, cookies);
            request = request.header(header::ACCEPT, "text/html").header("sec-fetch-site", "same-origin");
            if let Some(body) = body.take() {
                request = request
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .header(header::ORIGIN, &origin)
                    .body(body);
            }
            let answer = request.send().await.unwrap();
            for cookie in answer.headers().get_all(header::SET_COOKIE) {
                let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = cookie.split_once('=').unwrap();
                self.cookies.insert((origin.clone(), name.to_owned()), value.to_owned());
            }
            let status = answer.status();
            let Some(next) = answer.headers().get(header::LOCATION).filter(|_| status.is_redirection()) else {
                return Page { url, status, body: answer.text().await.unwrap() };
            };
            url = url.join(next.to_str().unwrap()).unwrap();
            method = Method::GET;
        }
        panic!("redirected for ever: {url}");
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split_once(&format!("{name}=\""))?.1;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}

struct Application {
    origin: String,
    store: Arc<MemoryStore>,
    second: Second,
}

async fn home(user: Option<User>) -> String {
    user.map_or("belum masuk".to_owned(), |user| format!("{} {}", user.sub(), user.name().unwrap_or("tanpa nama")))
}

async fn hers(user: User) -> String {
    home(Some(user)).await
}

async fn application() -> Option<Application> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let second = Second::start(&origin)?;
    let store = Arc::new(MemoryStore::new(100, Clock::system()));
    let gapura = Gapura::builder(&second.issuer, "presensi", &origin)
        .client_secret(SECRET)
        .session_store(store.clone())
        .build()
        .await
        .unwrap();
    let app = Router::new().route("/", get(home)).route("/saya", get(hers)).merge(gapura.routes()).with_state(gapura);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Some(Application { origin, store, second })
}

/// Signs in at the second provider: its own pages ask for a name, then for consent.
async fn sign_in(browser: &mut Browser, application: &Application) -> Page {
    let page = browser.open(&format!("{}/saya", application.origin)).await;
    assert!(page.url.as_str().starts_with(&application.second.issuer), "{page:?}");
    let page = browser.submit(&page, &[("login", "siti"), ("password", "apa saja")]).await;
    browser.submit(&page, &[]).await
}

#[tokio::test]
async fn a_person_of_another_provider_signs_in_is_renewed_and_signs_out() {
    let Some(application) = application().await else { return };
    let mut browser = Browser::new();
    let page = sign_in(&mut browser, &application).await;
    assert_eq!((page.status, page.body.as_str()), (StatusCode::OK, "siti Pegawai siti"), "{page:?}");
    // Its access tokens are due at once: each page is a renewal with a rotated refresh token, the first one too. A
    // session that ended instead would come back with another cookie, by the provider's own.
    let cookies = browser.cookies.clone();
    for renewals in 2..5 {
        let page = browser.open(&format!("{}/saya", application.origin)).await;
        assert_eq!(page.body, "siti Pegawai siti", "{page:?}");
        assert_eq!(application.second.refreshed(renewals).await, renewals);
    }
    assert_eq!(browser.cookies, cookies);
    let logout = Url::parse(&format!("{}/auth/logout", application.origin)).unwrap();
    let page = browser.go(Method::POST, logout, Some(String::new())).await;
    assert!(page.url.as_str().starts_with(&application.second.issuer), "the provider asks: {page:?}");
    let page = browser.submit(&page, &[("logout", "yes")]).await;
    assert_eq!((page.url.as_str(), page.body.as_str()), (&*format!("{}/", application.origin), "belum masuk"));
    assert!(application.store.is_empty());
}

#[tokio::test]
async fn a_sign_out_at_another_provider_is_heard() {
    let Some(application) = application().await else { return };
    let mut browser = Browser::new();
    sign_in(&mut browser, &application).await;
    assert_eq!(application.store.len(), 1);
    let page = browser.open(&format!("{}/session/end", application.second.issuer)).await;
    browser.submit(&page, &[("logout", "yes")]).await;
    let began = Instant::now();
    while !application.store.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(30), "the logout message did not arrive");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(browser.open(&format!("{}/", application.origin)).await.body, "belum masuk");
}
