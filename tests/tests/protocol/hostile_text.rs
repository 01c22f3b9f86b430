//! Texts that other software executes, in every parameter of every endpoint: scripts, SQL, templates, header breaks,
//! control characters. Each is refused or carried as text; nothing is interpreted, reflected unescaped or a fault.

use axum::body::Body;
use gapura_tests::{
    Pair,
    browser::{Browser, Page, encoded},
    city::{City, TEACHER},
    on_both_pairs,
    relying_party::{RelyingParty, basic},
};
use http::{Request, header};

on_both_pairs!(a_hostile_text_is_only_a_text, a_hostile_header_is_only_a_text);

const TEXTS: [&str; 22] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "</title><svg onload=alert(1)>",
    "' OR '1'='1",
    "'; DROP TABLE users; --",
    "x' UNION SELECT hash, salt FROM passwords --",
    "1); DELETE FROM sessions; --",
    "$1",
    "{{7331*7}}",
    "${jndi:ldap://127.0.0.1/a}",
    "%s%n%x",
    "#{7331*7}",
    "../../../../etc/passwd",
    "a\r\nSet-Cookie: a=b",
    "a\r\n\r\n<html>",
    "\u{0}",
    "\u{202e}\u{feff}\u{2028}",
    "\u{fdd0}\u{10ffff}",
    "=1+1",
    "\u{1b}[31m",
];

/// Endpoint and the parameters it knows, each filled with a hostile text in turn.
const ASKED: [(&str, &[&str]); 3] = [
    (
        "/authorize",
        &[
            "client_id",
            "redirect_uri",
            "response_type",
            "scope",
            "state",
            "nonce",
            "code_challenge",
            "prompt",
            "max_age",
            "ui_locales",
            "login_hint",
            "id_token_hint",
            "acr_values",
            "claims",
            "request",
            "display",
        ],
    ),
    ("/logout", &["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales", "logout_hint"]),
    ("/masuk", &["interaction", "client_id", "lang"]),
];
const SENT: [(&str, &[&str]); 3] = [
    (
        "/token",
        &[
            "grant_type",
            "code",
            "redirect_uri",
            "code_verifier",
            "refresh_token",
            "scope",
            "client_id",
            "client_secret",
        ],
    ),
    ("/introspect", &["token", "token_type_hint"]),
    ("/revoke", &["token", "token_type_hint"]),
];

/// What must hold of any answer.
fn assert_harmless(page: &Page, text: &str, what: &str) {
    assert!(page.status.as_u16() < 500, "{what} {text:?}: {}", page.status);
    let html = page.header("content-type").starts_with("text/html");
    let dangerous = text.contains('<') || text.contains('"') || text.contains('\'');
    assert!(!(html && dangerous && page.body.contains(text)), "{what} {text:?} came back as it was sent");
    assert!(!page.body.contains("51317"), "{what} {text:?} was computed: {}", page.body);
    assert!(!page.headers.contains_key("a") && !page.header("set-cookie").contains("a=b"), "{what} {text:?}");
    for told in ["SELECT", "sqlite", "postgres", "panicked", "src/", "RUST_BACKTRACE"] {
        assert!(!page.body.contains(told) || text.contains(told), "{what} {text:?} tells {told}: {}", page.body);
    }
}

fn authorize(rp: &RelyingParty, name: &str, text: &str) -> String {
    let mut url = rp.start(&[]).url;
    let kept: Vec<_> = url.query_pairs().into_owned().filter(|(known, _)| known != name).collect();
    url.query_pairs_mut().clear().extend_pairs(kept).append_pair(name, text);
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

//= BSSN4-2021#4.a test
//= BSSN4-2021#4.b test
//= BSSN4-2021#4.g test
//= BSSN4-2021#4.h test
async fn a_hostile_text_is_only_a_text(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let mut browser = city.browser();
    for text in TEXTS {
        for (path, names) in ASKED {
            for name in names {
                let address = match path {
                    "/authorize" => authorize(&rp, name, text),
                    _ => format!("{path}?{}", encoded(&[(name, text)])),
                };
                assert_harmless(&city.browser().open(&address).await, text, &format!("GET {path} {name}"));
            }
        }
        for (path, names) in SENT {
            for name in names {
                let page = sent(&rp, path, &encoded(&[("grant_type", "authorization_code"), (name, text)])).await;
                assert_harmless(&page, text, &format!("POST {path} {name}"));
            }
        }
        typed(&city, &mut browser, text).await;
    }
    // Everybody is still there, and the rows as they were.
    city.tokens(&mut city.browser(), &rp, &TEACHER).await;
}

async fn sent(rp: &RelyingParty, path: &str, body: &str) -> Page {
    let secret = rp.secret.as_deref().unwrap();
    let request = Request::post(path)
        .header(header::AUTHORIZATION, basic(&rp.client_id, secret))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body.to_owned()))
        .unwrap();
    rp.raw(request).await
}

/// The text as a name and as a password, through the form.
//= BSSN4-2021#1.b test
async fn typed(city: &City, browser: &mut Browser, text: &str) {
    city.begin(browser, &city.rp("presensi"), &[]).await;
    let page = browser.submit("password", &[("username", text), ("password", text)]).await;
    assert_harmless(&page, text, "POST /masuk");
    assert!(page.error_code().is_some(), "{text:?} signed somebody in: {}", page.url);
}

async fn a_hostile_header_is_only_a_text(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let names = [
        "user-agent",
        "referer",
        "accept-language",
        "cookie",
        "authorization",
        "x-forwarded-for",
        "forwarded",
        "host",
        "origin",
        "x-request-id",
        "content-type",
    ];
    for text in TEXTS.iter().filter(|text| text.bytes().all(|byte| (0x20..0x7f).contains(&byte))) {
        for name in names {
            for path in ["/", "/masuk", "/userinfo", "/authorize"] {
                let request = Request::get(path).header(name, *text).body(Body::empty()).unwrap();
                assert_harmless(&rp.raw(request).await, text, &format!("GET {path} {name}"));
            }
            let request = Request::post("/token").header(name, *text).body(Body::empty()).unwrap();
            assert_harmless(&rp.raw(request).await, text, &format!("POST /token {name}"));
        }
    }
}
