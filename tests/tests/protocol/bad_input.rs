//! Every malformed, doubled, oversized or unknown parameter gets its specified error or page: never a 500,
//! never a redirect to an unchecked address.

use axum::body::Body;
use gapura_tests::{
    Pair,
    browser::Page,
    city::{City, PUBLIC_URL, TEACHER},
    on_both_pairs,
    relying_party::{RelyingParty, basic, pairs},
};
use http::{Method, Request, header};
use serde_json::Value;

on_both_pairs!(
    endpoints_of_clients_answer_bad_bodies_with_their_error,
    a_bad_token_is_refused_and_never_a_fault,
    a_bad_sign_out_is_a_page,
    a_posted_request_is_found_once_and_only_by_its_name,
);

const FORM: &str = "application/x-www-form-urlencoded";

async fn posted(rp: &RelyingParty, path: &str, kind: &str, body: &[u8]) -> Page {
    let secret = rp.secret.as_deref().unwrap();
    let request = Request::post(path)
        .header(header::AUTHORIZATION, basic(&rp.client_id, secret))
        .header(header::CONTENT_TYPE, kind)
        .body(Body::from(body.to_vec()))
        .unwrap();
    rp.raw(request).await
}

fn error(page: &Page) -> String {
    let body: Value = serde_json::from_str(&page.body).unwrap_or_else(|_| panic!("no JSON: {}", page.body));
    body["error"].as_str().unwrap().to_owned()
}

