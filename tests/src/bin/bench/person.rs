//! A person at a browser, and the application they use: one connection for both.

use std::time::Duration;

use gapura_tests::relying_party::challenge;
use http::header;

use crate::{
    city::{PASSWORD, REDIRECT, Web},
    line::{Answer, Line},
};

pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A browser with its cookies, and the tokens its application holds.
pub(crate) struct Person {
    pub(crate) line: Line,
    pub(crate) cookies: String,
    /// The host of the provider's pages.
    pub(crate) host: String,
    pub(crate) web: Web,
    pub(crate) name: String,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
}

impl Web {
    /// Where it sends a browser.
    pub(crate) fn authorize(&self) -> String {
        format!(
            "/authorize?response_type=code&client_id={}&redirect_uri={}&scope={}&state=uji&nonce=uji\
             &code_challenge={}&code_challenge_method=S256",
            self.client_id,
            coded(REDIRECT),
            coded("openid profile email opd jabatan peran"),
            challenge(VERIFIER)
        )
    }

    /// What it sends to redeem a code.
    pub(crate) fn redemption(code: &str) -> String {
        format!("grant_type=authorization_code&code={code}&code_verifier={VERIFIER}&redirect_uri={}", coded(REDIRECT))
    }
}

impl Person {
    /// The whole of a first sign-in: authorize, page, form; the code that comes of it.
    pub(crate) async fn sign_in(&mut self) -> String {
        self.cookies.clear();
        let answer = self.open(&self.web.authorize()).await;
        let page = self.path(location(&answer));
        let answer = self.open(&page).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let (action, fields) = filled(&answer.text(), &self.name, &page);
        let headers = [
            (header::COOKIE, self.cookies.as_str()),
            (header::HeaderName::from_static("sec-fetch-site"), "same-origin"),
        ];
        let mut answer = self.line.post(&action, &headers, &fields).await;
        // The queue page: the waiting counts, as it does for a person.
        while answer.status == 503 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            answer = self.line.post(&action, &headers, &fields).await;
        }
        keep_cookies(&mut self.cookies, &answer);
        self.code_of(answer).await
    }

    /// Authorize with a live session: a code at once.
    pub(crate) async fn enter(&mut self) -> String {
        let answer = self.open(&self.web.authorize()).await;
        self.code_of(answer).await
    }

    /// Redeems a code and keeps the tokens.
    pub(crate) async fn redeem(&mut self, code: &str) {
        self.token(&Web::redemption(code)).await;
    }

    /// Uses the refresh token and keeps its successor.
    pub(crate) async fn refresh(&mut self) {
        let form = format!("grant_type=refresh_token&refresh_token={}", coded(&self.refresh_token));
        self.token(&form).await;
    }

    /// Asks whether a token of this person lives: it does.
    pub(crate) async fn introspect(&mut self, token: &str) {
        let form = format!("token={}", coded(token));
        let answer = self.line.post("/introspect", &[(header::AUTHORIZATION, &self.web.basic)], &form).await;
        assert!(answer.text().contains("\"active\":true"), "{}", answer.text());
    }

    /// Asks for the claims behind a token.
    pub(crate) async fn userinfo(&mut self, token: &str) {
        let bearer = format!("Bearer {token}");
        let answer = self.line.get("/userinfo", &[(header::AUTHORIZATION, &bearer)]).await;
        assert!(answer.status == 200 && answer.text().contains("\"sub\""), "{}", answer.text());
    }

    /// A page or a redirect of the provider.
    pub(crate) async fn open(&mut self, path: &str) -> Answer {
        let answer = self.line.get(path, &[(header::COOKIE, &self.cookies)]).await;
        keep_cookies(&mut self.cookies, &answer);
        answer
    }

    async fn token(&mut self, form: &str) {
        let answer = self.line.post("/token", &[(header::AUTHORIZATION, &self.web.basic)], form).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let tokens = answer.json();
        self.access_token = tokens["access_token"].as_str().unwrap().to_owned();
        assert!(tokens["id_token"].is_string());
        self.refresh_token = tokens["refresh_token"].as_str().unwrap().to_owned();
    }

    /// Follows our own redirects until one leads to the application.
    async fn code_of(&mut self, answer: Answer) -> String {
        let mut answer = answer;
        for _ in 0..3 {
            let next = location(&answer).to_owned();
            if let Some(back) = back_with(&next) {
                return back.unwrap();
            }
            answer = self.open(&self.path(&next)).await;
        }
        panic!("no code: {} {}", answer.status, answer.text())
    }

    fn path(&self, address: &str) -> String {
        address.strip_prefix(&format!("http://{}", self.host)).unwrap_or(address).to_owned()
    }
}

/// The sign-in form of a page filled in: its address and its body.
pub(crate) fn filled(page: &str, name: &str, address: &str) -> (String, String) {
    let form = gapura_tests::html::forms(page).into_iter().find(|form| form.is_post).unwrap();
    let mut fields = form.fields;
    fields.retain(|(name, _)| name != "username" && name != "password");
    fields.extend([("username".to_owned(), name.to_owned()), ("password".to_owned(), PASSWORD.to_owned())]);
    let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>();
    let action = if form.action.is_empty() { address.to_owned() } else { form.action };
    (action, gapura_tests::browser::encoded(&fields))
}

/// Takes over the cookies an answer sets.
pub(crate) fn keep_cookies(jar: &mut String, answer: &Answer) {
    for set in answer.headers.get_all(header::SET_COOKIE) {
        let pair = set.to_str().unwrap().split(';').next().unwrap();
        let name = pair.split('=').next().unwrap();
        let mut kept = jar.split("; ").filter(|known| !known.is_empty()).collect::<Vec<_>>();
        kept.retain(|known| known.split('=').next() != Some(name));
        kept.push(pair);
        *jar = kept.join("; ");
    }
}

/// What an address of the application's brings back: a code, or the error in place of it.
pub(crate) fn back_with(address: &str) -> Option<Result<String, String>> {
    let query = address.strip_prefix(REDIRECT)?.trim_start_matches('?');
    let value = |name| query.split('&').find_map(|pair| pair.strip_prefix(name)).map(str::to_owned);
    Some(value("code=").ok_or_else(|| value("error=").unwrap_or_else(|| panic!("{address}"))))
}

fn location(answer: &Answer) -> &str {
    assert!(answer.status.is_redirection(), "{} {}", answer.status, answer.text());
    answer.header(&header::LOCATION)
}

pub(crate) fn coded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
