//! Signing out: from a page of the application, and by the provider's word.

use http::{Method, StatusCode};
use jsonwebtoken::Algorithm;
use serde_json::json;

use crate::browser::{APP, Browser, Page, World};
use crate::provider::{Key, Provider};

#[tokio::test]
async fn signing_out_ends_the_session_here_and_leads_to_the_provider() {
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    let cookie = browser.session_cookie().unwrap().clone();
    let page = browser.post("/auth/logout", "").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let onward = page.location();
    assert!(onward.starts_with(&format!("{}/logout?id_token_hint=ey", world.provider.issuer)), "{onward}");
    assert!(onward.contains("client_id=presensi"));
    assert!(onward.ends_with("post_logout_redirect_uri=http%3A%2F%2Fpresensi.localhost%3A8081%2F"), "{onward}");
    assert!(browser.cookies.is_empty() && world.store.is_empty());
    browser.cookies.insert("gapura_presensi_session".to_owned(), cookie);
    assert_eq!(browser.get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn opening_the_sign_out_page_ends_nothing() {
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    let page = browser.get("/auth/logout").await;
    assert!(page.body.contains("<form method=\"post\" action=\"/auth/logout\">"));
    assert!(page.header("content-security-policy").contains(&format!("form-action 'self' {}", world.provider.issuer)));
    assert_eq!(world.store.len(), 1);
}

#[tokio::test]
async fn a_neighbour_cannot_sign_us_out() {
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    let table: [&[(&str, &str)]; 6] = [
        &[("sec-fetch-site", "same-site"), ("origin", APP)],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "none")],
        &[("origin", "http://jahat.localhost:8081")],
        &[("origin", "null")],
        &[],
    ];
    for headers in table {
        let page = browser.send(Method::POST, "/auth/logout", headers, "").await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert_eq!(world.store.len(), 1, "{headers:?}");
    }
    browser.send(Method::POST, "/auth/logout", &[("origin", APP)], "").await;
    assert!(world.store.is_empty());
}

async fn tell(browser: &mut Browser, token: &str) -> Page {
    tell_raw(browser, &format!("logout_token={token}")).await
}

async fn tell_raw(browser: &mut Browser, body: &str) -> Page {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let page = browser.send(Method::POST, "/auth/backchannel-logout", &headers, body).await;
    assert_eq!(page.header("cache-control"), "no-store");
    page
}

//= OIDC-BACKCHANNEL#2.8 test
//= DEV-09 test
#[tokio::test]
async fn the_providers_word_ends_the_sessions_it_names() {
    type Twist = fn(&mut serde_json::Value);
    let table: [(&str, Twist, usize); 5] = [
        ("sub and sid", |_| (), 0),
        ("sid alone", |claims| drop(claims.as_object_mut().unwrap().remove("sub")), 0),
        ("sub alone", |claims| drop(claims.as_object_mut().unwrap().remove("sid")), 0),
        ("another sid", |claims| claims["sid"] = json!("sesi-2"), 1),
        ("the sid of somebody else", |claims| claims["sub"] = json!("orang-2"), 1),
    ];
    for (name, twist, left) in table {
        let world = World::new().await;
        let mut browser = world.signed_in().await;
        let page = tell(&mut world.browser(), &world.provider.logout_token(twist)).await;
        assert_eq!((page.status, world.store.len()), (StatusCode::OK, left), "{name}");
        let expected = if left == 0 { StatusCode::SEE_OTHER } else { StatusCode::OK };
        assert_eq!(browser.get("/").await.status, expected, "{name}");
    }
}

/// Each algorithm that a provider may have registered for this client, in ID tokens and in logout tokens.
#[tokio::test]
async fn every_asymmetric_algorithm_signs_in_and_out() {
    for alg in [Algorithm::ES256, Algorithm::RS256, Algorithm::PS256, Algorithm::EdDSA] {
        let provider = Provider::start().await;
        provider.inside().keys = vec![Key::of(alg, "satu-satunya")];
        let world = World::with(provider, |builder| builder).await;
        world.signed_in().await;
        let page = tell(&mut world.browser(), &world.provider.logout_token(|_| ())).await;
        assert_eq!((page.status, world.store.len()), (StatusCode::OK, 0), "{alg:?}");
    }
}

