//! The authorization endpoint (RFC 6749 section 4.1.1, OIDC Core section 3.1.2): where an answer may go,
//! and what each parameter does.

use std::time::Duration;

use gapura_tests::{
    Pair,
    browser::{Browser, Page, parameter},
    city::{City, TEACHER, TREASURER},
    on_both_pairs,
    relying_party::{RelyingParty, challenge},
};
use url::Url;

on_both_pairs!(
    an_unregistered_redirect_uri_is_a_page,
    an_unknown_or_doubled_client_is_a_page,
    errors_go_to_the_checked_redirect_uri,
    a_challenge_is_demanded,
    repeated_parameters_are_refused_and_unknown_ones_ignored,
    prompt_none_shows_no_page,
    prompt_login_and_max_age_ask_again,
    a_hint_of_another_person_is_not_silently_taken,
    a_post_is_answered_like_a_get,
    bad_input_is_never_a_fault,
);

fn is_page(page: &Page) -> bool {
    page.location().is_none()
        && page.status == 400
        && page.error_code().is_some()
        && page.body.contains("id=\"reference\"")
}

async fn opened(browser: &mut Browser, rp: &RelyingParty, url: &Url) -> Page {
    browser.follow(&rp.redirect_uri, url).await
}

//= RFC6749#3.1.2.3 test
//= RFC6749#3.1.2.4 test
//= RFC9700#2.1 test
//= RFC9700#4.11 test
//= T5 test
async fn an_unregistered_redirect_uri_is_a_page(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let registered = rp.redirect_uri.clone();
    let host = "presensi.kota-contoh.go.id";
    let variants = [
        format!("{registered}/"),
        format!("{registered}?a=1"),
        format!("{registered}#a"),
        format!("{registered}%2e"),
        registered.to_uppercase(),
        registered.replace("https", "http"),
        registered.replace(host, "PRESENSI.kota-contoh.go.id"),
        registered.replace(host, &format!("{host}:443")),
        registered.replace(host, &format!("{host}.example.com")),
        registered.replace(host, &format!("jahat@{host}")),
        registered.replace(host, &format!("{host}@example.com")),
        registered.replace("/auth/callback", "/auth/..;/auth/callback"),
        registered.replace("/auth/callback", "/auth/../auth/callback"),
        registered.replace("/auth/callback", "\\auth\\callback"),
        registered.replace("/auth/callback", "/%61uth/callback"),
        "https://example.com/".to_owned(),
        "//example.com".to_owned(),
        "javascript:alert(1)".to_owned(),
        String::new(),
    ];
    for variant in variants {
        let started = rp.start(&[("redirect_uri", &variant)]);
        let page = opened(&mut city.browser(), &rp, &started.url).await;
        assert!(is_page(&page), "{variant}: {} {:?}", page.status, page.location());
    }
    let mut doubled = rp.start(&[]).url;
    doubled.query_pairs_mut().append_pair("redirect_uri", "https://example.com/");
    assert!(is_page(&opened(&mut city.browser(), &rp, &doubled).await));
}

async fn an_unknown_or_doubled_client_is_a_page(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    for id in ["", "siapa", "PRESENSI", "presensi ", "' OR 1=1 --"] {
        let page = opened(&mut city.browser(), &rp, &rp.start(&[("client_id", id)]).url).await;
        assert!(is_page(&page), "{id}: {}", page.status);
    }
    let mut doubled = rp.start(&[]).url;
    doubled.query_pairs_mut().append_pair("client_id", "kinerja");
    assert!(is_page(&opened(&mut city.browser(), &rp, &doubled).await));
}

