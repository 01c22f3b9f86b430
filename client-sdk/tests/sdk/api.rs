//! An API behind the library, and its own tokens for jobs.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use gapura_client::ApiCaller;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::browser::World;
use crate::provider::{Key, Provider};

fn api(world: &World) -> Router {
    let who =
        get(async |caller: ApiCaller| format!("{} lewat {} {:?}", caller.sub(), caller.client_id(), caller.roles()));
    let read = Router::new().route("/baca", who.clone()).route_layer(world.gapura.api().scope("presensi.baca"));
    let delete = Router::new()
        .route("/hapus", who.clone())
        .route_layer(world.gapura.api().scope("presensi.baca").scope("presensi.hapus"));
    let strict =
        Router::new().route("/segera", who).route_layer(world.gapura.api().scope("presensi.baca").introspect());
    read.merge(delete).merge(strict)
}

async fn call(app: &Router, path: &str, authorization: &[&str]) -> (StatusCode, String) {
    let mut request = Request::get(path);
    for value in authorization {
        request = request.header("authorization", *value);
    }
    let answer = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let challenge = answer.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
    (answer.status(), challenge.unwrap_or_default())
}

//= RFC9068#4 test
#[tokio::test]
async fn a_good_token_opens_what_its_scope_says() {
    let world = World::new().await;
    let app = api(&world);
    let token = format!("Bearer {}", world.provider.access_token(|_| ()));
    assert_eq!(call(&app, "/baca", &[&token]).await.0, StatusCode::OK);
    let (status, challenge) = call(&app, "/hapus", &[&token]).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(
        challenge,
        "Bearer realm=\"presensi\", error=\"insufficient_scope\", scope=\"presensi.baca presensi.hapus\""
    );
    assert_eq!(world.provider.asked("introspect"), 0);
    assert_eq!(world.provider.asked("jwks"), 1);
}

//= RFC9068#4 test
//= RFC8725#3.1 test
//= RFC8725#3.11 test
//= T1 test
//= T15 test
#[tokio::test]
async fn a_wrong_token_opens_nothing() {
    type Twist = fn(&mut Value);
    let table: [(&str, Twist); 12] = [
        ("another issuer", |claims| claims["iss"] = json!("https://sso-uji.example")),
        ("another audience", |claims| claims["aud"] = json!("kinerja")),
        ("no audience", |claims| drop(claims.as_object_mut().unwrap().remove("aud"))),
        ("expired", |claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 61)),
        ("no expiry", |claims| drop(claims.as_object_mut().unwrap().remove("exp"))),
        ("issued in the future", |claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() + 90)),
        ("not valid yet", |claims| claims["nbf"] = json!(claims["iat"].as_i64().unwrap() + 90)),
        ("no subject", |claims| drop(claims.as_object_mut().unwrap().remove("sub"))),
        ("no client", |claims| drop(claims.as_object_mut().unwrap().remove("client_id"))),
        ("no jti", |claims| drop(claims.as_object_mut().unwrap().remove("jti"))),
        ("longer than any token", |claims| claims["x"] = json!("a".repeat(20_000))),
        ("an empty subject", |claims| claims["sub"] = json!("")),
    ];
    let world = World::new().await;
    let app = api(&world);
    let invalid = (StatusCode::UNAUTHORIZED, "Bearer realm=\"presensi\", error=\"invalid_token\"".to_owned());
    for (name, twist) in table {
        let token = world.provider.access_token(twist);
        assert_eq!(call(&app, "/baca", &[&format!("Bearer {token}")]).await, invalid, "{name}");
    }
    let mut claims = json!(null);
    let honest = world.provider.access_token(|given| claims = given.clone());
    let key = world.provider.key();
    let body = honest.split('.').nth(1).unwrap();
    let table = [
        ("an ID token", key.sign("JWT", &claims)),
        ("a logout token", key.sign("logout+jwt", &claims)),
        ("a foreign key", Key { kid: key.kid.clone(), ..Key::new("lain") }.sign("at+jwt", &claims)),
        ("an unknown key", Key::new("lain").sign("at+jwt", &claims)),
        ("a key it brings along", with_own_key(&claims)),
        ("an extension we must understand", with_crit(&world, &claims)),
        ("HS256 with the public key", hmac(&key, &claims)),
        ("alg none", format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{body}.")),
    ];
    for (name, token) in table {
        assert_eq!(call(&app, "/baca", &[&format!("Bearer {token}")]).await, invalid, "{name}");
    }
    assert_eq!(call(&app, "/baca", &[&format!("bearer {honest}")]).await.0, StatusCode::OK);
}

