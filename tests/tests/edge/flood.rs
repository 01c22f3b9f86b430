//! Strangers who send much, or what was meant for another place, stop nobody's sign-in.

use std::time::Duration;

use axum::body::Body;
use gapura_tests::{
    Pair,
    browser::{Browser, Page, parameter},
    city::{City, PASSWORD, TEACHER},
    on_both_pairs,
};
use http::{Request, StatusCode, header};

on_both_pairs!(
    a_flood_of_posted_requests_forgets_nobody_s_sign_in,
    a_posted_request_of_no_application_is_not_kept,
    a_posted_request_is_no_interaction,
    what_nobody_asks_for_is_not_kept,
);

async fn posted(browser: &mut Browser, body: Vec<u8>) -> Page {
    let form = (header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = Request::post("/authorize").header(header::HOST, "sso.kota-contoh.go.id").header(form.0, form.1);
    browser.send(request.body(Body::from(body)).unwrap()).await
}

const PRESENSI: &str = "client_id=presensi&redirect_uri=https://presensi.kota-contoh.go.id/auth/callback";

/// As much as is kept of one.
fn huge(begin: &str) -> Vec<u8> {
    let mut body = format!("{begin}&id_token_hint=").into_bytes();
    body.resize(31 * 1024, b'x');
    body
}

async fn a_flood_of_posted_requests_forgets_nobody_s_sign_in(pair: Pair) {
    let city = City::new(pair).await;
    let mut person = city.browser();
    city.begin(&mut person, &city.rp("presensi"), &[]).await;
    let mut stranger = city.browser();
    for _ in 0..600 {
        assert!(posted(&mut stranger, huge(PRESENSI)).await.location().is_some(), "kept");
    }
    let page = person.submit("password", &[("username", TEACHER.login), ("password", PASSWORD)]).await;
    assert!(page.location().is_some_and(|next| next.as_str().contains("code=")), "{} {}", page.status, page.text());
}

/// Refused as a GET is, before anything is written; what is written ends soon.
async fn a_posted_request_of_no_application_is_not_kept(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    let doubled = format!("{PRESENSI}&client_id=kinerja");
    for begin in [
        "a=b",
        "client_id=siapa&redirect_uri=https://example.com/",
        "client_id=presensi",
        "client_id=presensi&redirect_uri=https://example.com/",
        &doubled,
    ] {
        let answer = posted(&mut browser, huge(begin)).await;
        let asked = browser.open(&format!("/authorize?{begin}")).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, None), "{begin}");
        assert_eq!(answer.error_code(), asked.error_code(), "{begin}");
    }
    let mut later = huge(PRESENSI);
    later.resize(64 * 1024, 0x80);
    assert_eq!(posted(&mut browser, later).await.error_code().as_deref(), Some("invalid_request"), "too much");
    let next = posted(&mut browser, PRESENSI.into()).await.location().unwrap();
    let begun = browser.open(&format!("{}?{}", next.path(), next.query().unwrap())).await;
    assert_ne!(begun.error_code().as_deref(), Some("interaction_expired"));
    city.advance(Duration::from_secs(60));
    let late = browser.open(&format!("{}?{}", next.path(), next.query().unwrap())).await;
    assert_eq!(late.error_code().as_deref(), Some("interaction_expired"));
}

async fn a_posted_request_is_no_interaction(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    let answer = posted(&mut browser, PRESENSI.into()).await;
    let parked = parameter(&answer.location().unwrap(), "kiriman").unwrap();
    for id in [parked.clone(), format!("kiriman-{parked}")] {
        let page = browser.open(&format!("/masuk?interaksi={id}&client_id=presensi")).await;
        assert_eq!(
            (page.status, page.error_code().as_deref()),
            (StatusCode::BAD_REQUEST, Some("interaction_expired")),
            "{id}"
        );
    }
}

async fn what_nobody_asks_for_is_not_kept(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let wide = "x".repeat(4000);
    let (_, page) = city.begin(&mut city.browser(), &rp, &[("apa_saja", &wide)]).await;
    // Opened elsewhere it starts again, with what was kept.
    let target = format!("{}?{}", page.url.path(), page.url.query().unwrap());
    let request = Request::get(target).header(header::HOST, "sso.kota-contoh.go.id").body(Body::empty()).unwrap();
    let elsewhere = city.browser().send(request).await;
    let again = elsewhere.location().unwrap();
    assert!(again.path() == "/authorize" && again.as_str().contains("redirect_uri="), "{again}");
    assert!(!again.as_str().contains("apa_saja"), "{again}");
}
