//! What a handler knows about its request, read once.

use std::{net::SocketAddr, panic::AssertUnwindSafe, str::FromStr};

use axum::{
    extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State},
    http::{
        StatusCode, Uri,
        header::{HeaderName, HeaderValue, RETRY_AFTER, SET_COOKIE},
        request::Parts,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt as _;
use gapura_core::time::{Date, Instant};
use tracing::Instrument;

use super::{
    address,
    cookies::{self, Cookie, Scheme, Stay},
    headers,
};
use crate::{
    entropy::{Entropy, NoEntropy},
    failure, logs, metrics,
    state::App,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Seconds after which whoever met an outage may ask again, where the answer does not know better.
const AGAIN: HeaderValue = HeaderValue::from_static("5");

/// A page language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Language {
    /// Bahasa Indonesia: the default, and the source of legal text.
    #[default]
    Indonesian,
    /// English.
    English,
}

impl Language {
    /// BCP 47 tag, as in `lang` and in the database.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Indonesian => "id",
            Self::English => "en",
        }
    }

    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Indonesian => Self::English,
            Self::English => Self::Indonesian,
        }
    }

    /// The first of a list of tags that we speak (`ui_locales`, OIDC Core section 3.1.2.1).
    pub fn first_of(tags: &str) -> Option<Self> {
        tags.split(' ').find_map(|tag| tag.split('-').next()?.parse().ok())
    }
}

impl FromStr for Language {
    type Err = gapura_core::UnknownWord;

    fn from_str(tag: &str) -> Result<Self, Self::Err> {
        match tag.to_ascii_lowercase().as_str() {
            "id" => Ok(Self::Indonesian),
            "en" => Ok(Self::English),
            _ => Err(gapura_core::UnknownWord),
        }
    }
}

/// One request.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// Read once; every decision of this request uses it.
    pub now: Instant,
    /// The day in the Pemda's zone.
    pub today: Date,
    /// In the log, in audit events and as the reference code on pages: `GP-7K3M-92TX`.
    pub request_id: String,
    /// The language of its pages.
    pub language: Language,
    /// Whether the person chose that language; if not, a client may ask for another.
    pub language_chosen: bool,
    /// Where it came from, behind trusted proxies.
    pub client_address: std::net::IpAddr,
    /// Path and query as sent, without the language: where a language link leads.
    pub here: String,
    /// The browser's cookies, by their plain values.
    pub browser: Option<String>,
    /// The session cookie, by its plain value.
    pub session: Option<String>,
}

impl RequestContext {
    /// The hash by which the session cookie is known to the store.
    pub fn session_hash(&self) -> Option<[u8; 32]> {
        self.session.as_deref().map(cookies::hash)
    }

    /// The hash by which this browser is known to interactions.
    pub fn browser_hash(&self) -> Option<[u8; 32]> {
        self.browser.as_deref().map(cookies::hash)
    }

    /// The same request in the language a client asked for, unless the person chose one.
    #[must_use]
    pub fn speaking(mut self, ui_locales: Option<&str>) -> Self {
        if let (false, Some(wanted)) = (self.language_chosen, ui_locales.and_then(Language::first_of)) {
            self.language = wanted;
        }
        self
    }