fn with_own_key(claims: &Value) -> String {
    let own = Key::new("lain");
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
    header.typ = Some("at+jwt".to_owned());
    header.jwk = Some(serde_json::from_value(own.jwk.clone()).unwrap());
    jsonwebtoken::encode(&header, claims, &own.encoding).unwrap()
}

fn with_crit(world: &World, claims: &Value) -> String {
    let key = world.provider.key();
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(key.kid.clone());
    header.crit = Some(vec!["b64".to_owned()]);
    jsonwebtoken::encode(&header, claims, &key.encoding).unwrap()
}

fn hmac(key: &Key, claims: &Value) -> String {
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(key.kid.clone());
    jsonwebtoken::encode(&header, claims, &jsonwebtoken::EncodingKey::from_secret(key.jwk.to_string().as_bytes()))
        .unwrap()
}

#[tokio::test]
async fn a_token_stands_once_in_its_header() {
    let world = World::new().await;
    let app = api(&world);
    let token = format!("Bearer {}", world.provider.access_token(|_| ()));
    assert_eq!(call(&app, "/baca", &[]).await, (StatusCode::UNAUTHORIZED, "Bearer realm=\"presensi\"".to_owned()));
    assert_eq!(call(&app, "/baca", &["Basic YTpi"]).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(call(&app, "/baca", &["Bearer"]).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(call(&app, "/baca", &[&token, &token]).await.0, StatusCode::BAD_REQUEST);
    let path = format!("/baca?access_token={}", token.trim_start_matches("Bearer "));
    assert_eq!(call(&app, &path, &[]).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn introspection_learns_of_a_withdrawal_at_once() {
    let world = World::new().await;
    let app = api(&world);
    let token = format!("Bearer {}", world.provider.access_token(|_| ()));
    assert_eq!(call(&app, "/segera", &[&token]).await.0, StatusCode::OK);
    world.provider.inside().active = false;
    assert_eq!(call(&app, "/segera", &[&token]).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(
        call(&app, "/baca", &[&token]).await.0,
        StatusCode::OK,
        "the offline check learns it when the token ends"
    );
    assert_eq!(world.provider.asked("introspect"), 2);
}

#[tokio::test]
async fn an_introspection_answer_is_read_with_the_same_eyes() {
    type Twist = fn(&mut Value);
    let table: [(&str, Twist); 6] = [
        ("not active", |answer| answer["active"] = json!(false)),
        ("another issuer", |answer| answer["iss"] = json!("https://jahat.example")),
        ("another audience", |answer| answer["aud"] = json!("kinerja")),
        ("no audience", |answer| drop(answer.as_object_mut().unwrap().remove("aud"))),
        ("expired", |answer| answer["exp"] = json!(answer["exp"].as_i64().unwrap() - 200)),
        ("not a word of active", |answer| drop(answer.as_object_mut().unwrap().remove("active"))),
    ];
    let world = World::new().await;
    let app = api(&world);
    let token = format!("Bearer {}", world.provider.access_token(|_| ()));
    for (name, twist) in table {
        world.provider.lie(|lies| lies.introspection = Box::new(twist));
        let status = call(&app, "/segera", &[&token]).await.0;
        assert!(status == StatusCode::UNAUTHORIZED || status == StatusCode::SERVICE_UNAVAILABLE, "{name}: {status}");
    }
}

/// A provider that publishes a secret among its keys does not make every reader of the set an issuer.
//= RFC8725#3.1 test
#[tokio::test]
async fn a_symmetric_key_in_the_set_signs_nothing() {
    let provider = Provider::start().await;
    provider.lie(|lies| {
        lies.extra_key = Some(json!({ "kty": "oct", "k": "cmFoYXNpYQ", "kid": "simetris", "alg": "HS256" }));
    });
    let world = World::with(provider, |builder| builder).await;
    let mut claims = json!(null);
    world.provider.access_token(|given| claims = given.clone());
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some("simetris".to_owned());
    let token = jsonwebtoken::encode(&header, &claims, &jsonwebtoken::EncodingKey::from_secret(b"rahasia")).unwrap();
    assert_eq!(call(&api(&world), "/baca", &[&format!("Bearer {token}")]).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_job_asks_for_its_token_once() {
    let world = World::new().await;
    let first = world.gapura.client_token("kinerja.baca").await.unwrap();
    assert_eq!(world.gapura.client_token("kinerja.baca").await.unwrap(), first);
    assert_eq!(world.provider.asked("client_credentials"), 1);
    world.gapura.client_token("kinerja.tulis").await.unwrap();
    assert_eq!(world.provider.asked("client_credentials"), 2);
    world.provider.clock.advance(271);
    assert_ne!(world.gapura.client_token("kinerja.baca").await.unwrap(), first);
}
