//! The deployment that is measured: the sample city, one web application, one job, sixteen council members.

use std::fs;

use gapura_tests::{
    provider::{Provider, sample_file, samples},
    relying_party::{basic, challenge},
};
use http::header;
use serde_json::Value;

use crate::line::{Answer, Line};

/// The host of the pages, as browsers name it.
pub(crate) const HOST: &str = "sso.localhost";
pub(crate) const REDIRECT: &str = "http://presensi.localhost:8081/auth/callback";
const PASSWORD: &str = "pagi yang cerah di kota";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// What the scenarios know of the deployment.
#[derive(Clone)]
pub(crate) struct City {
    pub(crate) port: u16,
    pub(crate) host: String,
    /// `Authorization` of the web application.
    pub(crate) web: String,
    /// `Authorization` of the job.
    pub(crate) job: String,
    /// Account names with a password.
    pub(crate) people: Vec<String>,
}

/// A signed-in browser and its tokens.
pub(crate) struct Person {
    pub(crate) line: Line,
    pub(crate) cookies: String,
    pub(crate) city: City,
    pub(crate) name: String,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
}

impl City {
    /// Loads it, with these of the sample files; the server is not running yet.
    pub(crate) fn load(provider: &Provider, kinds: &[&str]) -> Self {
        for kind in kinds {
            provider.gapura(&["import", kind, &sample_file(kind)]);
        }
        let web =
            add_client(provider, &["--id", "presensi", "--application", "e-Presensi", "--redirect-uri", REDIRECT]);
        let job = ["--id", "direktori", "--application", "e-Kinerja", "--grant", "client_credentials"];
        let job = add_client(provider, &job);
        let accounts = fs::read_to_string(samples().join("akun_lain.csv")).unwrap();
        let council = accounts.lines().filter(|line| line.contains(",dprd,")).take(16);
        let people = council.map(|line| line.split(',').next().unwrap().to_owned()).collect::<Vec<_>>();
        for name in &people {
            provider.set_password(name, PASSWORD);
        }
        Self {
            port: provider.port(),
            host: format!("{HOST}:{}", provider.port()),
            web: basic("presensi", &web),
            job: basic("direktori", &job),
            people,
        }
    }

    /// Opens connections, each with a person of its own, signed in.
    pub(crate) async fn signed_in(&self, count: usize) -> Vec<Person> {
        let mut signed_in = Vec::new();
        for number in 0..count {
            let mut person = self.browser(number).await;
            let code = person.sign_in().await;
            person.redeem(&code).await;
            signed_in.push(person);
        }
        signed_in
    }

    /// A connection with an empty cookie jar.
    pub(crate) async fn browser(&self, number: usize) -> Person {
        Person {
            line: Line::open(self.port, &self.host).await,
            cookies: String::new(),
            city: self.clone(),
            name: self.people[number % self.people.len()].clone(),
            access_token: String::new(),
            refresh_token: String::new(),
        }
    }
}

fn add_client(provider: &Provider, arguments: &[&str]) -> String {
    let added: Value = provider.gapura_json(&[&["client", "add"], arguments].concat());
    added["client_secret"].as_str().unwrap_or_else(|| panic!("{added}")).to_owned()
}

impl Person {
    /// The whole of a first sign-in: authorize, page, form; the code that comes of it.
    pub(crate) async fn sign_in(&mut self) -> String {
        self.cookies.clear();
        let answer = self.open(&authorize()).await;
        let page = location(&answer);
        let page = page.strip_prefix(&format!("http://{}", self.city.host)).unwrap_or(&page).to_owned();
        let answer = self.open(&page).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let form = gapura_tests::html::forms(&answer.text()).into_iter().find(|form| form.is_post).unwrap();
        let mut fields = form.fields.clone();
        fields.retain(|(name, _)| name != "username" && name != "password");
        fields.extend([("username".to_owned(), self.name.clone()), ("password".to_owned(), PASSWORD.to_owned())]);
        let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>();
        let action = if form.action.is_empty() { page } else { form.action };
        let headers = [
            (header::COOKIE, self.cookies.as_str()),
            (header::HeaderName::from_static("sec-fetch-site"), "same-origin"),
        ];
        let answer = self.line.post(&action, &headers, &gapura_tests::browser::encoded(&fields)).await;
        self.keep_cookies(&answer);
        self.code_of(answer).await
    }

    /// Authorize with a live session: a code at once.
    pub(crate) async fn enter(&mut self) -> String {
        let answer = self.open(&authorize()).await;
        self.code_of(answer).await
    }

    /// Redeems a code and keeps the tokens.
    pub(crate) async fn redeem(&mut self, code: &str) {
        let form = format!(
            "grant_type=authorization_code&code={code}&code_verifier={VERIFIER}&redirect_uri={}",
            coded(REDIRECT)
        );
        self.token(&form).await;
    }

    /// Uses the refresh token and keeps its successor.
    pub(crate) async fn refresh(&mut self) {
        let form = format!("grant_type=refresh_token&refresh_token={}", coded(&self.refresh_token));
        self.token(&form).await;
    }

    async fn token(&mut self, form: &str) {
        let answer = self.line.post("/token", &[(header::AUTHORIZATION, &self.city.web)], form).await;
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
            let next = location(&answer);
            if let Some(query) = next.strip_prefix(REDIRECT) {
                let code = query.trim_start_matches('?').split('&').find_map(|pair| pair.strip_prefix("code="));
                return code.unwrap_or_else(|| panic!("{next}")).to_owned();
            }
            let path = next.strip_prefix(&format!("http://{}", self.city.host)).unwrap_or(&next).to_owned();
            answer = self.open(&path).await;
        }
        panic!("no code: {} {}", answer.status, answer.text())
    }

    async fn open(&mut self, path: &str) -> Answer {
        let answer = self.line.get(path, &[(header::COOKIE, &self.cookies)]).await;
        self.keep_cookies(&answer);
        answer
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for set in answer.headers.get_all(header::SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            let name = pair.split('=').next().unwrap();
            let mut jar = self.cookies.split("; ").filter(|known| !known.is_empty()).collect::<Vec<_>>();
            jar.retain(|known| known.split('=').next() != Some(name));
            jar.push(pair);
            self.cookies = jar.join("; ");
        }
    }
}

fn authorize() -> String {
    format!(
        "/authorize?response_type=code&client_id=presensi&redirect_uri={}&scope={}&state=uji&nonce=uji\
         &code_challenge={}&code_challenge_method=S256",
        coded(REDIRECT),
        coded("openid profile email opd jabatan peran"),
        challenge(VERIFIER)
    )
}

fn location(answer: &Answer) -> String {
    assert!(answer.status.is_redirection(), "{} {}", answer.status, answer.text());
    answer.header(&header::LOCATION).to_owned()
}

pub(crate) fn coded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
