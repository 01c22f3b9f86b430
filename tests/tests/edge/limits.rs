//! Pages and forms under malformed, doubled and oversized input: a page, never a fault, never a redirect
//! elsewhere.

use axum::body::Body;
use gapura_tests::{
    Pair,
    browser::{Browser, Page, encoded},
    city::{City, PASSWORD, PUBLIC_URL, TEACHER},
    on_both_pairs,
};
use http::{Request, StatusCode};

on_both_pairs!(
    malformed_fields_of_the_sign_in_form_are_data,
    what_is_too_large_is_a_page,
    a_body_that_is_no_form_is_refused,
    every_page_answers_every_method,
    a_broken_interaction_offers_the_way_to_start_again,
);

const BROWSER: &str = "__Host-gapura_browser";

/// Posts a body as it is from our own page.
async fn post(browser: &mut Browser, path: &str, kind: &str, body: &str) -> Page {
    let jar = browser.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    let request = Request::post(path)
        .header("content-type", kind)
        .header("origin", PUBLIC_URL)
        .header("cookie", jar)
        .body(Body::from(body.to_owned()))
        .unwrap();
    browser.send(request).await
}

const FORM: &str = "application/x-www-form-urlencoded";

//= T9 test
async fn malformed_fields_of_the_sign_in_form_are_data(pair: Pair) {
    let city = City::new(pair).await;
    let bodies = [
        "username=a%00b&password=x",
        "username=%ff%fe&password=x",
        "username=siti&username=oman&password=x",
        "username=siti&password=x&password=y",
        "username=siti&password=%00",
        "username[]=siti&password[]=x",
        "username=%2500&password=%2500",
        "&&&&=&=&%",
        "",
    ];
    for body in bodies {
        let mut browser = city.browser();
        let fields = browser.open("/masuk").await.form("username").fields;
        let token = &fields.iter().find(|(name, _)| name == "token").unwrap().1;
        let page = post(&mut browser, "/masuk", FORM, &format!("{body}&token={token}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(page.error_code().as_deref(), Some("no_match"), "{body}: {}", page.text());
        assert!(browser.cookies().iter().all(|(name, _)| name == BROWSER), "{body}");
    }
}

//= BSSN4-2021#7.d test
async fn what_is_too_large_is_a_page(pair: Pair) {
    let city = City::new(pair).await;
    let huge = "a".repeat(100_000);
    let many = encoded(&vec![("a", "1"); 65]);
    for path in ["/masuk", "/keluar", "/tautan"] {
        let mut browser = city.browser();
        browser.open("/masuk").await;
        let page = post(&mut browser, path, FORM, &format!("username={huge}")).await;
        assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        assert_eq!(page.error_code().as_deref(), Some("too_large"), "{path}");
        for page in [post(&mut browser, path, FORM, &many).await, browser.open(&format!("{path}?{many}")).await] {
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{path}");
            assert_eq!(page.error_code().as_deref(), Some("too_large"), "{path}");
        }
    }
    // The head of a request is bounded by the listener; this is the most that a path and query may be at all.
    let long = "a".repeat(60_000);
    let mut browser = city.browser();
    for address in ["/masuk?interaksi=", "/masuk?client_id=", "/keluar?state=", "/tautan?kode=", "/galat?kode="] {
        let page = browser.open(&format!("{address}{long}")).await;
        assert!(page.status.as_u16() < 500 && page.location().is_none(), "{address}: {}", page.status);
    }
}

async fn a_body_that_is_no_form_is_refused(pair: Pair) {
    let city = City::new(pair).await;
    let bodies =
        [("application/json", "{\"username\":\"x\"}"), ("multipart/form-data; boundary=x", "--x"), ("", "a=1")];
    for path in ["/masuk", "/keluar", "/tautan"] {
        for (kind, body) in bodies {
            let page = post(&mut city.browser(), path, kind, body).await;
            assert_eq!(page.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path} {kind}");
        }
    }
}

async fn every_page_answers_every_method(pair: Pair) {
    let city = City::new(pair).await;
    let paths = [
        "/",
        "/masuk",
        "/keluar",
        "/galat",
        "/tautan",
        "/aset/x",
        "/%00",
        "/%ff",
        "//jahat.example",
        "/..;/masuk",
        "*",
    ];
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "GAPURA"] {
        for path in paths {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            let page = city.browser().send(request).await;
            assert!(page.status.as_u16() < 500, "{method} {path}: {}", page.status);
            assert!(!page.body.contains("href=\"//"), "{method} {path}");
            assert!(!page.header("content-security-policy").is_empty(), "{method} {path}");
        }
    }
}

async fn a_broken_interaction_offers_the_way_to_start_again(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    let (_, good) = city.begin(&mut browser, &city.rp("presensi"), &[]).await;
    let id = good.parameter("interaksi").unwrap();
    let queries = [
        format!("interaksi={id}&interaksi={id}&client_id=presensi"),
        "interaksi=&client_id=presensi".to_owned(),
        "interaksi=tidak-ada&client_id=presensi".to_owned(),
        format!("interaksi={id}%00&client_id=presensi"),
        format!("interaksi=kiriman-{id}&client_id=presensi"),
    ];
    for query in queries {
        let page = browser.open(&format!("/masuk?{query}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(page.error_code().as_deref(), Some("interaction_expired"), "{query}");
        assert!(page.body.contains("href=\"https://presensi.kota-contoh.go.id/\""), "{query}: {}", page.body);
    }
    let page = browser.open("/masuk?interaksi=x&client_id=%22%3E%3Cscript%3E").await;
    assert!(!page.body.contains("<script>") && !page.body.contains("id=\"restart\""), "{}", page.body);
    let page = browser.open("/galat?kode=%3Cscript%3E&client_id=presensi").await;
    assert_eq!(page.error_code().as_deref(), Some("other"));
    let typed = [("username", TEACHER.login), ("password", PASSWORD)];
    browser.open(good.url.as_str()).await;
    assert!(browser.submit("password", &typed).await.location().is_some(), "the good one still works");
}
