//! RP-Initiated Logout 1.0: a person is asked, or the application shows who is meant; back-channel messages
//! for everything the session entered.

use std::time::Duration;

use gapura_core::{id::KeyId, oauth::SigningKeyState};
use gapura_store::{logout_messages, signing_keys};
use gapura_tests::{
    Pair,
    browser::{Browser, Page, parameter},
    city::{City, TEACHER, TREASURER},
    on_both_pairs,
    verifier::kid,
};

on_both_pairs!(
    with_a_hint_of_this_session_the_way_back_is_taken,
    without_a_hint_the_person_is_asked,
    an_unregistered_way_back_is_a_page,
    a_hint_of_another_person_ends_nothing_silently,
    a_hint_by_a_key_that_is_gone_is_none,
    a_sign_out_is_queued_for_each_entered_client,
);

async fn signed_in(city: &City, browser: &mut Browser) -> bool {
    let (_, page) = city.begin(browser, &city.rp("presensi"), &[("prompt", "none")]).await;
    page.location().is_some_and(|next| parameter(&next, "code").is_some())
}

/// Goes to the sign-out endpoint and, where the person is asked, says yes.
async fn leave(browser: &mut Browser, query: &str) -> Page {
    let page = browser.follow("https://presensi.kota-contoh.go.id/", &way_out(query)).await;
    if page.location().is_none() && page.error_code().is_none() && page.body.contains("<form") {
        return browser.submit("", &[]).await;
    }
    page
}

fn way_out(query: &str) -> url::Url {
    format!("{}/logout?{query}", gapura_tests::city::PUBLIC_URL).parse().unwrap()
}

const BACK: &str = "https%3A%2F%2Fpresensi.kota-contoh.go.id%2Fkeluar";

//= OIDC-RPLOGOUT#3 test
async fn with_a_hint_of_this_session_the_way_back_is_taken(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    let tokens = city.tokens(&mut browser, &city.rp("presensi"), &TEACHER).await;
    let query = format!("id_token_hint={}&post_logout_redirect_uri={BACK}&state=s%26t", tokens.id_token_sent());
    let page = leave(&mut browser, &query).await;
    let next = page.location().unwrap_or_else(|| panic!("{}", page.text()));
    assert_eq!(next.as_str(), "https://presensi.kota-contoh.go.id/keluar?state=s%26t");
    assert!(!signed_in(&city, &mut browser).await);
    assert_eq!(city.rp("presensi").refresh(&tokens.refresh_token()).await.status, 400);
    assert_eq!(city.rp("presensi").userinfo(&tokens.access_token()).await.status, 401);
}

//= OIDC-RPLOGOUT#2 test
async fn without_a_hint_the_person_is_asked(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    city.tokens(&mut browser, &city.rp("presensi"), &TEACHER).await;
    let page = browser.follow("https://presensi.kota-contoh.go.id/", &way_out("client_id=presensi")).await;
    assert!(page.location().is_none() && page.form("").is_post, "{}", page.text());
    assert!(signed_in(&city, &mut browser).await, "a GET ends nothing");
    browser.follow("https://presensi.kota-contoh.go.id/", &way_out("client_id=presensi")).await;
    browser.submit("", &[]).await;
    assert!(!signed_in(&city, &mut browser).await);
}

//= OIDC-RPLOGOUT#4 test
async fn an_unregistered_way_back_is_a_page(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    let hint = city.tokens(&mut browser, &city.rp("presensi"), &TEACHER).await.id_token_sent();
    for bad in ["https%3A%2F%2Fexample.com%2F", &format!("{BACK}%2F"), &format!("{BACK}%3Fa%3D1")] {
        for who in [&format!("id_token_hint={hint}"), "client_id=presensi", "client_id=siapa", "id_token_hint=salah"] {
            let page = leave(&mut browser, &format!("{who}&post_logout_redirect_uri={bad}")).await;
            assert!(page.location().is_none(), "{who} {bad}: {:?}", page.location());
            assert!(!page.status.is_server_error());
        }
    }
    let nobody = leave(&mut city.browser(), &format!("post_logout_redirect_uri={BACK}")).await;
    assert!(nobody.location().is_none(), "no client is named: {:?}", nobody.location());
}

async fn a_hint_of_another_person_ends_nothing_silently(pair: Pair) {
    let city = City::new(pair).await;
    let other = city.tokens(&mut city.browser(), &city.rp("presensi"), &TREASURER).await.id_token_sent();
    let mut browser = city.browser();
    city.tokens(&mut browser, &city.rp("presensi"), &TEACHER).await;
    let query = format!("id_token_hint={other}&post_logout_redirect_uri={BACK}");
    browser.follow("https://presensi.kota-contoh.go.id/", &way_out(&query)).await;
    assert!(signed_in(&city, &mut browser).await);
}

//= DEV-09 test
//= OIDC-BACKCHANNEL#2.5 test
async fn a_sign_out_is_queued_for_each_entered_client(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    let tokens = city.tokens(&mut browser, &city.rp("presensi"), &TEACHER).await;
    city.enter(&mut browser, &city.rp("kinerja")).await;
    leave(&mut browser, &format!("id_token_hint={}", tokens.id_token_sent())).await;
    let messages = logout_messages::list(&city.app.db, 10).await.unwrap();
    let mut clients = messages.iter().map(|message| message.client_id.as_str()).collect::<Vec<_>>();
    clients.sort_unstable();
    assert_eq!(clients, ["kinerja", "presensi"]);
    assert!(messages.iter().all(|message| tokens.id_token["sid"] == message.session_id.as_str()));
    assert!(messages.iter().all(|message| tokens.id_token["sub"] == message.sub.as_str()));
}

/// Withdrawn at another node: here it is known within a second, before anything it signed is believed.
//= OIDC-RPLOGOUT#4 test
async fn a_hint_by_a_key_that_is_gone_is_none(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    let hint = city.tokens(&mut browser, &city.rp("presensi"), &TEACHER).await.id_token_sent();
    let (key, now) = (KeyId::new(kid(&hint)), city.clock.now());
    let gone = city.app.db.write(async move |tx| signing_keys::withdraw(tx, &key, SigningKeyState::Active, now).await);
    assert!(gone.await.unwrap());
    tokio::time::sleep(Duration::from_millis(1050)).await;
    let page = browser.open(&format!("/logout?id_token_hint={hint}")).await;
    assert_eq!(page.error_code().as_deref(), Some("invalid_hint"), "{}", page.text());
}
