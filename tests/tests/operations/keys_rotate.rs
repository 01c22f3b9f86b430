//! Signing keys move on without anybody at a relying party noticing, and a compromised one is gone at once.

use std::time::{Duration, Instant};

use gapura_core::oauth::{SigningKeyState, rotation::due};
use gapura_idp::jobs::Jobs;
use gapura_store::signing_keys;
use gapura_tests::{
    Pair,
    city::{City, TEACHER},
    office::Office,
    on_both_pairs,
    provider::Provider,
    verifier::{Verifier, kid},
};
use serde_json::Value;

on_both_pairs!(
    keys_rotate_without_one_failed_verification,
    keys_rotated_at_once_are_known_everywhere,
    a_compromised_key_is_refused_everywhere
);

const HOUR: Duration = Duration::from_secs(3600);

/// The nodes of a city, their jobs, and two applications that look at the tokens of all.
struct Rotating {
    nodes: Vec<City>,
    slow: Verifier,
    careful: Verifier,
    read_from: usize,
}

impl Rotating {
    /// Somebody signs in at each node, at an application with ES256 and at one with RS256.
    async fn verify(&mut self) {
        for at in 0..self.nodes.len() {
            self.read_from += 1;
            let (node, other) = (&self.nodes[at], &self.nodes[self.read_from % self.nodes.len()]);
            let mut browser = node.browser();
            let first = node.tokens(&mut browser, &node.rp("presensi"), &TEACHER).await;
            let second = node.enter(&mut browser, &node.rp("kinerja")).await;
            for token in [first.id_token_sent(), first.access_token(), second.id_token_sent(), second.access_token()] {
                let (reader, now) = (other.rp("presensi"), node.clock.now());
                self.slow.check(&token, &reader, now).await;
                self.careful.check(&token, &reader, now).await;
            }
            assert_eq!(other.rp("presensi").userinfo(&first.access_token()).await.status, 200);
        }
    }

    /// Whether the jobs did what is due and every node knows it.
    async fn settled(&self) -> bool {
        let app = &self.nodes[0].app;
        let stored = signing_keys::all(&app.db).await.unwrap();
        due(&stored, app.clock.now(), &app.settings.rotation()).is_empty()
            && self.nodes.iter().all(|node| {
                let published = String::from_utf8(node.app.keys.jwks().to_vec()).unwrap();
                stored.iter().all(|key| published.contains(key.id.as_str()) == (key.state != SigningKeyState::Gone))
            })
    }
}

//= OIDC-CORE#10.1.1 test
//= BSSN4-2021#5.c test
async fn keys_rotate_without_one_failed_verification(pair: Pair) {
    let mut nodes = vec![City::under(pair, &[("KEYS__ROTATE_DAYS", "2")]).await];
    if pair == Pair::PostgresRedis {
        nodes.push(nodes[0].another_node().await);
    }
    let mut jobs = Vec::new();
    for node in &nodes {
        jobs.push(Jobs::start(&node.app).await.unwrap());
    }
    let mut city = Rotating { nodes, slow: Verifier::slow(), careful: Verifier::careful(), read_from: 0 };
    // Made at one day, signing at two; the following at three and four; the first gone in between.
    for _ in 0..50 {
        city.nodes[0].advance(2 * HOUR);
        city.verify().await;
        while !city.settled().await {
            city.verify().await;
        }
    }
    for verifier in [&city.slow, &city.careful] {
        assert_eq!(verifier.failures, Vec::<String>::new());
        assert_eq!(verifier.kids.len(), 6, "two algorithms rotated twice");
        assert!(verifier.verified >= 200 * city.nodes.len(), "{}", verifier.verified);
    }
    let stored = signing_keys::all(&city.nodes[0].app.db).await.unwrap();
    let gone = stored.iter().filter(|key| key.state == SigningKeyState::Gone);
    assert!(gone.clone().count() >= 2 && gone.clone().all(|key| key.wrapped_private.is_empty()));
    for job in jobs {
        job.stop().await;
    }
}

/// The real program: as many nodes as the pair allows, and one application at each.
fn nodes(office: &Office, pair: Pair) -> Vec<Provider> {
    let mut others = Vec::new();
    if pair == Pair::PostgresRedis {
        let mut second = office.provider.another_node();
        second.serve();
        others.push(second);
    }
    others
}

