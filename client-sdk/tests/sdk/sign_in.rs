//! Signing in, and every way in which an answer of the provider can be wrong.

use http::{Method, StatusCode};
use serde_json::json;

use crate::browser::World;
use crate::provider::{Key, SECRET, Signing};

#[tokio::test]
async fn a_person_signs_in_and_comes_back_to_the_page_they_wanted() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = browser.get("/?hari=senin").await;
    assert_eq!(
        (page.status, page.location().as_str()),
        (StatusCode::SEE_OTHER, "/auth/login?return_to=%2F%3Fhari%3Dsenin")
    );
    let page = browser.get(&page.location()).await;
    assert_eq!(page.header("cache-control"), "no-store");
    let callback = browser.get(&page.location()).await.location();
    let page = browser.get(&callback).await;
    assert_eq!((page.status, page.location().as_str()), (StatusCode::SEE_OTHER, "/?hari=senin"));
    assert_eq!(browser.open("/").await.body, "Siti Aminah");
    assert_eq!(browser.cookies.len(), 1, "the cookie of the finished sign-in is gone");
}

#[tokio::test]
async fn no_token_reaches_the_browser() {
    let world = World::new().await;
    let browser = world.signed_in().await;
    let cookie = browser.session_cookie().unwrap();
    assert_eq!(cookie.len(), 43);
    assert!(!cookie.contains("eyJ") && !cookie.contains("segar"));
}

type Lie = fn(&mut crate::provider::Lies);

/// Each row is one lie of the provider (or of somebody in its place) and what the log says about it.
//= OIDC-CORE#3.1.3.7 test
//= OIDC-CORE#3.1.3.8 test
//= OIDC-CORE#5.3.4 test
//= T1 test
//= T15 test
#[tokio::test]
async fn a_wrong_id_token_signs_nobody_in() {
    let table: [(&str, Lie); 20] = [
        ("foreign key under a known kid", |lies| lies.signing = Signing::ForeignKey),
        ("alg none", |lies| lies.signing = Signing::Unsigned),
        ("HS256 with the public key", |lies| lies.signing = Signing::Hmac("public key")),
        ("HS256 with the client secret", |lies| lies.signing = Signing::Hmac(SECRET)),
        ("typ at+jwt", |lies| lies.typ = "at+jwt"),
        ("typ logout+jwt", |lies| lies.typ = "logout+jwt"),
        ("another issuer", |lies| lies.id_token = Box::new(|claims| claims["iss"] = json!("https://jahat.example"))),
        ("issuer with a slash", |lies| {
            lies.id_token = Box::new(|claims| claims["iss"] = json!(format!("{}/", claims["iss"].as_str().unwrap())));
        }),
        ("another audience", |lies| lies.id_token = Box::new(|claims| claims["aud"] = json!("kinerja"))),
        ("a second audience", |lies| lies.id_token = Box::new(|claims| claims["aud"] = json!(["presensi", "kinerja"]))),
        ("another authorized party", |lies| lies.id_token = Box::new(|claims| claims["azp"] = json!("kinerja"))),
        ("another nonce", |lies| lies.id_token = Box::new(|claims| claims["nonce"] = json!("lain"))),
        ("no nonce", |lies| lies.id_token = Box::new(|claims| drop(claims.as_object_mut().unwrap().remove("nonce")))),
        ("another access token", |lies| {
            lies.id_token = Box::new(|claims| claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA"));
        }),
        ("expired", |lies| {
            lies.id_token = Box::new(|claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 61));
        }),
        ("no expiry", |lies| lies.id_token = Box::new(|claims| drop(claims.as_object_mut().unwrap().remove("exp")))),
        ("issued in the future", |lies| {
            lies.id_token = Box::new(|claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() + 90));
        }),
        ("issued long ago", |lies| {
            lies.id_token = Box::new(|claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() - 700));
        }),
        ("no subject", |lies| lies.id_token = Box::new(|claims| drop(claims.as_object_mut().unwrap().remove("sub")))),
        ("userinfo about somebody else", |lies| lies.userinfo = Box::new(|claims| claims["sub"] = json!("orang-2"))),
    ];
    for (name, lie) in table {
        let world = World::new().await;
        world.provider.lie(lie);
        let mut browser = world.browser();
        let page = browser.open("/").await;
        assert!(page.body.contains("id=\"error\""), "{name}: {page:?}");
        assert_eq!(browser.session_cookie(), None, "{name}");
        assert!(world.store.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute() {
    let lies: [Lie; 2] = [
        |lies| lies.id_token = Box::new(|claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() + 55)),
        |lies| lies.id_token = Box::new(|claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 55)),
    ];
    for lie in lies {
        let world = World::new().await;
        world.provider.lie(lie);
        world.signed_in().await;
    }
}

