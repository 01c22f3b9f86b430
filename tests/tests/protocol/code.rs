//! The authorization code (RFC 6749 section 4.1, RFC 7636): once, by its client, with its verifier.

use std::{collections::HashSet, time::Duration};

use gapura_tests::{
    Pair,
    browser::Page,
    city::{City, TEACHER},
    on_both_pairs,
    relying_party::{RelyingParty, Started, pairs},
};
use serde_json::Value;

on_both_pairs!(
    a_sign_in_gives_tokens,
    a_code_works_once_and_a_second_use_ends_the_family,
    one_of_32_racers_wins_and_the_family_is_dead,
    a_code_by_anyone_else_is_refused,
    a_code_lives_sixty_seconds,
    a_verifier_must_be_one,
    a_code_survives_no_other_purpose,
);

/// The error code of a refused token request.
fn refused(page: &Page) -> String {
    assert_eq!(page.status, 400, "{}", page.body);
    assert_eq!(page.header("cache-control"), "no-store");
    let body: Value = serde_json::from_str(&page.body).unwrap();
    assert!(body.get("access_token").is_none());
    body["error"].as_str().unwrap().to_owned()
}

async fn code(city: &City, rp: &RelyingParty) -> (Started, String) {
    let (started, page) = city.sign_in(&mut city.browser(), rp, &TEACHER, &[]).await;
    let code = rp.code(&started, &page);
    (started, code)
}

//= OIDC-CORE#3.1.3.3 test
//= OIDC-CORE#2 test
//= OIDC-CORE#3.1.3.6 test
//= RFC7515#3.1 test
//= RFC9068#2.1 test
//= RFC9068#2.2 test
//= RFC6749#5.1 test
async fn a_sign_in_gives_tokens(pair: Pair) {
    let city = City::new(pair).await;
    for rp in ["presensi", "kinerja", "ponsel"].map(|id| city.rp(id)) {
        let tokens = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
        let now = city.clock.now().seconds();
        let id_token = &tokens.id_token;
        assert_eq!(id_token["aud"], rp.client_id.as_str());
        assert_eq!(id_token["auth_time"], now);
        assert_eq!(id_token["iat"], now);
        assert!(id_token["exp"].as_i64().unwrap() > now);
        assert!(id_token["sid"].is_string());
        let access = &tokens.access;
        for name in ["iss", "sub", "aud", "client_id", "iat", "exp", "jti"] {
            assert!(!access[name].is_null(), "{name}");
        }
        assert_eq!(access["sub"], id_token["sub"]);
        assert_eq!(access["client_id"], rp.client_id.as_str());
        assert_eq!(access["exp"].as_i64().unwrap() - now, 300);
        assert_eq!(access["roles"], serde_json::json!(["pegawai"]));
        assert_eq!(tokens.answer["expires_in"], 300);
        // What is personal comes from userinfo only: an ID token travels in URLs as a hint.
        for name in ["name", "email", "nip", "opd", "jabatan"] {
            assert!(id_token.get(name).is_none() && access.get(name).is_none(), "{name}");
        }
    }
}

//= RFC6749#4.1.2 test
//= T4 test
async fn a_code_works_once_and_a_second_use_ends_the_family(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let (started, code) = code(&city, &rp).await;
    let tokens = rp.redeem(&started, &code).await;
    assert_eq!(rp.introspect(&tokens.access_token()).await["active"], true);
    assert_eq!(refused(&rp.token(&rp.redemption(&started, &code)).await), "invalid_grant");
    assert_eq!(rp.introspect(&tokens.access_token()).await["active"], false);
    assert_eq!(refused(&rp.refresh(&tokens.refresh_token()).await), "invalid_grant");
    assert_eq!(rp.userinfo(&tokens.access_token()).await.status, 401);
}

