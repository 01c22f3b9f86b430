//! The deployment that is measured: the sample city, a web application in every algorithm of ID tokens,
//! one job, sixteen council members.

use std::fs;

use gapura_tests::{
    provider::{Provider, sample_file, samples},
    relying_party::basic,
};
use http::header;
use serde_json::Value;

use crate::{
    line::Line,
    person::{Person, coded},
};

/// The host of the pages, as browsers name it.
pub(crate) const HOST: &str = "sso.localhost";
pub(crate) const REDIRECT: &str = "http://presensi.localhost:8081/auth/callback";
pub(crate) const PASSWORD: &str = "pagi yang cerah di kota";

/// What the scenarios know of the deployment.
#[derive(Clone)]
pub(crate) struct City {
    pub(crate) port: u16,
    pub(crate) host: String,
    /// Web applications by the algorithm of their ID tokens.
    pub(crate) web: Vec<(&'static str, Web)>,
    /// `Authorization` of the job.
    pub(crate) job: String,
    /// Account names with a password.
    pub(crate) people: Vec<String>,
}

/// A web application.
#[derive(Clone)]
pub(crate) struct Web {
    pub(crate) client_id: String,
    /// `Authorization`.
    pub(crate) basic: String,
}

/// Everything the sample city has.
pub(crate) const ALL: [&str; 6] = ["opd", "pegawai", "akun", "penugasan", "aplikasi", "peran"];

impl City {
    /// Loads it, with these of the sample files; the server is not running yet.
    pub(crate) fn load(provider: &Provider, kinds: &[&str]) -> Self {
        for kind in kinds {
            provider.gapura(&["import", kind, &sample_file(kind)]);
        }
        let web = ["ES256", "RS256", "PS256", "EdDSA"].into_iter().filter_map(|alg| Some((alg, web(provider, alg)?)));
        let web = web.collect();
        let job = ["--id", "direktori", "--application", "e-Kinerja", "--grant", "client_credentials"];
        let job = add_client(provider, &job).unwrap_or_else(|why| panic!("{why}"));
        let mut people = Vec::new();
        if kinds.contains(&"akun") {
            let accounts = fs::read_to_string(samples().join("akun_lain.csv")).unwrap();
            let council = accounts.lines().filter(|line| line.contains(",dprd,")).take(16);
            people.extend(council.map(|line| line.split(',').next().unwrap().to_owned()));
        }
        for name in &people {
            provider.set_password(name, PASSWORD);
        }
        let host = format!("{HOST}:{}", provider.port());
        Self { port: provider.port(), host, web, job: basic("direktori", &job), people }
    }

    /// The application whose ID tokens are signed so.
    pub(crate) fn web(&self, alg: &str) -> Option<&Web> {
        self.web.iter().find(|(known, _)| *known == alg).map(|(_, web)| web)
    }

    /// Opens connections, each with a person of its own, signed in at the application of this algorithm.
    pub(crate) async fn signed_in(&self, count: usize, alg: &str) -> Vec<Person> {
        let mut signed_in = Vec::new();
        for number in 0..count {
            let mut person = self.browser(number, alg).await;
            let code = person.sign_in().await;
            person.redeem(&code).await;
            signed_in.push(person);
        }
        signed_in
    }

    /// A connection with an empty cookie jar.
    pub(crate) async fn browser(&self, number: usize, alg: &str) -> Person {
        Person {
            line: Line::open(self.port, &self.host).await,
            cookies: String::new(),
            host: self.host.clone(),
            web: self.web(alg).unwrap().clone(),
            name: self.people[number % self.people.len()].clone(),
            access_token: String::new(),
            refresh_token: String::new(),
        }
    }

    /// Asks each endpoint once, nobody being signed in.
    pub(crate) async fn ask_each_endpoint(&self) {
        let mut line = Line::open(self.port, &self.host).await;
        let web = self.web("ES256").unwrap();
        for path in ["/.well-known/openid-configuration", "/jwks", "/", "/masuk", "/keluar", "/healthz"] {
            assert!(!line.get(path, &[]).await.status.is_server_error(), "{path}");
        }
        let mut nobody = self.browser_of_nobody().await;
        nobody.open(&web.authorize()).await;
        let job = [(header::AUTHORIZATION, self.job.as_str())];
        let token = line.post("/token", &job, "grant_type=client_credentials").await.json();
        let token = token["access_token"].as_str().unwrap().to_owned();
        let bearer = format!("Bearer {token}");
        line.get("/userinfo", &[(header::AUTHORIZATION, &bearer)]).await;
        for path in ["/introspect", "/revoke"] {
            let answer = line.post(path, &job, &format!("token={}", coded(&token))).await;
            assert!(!answer.status.is_server_error(), "{path} {}", answer.text());
        }
        assert!(!line.get("/logout", &[]).await.status.is_server_error());
    }

    async fn browser_of_nobody(&self) -> Person {
        Person {
            line: Line::open(self.port, &self.host).await,
            cookies: String::new(),
            host: self.host.clone(),
            web: self.web("ES256").unwrap().clone(),
            name: String::new(),
            access_token: String::new(),
            refresh_token: String::new(),
        }
    }
}

/// Registers one; none where the provider does not know the algorithm.
fn web(provider: &Provider, alg: &str) -> Option<Web> {
    let client_id = format!("presensi-{}", alg.to_lowercase());
    let wanted = ["--id", &client_id, "--application", "e-Presensi", "--redirect-uri", REDIRECT, "--id-token-alg", alg];
    let secret = add_client(provider, &wanted).ok()?;
    let basic = basic(&client_id, &secret);
    Some(Web { client_id, basic })
}

fn add_client(provider: &Provider, arguments: &[&str]) -> Result<String, String> {
    let done = provider.try_gapura(&[&["client", "add"], arguments, &["--json"]].concat(), "");
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned());
    }
    let added: Value = serde_json::from_slice(&done.stdout).unwrap();
    Ok(added["client_secret"].as_str().unwrap_or_else(|| panic!("{added}")).to_owned())
}
