//! What a second process takes away is refused at every door of every node within one second.

use std::time::{Duration, Instant};

use gapura_tests::{
    Pair,
    browser::{Browser, parameter},
    office::{OFFICER, Office},
    on_both_pairs,
    provider::Provider,
    relying_party::RelyingParty,
};

on_both_pairs!(a_disabled_person_is_refused, a_disabled_client_is_refused, a_removed_role_is_refused);

/// The promise of ARCHITECTURE.md. It is a promise in time, so this is measured in time.
const PROMISED: Duration = Duration::from_secs(1);

/// The doors of one node, as one signed-in person's application knows them.
struct Doors {
    browser: Browser,
    rp: RelyingParty,
    access_token: String,
    refresh_token: String,
}

impl Doors {
    async fn of(office: &Office, node: &Provider) -> Self {
        let mut browser = office.browser(node);
        let rp = office.rp("presensi", node);
        let tokens = office.tokens(&mut browser, &rp).await;
        let doors = Self { browser, rp, access_token: tokens.access_token(), refresh_token: tokens.refresh_token() };
        assert!(doors.clone_open().await, "open before");
        doors
    }

    async fn clone_open(&self) -> bool {
        self.rp.userinfo(&self.access_token).await.status == 200
            && self
                .rp
                .call("/introspect", &[("token".to_owned(), self.access_token.clone())])
                .await
                .body
                .contains("true")
    }

    /// Which doors still let in what they must not.
    async fn still_open(&mut self) -> Vec<&'static str> {
        let mut open = Vec::new();
        let entry = self.browser.follow(&self.rp.redirect_uri, &self.rp.start(&[("prompt", "none")]).url).await;
        if entry.location().is_some_and(|next| parameter(&next, "code").is_some()) {
            open.push("authorize");
        }
        if self.rp.userinfo(&self.access_token).await.status == 200 {
            open.push("userinfo");
        }
        let form = [("token".to_owned(), self.access_token.clone())];
        if self.rp.call("/introspect", &form).await.body.contains("\"active\":true") {
            open.push("introspect");
        }
        let refreshed = self.rp.refresh(&self.refresh_token).await;
        if refreshed.status == 200 {
            let tokens: serde_json::Value = serde_json::from_str(&refreshed.body).unwrap();
            self.refresh_token = tokens["refresh_token"].as_str().unwrap().to_owned();
            open.push("token");
        }
        open
    }
}

/// Takes something away by a command and waits until every door of every node is shut.
async fn shut_after(pair: Pair, command: &[&str]) {
    let office = Office::open(pair);
    let mut nodes = Vec::new();
    if pair == Pair::PostgresRedis {
        let mut second = office.provider.another_node();
        second.serve();
        nodes.push(second);
    }
    let mut all = vec![Doors::of(&office, &office.provider).await];
    for node in &nodes {
        all.push(Doors::of(&office, node).await);
    }
    office.provider.gapura(command);
    let said = Instant::now();
    loop {
        let asked = said.elapsed();
        let mut open = Vec::new();
        for doors in &mut all {
            open.extend(doors.still_open().await);
        }
        if open.is_empty() {
            break;
        }
        assert!(asked < PROMISED, "after {asked:?} still open: {open:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

//= SSO-03 test
async fn a_disabled_person_is_refused(pair: Pair) {
    shut_after(pair, &["user", "disable", OFFICER]).await;
}

async fn a_disabled_client_is_refused(pair: Pair) {
    shut_after(pair, &["client", "disable", "presensi"]).await;
}

//= T20 test
async fn a_removed_role_is_refused(pair: Pair) {
    shut_after(pair, &["grant", "close", OFFICER, "e-Presensi", "pegawai", "--reason", "uji"]).await;
}
