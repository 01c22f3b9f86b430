//! A browser without a screen: a cookie jar, and the headers a real one sends on its own
//! (`Sec-Fetch-Site`, `Origin`, `Referer`), against the in-process router.

use std::net::SocketAddr;

use axum::{Router, body::Body, extract::ConnectInfo};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use url::Url;

use crate::html;

/// What an address answered.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where it was found.
    pub url: Url,
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, as text.
    pub body: String,
    /// Length of the body in bytes.
    pub size: usize,
}

impl Page {
    /// What a person reads.
    pub fn text(&self) -> String {
        html::text(&self.body)
    }

    /// A header, or an empty text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where it redirects to.
    pub fn location(&self) -> Option<Url> {
        let location = self.headers.get(header::LOCATION)?.to_str().unwrap();
        Some(self.url.join(location).unwrap())
    }

    /// The form with a field or button of this name; the first form where the name is empty.
    pub fn form(&self, having: &str) -> html::Form {
        let mut forms = html::forms(&self.body);
        let has = |form: &html::Form| form.fields.iter().chain(&form.buttons).any(|(name, _)| name == having);
        let at = forms.iter().position(|form| having.is_empty() || has(form));
        forms.swap_remove(at.unwrap_or_else(|| panic!("no form with {having} on {}: {}", self.url, self.body)))
    }

    /// The `data-code` of the error on the page.
    pub fn error_code(&self) -> Option<String> {
        let error = html::tags(&self.body).into_iter().find(|tag| tag.get("id") == Some("error"))?;
        error.get("data-code").map(ToOwned::to_owned)
    }

    /// One parameter of the page's address.
    pub fn parameter(&self, name: &str) -> Option<String> {
        parameter(&self.url, name)
    }
}

/// One parameter of an address.
pub fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// One person's browser.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    public: Url,
    cookies: Vec<(String, String)>,
    shown: Option<Page>,
    /// The address it connects from.
    pub peer: SocketAddr,
    /// `Accept-Language`.
    pub language: String,
    /// Headers a proxy in front would add, or a curious person.
    pub extra: HeaderMap,
}

impl Browser {
    /// A browser with an empty jar.
    pub fn new(router: Router, public: Url) -> Self {
        Self {
            router,
            public,
            cookies: Vec::new(),
            shown: None,
            peer: SocketAddr::from(([127, 0, 0, 1], 40_000)),
            language: "id".to_owned(),
            extra: HeaderMap::new(),
        }
    }

    /// The same jar at another server of the same address.
    #[must_use]
    pub fn at(&self, router: Router) -> Self {
        Self { router, ..self.clone() }
    }

    /// Names and values in the jar.
    pub fn cookies(&self) -> &[(String, String)] {
        &self.cookies
    }

    /// Puts a cookie into the jar, as a person with developer tools can.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.retain(|(known, _)| known != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    /// The person types an address. Redirects are followed while they stay here.
    pub async fn open(&mut self, url: &str) -> Page {
        self.shown = None;
        self.go(Method::GET, self.public.join(url).unwrap(), None).await
    }

    /// The person follows a link, or an application's redirect, from a page of `from`.
    pub async fn follow(&mut self, from: &str, url: &Url) -> Page {
        self.leave_to(from);
        self.go(Method::GET, url.clone(), None).await
    }

    /// A page of another origin posts a form here.
    pub async fn post_from(&mut self, from: &str, url: &str, fields: &[(&str, &str)]) -> Page {
        self.leave_to(from);
        let url = self.public.join(url).unwrap();
        self.go(Method::POST, url, Some(encoded(fields))).await
    }

