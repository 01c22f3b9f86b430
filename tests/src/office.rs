//! A deployment of a few people and two applications, made by commands only: real processes, real time.

use url::Url;

use crate::{
    Pair,
    browser::{Browser, Page},
    provider::Provider,
    relying_party::{RelyingParty, Started, Tokens},
    wire,
};

/// NIP of the one civil servant.
pub const OFFICER: &str = "198503122010012004";

/// Everybody's password.
pub const PASSWORD: &str = "pagi yang cerah di kota";

/// The deployment and the secrets of its clients.
pub struct Office {
    /// The node that serves.
    pub provider: Provider,
    secrets: Vec<(&'static str, String)>,
}

impl Office {
    /// Made and serving: the officer holds `pegawai` in e-Presensi (client `presensi`) and in e-Kinerja
    /// (client `kinerja`).
    pub fn open(pair: Pair) -> Self {
        Self::open_with(pair, &[])
    }

    /// As `open`, with more said when each client is registered.
    pub fn open_with(pair: Pair, more: &[&str]) -> Self {
        Self::over(Provider::new(pair), more)
    }

    /// As `open`, in a fresh deployment that a test made in its own way.
    pub fn over(mut provider: Provider, more: &[&str]) -> Self {
        let mut secrets = Vec::new();
        let add = ["user", "add", "--name", "Siti Aminah", "--nip", OFFICER, "--password-stdin"];
        provider.gapura_told(&add, PASSWORD);
        for (id, name) in [("presensi", "e-Presensi"), ("kinerja", "e-Kinerja")] {
            let identifier = format!("https://{id}.kota-contoh.go.id");
            let add = ["application", "add", "--name", name, "--identifier", &identifier, "--role", "pegawai"];
            provider.gapura(&add);
            provider.gapura(&["grant", "add", OFFICER, name, "pegawai", "--reason", "uji"]);
            let redirect = redirect_uri(id);
            let add = ["client", "add", "--id", id, "--application", name, "--redirect-uri", &redirect];
            let added = provider.gapura_json(&[&add[..], more].concat());
            secrets.push((id, added["client_secret"].as_str().unwrap_or_else(|| panic!("{added}")).to_owned()));
        }
        provider.serve();
        Self { provider, secrets }
    }

    /// A browser with an empty jar, at the given node.
    pub fn browser(&self, node: &Provider) -> Browser {
        Browser::new(wire::router(node.port()), self.public())
    }

    /// An application that asks the given node.
    pub fn rp(&self, id: &str, node: &Provider) -> RelyingParty {
        let secret = self.secrets.iter().find(|(known, _)| *known == id).map(|(_, secret)| secret.clone());
        RelyingParty::new(wire::router(node.port()), self.public(), id, secret, &redirect_uri(id))
    }

    /// The officer signs in at an application; where the browser is sent then.
    pub async fn sign_in(&self, browser: &mut Browser, rp: &RelyingParty) -> (Started, Page) {
        let started = rp.start(&[]);
        let page = browser.follow(&rp.redirect_uri, &started.url).await;
        assert_eq!(page.status, 200, "{:?} {}", page.location(), page.body);
        let page = browser.submit("password", &[("username", OFFICER), ("password", PASSWORD)]).await;
        (started, page)
    }

    /// The officer signs in, and the application has its tokens.
    pub async fn tokens(&self, browser: &mut Browser, rp: &RelyingParty) -> Tokens {
        let (started, page) = self.sign_in(browser, rp).await;
        let code = rp.code(&started, &page);
        rp.redeem(&started, &code).await
    }

    fn public(&self) -> Url {
        Url::parse(&self.provider.public_url).unwrap()
    }
}

fn redirect_uri(id: &str) -> String {
    format!("https://{id}.kota-contoh.go.id/auth/callback")
}