    /// The request, and the language its link asks for.
    fn read(app: &App, request: &Request) -> Result<(Self, Option<Language>), NoEntropy> {
        let now = app.clock.now();
        let scheme = Scheme::of(app.settings.server.public_url.is_https());
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(address::NO_PEER, |ConnectInfo(socket)| socket.ip());
        let sent = request.headers();
        let (asked, here) = language_and_rest(request.uri());
        let stored = cookies::read(sent, Cookie::Language, scheme).and_then(|tag| tag.parse().ok());
        let chosen = asked.or(stored);
        let context = Self {
            now,
            today: app.settings.city.zone.today(now),
            request_id: reference_code(app.entropy)?,
            language: chosen.unwrap_or_default(),
            language_chosen: chosen.is_some(),
            client_address: address::of_client(peer, sent, &app.settings.server.trusted_proxies),
            here,
            browser: cookies::read(sent, Cookie::Browser, scheme),
            session: cookies::read(sent, Cookie::Session, scheme),
        };
        Ok((context, asked))
    }
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        // Absent only where a route was built without `begin`.
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// The outermost layer: makes the [`RequestContext`], opens the log span that carries its request
/// id, and completes the headers of whatever is answered.
pub async fn begin(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let scheme = Scheme::of(app.settings.server.public_url.is_https());
    let Ok((context, asked)) = RequestContext::read(&app, &request) else {
        tracing::error!("no randomness: the request is refused");
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let span = tracing::info_span!("request", request_id = %context.request_id);
    let id = context.request_id.parse().ok();
    let choice = asked.and_then(|language| cookies::set(Cookie::Language, language.tag(), Stay::Year, scheme));
    let route = request.extensions().get::<MatchedPath>().cloned();
    let here = context.clone();
    request.extensions_mut().insert(context);
    let begun = std::time::Instant::now();
    let method = request.method().clone();
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match handled.instrument(span.clone()).await {
        Ok(response) => response,
        Err(_) => span.in_scope(|| failure::of_panic(&app, &here, route)),
    };
    let (status, took) = (response.status().as_u16(), begun.elapsed());
    metrics::answered(route, status, took);
    span.in_scope(|| logs::answered(&method, route, status, took));
    let sent = response.headers_mut();
    headers::complete(sent, scheme);
    if status == StatusCode::SERVICE_UNAVAILABLE.as_u16() {
        sent.entry(RETRY_AFTER).or_insert(AGAIN);
    }
    if let Some(id) = id {
        sent.insert(REQUEST_ID, id);
    }
    if let Some(choice) = choice {
        sent.append(SET_COOKIE, choice);
    }
    response
}

/// The language asked for by a link (`bahasa=en`), and path and query without it.
fn language_and_rest(uri: &Uri) -> (Option<Language>, String) {
    let query = uri.query().unwrap_or_default();
    let (links, rest): (Vec<&str>, Vec<&str>) =
        query.split('&').filter(|pair| !pair.is_empty()).partition(|pair| pair.starts_with("bahasa="));
    let asked = match links.as_slice() {
        [one] => one.strip_prefix("bahasa=").and_then(|tag| tag.parse().ok()),
        _ => None,
    };
    // A path that begins with two slashes would name another host as a link; a backslash is read as one.
    let path = if uri.path().starts_with("//") || uri.path().starts_with("/\\") { "/" } else { uri.path() };
    let here = if rest.is_empty() { path.to_owned() } else { format!("{path}?{}", rest.join("&")) };
    (asked, here)
}

/// Crockford's alphabet: no I, L, O and U, so that a code survives a telephone.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 40 random bits that a person can read out: `GP-7K3M-92TX`.
fn reference_code(entropy: Entropy) -> Result<String, NoEntropy> {
    let mut code = String::from("GP");
    for (place, byte) in entropy.bytes::<8>()?.into_iter().enumerate() {
        if place % 4 == 0 {
            code.push('-');
        }
        code.push(ALPHABET.get(usize::from(byte % 32)).copied().map_or('0', char::from));
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_code_can_be_read_out() {
        let code = reference_code(Entropy).unwrap();
        assert_eq!(code.len(), "GP-7K3M-92TX".len());
        assert!(code.starts_with("GP-"), "{code}");
        assert!(!code.contains(['I', 'L', 'O', 'U']), "{code}");
        assert_ne!(code, reference_code(Entropy).unwrap());
    }

    //= BSSN4-2021#6.a test
    //= BSSN4-2021#6.b test
    #[tokio::test]
    async fn a_panic_is_answered_with_a_reference_code_and_the_next_request_is_served() {
        use axum::{Router, body::Body, middleware, routing::get};
        use tower::ServiceExt as _;

        async fn panics() -> &'static str {
            panic!("rahasia di src/handler.rs")
        }
        let folder = tempfile::tempdir().unwrap();
        let settings = crate::settings::Settings::defaults(folder.path()).unwrap();
        let app = App::build(settings, crate::clock::Clock::System).await.unwrap();
        let router = Router::new()
            .route("/masuk", get(panics))
            .route("/token", get(panics))
            .route("/sehat", get(async || "sehat"))
            .layer(middleware::from_fn_with_state(app.clone(), begin));
        let ask = |path: &'static str| {
            let answer = router.clone().oneshot(http::Request::get(path).body(Body::empty()).unwrap());
            async {
                let (parts, body) = answer.await.unwrap().into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                (parts, String::from_utf8(body.to_vec()).unwrap())
            }
        };
        for (path, ours) in [("/masuk", "Terjadi"), ("/masuk?bahasa=en", "Something"), ("/token", "\"server_error\"")] {
            let (parts, body) = ask(path).await;
            assert_eq!(parts.status, 500, "{path}");
            let code = parts.headers[&REQUEST_ID].to_str().unwrap();
            assert!(body.contains(ours), "{path}: {body}");
            assert!(path == "/token" || body.contains(code), "{path}: {body}");
            for inner in ["rahasia", "panic", "handler.rs", "backtrace"] {
                assert!(!body.contains(inner), "{path} tells {inner}");
            }
        }
        assert_eq!(ask("/sehat").await.1, "sehat");
    }

    #[test]
    fn a_language_link_leads_back_here() {
        let table = [
            ("/masuk", None, "/masuk"),
            ("/masuk?bahasa=en", Some(Language::English), "/masuk"),
            ("/masuk?interaksi=a&bahasa=id&client_id=b", Some(Language::Indonesian), "/masuk?interaksi=a&client_id=b"),
            ("/masuk?bahasa=fr", None, "/masuk"),
            ("/masuk?bahasa=en&bahasa=id", None, "/masuk"),
            ("//evil.example/?a=1", None, "/?a=1"),
            ("/\\evil.example/?a=1", None, "/?a=1"),
        ];
        for (uri, language, here) in table {
            assert_eq!(language_and_rest(&uri.parse().unwrap()), (language, here.to_owned()), "{uri}");
        }
    }

    #[test]
    fn a_client_may_ask_for_a_language_we_speak() {
        assert_eq!(Language::first_of("fr-CA en-US id"), Some(Language::English));
        assert_eq!(Language::first_of("id"), Some(Language::Indonesian));
        assert_eq!(Language::first_of("fr"), None);
        assert_eq!(Language::first_of(""), None);
    }
}