//= RFC6749#4.1.2.1 test
//= RFC9207#2 test
//= OIDC-CORE#6.1 test
//= OIDC-CORE#3.1.2.2 test
async fn errors_go_to_the_checked_redirect_uri(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "code token", "unsupported_response_type"),
        ("response_type", "", "invalid_request"),
        ("prompt", "none login", "invalid_request"),
        ("prompt", "menari", "invalid_request"),
        ("max_age", "-1", "invalid_request"),
        ("max_age", "sepuluh", "invalid_request"),
        ("request", "eyJhbGciOiJub25lIn0.e30.", "request_not_supported"),
        ("request_uri", "https://example.com/a", "request_uri_not_supported"),
        ("response_mode", "fragment", "invalid_request"),
        ("id_token_hint", "salah", "invalid_request"),
    ] {
        let started = rp.start(&[(name, value)]);
        let page = opened(&mut city.browser(), &rp, &started.url).await;
        assert_eq!(rp.error(&started, &page), error, "{name}={value}");
    }
}

//= RFC7636#4.3 test
//= RFC7636#4.4.1 test
//= RFC9700#2.1.1 test
async fn a_challenge_is_demanded(pair: Pair) {
    let city = City::new(pair).await;
    for rp in ["presensi", "ponsel"].map(|id| city.rp(id)) {
        let whole = challenge("x");
        let short = whole.get(..42).unwrap();
        for more in [
            &[("code_challenge", "")][..],
            &[("code_challenge_method", "plain")],
            &[("code_challenge_method", "")],
            &[("code_challenge_method", "s256")],
            &[("code_challenge", short)],
        ] {
            let started = rp.start(more);
            let page = opened(&mut city.browser(), &rp, &started.url).await;
            assert_eq!(rp.error(&started, &page), "invalid_request", "{more:?}");
        }
    }
}

//= RFC6749#3.1 test
//= RFC6749#3.3 test
//= T17 test
async fn repeated_parameters_are_refused_and_unknown_ones_ignored(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    for name in ["scope", "nonce", "prompt", "code_challenge", "response_type", "max_age"] {
        let mut started = rp.start(&[("prompt", "login"), ("max_age", "60")]);
        started.url.query_pairs_mut().append_pair(name, "60");
        let page = opened(&mut city.browser(), &rp, &started.url).await;
        assert_eq!(rp.error(&started, &page), "invalid_request", "{name}");
    }
    let unknown = [
        ("scope", "openid peran serba_bisa"),
        ("serba", "bisa"),
        ("roles", "admin"),
        ("acr", "tinggi"),
        ("sub", "orang-1"),
        ("aud", "keuangan"),
    ];
    let (started, page) = city.sign_in(&mut city.browser(), &rp, &TEACHER, &unknown).await;
    let code = rp.code(&started, &page);
    let tokens = rp.redeem(&started, &code).await;
    assert_eq!(tokens.access["roles"], serde_json::json!(["pegawai"]));
    assert_eq!(tokens.access["scope"], "openid peran");
    assert_eq!(tokens.answer["scope"], "openid peran", "the answer says what was left out");
}

//= OIDC-CORE#3.1.2.1 test
//= OIDC-CORE#3.1.2.6 test
async fn prompt_none_shows_no_page(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let mut browser = city.browser();
    let (started, page) = city.begin(&mut browser, &rp, &[("prompt", "none")]).await;
    assert_eq!(rp.error(&started, &page), "login_required");
    let tokens = city.tokens(&mut browser, &rp, &TEACHER).await;
    let hint = tokens.id_token_sent();
    let (started, page) = city.begin(&mut browser, &rp, &[("prompt", "none"), ("id_token_hint", &hint)]).await;
    rp.code(&started, &page);
    // Signed in, but without a role there: a page would be needed to say so.
    let finance = city.rp("keuangan");
    let (started, page) = city.begin(&mut browser, &finance, &[("prompt", "none")]).await;
    let error = finance.error(&started, &page);
    assert!(["access_denied", "interaction_required"].contains(&error.as_str()), "{error}");
    city.advance(Duration::from_secs(10));
    let (started, page) = city.begin(&mut browser, &rp, &[("prompt", "none"), ("max_age", "9")]).await;
    assert_eq!(rp.error(&started, &page), "login_required");
}

