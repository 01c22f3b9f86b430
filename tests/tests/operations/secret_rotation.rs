//! A client's secret is changed while its application works.

use std::time::Duration;

use gapura_core::id::ClientId;
use gapura_store::clients::{self, NewSecret};
use gapura_tests::{
    Pair,
    city::City,
    office::Office,
    on_both_pairs,
    relying_party::{RelyingParty, pairs},
};
use sha2::{Digest as _, Sha256};

on_both_pairs!(an_old_secret_works_until_its_grace_ends);

const HOUR: Duration = Duration::from_secs(3600);

async fn enters(rp: &RelyingParty, secret: &str) -> bool {
    let mut rp = rp.clone();
    rp.secret = Some(secret.to_owned());
    match rp.call("/introspect", &pairs(&[("token", "x")])).await.status.as_u16() {
        200 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

async fn an_old_secret_works_until_its_grace_ends(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let old = rp.secret.clone().unwrap();
    let now = city.clock.now();
    let rotated = city.app.db.write(async move |tx| {
        let hash = Sha256::digest(b"rahasia baru").to_vec();
        let secret = NewSecret { id: "baru", hash: &hash, expires_at: None };
        clients::rotate_secret(tx, &ClientId::new("presensi"), &secret, now.plus(24 * HOUR), now).await
    });
    assert!(rotated.await.unwrap());
    city.app.copies.refresh().await.unwrap();
    for (after, old_works) in [(0, true), (23, true), (1, false), (100, false)] {
        city.advance(after * HOUR);
        assert_eq!(enters(&rp, &old).await, old_works, "after {after} h more");
        assert!(enters(&rp, "rahasia baru").await);
        assert!(!enters(&rp, "rahasia lain").await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_changed_by_a_command_while_serving() {
    let office = Office::open(Pair::SqliteMemory);
    let (provider, rp) = (&office.provider, office.rp("presensi", &office.provider));
    let first = rp.secret.clone().unwrap();
    let rotate = |grace: &str| provider.gapura_json(&["client", "rotate-secret", "presensi", "--grace", grace]);
    let second = rotate("24")["client_secret"].as_str().unwrap().to_owned();
    while !enters(&rp, &second).await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(enters(&rp, &first).await, "in its grace");
    let refused = provider.try_gapura(&["client", "rotate-secret", "presensi"], "");
    assert_eq!(refused.status.code(), Some(1), "two secrets, never three");
    let listed = provider.gapura_json(&["client", "list"]);
    let ends = |id: &str| {
        let all = listed["clients"].as_array().unwrap();
        all.iter().find(|client| client["client_id"] == id).unwrap()["old_secret_ends_at"].clone()
    };
    assert!(ends("presensi").is_i64() && ends("kinerja").is_null(), "{listed}");
    let third = rotate("0")["client_secret"].as_str().unwrap().to_owned();
    while !enters(&rp, &third).await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!enters(&rp, &first).await && !enters(&rp, &second).await, "ended at once");
    let nobody = provider.try_gapura(&["client", "rotate-secret", "tidak-ada"], "");
    assert_eq!(nobody.status.code(), Some(1));
}
