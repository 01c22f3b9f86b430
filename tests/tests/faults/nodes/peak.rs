//! A node dies at the peak.

use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::join_all;
use gapura_tests::{
    Pair,
    browser::{Browser, Page, parameter},
    provider::signal,
    relying_party::{RelyingParty, Tokens, pairs},
    run,
};
use serde_json::Value;

use super::Gate;

const PEOPLE: usize = 12;
/// Requests of each person's browser and application.
const EACH: u32 = 130;

/// What clients saw.
#[derive(Default)]
struct Seen {
    asked: AtomicU32,
    failed: AtomicU32,
}

impl Seen {
    /// Whether there was an answer; the figure is of all requests, whoever sent them.
    fn answered(&self, page: &Page) -> bool {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let failed = page.status.is_server_error();
        self.failed.fetch_add(u32::from(failed), Ordering::SeqCst);
        !failed
    }
}

//= SEC-09 test
#[test]
fn a_node_killed_at_the_peak_costs_less_than_half_a_percent() {
    run(Pair::PostgresRedis, async |_| {
        let mut gate = Gate::open(PEOPLE, "10s", None);
        let seen = Seen::default();
        let pid = gate.nodes[1].pid();
        let life = async |number: usize| {
            let mut person = Person::arrive(&gate, &format!("orang{number}")).await;
            for turn in 0..EACH {
                person.act(&seen, turn).await;
                // One of them, a third of the way, ends the node for all.
                if number == 0 && turn == EACH / 3 {
                    signal("KILL", pid);
                }
            }
        };
        join_all((0..PEOPLE).map(&life)).await;
        let [asked, failed] = [&seen.asked, &seen.failed].map(|counter| counter.load(Ordering::SeqCst));
        println!("a node killed at the peak: {failed} of {asked} requests failed");
        assert!(asked >= EACH * 12, "{asked} requests");
        assert!(f64::from(failed) < f64::from(asked) * 0.005, "{failed} of {asked} failed");
        gate.nodes[1].kill();
    });
}

struct Person<'g> {
    gate: &'g Gate,
    login: String,
    browser: Browser,
    rp: RelyingParty,
    access_token: String,
    refresh_token: String,
}

impl<'g> Person<'g> {
    async fn arrive(gate: &'g Gate, login: &str) -> Self {
        let mut browser = gate.browser(gate.nginx.port);
        let rp = gate.rp("presensi", gate.nginx.port);
        let tokens: Tokens = gate.tokens(&mut browser, &rp, login).await;
        let (access_token, refresh_token) = (tokens.access_token(), tokens.refresh_token());
        Self { gate, login: login.to_owned(), browser, rp, access_token, refresh_token }
    }

    /// What the morning is made of: entries, refreshes, questions about tokens, and some sign-ins.
    async fn act(&mut self, seen: &Seen, turn: u32) {
        match turn % 8 {
            0 | 4 => self.enter(seen).await,
            1 | 5 => self.refresh(seen).await,
            2 | 6 => {
                let page = self.rp.userinfo(&self.access_token).await;
                assert!(!seen.answered(&page) || page.status == 200, "{} {}", page.status, page.body);
            }
            3 => {
                let page = self.rp.call("/introspect", &pairs(&[("token", &self.access_token)])).await;
                assert!(!seen.answered(&page) || page.body.contains("\"active\":true"), "{}", page.body);
            }
            _ => self.sign_in(seen).await,
        }
    }

    async fn enter(&mut self, seen: &Seen) {
        let page = self.browser.follow(&self.rp.redirect_uri, &self.rp.start(&[]).url).await;
        if seen.answered(&page) {
            assert!(page.location().is_some_and(|url| parameter(&url, "code").is_some()), "{}", page.text());
        }
    }

    /// The application asks again where an answer was lost, as the SDK does.
    async fn refresh(&mut self, seen: &Seen) {
        for _ in 0..2 {
            let page = self.rp.refresh(&self.refresh_token).await;
            if seen.answered(&page) {
                assert_eq!(page.status, 200, "{}", page.body);
                let answer: Value = serde_json::from_str(&page.body).unwrap();
                self.access_token = answer["access_token"].as_str().unwrap().to_owned();
                self.refresh_token = answer["refresh_token"].as_str().unwrap().to_owned();
                return;
            }
        }
        panic!("{} lost the family of {}", self.rp.client_id, self.login);
    }

    /// In a browser of its own. A person who sees an error page begins again.
    async fn sign_in(&mut self, seen: &Seen) {
        for _ in 0..2 {
            let mut browser = self.gate.browser(self.gate.nginx.port);
            let page = browser.follow(&self.rp.redirect_uri, &self.rp.start(&[]).url).await;
            if !seen.answered(&page) {
                continue;
            }
            let fields = [("username", self.login.as_str()), ("password", super::PASSWORD)];
            let page = browser.submit("password", &fields).await;
            if seen.answered(&page) {
                assert!(page.location().is_some_and(|url| parameter(&url, "code").is_some()), "{}", page.text());
                return;
            }
        }
        panic!("{} could not sign in", self.login);
    }
}
