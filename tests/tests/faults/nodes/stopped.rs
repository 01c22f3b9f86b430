//! A node is stopped (SIGSTOP), as a virtual machine that its host moves, and wakes up half a minute later.

use std::time::{Duration, Instant};

use gapura_tests::{
    Pair,
    browser::{Browser, parameter},
    provider::signal,
    relying_party::pairs,
    run,
    servers::{psql, wait_until},
};

use super::{APPLICATION, Gate, PASSWORD};
use crate::faults::receiver::{Receiver, claims};

/// How long nginx waits for an answer here.
const PATIENCE: Duration = Duration::from_secs(2);

impl Gate {
    fn ask(&self, sql: &str) -> String {
        psql(self.nodes[0].database.as_ref().unwrap(), sql).trim().to_owned()
    }

    /// Which node does the job that one node at a time does.
    fn holder(&self) -> Option<usize> {
        let holder = self.ask("SELECT holder FROM job_leases WHERE job = 'endings'");
        let nodes = self.ask("SELECT id FROM nodes ORDER BY started_at, id");
        nodes.lines().position(|node| node == holder)
    }
}

#[test]
fn a_stopped_node_wakes_up_to_what_happened_meanwhile() {
    run(Pair::PostgresRedis, async |_| {
        let receiver = Receiver::start().await;
        let gate = Gate::open(3, "2s", Some(&receiver.address("presensi")));
        wait_until("a node to hold the lease", || gate.holder().is_some(), || gate.nodes[0].log());
        let stopped = gate.holder().unwrap();
        let pid = gate.nodes[stopped].pid();
        let (port, front) = (gate.nodes[stopped].port(), gate.nginx.port);

        // A logout message is on its way from this node when it stops.
        let mut leaving = gate.browser(port);
        let gone = gate.tokens(&mut leaving, &gate.rp("presensi", port), "orang0").await;
        let sid = claims(&gone.id_token_sent())["sid"].as_str().unwrap().to_owned();
        let [mut disabled, mut unentitled] = [gate.browser(front), gate.browser(front)];
        let rp = gate.rp("presensi", front);
        let tokens = gate.tokens(&mut disabled, &rp, "orang1").await;
        gate.tokens(&mut unentitled, &rp, "orang2").await;
        receiver.hold_the_next();
        leaving.open("/keluar").await;
        leaving.submit("", &[]).await;
        wait_until("the message to be sent", || receiver.times(&sid, "presensi") == 1, || gate.nodes[stopped].log());
        let forms = forms(&gate).await;
        signal("STOP", pid);
        seen_by_who_signs_in(forms).await;
        seen_by_people(&gate, &mut unentitled).await;

        gate.nodes[0].gapura(&["user", "disable", "orang1"]);
        gate.nodes[0].gapura(&["client", "disable", "mesin"]);
        gate.nodes[0].gapura(&["grant", "close", "orang2", APPLICATION, "pegawai", "--reason", "uji"]);
        // These reach the stopped node's socket, and wait there for it.
        let asleep = ["presensi", "mesin"].map(|id| gate.rp(id, port));
        let (here, machine, access) = (asleep[0].clone(), asleep[1].clone(), tokens.access_token());
        let userinfo = tokio::spawn(async move { here.userinfo(&access).await.status.as_u16() });
        let form = pairs(&[("grant_type", "client_credentials")]);
        let credentials = tokio::spawn(async move { machine.token(&form).await.status.as_u16() });
        let (here, mut browser) = (asleep[0].clone(), unentitled.at(gapura_tests::wire::router(port)));
        let entry = tokio::spawn(async move {
            let page = browser.follow(&here.redirect_uri, &here.start(&[]).url).await;
            page.location().is_some_and(|next| parameter(&next, "code").is_some())
        });

        let row = format!(
            "SELECT state || ' ' || attempts || ' ' || COALESCE(lease_holder, '-') FROM logout_messages \
             WHERE session_id = '{sid}'"
        );
        let taken_over = || gate.ask(&row) == "delivered 2 -" && gate.holder() == Some(1 - stopped);
        wait_until("the other node to take the leases over", taken_over, || gate.ask(&row));
        assert_eq!(receiver.times(&sid, "presensi"), 2);
        signal("CONT", pid);
        assert_eq!(userinfo.await.unwrap(), 401, "a disabled person");
        assert_eq!(credentials.await.unwrap(), 401, "a disabled client");
        assert!(!entry.await.unwrap(), "a person without a role");
        // It wakes up in the middle of a delivery that is no longer its own.
        wait_until("the node to be ready again", || gate.nodes[stopped].is_ready(), || gate.nodes[stopped].log());
        assert_eq!(gate.ask(&row), "delivered 2 -");
        assert_eq!(gate.holder(), Some(1 - stopped));
    });
}

/// Four people with the sign-in form before them.
async fn forms(gate: &Gate) -> Vec<Browser> {
    let rp = gate.rp("presensi", gate.nginx.port);
    let mut browsers = Vec::new();
    for _ in 0..4 {
        let mut browser = gate.browser(gate.nginx.port);
        browser.follow(&rp.redirect_uri, &rp.start(&[]).url).await.form("password");
        browsers.push(browser);
    }
    browsers
}

/// One form is sent to the stopped node, and to no other: a password is not sent twice. A page says so; the
/// node is left alone then, and who begins again is let in.
async fn seen_by_who_signs_in(mut forms: Vec<Browser>) {
    let fields = [("username", "orang2"), ("password", PASSWORD)];
    let mut unanswered = 0;
    for browser in &mut forms {
        let page = browser.submit("password", &fields).await;
        if page.status.is_server_error() {
            assert!(page.text().contains("Kembali ke aplikasi, lalu masuk sekali lagi."), "{}", page.body);
            unanswered += 1;
        } else {
            assert!(page.location().is_some_and(|next| parameter(&next, "code").is_some()), "{}", page.status);
        }
    }
    assert_eq!(unanswered, 1);
}

/// Whoever is sent to the stopped node waits once for nginx's patience and is answered by the other.
async fn seen_by_people(gate: &Gate, browser: &mut Browser) {
    let rp = gate.rp("presensi", gate.nginx.port);
    let mut slow = Vec::new();
    for _ in 0..40 {
        let began = Instant::now();
        let page = browser.follow(&rp.redirect_uri, &rp.start(&[]).url).await;
        assert!(page.location().is_some_and(|next| parameter(&next, "code").is_some()), "{}", page.status);
        if began.elapsed() > PATIENCE {
            slow.push(began.elapsed());
        }
    }
    println!("beside a stopped node: 40 of 40 entries answered, those that waited: {slow:?}");
    assert!(slow.len() <= 3, "{slow:?}");
}
