//! A token is what its issuer signed for this purpose, and nothing else (incidents T1 and T15; RFC 9068
//! section 4, RFC 8725 section 3.1).

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gapura_core::audit::Actor;
use gapura_idp::keys::rotation::Mover;
use gapura_store::signing_keys;
use gapura_tests::{
    Pair,
    city::{City, TEACHER},
    on_both_pairs,
};
use serde_json::{Value, json};

on_both_pairs!(no_forged_token_passes, no_token_passes_for_another_kind, no_token_of_another_deployment_passes);

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

//= T1 test
//= RFC9068#4 test
//= BSSN4-2021#5.a test
async fn no_forged_token_passes(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let tokens = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    let real = tokens.access_token();
    let parts = real.split('.').collect::<Vec<_>>();
    let head: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let keys: Value = serde_json::from_str(&rp.get("/jwks").await.body).unwrap();
    let own = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = own.public_key().as_ref();
    let own_jwk = json!({ "kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]) });
    let signed = |head: &Value, claims: &Value| {
        let text = format!("{}.{}", part(head), part(claims));
        let signature = own.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    };
    let claims = &tokens.access;
    let with = |name: &str, value: Value| {
        let mut head = head.clone();
        head[name] = value;
        head
    };
    let mut forged = vec![
        format!("{}.{}.", part(&with("alg", json!("none"))), parts[1]),
        format!("{}.{}.{}", part(&with("alg", json!("none"))), parts[1], parts[2]),
        format!("{}.{}.{}", parts[0], part(&json!({ "sub": "x" })), parts[2]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{real}."),
        format!("{}.{}.{}", parts[0], parts[1], parts[2].get(4..).unwrap()),
        signed(&head, claims),
        signed(&with("jwk", own_jwk.clone()), claims),
        signed(&with("x5c", json!(["MIIB"])), claims),
        signed(&with("jku", json!("https://example.com/jwks")), claims),
        signed(&with("kid", json!("tidak-ada")), claims),
        signed(&with("kid", json!("../../../dev/null")), claims),
    ];
    // HMAC with what everybody can read as its key.
    for key in keys["keys"].as_array().unwrap() {
        for secret in [key.to_string(), key["x"].to_string(), key["n"].to_string(), key["kid"].to_string()] {
            let text = format!("{}.{}", part(&with("alg", json!("HS256"))), parts[1]);
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), text.as_bytes());
            forged.push(format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag)));
        }
    }
    for alg in ["RS256", "PS256", "ES384", "EdDSA", "es256", ""] {
        forged.push(format!("{}.{}.{}", part(&with("alg", json!(alg))), parts[1], parts[2]));
    }
    for token in forged {
        assert_eq!(rp.userinfo(&token).await.status, 401, "{token}");
        assert_eq!(rp.introspect(&token).await, json!({ "active": false }), "{token}");
    }
    assert_eq!(rp.userinfo(&real).await.status, 200);
}

//= T15 test
async fn no_token_passes_for_another_kind(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let mut browser = city.browser();
    let tokens = city.tokens(&mut browser, &rp, &TEACHER).await;
    for token in [tokens.id_token_sent(), tokens.refresh_token()] {
        assert_eq!(rp.userinfo(&token).await.status, 401);
    }
    // An access token is no hint of who signed in.
    let (started, page) = city.begin(&mut browser, &rp, &[("id_token_hint", &tokens.access_token())]).await;
    assert_eq!(rp.error(&started, &page), "invalid_request");
}

/// Cities of tests are copies of one; this one gets signing keys of its own.
async fn other_keys(city: &City) {
    let mover = Mover { db: &city.app.db, keys: &city.app.keys, actor: Actor::System, now: city.clock.now() };
    for old in signing_keys::all(&city.app.db).await.unwrap() {
        let next = mover.make_next(old.algorithm).await.unwrap().expect("a new key");
        assert!(mover.replace(&old, &next).await.unwrap());
    }
    let copies = city.app.copies.refresh().await.unwrap();
    city.app.keys.follow(&copies.signing_keys).unwrap();
}

/// Another deployment, such as a sandbox beside the real one: same name, same clients, same people, other keys.
//= T2 test
//= T15 test
async fn no_token_of_another_deployment_passes(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let other = City::new(pair).await;
    other_keys(&other).await;
    let foreign = other.tokens(&mut other.browser(), &other.rp("presensi"), &TEACHER).await;
    assert_eq!(foreign.access["iss"], rp.issuer_text(), "only the keys differ");
    assert_eq!(rp.userinfo(&foreign.access_token()).await.status, 401);
    assert_eq!(rp.introspect(&foreign.access_token()).await, json!({ "active": false }));
    assert_eq!(rp.refresh(&foreign.refresh_token()).await.status, 400);
    let hint = foreign.id_token_sent();
    let mut browser = city.browser();
    city.tokens(&mut browser, &rp, &TEACHER).await;
    let (started, page) = city.begin(&mut browser, &rp, &[("id_token_hint", &hint)]).await;
    assert_eq!(rp.error(&started, &page), "invalid_request");
    let page = browser.open(&format!("/logout?id_token_hint={hint}")).await;
    assert!(page.error_code().is_some() || page.url.path() == "/keluar", "signed out by a foreign hint: {}", page.url);
    city.enter(&mut browser, &rp).await;
}