//= OIDC-BACKCHANNEL#2.6 test
//= T15 test
#[tokio::test]
async fn a_wrong_logout_token_ends_nothing() {
    type Twist = fn(&mut serde_json::Value);
    let table: [(&str, Twist); 16] = [
        ("another issuer", |claims| claims["iss"] = json!("https://jahat.example")),
        ("another audience", |claims| claims["aud"] = json!("kinerja")),
        ("other audiences", |claims| claims["aud"] = json!(["kinerja", "keuangan"])),
        ("a nonce", |claims| claims["nonce"] = json!("abc")),
        ("a nonce of another kind", |claims| claims["nonce"] = json!(1)),
        ("no events", |claims| drop(claims.as_object_mut().unwrap().remove("events"))),
        ("another event", |claims| claims["events"] = json!({ "http://schemas.openid.net/event/lain": {} })),
        ("an event that is no object", |claims| {
            claims["events"] = json!({ "http://schemas.openid.net/event/backchannel-logout": true });
        }),
        ("neither sub nor sid", |claims| {
            claims.as_object_mut().unwrap().remove("sub");
            claims.as_object_mut().unwrap().remove("sid");
        }),
        ("expired", |claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 61)),
        ("no expiry", |claims| drop(claims.as_object_mut().unwrap().remove("exp"))),
        ("issued in the future", |claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() + 90)),
        ("issued long ago", |claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() - 700)),
        ("no issue time", |claims| drop(claims.as_object_mut().unwrap().remove("iat"))),
        ("no jti", |claims| drop(claims.as_object_mut().unwrap().remove("jti"))),
        ("an empty jti", |claims| claims["jti"] = json!("")),
    ];
    let world = World::new().await;
    world.signed_in().await;
    for (name, twist) in table {
        let page = tell(&mut world.browser(), &world.provider.logout_token(twist)).await;
        assert_eq!((page.status, world.store.len()), (StatusCode::BAD_REQUEST, 1), "{name}");
        assert!(page.body.contains("invalid_request"));
    }
}

//= T1 test
#[tokio::test]
async fn a_logout_token_that_is_not_one_ends_nothing() {
    let world = World::new().await;
    world.signed_in().await;
    let provider = &world.provider;
    let mut claims = json!(null);
    let honest = provider.logout_token(|given| claims = given.clone());
    let forged = Key { kid: provider.key().kid, ..Key::new("lain") };
    let (head, body) = (honest.split('.').next().unwrap(), honest.split('.').nth(1).unwrap());
    let table = [
        ("typ JWT", provider.key().sign("JWT", &claims)),
        ("typ at+jwt", provider.key().sign("at+jwt", &claims)),
        ("foreign key", forged.sign("logout+jwt", &claims)),
        ("no signature", format!("{head}.{body}.")),
        ("cut", honest.chars().take(honest.len() - 4).collect()),
        ("alg none", format!("eyJhbGciOiJub25lIiwidHlwIjoibG9nb3V0K2p3dCJ9.{body}.")),
        ("not a token", "abc".to_owned()),
        ("huge", "a".repeat(20_000)),
    ];
    for (name, token) in table {
        let page = tell(&mut world.browser(), &token).await;
        assert_eq!((page.status, world.store.len()), (StatusCode::BAD_REQUEST, 1), "{name}");
    }
    for body in ["", "logout_token=", &format!("logout_token={honest}&logout_token={honest}")] {
        assert_eq!(tell_raw(&mut world.browser(), body).await.status, StatusCode::BAD_REQUEST);
    }
    let page = world
        .browser()
        .send(
            Method::POST,
            "/auth/backchannel-logout",
            &[("content-type", "text/plain")],
            &format!("logout_token={honest}"),
        )
        .await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert_eq!(tell(&mut world.browser(), &honest).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_logout_token_works_once() {
    let world = World::new().await;
    let token = world.provider.logout_token(|claims| drop(claims.as_object_mut().unwrap().remove("sid")));
    assert_eq!(tell(&mut world.browser(), &token).await.status, StatusCode::OK);
    world.provider.clock.advance(5);
    world.signed_in().await;
    assert_eq!(tell(&mut world.browser(), &token).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.store.len(), 1);
}

#[tokio::test]
async fn a_sign_in_that_was_under_way_when_its_session_ended_is_refused() {
    let world = World::new().await;
    let mut browser = world.browser();
    let to_provider = browser.get("/auth/login").await.location();
    let callback = browser.get(&to_provider).await.location();
    tell(&mut world.browser(), &world.provider.logout_token(|_| ())).await;
    let page = browser.get(&callback).await;
    assert!(page.body.contains("data-code=\"not_begun_here\""), "{page:?}");
    assert!(world.store.is_empty());
}