//= RFC6749#3.2 test
//= RFC6749#5.2 test
//= T9 test
async fn endpoints_of_clients_answer_bad_bodies_with_their_error(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let long = format!("{{}}={}", "x".repeat(60_000));
    let huge = format!("{{}}={}", "x".repeat(100_000));
    let many = "a=1&".repeat(65);
    for (path, name) in [("/token", "grant_type"), ("/introspect", "token"), ("/revoke", "token")] {
        let fill = |text: &str| text.replace("{}", name).into_bytes();
        let bodies: Vec<(&str, Vec<u8>)> = vec![
            (FORM, vec![]),
            (FORM, fill("{}=")),
            (FORM, fill("{}=a&{}=a")),
            (FORM, fill("{}=&{}=a")),
            (FORM, fill("{}=%00")),
            (FORM, fill("{}=a%00b")),
            (FORM, fill("{}=%ff")),
            (FORM, b"\xff\xfe\x00=\x00".to_vec()),
            (FORM, fill(&long)),
            (FORM, fill(&huge)),
            (FORM, many.clone().into_bytes()),
            ("application/json", format!("{{\"{name}\": \"a\"}}").into_bytes()),
            ("text/plain", fill("{}=a")),
            ("", fill("{}=a")),
        ];
        for (kind, body) in bodies {
            let page = posted(&rp, path, kind, &body).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            assert_eq!(page.status, 400, "{path} {kind} {shown}: {}", page.body);
            assert_eq!(error(&page), "invalid_request", "{path} {kind} {shown}");
            assert_eq!(page.header("cache-control"), "no-store");
        }
        let doubled = format!("client_id=presensi&client_id=presensi&{name}=a");
        let page = posted(&rp, path, FORM, doubled.as_bytes()).await;
        assert_eq!(error(&page), "invalid_request", "{path}");
        let got = rp.get(path).await;
        assert_eq!(got.status, 405, "{path}");
    }
    // What nobody asked for is ignored, whatever it holds.
    let page = posted(&rp, "/introspect", FORM, b"token=a&x=%00&x=%ff&token_type_hint=apa").await;
    assert_eq!((page.status.as_u16(), page.body.as_str()), (200, r#"{"active":false}"#));
}

//= RFC6750#2 test
//= RFC6750#3.1 test
//= RFC7662#2.2 test
//= T9 test
async fn a_bad_token_is_refused_and_never_a_fault(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let tokens = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    let good = tokens.access_token();
    let cut = good.get(..good.len() - 1).unwrap();
    let long = "x".repeat(20_000);
    for bad in ["a", "a.b", "a.b.c", "....", "e30.e30.", "\u{0}", "é", cut, &format!("{good}a"), &long] {
        let sent = [("token".to_owned(), bad.to_owned())];
        let page = rp.call("/introspect", &sent).await;
        assert!(
            page.body == r#"{"active":false}"# || error(&page) == "invalid_request",
            "introspect {bad}: {}",
            page.body
        );
        let page = rp.call("/revoke", &sent).await;
        assert!(page.status == 200 || error(&page) == "invalid_request", "revoke {bad}: {}", page.body);
        if bad.is_ascii() && !bad.contains('\0') {
            let page = rp.userinfo(bad).await;
            assert_eq!((page.status.as_u16(), error(&page).as_str()), (401, "invalid_token"), "userinfo {bad}");
            assert!(page.header("www-authenticate").starts_with("Bearer "), "userinfo {bad}");
        }
    }
    assert_eq!(rp.userinfo(&good).await.status, 200, "the good one still works");
    let in_the_address = rp.get(&format!("/userinfo?access_token={good}")).await;
    assert_eq!(error(&in_the_address), "invalid_request");
    let twice = Request::builder()
        .method(Method::POST)
        .uri("/userinfo")
        .header(header::AUTHORIZATION, format!("Bearer {good}"))
        .header(header::CONTENT_TYPE, FORM)
        .body(Body::from(format!("access_token={good}")))
        .unwrap();
    assert_eq!(error(&rp.raw(twice).await), "invalid_request");
    let in_the_body = Request::post("/userinfo").header(header::CONTENT_TYPE, FORM);
    let page = rp.raw(in_the_body.body(Body::from(format!("access_token={good}"))).unwrap()).await;
    assert_eq!(page.status, 200, "{}", page.body);
    for header in ["Bearer", "Basic YQ==", "Bearer  ", "Token a"] {
        let request = Request::get("/userinfo").header(header::AUTHORIZATION, header).body(Body::empty()).unwrap();
        let page = rp.raw(request).await;
        assert_eq!(page.status, 401, "{header}");
        assert!(page.header("www-authenticate").starts_with("Bearer "), "{header}");
    }
}

//= OIDC-RPLOGOUT#4 test
//= T5 test
//= T9 test
async fn a_bad_sign_out_is_a_page(pair: Pair) {
    let city = City::new(pair).await;
    let (mut browser, rp) = (city.browser(), city.rp("presensi"));
    let tokens = city.tokens(&mut browser, &rp, &TEACHER).await;
    let hint = tokens.id_token_sent();
    let back = "https%3A%2F%2Fpresensi.kota-contoh.go.id%2Fkeluar";
    let rows = [
        ("client_id=siapa".to_owned(), "unknown_client"),
        ("client_id=presensi&client_id=presensi".to_owned(), "invalid_request"),
        ("client_id=%00".to_owned(), "invalid_request"),
        ("state=%ff".to_owned(), "invalid_request"),
        (format!("id_token_hint={}a", hint), "invalid_hint"),
        ("id_token_hint=a.b.c".to_owned(), "invalid_hint"),
        (format!("id_token_hint={}", tokens.access_token()), "invalid_hint"),
        (format!("id_token_hint={hint}&client_id=kinerja"), "invalid_hint"),
        (format!("post_logout_redirect_uri={back}"), "post_logout_redirect_uri_mismatch"),
        (format!("id_token_hint={hint}&post_logout_redirect_uri={back}%3Fa"), "post_logout_redirect_uri_mismatch"),
        (
            format!("id_token_hint={hint}&post_logout_redirect_uri={back}&post_logout_redirect_uri={back}"),
            "invalid_request",
        ),
        (format!("id_token_hint={hint}&state={}", "x".repeat(9000)), "invalid_request"),
        ("a=1&".repeat(65), "invalid_request"),
    ];
    for (query, code) in rows {
        let page = browser.open(&format!("{PUBLIC_URL}/logout?{query}")).await;
        assert_eq!(page.status, 400, "{query}");
        assert_eq!(page.error_code().as_deref(), Some(code), "{query}");
        assert_eq!(page.location(), None, "{query}");
    }
    let (started, page) = city.begin(&mut browser, &rp, &[("prompt", "none")]).await;
    rp.code(&started, &page);
}

//= OIDC-CORE#3.1.2.1 test
async fn a_posted_request_is_found_once_and_only_by_its_name(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    for query in ["kiriman=tidak-ada", "kiriman=", "kiriman=%00", "kiriman=a&kiriman=b"] {
        let page = browser.open(&format!("{PUBLIC_URL}/authorize?{query}")).await;
        assert_eq!(page.status, 400, "{query}");
        assert!(page.error_code().is_some(), "{query}");
    }
    let rp = city.rp("presensi");
    for kind in ["application/json", "text/plain"] {
        let request = Request::post("/authorize").header(header::CONTENT_TYPE, kind);
        let page = rp.raw(request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(page.status, 400, "{kind}");
    }
    let huge = pairs(&[("state", &"x".repeat(100_000))]);
    let page = rp.call("/authorize", &huge).await;
    assert_eq!(page.status, 400);
    assert_eq!(page.location(), None);
}