//= RFC6749#4.1.2 test
async fn one_of_32_racers_wins_and_the_family_is_dead(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let (started, code) = code(&city, &rp).await;
    let form = rp.redemption(&started, &code);
    let races = (0..32).map(|_| rp.token(&form));
    let answers = futures::future::join_all(races).await;
    let won = answers.iter().filter(|page| page.status == 200).collect::<Vec<_>>();
    assert!(won.len() <= 1, "{} racers won", won.len());
    for page in answers.iter().filter(|page| page.status != 200) {
        assert_eq!(refused(page), "invalid_grant");
    }
    for page in won {
        let tokens: Value = serde_json::from_str(&page.body).unwrap();
        let refresh_token = tokens["refresh_token"].as_str().unwrap();
        assert_eq!(refused(&rp.refresh(refresh_token).await), "invalid_grant");
        assert_eq!(rp.introspect(tokens["access_token"].as_str().unwrap()).await["active"], false);
    }
}

//= RFC6749#4.1.3 test
//= RFC7636#4.6 test
//= T4 test
async fn a_code_by_anyone_else_is_refused(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let with = |form: &[(String, String)], name: &str, value: &str| {
        let mut form = form.to_vec();
        form.retain(|(known, _)| known != name);
        form.push((name.to_owned(), value.to_owned()));
        form
    };
    let mut seen = HashSet::new();
    let wrong_verifier = "x".repeat(43);
    for (name, value) in [
        ("code_verifier", wrong_verifier.as_str()),
        ("redirect_uri", "https://presensi.kota-contoh.go.id/auth/callback/"),
        ("redirect_uri", "https://kinerja.kota-contoh.go.id/auth/callback"),
    ] {
        let (started, code) = code(&city, &rp).await;
        assert!(seen.insert(code.clone()), "codes are random");
        let form = with(&rp.redemption(&started, &code), name, value);
        assert_eq!(refused(&rp.token(&form).await), "invalid_grant", "{name}={value}");
    }
    let (started, code) = code(&city, &rp).await;
    let other = city.rp("kinerja");
    assert_eq!(refused(&other.token(&rp.redemption(&started, &code)).await), "invalid_grant");
    for leaving in ["code_verifier", "redirect_uri"] {
        let (started, code) = self::code(&city, &rp).await;
        let mut form = rp.redemption(&started, &code);
        form.retain(|(name, _)| name != leaving);
        let error = refused(&rp.token(&form).await);
        assert!(["invalid_grant", "invalid_request"].contains(&error.as_str()), "without {leaving}: {error}");
    }
}

async fn a_code_lives_sixty_seconds(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let (started, code) = code(&city, &rp).await;
    city.advance(Duration::from_secs(61));
    assert_eq!(refused(&rp.token(&rp.redemption(&started, &code)).await), "invalid_grant");
}

//= RFC7636#4.1 test
async fn a_verifier_must_be_one(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    for verifier in ["short", &"a".repeat(42), &"a".repeat(129), &format!("{}/", "a".repeat(43))] {
        let (started, code) = code(&city, &rp).await;
        let mut form = rp.redemption(&started, &code);
        form.retain(|(name, _)| name != "code_verifier");
        form.push(("code_verifier".to_owned(), verifier.to_owned()));
        let error = refused(&rp.token(&form).await);
        assert!(["invalid_grant", "invalid_request"].contains(&error.as_str()), "{verifier}: {error}");
    }
}

/// Codes and refresh tokens are not each other, and neither is an access token.
//= T4 test
async fn a_code_survives_no_other_purpose(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let (started, code) = code(&city, &rp).await;
    assert_eq!(refused(&rp.refresh(&code).await), "invalid_grant");
    assert_eq!(rp.userinfo(&code).await.status, 401);
    assert_eq!(rp.introspect(&code).await["active"], false);
    let tokens = rp.redeem(&started, &code).await;
    for token in [tokens.refresh_token(), tokens.access_token(), tokens.id_token_sent()] {
        let mut form = rp.redemption(&started, &token);
        form.retain(|(name, _)| name != "nothing");
        assert_eq!(refused(&rp.token(&form).await), "invalid_grant");
    }
    assert_eq!(refused(&rp.token(&pairs(&[("grant_type", "authorization_code")])).await), "invalid_request");
}
