//! What one node or a command takes away is refused by the other node within one second, measured.

use std::time::{Duration, Instant};

use gapura_tests::{
    Pair,
    browser::parameter,
    relying_party::{RelyingParty, pairs},
    run,
};

use super::{APPLICATION, Gate};

/// The promise of ARCHITECTURE.md. It is a promise in time, so this is measured in time.
const PROMISED: Duration = Duration::from_secs(1);
/// `GAPURA_TRIES` asks for another number.
const TRIES: u32 = 6;

//= T7 test
#[test]
fn what_is_taken_away_is_refused_on_the_other_node_within_a_second() {
    run(Pair::PostgresRedis, async |_| {
        let gate = Gate::open(1, "10s", None);
        let tries = std::env::var("GAPURA_TRIES").map_or(TRIES, |text| text.parse().unwrap());
        let mut all = [const { Vec::new() }; 4];
        for _ in 0..tries {
            all[0].push(a_person(&gate).await);
            all[1].push(a_client(&gate).await);
            all[2].push(a_role(&gate).await);
            all[3].push(a_session(&gate).await);
        }
        for (what, mut took) in
            ["a person disabled", "a client disabled", "a role taken", "a session ended"].into_iter().zip(all)
        {
            took.sort_unstable();
            let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)];
            println!("{what}, refused on the other node: p50 {:?}, p99 {:?}, of {}", at(50), at(99), took.len());
            assert!(at(50) < PROMISED, "{what}: {took:?}");
        }
    });
}

/// From the answer to whoever took it away to the answer that refuses. What is asked for later than promised
/// must not be open.
async fn until_refused(open: impl AsyncFn() -> bool) -> Duration {
    let said = Instant::now();
    loop {
        let asked = said.elapsed();
        if !open().await {
            return said.elapsed();
        }
        assert!(asked < PROMISED, "open after {asked:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// At the second node.
fn there(gate: &Gate, client: &str) -> RelyingParty {
    gate.rp(client, gate.nodes[1].port())
}

async fn a_person(gate: &Gate) -> Duration {
    let rp = there(gate, "presensi");
    let tokens = gate.tokens(&mut gate.browser(gate.nodes[1].port()), &rp, "orang0").await;
    let access = tokens.access_token();
    assert_eq!(rp.userinfo(&access).await.status, 200);
    gate.nodes[0].gapura(&["user", "disable", "orang0"]);
    let took = until_refused(async || rp.userinfo(&access).await.status == 200).await;
    gate.nodes[0].gapura(&["user", "enable", "orang0"]);
    took
}

async fn a_client(gate: &Gate) -> Duration {
    let rp = there(gate, "mesin");
    let form = pairs(&[("grant_type", "client_credentials")]);
    assert_eq!(rp.token(&form).await.status, 200);
    gate.nodes[0].gapura(&["client", "disable", "mesin"]);
    let took = until_refused(async || rp.token(&form).await.status == 200).await;
    gate.nodes[0].gapura(&["client", "enable", "mesin"]);
    until_refused(async || rp.token(&form).await.status != 200).await;
    took
}

async fn a_role(gate: &Gate) -> Duration {
    let rp = there(gate, "presensi");
    let mut browser = gate.browser(gate.nodes[1].port());
    gate.tokens(&mut browser, &rp, "orang0").await;
    gate.nodes[0].gapura(&["grant", "close", "orang0", APPLICATION, "pegawai", "--reason", "uji"]);
    let enters = async || {
        let page = browser.clone().follow(&rp.redirect_uri, &rp.start(&[]).url).await;
        page.location().is_some_and(|next| parameter(&next, "code").is_some())
    };
    let took = until_refused(enters).await;
    gate.nodes[0].gapura(&["grant", "add", "orang0", APPLICATION, "pegawai", "--reason", "uji"]);
    took
}

/// Signed out at the first node.
async fn a_session(gate: &Gate) -> Duration {
    let mut browser = gate.browser(gate.nodes[0].port());
    let tokens = gate.tokens(&mut browser, &gate.rp("presensi", gate.nodes[0].port()), "orang0").await;
    let (rp, access) = (there(gate, "presensi"), tokens.access_token());
    assert_eq!(rp.userinfo(&access).await.status, 200);
    browser.open("/keluar").await;
    assert!(browser.submit("", &[]).await.status.is_success());
    until_refused(async || rp.userinfo(&access).await.status == 200).await
}
