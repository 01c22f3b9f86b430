//! Client authentication (RFC 6749 section 2.3, OIDC Core section 9) and the shape of token requests.

use axum::body::Body;
use gapura_tests::{
    Pair,
    browser::{Page, encoded},
    city::{City, TEACHER},
    on_both_pairs,
    relying_party::{basic, pairs},
};
use http::{Method, Request, header};
use serde_json::Value;

on_both_pairs!(
    a_job_gets_a_token_for_itself,
    a_wrong_secret_is_answered_with_a_challenge,
    two_ways_at_once_are_refused,
    what_is_malformed_is_refused,
    grants_not_registered_or_not_built_are_refused,
);

fn error(page: &Page) -> String {
    let body: Value =
        serde_json::from_str(&page.body).unwrap_or_else(|why| panic!("{why}: {} {}", page.status, page.body));
    body["error"].as_str().unwrap().to_owned()
}

fn form(fields: &[(&str, &str)]) -> Request<Body> {
    Request::post("/token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(encoded(fields)))
        .unwrap()
}

//= RFC6749#4.4 test
async fn a_job_gets_a_token_for_itself(pair: Pair) {
    let city = City::new(pair).await;
    let job = city.rp("direktori");
    let page = job.token(&pairs(&[("grant_type", "client_credentials")])).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let tokens = job.checked(&page).await;
    assert!(tokens.answer.get("refresh_token").is_none() && tokens.answer.get("id_token").is_none());
    assert_eq!(tokens.access["sub"], "direktori");
    assert_eq!(tokens.access["client_id"], "direktori");
    assert!(tokens.access.get("sid").is_none());
    assert_eq!(job.introspect(&tokens.access_token()).await["active"], true);
    assert_eq!(job.userinfo(&tokens.access_token()).await.status, 403);
}

//= RFC6749#5.2 test
//= RFC6749#2.3.1 test
async fn a_wrong_secret_is_answered_with_a_challenge(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("direktori");
    for (id, secret) in [("direktori", "salah"), ("siapa", "salah"), ("ponsel", "salah"), ("direktori", "")] {
        let request = Request::post("/token")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::AUTHORIZATION, basic(id, secret))
            .body(Body::from("grant_type=client_credentials"))
            .unwrap();
        let page = rp.raw(request).await;
        assert_eq!(page.status, 401, "{id}: {}", page.body);
        assert!(page.header("www-authenticate").starts_with("Basic"), "{id}");
        assert_eq!(error(&page), "invalid_client");
    }
    let mut post = city.rp("direktori");
    let secret = post.secret.take().unwrap();
    let in_body = [("grant_type", "client_credentials"), ("client_id", "direktori"), ("client_secret", &secret)];
    // The client is registered for Basic, and a method it is not registered for is another client's.
    assert_eq!(error(&rp.raw(form(&in_body)).await), "invalid_client");
    let nobody = [("grant_type", "client_credentials"), ("client_id", "direktori")];
    assert_eq!(error(&rp.raw(form(&nobody)).await), "invalid_client");
}

//= RFC6749#2.3.1 test
async fn two_ways_at_once_are_refused(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("direktori");
    let secret = rp.secret.clone().unwrap();
    let both = pairs(&[("grant_type", "client_credentials"), ("client_id", "direktori"), ("client_secret", &secret)]);
    let page = rp.token(&both).await;
    assert!(["invalid_request", "invalid_client"].contains(&error(&page).as_str()), "{}", page.body);
    let other = pairs(&[("grant_type", "client_credentials"), ("client_id", "presensi")]);
    let page = rp.token(&other).await;
    assert!(["invalid_request", "invalid_client"].contains(&error(&page).as_str()), "{}", page.body);
}

//= RFC6749#3.2 test
//= T9 test
async fn what_is_malformed_is_refused(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("direktori");
    let twice = pairs(&[("grant_type", "client_credentials"), ("grant_type", "client_credentials")]);
    assert_eq!(error(&rp.token(&twice).await), "invalid_request");
    assert_eq!(error(&rp.token(&[]).await), "invalid_request");
    let nul = pairs(&[("grant_type", "client_credentials"), ("scope", "a\u{0}b")]);
    assert!(rp.token(&nul).await.status.is_client_error());
    assert_eq!(rp.get("/token").await.status, 405);
    let authorization = basic("direktori", rp.secret.as_ref().unwrap());
    let post = |kind: &str, body: Vec<u8>| {
        let request = Request::builder().method(Method::POST).uri("/token").header(header::CONTENT_TYPE, kind);
        request.header(header::AUTHORIZATION, &authorization).body(Body::from(body)).unwrap()
    };
    let json = post("application/json", br#"{"grant_type":"client_credentials"}"#.to_vec());
    assert!(rp.raw(json).await.status.is_client_error());
    let form = "application/x-www-form-urlencoded";
    for bad in [&b"grant_type=%ff%fe"[..], b"grant_type=%zz", b"\xff\xfe=\x00", &[b'a'; 100_000]] {
        let page = rp.raw(post(form, bad.to_vec())).await;
        assert!(page.status.is_client_error(), "{} {}", page.status, page.body);
    }
    for bad in ["Basic", "Basic !!!", "Basic Og==", "Basic YQ==", "Bearer x", "Basic ZGlyZWt0b3JpOg==, Basic a"] {
        let request = Request::post("/token")
            .header(header::CONTENT_TYPE, form)
            .header(header::AUTHORIZATION, bad)
            .body(Body::from("grant_type=client_credentials"))
            .unwrap();
        let page = rp.raw(request).await;
        assert!(page.status.is_client_error(), "{bad}: {} {}", page.status, page.body);
    }
}

//= RFC9700#2.4 test
//= RFC9700#2.1.2 test
async fn grants_not_registered_or_not_built_are_refused(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let password = pairs(&[("grant_type", "password"), ("username", TEACHER.login), ("password", "x")]);
    assert_eq!(error(&rp.token(&password).await), "unsupported_grant_type");
    let itself = pairs(&[("grant_type", "client_credentials")]);
    assert_eq!(error(&rp.token(&itself).await), "unauthorized_client");
    let public = city.rp("ponsel");
    let page = public.token(&itself).await;
    assert!(["unauthorized_client", "invalid_client"].contains(&error(&page).as_str()), "{}", page.body);
}