type Detour = fn(&mut Vec<(String, String)>);

/// What may come back to the callback that did not come from the provider, or not for this sign-in.
//= RFC9207#2.4 test
#[tokio::test]
async fn a_wrong_answer_signs_nobody_in() {
    let table: [(&str, &str, Detour); 11] = [
        ("another state", "not_begun_here", |answer| set(answer, "state", "lain")),
        ("no state", "not_begun_here", |answer| answer.retain(|(name, _)| name != "state")),
        ("state that begins alike", "not_begun_here", |answer| {
            let begin: String = answer.iter().find(|(name, _)| name == "state").unwrap().1.chars().take(20).collect();
            set(answer, "state", &begin);
        }),
        ("two states", "not_begun_here", |answer| answer.push(("state".to_owned(), "lain".to_owned()))),
        ("another issuer", "mixed_up", |answer| set(answer, "iss", "https://jahat.example")),
        ("no issuer", "mixed_up", |answer| answer.retain(|(name, _)| name != "iss")),
        ("two issuers", "mixed_up", |answer| answer.push(("iss".to_owned(), "https://jahat.example".to_owned()))),
        ("another code", "refused", |answer| set(answer, "code", "kode-9")),
        ("two codes", "refused", |answer| answer.push(("code".to_owned(), "kode-9".to_owned()))),
        ("no code", "refused", |answer| answer.retain(|(name, _)| name != "code")),
        ("an error beside the code", "refused", |answer| answer.push(("error".to_owned(), "access_denied".to_owned()))),
    ];
    for (name, code, change) in table {
        let world = World::new().await;
        world.provider.lie(|lies| lies.callback = Box::new(change));
        let mut browser = world.browser();
        let page = browser.open("/").await;
        assert!(page.status.is_client_error(), "{name}: {page:?}");
        assert!(page.body.contains(&format!("data-code=\"{code}\"")), "{name}: {page:?}");
        assert!(page.body.contains("id=\"reference\""), "{name}");
        assert!(world.store.is_empty(), "{name}");
    }
}

fn set(answer: &mut [(String, String)], name: &str, value: &str) {
    for (_, old) in answer.iter_mut().filter(|(key, _)| key == name) {
        value.clone_into(old);
    }
}

#[tokio::test]
async fn an_error_of_the_provider_is_escaped_and_checked_for_its_issuer() {
    let world = World::new().await;
    world.provider.lie(|lies| {
        lies.callback = Box::new(|answer| answer.push(("error".to_owned(), "<script>alert(1)</script>".to_owned())));
    });
    let page = world.browser().open("/").await;
    assert!(page.body.contains("data-code=\"refused\"") && !page.body.contains("<script>"), "{page:?}");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
}

//= T3 test
#[tokio::test]
async fn an_answer_in_another_browser_finds_no_beginning() {
    let world = World::new().await;
    let mut attacker = world.browser();
    let to_provider = attacker.get("/auth/login").await.location();
    let callback = attacker.get(&to_provider).await.location();
    let mut victim = world.browser();
    victim.get("/auth/login").await;
    let page = victim.get(&callback).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.body.contains("data-code=\"not_begun_here\"") && page.body.contains("/auth/login"));
    assert_eq!(victim.session_cookie(), None);
    // The code was not spent on the attempt: the browser that began may still finish.
    assert_eq!(attacker.get(&callback).await.location(), "/");
}