//= OIDC-CORE#3.1.2.1 test
async fn prompt_login_and_max_age_ask_again(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let mut browser = city.browser();
    let first = city.tokens(&mut browser, &rp, &TEACHER).await;
    city.advance(Duration::from_secs(100));
    let (started, page) = city.begin(&mut browser, &rp, &[("max_age", "1000")]).await;
    let code = rp.code(&started, &page);
    let second = rp.redeem(&started, &code).await;
    assert_eq!(first.id_token["auth_time"], second.id_token["auth_time"]);
    for more in [&[("prompt", "login")][..], &[("max_age", "99")], &[("max_age", "0")]] {
        let (started, page) = city.sign_in(&mut browser, &rp, &TEACHER, more).await;
        let code = rp.code(&started, &page);
        let again = rp.redeem(&started, &code).await;
        assert_eq!(again.id_token["auth_time"], city.clock.now().seconds(), "{more:?}");
        city.advance(Duration::from_secs(100));
    }
}

async fn a_hint_of_another_person_is_not_silently_taken(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let other = city.tokens(&mut city.browser(), &rp, &TREASURER).await.id_token_sent();
    let mut browser = city.browser();
    city.tokens(&mut browser, &rp, &TEACHER).await;
    let hinted = [("id_token_hint", other.as_str())];
    let (started, page) = city.begin(&mut browser, &rp, &[hinted[0], ("prompt", "none")]).await;
    assert_eq!(rp.error(&started, &page), "login_required");
    let (_, page) = city.begin(&mut browser, &rp, &hinted).await;
    page.form("password");
    // An expired hint still says who is meant.
    city.advance(Duration::from_secs(3600));
    let (started, page) = city.begin(&mut browser, &rp, &[hinted[0], ("prompt", "none")]).await;
    assert_eq!(rp.error(&started, &page), "login_required");
}

//= OIDC-CORE#3.1.2.1 test
async fn a_post_is_answered_like_a_get(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let mut browser = city.browser();
    city.tokens(&mut browser, &rp, &TEACHER).await;
    let started = rp.start(&[]);
    let fields = started.url.query_pairs().into_owned().collect::<Vec<_>>();
    let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>();
    let page = browser.post_from("https://presensi.kota-contoh.go.id/", "/authorize", &fields).await;
    rp.code(&started, &page);
    // From another site the browser sends no cookie with a post; the session is found all the same.
    let started = rp.start(&[]);
    let fields = started.url.query_pairs().into_owned().collect::<Vec<_>>();
    let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>();
    let page = browser.post_from("https://vendor.example.com/", "/authorize", &fields).await;
    rp.code(&started, &page);
}

/// Every malformed, oversized or unknown parameter gets a page or its specified error: never a 5xx, never
/// a redirect to an unchecked address.
//= T9 test
async fn bad_input_is_never_a_fault(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let long = "x".repeat(9000);
    let marked = "\"><script>alert(1)</script>";
    let names = ["client_id", "redirect_uri", "scope", "state", "nonce", "prompt", "max_age", "id_token_hint"];
    let names = names.iter().chain(&["ui_locales", "login_hint", "acr_values", "response_type", "code_challenge"]);
    for name in names {
        for value in ["\u{0}", "a\u{0}b", "\u{feff}", "\r\nSet-Cookie: a=b", marked, &long, "🦀", "%", "%00", "{}"] {
            let started = rp.start(&[(name, value)]);
            let page = opened(&mut city.browser(), &rp, &started.url).await;
            assert!(!page.status.is_server_error(), "{name}={value}: {}", page.status);
            assert!(!page.body.contains(marked), "{name} comes back unescaped");
            if let Some(next) = page.location() {
                assert!(next.as_str().starts_with(&rp.redirect_uri), "{name}={value}: {next}");
                assert!(parameter(&next, "error").is_some() || parameter(&next, "code").is_some());
            }
        }
    }
    for query in ["%ff%fe", "client_id=%ff", "&&&&", "=", "client_id", "a=b&".repeat(100).as_str()] {
        let page = city.browser().open(&format!("/authorize?{query}")).await;
        assert!(is_page(&page), "{query}: {}", page.status);
    }
}
