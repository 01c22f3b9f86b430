//! Token introspection (RFC 7662).

use std::time::Duration;

use axum::body::Body;
use gapura_tests::{
    Pair,
    city::{City, TEACHER},
    on_both_pairs,
    relying_party::pairs,
};
use http::{Request, header};
use serde_json::json;

on_both_pairs!(a_live_token_is_described, everything_else_is_inactive, only_clients_may_ask);

//= RFC7662#2.1 test
async fn a_live_token_is_described(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let tokens = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    let said = rp.introspect(&tokens.access_token()).await;
    assert_eq!(said["active"], true);
    for name in ["sub", "aud", "client_id", "exp", "iat", "iss", "scope", "jti"] {
        assert_eq!(said[name], tokens.access[name], "{name}");
    }
}

//= RFC7662#2.2 test
//= T15 test
async fn everything_else_is_inactive(pair: Pair) {
    let city = City::new(pair).await;
    let [rp, other] = ["presensi", "kinerja"].map(|id| city.rp(id));
    let tokens = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    let inactive = json!({ "active": false });
    assert_eq!(rp.introspect("salah").await, inactive);
    assert_eq!(rp.introspect(&tokens.id_token_sent()).await, inactive, "an ID token is no access token");
    assert_eq!(other.introspect(&tokens.access_token()).await, inactive, "another application's token");
    assert_eq!(other.introspect(&tokens.refresh_token()).await, inactive);
    city.advance(Duration::from_secs(301));
    assert_eq!(rp.introspect(&tokens.access_token()).await, inactive, "expired");
}

//= RFC7662#2.1 test
async fn only_clients_may_ask(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let tokens = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    let request = Request::post("/introspect").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = request.body(Body::from(format!("token={}", tokens.access_token()))).unwrap();
    assert_eq!(rp.raw(request).await.status, 401);
    let public = city.rp("ponsel").call("/introspect", &pairs(&[("token", &tokens.access_token())])).await;
    assert!(public.status.is_client_error(), "a public client proves nothing: {}", public.status);
    assert_eq!(rp.call("/introspect", &[]).await.status, 400);
    assert_eq!(rp.get("/introspect").await.status, 405);
}