#[tokio::test]
async fn an_answer_works_once_and_for_ten_minutes() {
    let world = World::new().await;
    let mut browser = world.browser();
    let to_provider = browser.get("/auth/login").await.location();
    let callback = browser.get(&to_provider).await.location();
    assert_eq!(browser.get(&callback).await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get(&callback).await.status, StatusCode::BAD_REQUEST);
    let to_provider = browser.get("/auth/login").await.location();
    let callback = browser.get(&to_provider).await.location();
    world.provider.clock.advance(601);
    assert_eq!(browser.get(&callback).await.status, StatusCode::BAD_REQUEST);
}

//= RFC7636#4.2 test
#[tokio::test]
async fn a_stolen_code_is_worthless_in_another_sign_in() {
    let world = World::new().await;
    let mut victim = world.browser();
    let to_provider = victim.get("/auth/login").await.location();
    let stolen = victim.get(&to_provider).await.location();
    let code = stolen.split(['?', '&']).find(|pair| pair.starts_with("code=")).unwrap().to_owned();
    let mut attacker = world.browser();
    let to_provider = attacker.get("/auth/login").await.location();
    let own = attacker.get(&to_provider).await.location();
    let injected: Vec<&str> =
        own.split('&').map(|pair| if pair.starts_with("code=") { code.as_str() } else { pair }).collect();
    let page = attacker.get(&injected.join("&")).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert_eq!(attacker.session_cookie(), None);
}

#[tokio::test]
async fn three_tabs_sign_in_side_by_side() {
    let world = World::new().await;
    let mut browser = world.browser();
    let mut callbacks = Vec::new();
    for tab in ["/?a=1", "/?a=2", "/?a=3"] {
        let to_login = browser.get(tab).await.location();
        let to_provider = browser.get(&to_login).await.location();
        callbacks.push((tab, browser.get(&to_provider).await.location()));
    }
    for (tab, callback) in callbacks {
        assert_eq!(browser.get(&callback).await.location(), tab);
    }
    assert_eq!(world.store.len(), 1, "each sign-in replaced the session before it");
}

#[tokio::test]
async fn abandoned_sign_ins_do_not_fill_the_browser() {
    let world = World::new().await;
    let mut browser = world.browser();
    for _ in 0..12 {
        browser.get("/auth/login").await;
        world.provider.clock.advance(1);
    }
    assert_eq!(browser.cookies.len(), 5);
    browser.open("/").await;
}

#[tokio::test]
async fn a_session_id_known_before_the_sign_in_opens_nothing() {
    let world = World::new().await;
    let mut victim = world.browser();
    victim
        .cookies
        .insert("gapura_presensi_session".to_owned(), "nilai-yang-diketahui-penyerang-0000000000000".to_owned());
    victim.open("/").await;
    let after_first = victim.session_cookie().unwrap().clone();
    assert_ne!(after_first, "nilai-yang-diketahui-penyerang-0000000000000");
    victim.open("/auth/login").await;
    assert_ne!(victim.session_cookie().unwrap(), &after_first);
    let mut attacker = world.browser();
    attacker.cookies.insert("gapura_presensi_session".to_owned(), after_first);
    assert_eq!(attacker.get("/").await.status, StatusCode::SEE_OTHER, "the old session ended at the new sign-in");
}

#[tokio::test]
async fn return_addresses_stay_in_the_application() {
    let world = World::new().await;
    for evil in [
        "//evil.example",
        "/%5C%5Cevil.example",
        "/%5Cevil.example",
        "https:evil.example",
        "https%3A%2F%2Fevil.example",
        "%2F%2Fevil.example",
        "/%0d%0aSet-Cookie:a=b",
    ] {
        let mut browser = world.browser();
        let to_provider = browser.get(&format!("/auth/login?return_to={evil}")).await.location();
        let callback = browser.get(&to_provider).await.location();
        assert_eq!(browser.get(&callback).await.location(), "/", "{evil}");
    }
}