async fn keys_rotated_at_once_are_known_everywhere(pair: Pair) {
    let office = Office::open(pair);
    let others = nodes(&office, pair);
    let mut all = vec![office.rp("presensi", &office.provider)];
    all.extend(others.iter().map(|node| office.rp("presensi", node)));
    let first = office.tokens(&mut office.browser(&office.provider), &all[0]).await;
    let (mut refresh, mut verifier) = (first.refresh_token(), Verifier::careful());
    let rotated = async {
        for alg in ["ES256", "RS256", "ES256"] {
            let mut command = tokio::process::Command::from(office.provider.command(&["keys", "rotate", "--now"]));
            assert!(command.args(["--alg", alg]).output().await.unwrap().status.success());
        }
    };
    let mut turn = 0;
    let verified = async {
        loop {
            turn += 1;
            let (node, other) = (&all[turn % all.len()], &all[(turn + 1) % all.len()]);
            let answer = node.refresh(&refresh).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let tokens: Value = serde_json::from_str(&answer.body).unwrap();
            let sent = |name: &str| tokens[name].as_str().unwrap().to_owned();
            refresh = sent("refresh_token");
            for token in [sent("id_token"), sent("access_token")] {
                verifier.check(&token, other, gapura_core::time::Instant::from_millis(0)).await;
            }
            assert_eq!(other.userinfo(&sent("access_token")).await.status, 200, "at every node");
        }
    };
    tokio::select! {
        () = rotated => {}
        () = verified => {}
    }
    assert_eq!(verifier.failures, Vec::<String>::new());
    assert!(verifier.kids.len() >= 2 && verifier.verified > 20, "{} by {:?}", verifier.verified, verifier.kids);
}

/// The promise of ARCHITECTURE.md. It is a promise in time, so this is measured in time.
const PROMISED: Duration = Duration::from_secs(1);

async fn a_compromised_key_is_refused_everywhere(pair: Pair) {
    let office = Office::open(pair);
    let others = nodes(&office, pair);
    let mut all = vec![office.rp("presensi", &office.provider)];
    all.extend(others.iter().map(|node| office.rp("presensi", node)));
    let tokens = office.tokens(&mut office.browser(&office.provider), &all[0]).await;
    let (stolen, access) = (kid(&tokens.access_token()), tokens.access_token());
    for rp in &all {
        assert_eq!(rp.userinfo(&access).await.status, 200, "good before");
    }
    let done = office.provider.gapura_json(&["keys", "retire", &stolen]);
    let said = Instant::now();
    loop {
        let asked = said.elapsed();
        let mut open = Vec::new();
        for (at, rp) in all.iter().enumerate() {
            if rp.userinfo(&access).await.status != 401 {
                open.push(format!("userinfo {at}"));
            }
            if rp.introspect(&access).await["active"] == true {
                open.push(format!("introspect {at}"));
            }
            if rp.get("/jwks").await.body.contains(&stolen) {
                open.push(format!("jwks {at}"));
            }
        }
        if open.is_empty() {
            break;
        }
        assert!(asked < PROMISED, "after {asked:?} still open: {open:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Sessions go on: what was signed is void, not who signed in.
    let answer = all[0].refresh(&tokens.refresh_token()).await;
    let fresh = all[0].checked(&answer).await;
    assert_eq!(Some(kid(&fresh.access_token()).as_str()), done["follows"].as_str());
    assert_eq!(all[all.len() - 1].userinfo(&fresh.access_token()).await.status, 200);
    let again = office.provider.try_gapura(&["keys", "retire", &stolen], "");
    assert_eq!(again.status.code(), Some(1));
    let unknown = office.provider.try_gapura(&["keys", "retire", "tidak-ada"], "");
    assert_eq!(unknown.status.code(), Some(1));
    let listed = office.provider.gapura_json(&["keys", "list"]);
    let state = |kid: &str| {
        let keys = listed["keys"].as_array().unwrap();
        keys.iter().find(|key| key["id"] == kid).unwrap()["state"].as_str().unwrap().to_owned()
    };
    assert_eq!((state(&stolen), state(&kid(&fresh.access_token()))), ("gone".to_owned(), "active".to_owned()));
}

#[test]
fn a_key_made_in_turn_waits_for_its_day() {
    let provider = Provider::new(Pair::SqliteMemory);
    let made = provider.gapura_json(&["keys", "rotate", "--alg", "ES256"]);
    assert_eq!(made["state"], "next");
    assert_eq!(made["moves_at"].as_i64().unwrap() - made["created_at"].as_i64().unwrap(), 24 * 3600 * 1000);
    assert_eq!(provider.try_gapura(&["keys", "rotate"], "").status.code(), Some(1), "one follows, not two");
    let listed = provider.gapura(&["keys", "list"]);
    assert!(listed.contains("signs from") && listed.contains("signs until"), "{listed}");
    let now = provider.gapura_json(&["keys", "rotate", "--now"]);
    assert_eq!((&now["id"], now["state"].as_str()), (&made["id"], Some("active")));
}
