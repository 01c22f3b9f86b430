//! What ID tokens are signed with (OIDC Core section 2, RFC 7518 section 3.1, RFC 8037): each client's own choice.

use gapura_core::{id::ClientId, oauth::SignatureAlg};
use gapura_tests::{
    Pair,
    city::{City, TEACHER},
    on_both_pairs,
};
use jsonwebtoken::decode_header;
use serde_json::Value;

on_both_pairs!(each_client_gets_the_algorithm_it_registered, every_key_has_one_algorithm);

//= RFC8037#2 test
async fn each_client_gets_the_algorithm_it_registered(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    city.tokens(&mut browser, &city.rp("presensi"), &TEACHER).await;
    for alg in SignatureAlg::ALL {
        let rp = city
            .register("presensi", |client| {
                client.id = ClientId::new(format!("presensi-{}", alg.as_str().to_lowercase()));
                client.id_token_alg = *alg;
            })
            .await;
        // The application checks signature, audience and `at_hash` with the published key.
        let tokens = city.enter(&mut browser, &rp).await;
        let head = |token: &str| serde_json::to_value(decode_header(token).unwrap()).unwrap();
        assert_eq!(head(&tokens.id_token_sent())["alg"], alg.as_str());
        assert_eq!(head(&tokens.access_token())["alg"], "ES256", "access tokens have one algorithm");
        // Our own ID token is known again as a hint.
        let hint = tokens.id_token_sent();
        let (started, page) = city.begin(&mut browser, &rp, &[("prompt", "none"), ("id_token_hint", &hint)]).await;
        rp.code(&started, &page);
    }
}

async fn every_key_has_one_algorithm(pair: Pair) {
    let city = City::new(pair).await;
    let keys: Value = serde_json::from_str(&city.rp("presensi").get("/jwks").await.body).unwrap();
    let mut seen: Vec<(&str, &str)> = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (key["alg"].as_str().unwrap(), key["kty"].as_str().unwrap()))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, [("ES256", "EC"), ("EdDSA", "OKP"), ("PS256", "RSA"), ("RS256", "RSA")]);
    let said: Value =
        serde_json::from_str(&city.rp("presensi").get("/.well-known/openid-configuration").await.body).unwrap();
    let offered: Vec<&str> = said["id_token_signing_alg_values_supported"]
        .as_array()
        .unwrap()
        .iter()
        .map(|alg| alg.as_str().unwrap())
        .collect();
    assert_eq!(offered, ["ES256", "RS256", "PS256", "EdDSA"]);
}