#[tokio::test]
async fn a_return_address_in_the_cookie_is_checked_again() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let world = World::new().await;
    let mut browser = world.browser();
    let to_provider = browser.get("/auth/login").await.location();
    let callback = browser.get(&to_provider).await.location();
    let value = browser.cookies.values_mut().next().unwrap();
    let mut begun: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&*value).unwrap()).unwrap();
    begun["return_to"] = json!("//evil.example");
    *value = URL_SAFE_NO_PAD.encode(begun.to_string());
    assert_eq!(browser.get(&callback).await.location(), "/");
}

#[tokio::test]
async fn api_calls_are_challenged_and_browsers_are_sent_to_sign_in() {
    let world = World::new().await;
    let table: [(&[(&str, &str)], StatusCode); 6] = [
        (&[("sec-fetch-mode", "navigate")], StatusCode::SEE_OTHER),
        (&[("accept", "text/html,*/*")], StatusCode::SEE_OTHER),
        (&[("sec-fetch-mode", "cors"), ("accept", "text/html")], StatusCode::UNAUTHORIZED),
        (&[("sec-fetch-mode", "same-origin")], StatusCode::UNAUTHORIZED),
        (&[("accept", "application/json")], StatusCode::UNAUTHORIZED),
        (&[], StatusCode::UNAUTHORIZED),
    ];
    for (headers, status) in table {
        let page = world.browser().send(Method::GET, "/", headers, "").await;
        assert_eq!(page.status, status, "{headers:?}");
        if status == StatusCode::UNAUTHORIZED {
            assert!(page.header("www-authenticate").starts_with("Cookie realm=\"presensi\""));
        }
    }
    let page = world.browser().get("/siapa").await;
    assert_eq!((page.status, page.body.as_str()), (StatusCode::OK, "tamu"));
}

#[tokio::test]
async fn a_form_that_met_no_session_is_not_sent_again_silently() {
    let world = World::new().await;
    let page = world.browser().post("/", "isi=panjang").await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(page.body.contains("data-code=\"session_over\"") && page.body.contains("belum dikirim"));
    assert_eq!(page.location(), "");
}

#[tokio::test]
async fn a_neighbour_cannot_post_with_our_cookie() {
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    assert_eq!(browser.post("/", "a=b").await.body, "simpan oleh orang-1");
    let table: [&[(&str, &str)]; 4] = [
        &[
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-site", "same-site"),
            ("origin", "http://presensi.localhost:8081"),
        ],
        &[("sec-fetch-mode", "navigate"), ("sec-fetch-site", "cross-site")],
        &[("origin", "http://jahat.localhost:8081"), ("host", "presensi.localhost:8081")],
        &[],
    ];
    for headers in table {
        assert_eq!(browser.send(Method::POST, "/", headers, "a=b").await.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert_eq!(browser.send(Method::POST, "/siapa", headers, "a=b").await.body, "tamu", "{headers:?}");
    }
}

#[tokio::test]
async fn new_keys_of_the_provider_are_found_and_asked_for_at_most_once_a_minute() {
    let world = World::new().await;
    world.provider.clock.advance(61);
    world.provider.inside().keys = vec![Key::new("kunci-2")];
    world.signed_in().await;
    assert_eq!(world.provider.asked("jwks"), 2);
    world.provider.inside().keys = vec![Key::new("kunci-3")];
    for _ in 0..3 {
        let page = world.browser().open("/").await;
        assert!(page.body.contains("data-code=\"token_refused\""), "{page:?}");
    }
    assert_eq!(world.provider.asked("jwks"), 2);
    world.provider.clock.advance(61);
    world.signed_in().await;
}
