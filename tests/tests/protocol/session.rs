//! The session of a browser: one sign-in for every application, found only by its own cookie, ended in time.

use std::time::Duration;

use gapura_tests::{
    Pair,
    city::{City, PASSWORD, TEACHER, VENDOR},
    on_both_pairs,
};

on_both_pairs!(
    one_sign_in_opens_the_other_application,
    the_session_cookie_is_new_at_each_sign_in,
    a_sign_in_begun_in_one_browser_is_not_finished_in_another,
    a_session_ends_after_twelve_hours_and_after_four_idle,
    three_tabs_work,
    an_expired_interaction_begins_again,
    without_a_role_the_refusal_says_why,
    a_vendor_ends_at_the_day_in_the_city_s_zone,
);

//= SSO-01 test
//= ASN-03 test
async fn one_sign_in_opens_the_other_application(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    let first = city.tokens(&mut browser, &city.rp("presensi"), &TEACHER).await;
    city.advance(Duration::from_secs(600));
    let second = city.enter(&mut browser, &city.rp("kinerja")).await;
    for name in ["sub", "auth_time", "sid"] {
        assert_eq!(first.id_token[name], second.id_token[name], "{name}");
    }
}

//= T3 test
async fn the_session_cookie_is_new_at_each_sign_in(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let mut browser = city.browser();
    // An attacker plants cookies before the person signs in.
    let names = ["__Host-gapura_session", "__Host-gapura_browser"];
    for name in names {
        browser.set_cookie(name, &"A".repeat(43));
    }
    city.tokens(&mut browser, &rp, &TEACHER).await;
    let value = |browser: &gapura_tests::browser::Browser, name: &str| {
        browser.cookies().iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).expect("a cookie")
    };
    let first = names.map(|name| value(&browser, name));
    assert!(first.iter().all(|value| *value != "A".repeat(43)));
    let (started, page) = city.sign_in(&mut browser, &rp, &TEACHER, &[("prompt", "login")]).await;
    rp.code(&started, &page);
    let second = names.map(|name| value(&browser, name));
    assert!(first.iter().zip(&second).all(|(old, new)| old != new), "both cookies change at sign-in");
    // The old one opens nothing.
    let mut thief = city.browser();
    thief.set_cookie(names[0], &first[0]);
    let (_, page) = city.begin(&mut thief, &rp, &[]).await;
    page.form("password");
}

//= T3 test
//= RFC6749#10.12 test
async fn a_sign_in_begun_in_one_browser_is_not_finished_in_another(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let mut attacker = city.browser();
    let (_, page) = city.begin(&mut attacker, &rp, &[]).await;
    page.form("password");
    // The link starts again instead of going on: another interaction, bound to the browser that opened it.
    let mut victim = city.browser();
    let again = victim.open(page.url.as_str()).await;
    assert_ne!(again.parameter("interaksi"), page.parameter("interaksi"), "{}", again.url);
    let fields = [("username", TEACHER.login), ("password", PASSWORD)];
    let answer = victim.submit("password", &fields).await;
    assert!(answer.location().is_some_and(|next| next.as_str().contains("code=")), "{}", answer.text());
    // Nothing of it reaches the attacker's browser.
    let page = attacker.open(page.url.as_str()).await;
    assert!(page.location().is_none(), "{:?}", page.location());
    page.form("password");
}

async fn a_session_ends_after_twelve_hours_and_after_four_idle(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let mut browser = city.browser();
    let tokens = city.tokens(&mut browser, &rp, &TEACHER).await;
    city.advance(Duration::from_secs(4 * 3600 - 60));
    city.enter(&mut browser, &rp).await;
    city.advance(Duration::from_secs(4 * 3600 + 60));
    let (_, page) = city.begin(&mut browser, &rp, &[]).await;
    page.form("password");
    assert_eq!(rp.refresh(&tokens.refresh_token()).await.status, 400);

    let mut browser = city.browser();
    city.tokens(&mut browser, &rp, &TEACHER).await;
    for _ in 0..4 {
        city.advance(Duration::from_secs(3 * 3600 - 60));
        city.enter(&mut browser, &rp).await;
    }
    city.advance(Duration::from_secs(300));
    let (_, page) = city.begin(&mut browser, &rp, &[]).await;
    page.form("password");
}

async fn three_tabs_work(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let mut browser = city.browser();
    let mut tabs = Vec::new();
    for _ in 0..3 {
        tabs.push(city.begin(&mut browser, &rp, &[]).await);
    }
    // The person signs in in the last tab; the others go on without a question.
    let (started, _) = tabs.pop().unwrap();
    let page = browser.submit("password", &[("username", TEACHER.login), ("password", PASSWORD)]).await;
    let code = rp.code(&started, &page);
    rp.redeem(&started, &code).await;
    for (started, page) in tabs {
        let page = browser.open(page.url.as_str()).await;
        if page.location().is_some() {
            let code = rp.code(&started, &page);
            rp.redeem(&started, &code).await;
        } else {
            assert_eq!(page.status, 200, "{}", page.text());
        }
    }
}

async fn an_expired_interaction_begins_again(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let mut browser = city.browser();
    city.begin(&mut browser, &rp, &[]).await;
    city.advance(Duration::from_secs(601));
    let page = browser.submit("password", &[("username", TEACHER.login), ("password", PASSWORD)]).await;
    assert!(page.location().is_none_or(|next| !next.as_str().contains("code=")));
    assert!(page.body.contains("https://presensi.kota-contoh.go.id/"), "\"Mulai lagi\" leads home: {}", page.text());
    assert!(page.text().contains("Mulai lagi"), "{}", page.text());
    for unknown in
        ["/masuk?interaksi=tidak-ada&client_id=presensi", "/masuk?interaksi=tidak-ada&client_id=siapa", "/masuk"]
    {
        let page = city.browser().open(unknown).await;
        assert!(!page.status.is_server_error(), "{unknown}: {}", page.status);
    }
}

async fn without_a_role_the_refusal_says_why(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("keuangan");
    let (_, page) = city.sign_in(&mut city.browser(), &rp, &TEACHER, &[]).await;
    assert_eq!(page.error_code().as_deref(), Some("access_denied"), "{}", page.text());
    for said in ["Siti Aminah", "Guru Ahli Madya", "Bendahara Pengeluaran", "SIPD Keuangan"] {
        assert!(page.text().contains(said), "{said}: {}", page.text());
    }
    let mut english = city.browser();
    english.language = "en".to_owned();
    let (_, page) = city.sign_in(&mut english, &rp, &VENDOR, &[]).await;
    assert_eq!(page.error_code().as_deref(), Some("access_denied"));
}

//= SSO-04 test
async fn a_vendor_ends_at_the_day_in_the_city_s_zone(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    // The last second of 31 December 2026 in Jakarta is 16:59:59 UTC.
    let last = 1_798_736_399_000 - city.clock.now().millis();
    city.advance(Duration::from_millis(u64::try_from(last).unwrap()));
    let (_, page) = city.sign_in(&mut city.browser(), &rp, &VENDOR, &[]).await;
    assert_eq!(page.error_code().as_deref(), Some("access_denied"), "signed in, no role: {}", page.text());
    city.advance(Duration::from_secs(1));
    let (_, page) = city.sign_in(&mut city.browser(), &rp, &VENDOR, &[]).await;
    assert_ne!(page.error_code().as_deref(), Some("access_denied"));
    page.form("password");
}
