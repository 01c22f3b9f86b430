//! Two nodes on PostgreSQL and Redis behind nginx: one dies at the peak, one is stopped and wakes up again,
//! and what one takes away the other refuses.

mod peak;
mod seen_elsewhere;
mod stopped;

use gapura_tests::{
    Pair,
    browser::Browser,
    nginx::Nginx,
    provider::Provider,
    relying_party::{RelyingParty, Tokens},
    run,
    servers::{postgres, redis, wait_until},
    wire,
};
use url::Url;

const APPLICATION: &str = "e-Presensi";
const PASSWORD: &str = "pagi yang cerah di kota";

/// A deployment of two nodes, both ready, with nginx in front of them.
struct Gate {
    nodes: [Provider; 2],
    nginx: Nginx,
    secrets: Vec<(&'static str, String)>,
}

impl Gate {
    /// With this many people (`orang0` and so on), each holding the one role; `patience` is nginx's.
    fn open(people: usize, patience: &str, receiver: Option<&str>) -> Self {
        let mut nginx = Nginx::new();
        let public = format!("http://sso.localhost:{}", nginx.port);
        let storage = [postgres().database(None), redis().database()];
        // The cost of a password is not what is tried here.
        let variables =
            [("PASSWORDS__MEMORY_KIB", "64"), ("PASSWORDS__ITERATIONS", "1"), ("SERVER__TRUSTED_PROXIES", "127.0.0.1")];
        let mut first = Provider::on(Some(storage), Some(&public), &variables);
        let secrets = furnish(&first, people, receiver);
        let mut second = first.another_node();
        for node in [&mut first, &mut second] {
            node.serve();
            wait_until("a node to be ready", || node.is_ready(), || node.log());
        }
        nginx.serve([first.port(), second.port()], patience);
        Self { nodes: [first, second], nginx, secrets }
    }

    fn public(&self) -> Url {
        Url::parse(&self.nodes[0].public_url).unwrap()
    }

    /// A browser with an empty jar, at nginx or at a node.
    fn browser(&self, port: u16) -> Browser {
        Browser::new(wire::router(port), self.public())
    }

    /// An application that asks nginx or a node.
    fn rp(&self, id: &str, port: u16) -> RelyingParty {
        let secret = self.secrets.iter().find(|(known, _)| *known == id).map(|(_, secret)| secret.clone());
        RelyingParty::new(wire::router(port), self.public(), id, secret, &redirect_uri(id))
    }

    /// Somebody signs in at an application, and the application has its tokens.
    async fn tokens(&self, browser: &mut Browser, rp: &RelyingParty, who: &str) -> Tokens {
        let started = rp.start(&[]);
        let mut page = browser.follow(&rp.redirect_uri, &started.url).await;
        if page.location().is_none() {
            assert_eq!(page.status, 200, "{}", page.text());
            page = browser.submit("password", &[("username", who), ("password", PASSWORD)]).await;
        }
        let code = rp.code(&started, &page);
        rp.redeem(&started, &code).await
    }
}

fn redirect_uri(id: &str) -> String {
    format!("https://{id}.kota-contoh.go.id/auth/callback")
}

/// Application, people, and the clients `presensi` (confidential), `ponsel` (public), `mesin` (for itself).
fn furnish(provider: &Provider, people: usize, receiver: Option<&str>) -> Vec<(&'static str, String)> {
    let identifier = "https://presensi.kota-contoh.go.id";
    provider.gapura(&["application", "add", "--name", APPLICATION, "--identifier", identifier, "--role", "pegawai"]);
    for number in 0..people {
        let login = format!("orang{number}");
        let add = ["user", "add", "--name", &login, "--account-name", &login, "--kind", "dprd", "--password-stdin"];
        provider.gapura_told(&add, PASSWORD);
        provider.gapura(&["grant", "add", &login, APPLICATION, "pegawai", "--reason", "uji"]);
    }
    let add = |more: &[&str]| {
        let added = provider.gapura_json(&[&["client", "add", "--application", APPLICATION], more].concat());
        added["client_secret"].as_str().unwrap_or_default().to_owned()
    };
    let [ponsel, presensi] = ["ponsel", "presensi"].map(redirect_uri);
    let logout = receiver.map(|address| vec!["--logout-uri", address]).unwrap_or_default();
    add(&["--id", "ponsel", "--auth", "none", "--redirect-uri", &ponsel]);
    let presensi = add(&[&["--id", "presensi", "--redirect-uri", &presensi][..], &logout].concat());
    vec![("presensi", presensi), ("mesin", add(&["--id", "mesin", "--grant", "client_credentials"]))]
}

//= T6 test
#[test]
fn of_a_hundred_refreshes_over_two_nodes_one_wins() {
    run(Pair::PostgresRedis, async |_| {
        let mut gate = Gate::open(1, "10s", None);
        let ports = [0, 1].map(|at: usize| gate.nodes[at].port());
        let rps = ports.map(|port| gate.rp("ponsel", port));
        let crowd = async |token: &str, rps: &[RelyingParty]| {
            let answers = (0..100).map(|number| rps[number % rps.len()].refresh(token));
            let answers = futures::future::join_all(answers).await;
            let statuses = answers.iter().map(|page| page.status.as_u16()).collect::<Vec<_>>();
            assert!(statuses.iter().all(|status| matches!(status, 200 | 400 | 502 | 503)), "{statuses:?}");
            answers.into_iter().filter(|page| page.status == 200).collect::<Vec<_>>()
        };
        let token_of = |page: &gapura_tests::browser::Page| {
            let answer: serde_json::Value = serde_json::from_str(&page.body).unwrap();
            answer["refresh_token"].as_str().unwrap().to_owned()
        };
        let first = gate.tokens(&mut gate.browser(ports[0]), &rps[0], "orang0").await;
        let won = crowd(&first.refresh_token(), &rps).await;
        assert_eq!(won.len(), 1);
        for rp in &rps {
            assert_eq!(rp.refresh(&token_of(&won[0])).await.status, 400, "the family is revoked on both nodes");
        }

        // A node dies while it answers its half of the crowd.
        let first = gate.tokens(&mut gate.browser(ports[0]), &rps[0], "orang0").await;
        let token = first.refresh_token();
        let (pid, die) = (gate.nodes[0].pid(), async |pid| {
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
            gapura_tests::provider::signal("KILL", pid);
        });
        let (mut won, ()) = tokio::join!(crowd(&token, &rps), die(pid));
        gate.nodes[0].kill();
        won.extend(crowd(&token, &rps[1..]).await);
        assert!(won.len() <= 1, "{} answers for one token", won.len());
        for page in &won {
            assert_eq!(rps[1].refresh(&token_of(page)).await.status, 400, "the family is revoked");
        }
        // Started again it knows nothing else.
        gate.nodes[0].serve();
        assert_eq!(rps[0].refresh(&token).await.status, 400);
        assert_eq!(rps[0].userinfo(&first.access_token()).await.status, 401);
    });
}
