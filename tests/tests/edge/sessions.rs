//! What a sign-in and a sign-out do to the session and the cookies of a browser.

use gapura_core::identity::Session;
use gapura_tests::{
    Pair,
    browser::Browser,
    city::{City, PASSWORD, Somebody, TEACHER, TREASURER},
    on_both_pairs,
};

on_both_pairs!(
    both_cookies_change_at_sign_in_and_sign_out,
    the_same_person_keeps_the_session_another_ends_it,
    a_form_of_an_older_tab_is_shown_anew,
    a_malformed_session_cookie_is_no_session,
    a_get_changes_nothing
);

const SESSION: &str = "__Host-gapura_session";
const BROWSER: &str = "__Host-gapura_browser";

fn cookie(browser: &Browser, name: &str) -> Option<String> {
    browser.cookies().iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

async fn signs_in(city: &City, browser: &mut Browser, who: &Somebody) {
    let (_, page) = city.sign_in(browser, &city.rp("presensi"), who, &[("prompt", "login")]).await;
    assert!(page.location().is_some_and(|next| next.as_str().contains("code=")), "{}", page.text());
}

/// The session behind the cookie this browser holds.
async fn session(city: &City, value: &str) -> Option<Session> {
    let hash = gapura_idp::edge::cookies::hash(value);
    gapura_store::standing::by_cookie(&city.app.db, &hash).await.unwrap()?.session
}

//= T3 test
async fn both_cookies_change_at_sign_in_and_sign_out(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    signs_in(&city, &mut browser, &TEACHER).await;
    let first = [SESSION, BROWSER].map(|name| cookie(&browser, name).unwrap());
    signs_in(&city, &mut browser, &TEACHER).await;
    let second = [SESSION, BROWSER].map(|name| cookie(&browser, name).unwrap());
    assert!(first[0] != second[0] && first[1] != second[1]);
    assert!(session(&city, &first[0]).await.is_none(), "the cookie before is worth nothing");
    browser.open("/keluar").await;
    let out = browser.submit("token", &[]).await;
    assert!(out.body.contains("id=\"signed-out\""), "{}", out.text());
    assert_eq!(cookie(&browser, SESSION), None);
    assert_ne!(cookie(&browser, BROWSER).unwrap(), second[1]);
    assert!(session(&city, &second[0]).await.unwrap().ended.is_some());
}

async fn the_same_person_keeps_the_session_another_ends_it(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    signs_in(&city, &mut browser, &TEACHER).await;
    let first = session(&city, &cookie(&browser, SESSION).unwrap()).await.unwrap();
    city.advance(std::time::Duration::from_secs(60));
    signs_in(&city, &mut browser, &TEACHER).await;
    let value = cookie(&browser, SESSION).unwrap();
    let again = session(&city, &value).await.unwrap();
    assert_eq!(again.id, first.id, "no application is told of a sign-out that did not happen");
    assert!(again.auth_time > first.auth_time);
    signs_in(&city, &mut browser, &TREASURER).await;
    let other = session(&city, &cookie(&browser, SESSION).unwrap()).await.unwrap();
    assert_ne!(other.id, first.id);
    assert!(session(&city, &value).await.unwrap().ended.is_some(), "one browser holds one person");
}

/// Two tabs show a form; the second one was filled in before the first one signed in or out.
async fn a_form_of_an_older_tab_is_shown_anew(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    browser.open("/masuk").await;
    let mut older = browser.clone();
    let typed = [("username", TEACHER.login), ("password", PASSWORD)];
    browser.submit("password", &typed).await;
    for name in [SESSION, BROWSER] {
        older.set_cookie(name, &cookie(&browser, name).unwrap());
    }
    let page = older.submit("password", &typed).await;
    assert!(page.body.contains("id=\"signed-in\""), "{}", page.text());
    older.open("/keluar").await;
    let page = older.submit("token", &[("token", "x")]).await;
    assert!(page.body.contains("id=\"sign-out\""), "asked again: {}", page.text());
    assert!(browser.open("/").await.body.contains("id=\"signed-in\""));
}

//= T9 test
async fn a_malformed_session_cookie_is_no_session(pair: Pair) {
    let city = City::new(pair).await;
    for bad in ["x", "' OR 1=1 --", &"A".repeat(43), &"A".repeat(8000), "%00", "a;b=c"] {
        let mut browser = city.browser();
        browser.set_cookie(SESSION, bad);
        let page = browser.open("/").await;
        assert_eq!(page.status, 200, "{bad}");
        assert!(page.body.contains("id=\"guest\""), "{bad}");
    }
}

async fn a_get_changes_nothing(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    signs_in(&city, &mut browser, &TEACHER).await;
    let before = city.app.db.counts().writes;
    let addresses = ["/", "/masuk", "/keluar", "/keluar?token=x", "/tautan?kode=x", "/logout", "/galat", "/tidak-ada"];
    for address in addresses {
        browser.open(address).await;
    }
    assert_eq!(city.app.db.counts().writes, before);
    assert!(browser.open("/").await.body.contains("id=\"signed-in\""));
    browser.open("/masuk").await;
    assert!(session(&city, &cookie(&browser, SESSION).unwrap()).await.unwrap().ended.is_none());
}