    /// Fills in the form that has field or button `having` on the page shown and sends it with its first button.
    pub async fn submit(&mut self, having: &str, fields: &[(&str, &str)]) -> Page {
        let shown = self.shown.clone().expect("a page is shown");
        let form = shown.form(having);
        let mut sent = form.fields.clone();
        if let Some(button) = form.buttons.iter().find(|(name, _)| name == having).or(form.buttons.first())
            && !button.0.is_empty()
        {
            sent.push(button.clone());
        }
        for (name, value) in fields {
            sent.retain(|(known, _)| known != name);
            sent.push(((*name).to_owned(), (*value).to_owned()));
        }
        let pairs = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>();
        let url = if form.action.is_empty() { shown.url.clone() } else { shown.url.join(&form.action).unwrap() };
        if form.is_post {
            self.go(Method::POST, url, Some(encoded(&pairs))).await
        } else {
            let mut url = url;
            url.set_query(Some(&encoded(&pairs)));
            self.go(Method::GET, url, None).await
        }
    }

    /// One request exactly as given, without following anything.
    pub async fn send(&mut self, request: Request<Body>) -> Page {
        let url = self.public.join(&request.uri().to_string()).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes: Bytes = body.collect().await.unwrap().to_bytes();
        let page = Page {
            url,
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
            size: bytes.len(),
        };
        self.keep_cookies(&page);
        page
    }

    async fn go(&mut self, method: Method, url: Url, body: Option<String>) -> Page {
        let (mut method, mut url, mut body) = (method, url, body);
        for _ in 0..10 {
            let request = self.request(&method, &url, body.take());
            let page = self.send(request).await;
            let Some(next) = page.location() else {
                self.shown = Some(page.clone());
                return page;
            };
            if next.origin() != self.public.origin() {
                return page;
            }
            if page.status == StatusCode::SEE_OTHER || page.status == StatusCode::FOUND {
                method = Method::GET;
            }
            url = next;
        }
        panic!("ten redirects, the last to {url}");
    }

    fn leave_to(&mut self, from: &str) {
        let url = Url::parse(from).unwrap();
        self.shown =
            Some(Page { url, status: StatusCode::OK, headers: HeaderMap::new(), body: String::new(), size: 0 });
    }

    fn request(&self, method: &Method, url: &Url, body: Option<String>) -> Request<Body> {
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, self.public.authority())
            .header(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) uji")
            .header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
            .header(header::ACCEPT_LANGUAGE, &self.language)
            .header("sec-fetch-site", self.fetch_site())
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
            .extension(ConnectInfo(self.peer));
        if let Some(shown) = &self.shown
            && *method == Method::POST
        {
            let hidden = shown.header("referrer-policy") == "no-referrer";
            let origin = if hidden { "null".to_owned() } else { shown.url.origin().ascii_serialization() };
            request = request.header(header::ORIGIN, origin);
        }
        // SameSite=Lax: a post from another site carries no cookie (RFC 6265bis section 5.2).
        let is_bare = *method == Method::POST && self.fetch_site() == "cross-site";
        if !self.cookies.is_empty() && !is_bare {
            let jar = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
            request = request.header(header::COOKIE, jar.join("; "));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        for (name, value) in &self.extra {
            request = request.header(name, value);
        }
        request.body(body.map_or_else(Body::empty, Body::from)).unwrap()
    }

    /// What a browser says about who asks for a page (Fetch Metadata, section 2.2).
    fn fetch_site(&self) -> &'static str {
        let Some(shown) = &self.shown else { return "none" };
        let site = |url: &Url| {
            let host = url.host_str().unwrap_or_default().to_owned();
            let labels = if host.ends_with(".go.id") { 3 } else { 2 };
            let all = host.split('.').map(ToOwned::to_owned).collect::<Vec<_>>();
            (url.scheme().to_owned(), all[all.len().saturating_sub(labels)..].join("."))
        };
        if shown.url.origin() == self.public.origin() {
            "same-origin"
        } else if site(&shown.url) == site(&self.public) {
            "same-site"
        } else {
            "cross-site"
        }
    }

    fn keep_cookies(&mut self, page: &Page) {
        for line in page.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').unwrap();
            let attributes = attributes.to_ascii_lowercase();
            self.cookies.retain(|(known, _)| known != name);
            if !attributes.contains("max-age=0") && !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}

/// `application/x-www-form-urlencoded`.
pub fn encoded(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
