//! The endpoints of the test's provider.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{CLIENT, Code, Provider, SECRET};

fn form(encoded: &[u8]) -> HashMap<String, String> {
    url::form_urlencoded::parse(encoded).into_owned().collect()
}

pub(super) async fn discovery(State(provider): State<Provider>) -> Response {
    provider.count("discovery");
    let at = |path: &str| format!("{}{path}", provider.issuer);
    let mut document = json!({
        "issuer": provider.issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"),
        "userinfo_endpoint": at("/userinfo"),
        "introspection_endpoint": at("/introspect"),
        "end_session_endpoint": at("/logout"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "scopes_supported": ["openid", "profile", "opd", "jabatan", "peran"],
        "authorization_response_iss_parameter_supported": true,
    });
    (provider.inside().lies.discovery)(&mut document);
    axum::Json(document).into_response()
}

pub(super) async fn jwks(State(provider): State<Provider>) -> Response {
    provider.count("jwks");
    let inside = provider.inside();
    let keys: Vec<Value> = inside.keys.iter().map(|key| key.jwk.clone()).chain(inside.lies.extra_key.clone()).collect();
    axum::Json(json!({ "keys": keys })).into_response()
}

pub(super) async fn authorize(State(provider): State<Provider>, RawQuery(query): RawQuery) -> Response {
    provider.count("authorize");
    let params = form(query.unwrap_or_default().as_bytes());
    let param = |name: &str| params.get(name).cloned().unwrap_or_default();
    let known = param("client_id") == CLIENT && param("redirect_uri").ends_with("/auth/callback");
    let complete = param("code_challenge_method") == "S256"
        && param("response_type") == "code"
        && param("scope").contains("openid");
    if !known || !complete || param("redirect_uri").contains("tak-terdaftar") {
        return (StatusCode::BAD_REQUEST, "galat").into_response();
    }
    let mut answer = vec![("state".to_owned(), param("state")), ("iss".to_owned(), provider.issuer.clone())];
    if param("scope").contains("nik") {
        answer.push(("error".to_owned(), "invalid_scope".to_owned()));
    } else if param("prompt") == "none" {
        answer.push(("error".to_owned(), "login_required".to_owned()));
    } else {
        let mut inside = provider.inside();
        inside.serial += 1;
        let code = format!("kode-{}", inside.serial);
        inside.codes.insert(code.clone(), Code { challenge: param("code_challenge"), nonce: param("nonce") });
        answer.push(("code".to_owned(), code));
        (inside.lies.callback)(&mut answer);
    }
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
    Redirect::to(&format!("{}?{query}", param("redirect_uri"))).into_response()
}

fn client_is_known(provider: &Provider, headers: &HeaderMap, params: &HashMap<String, String>) -> bool {
    let keys = provider.inside().client_keys.clone();
    if let Some(set) = keys {
        return !headers.contains_key("authorization") && proves(provider, &set, params).is_some();
    }
    let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{SECRET}")));
    headers.get("authorization").is_some_and(|given| *given == *expected)
}

/// `private_key_jwt`, as a provider checks it: the registered key, its name, for us, for now and for one use.
fn proves(provider: &Provider, set: &Value, params: &HashMap<String, String>) -> Option<()> {
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let assertion = params.get("client_assertion").filter(|_| params["client_assertion_type"] == kind)?;
    let header = jsonwebtoken::decode_header(assertion).ok()?;
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(set["keys"][0].clone()).ok()?;
    assert_eq!(header.kid, jwk.common.key_id);
    let mut rules = jsonwebtoken::Validation::new(header.alg);
    rules.set_audience(&[&provider.issuer]);
    rules.set_issuer(&[CLIENT]);
    rules.sub = Some(CLIENT.to_owned());
    rules.validate_exp = false;
    let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).ok()?;
    let claims = jsonwebtoken::decode::<Value>(assertion, &key, &rules).ok()?.claims;
    let (now, iat, exp) = (provider.clock.now(), claims["iat"].as_i64()?, claims["exp"].as_i64()?);
    let fresh = provider.inside().used.insert(claims["jti"].as_str()?.to_owned());
    (fresh && iat == now && exp > now && exp <= now + 300).then_some(())
}

fn oauth_error(status: StatusCode, code: &str) -> Response {
    (status, axum::Json(json!({ "error": code }))).into_response()
}

pub(super) async fn token(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    let params = form(&body);
    if !client_is_known(&provider, &headers, &params) {
        return oauth_error(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let param = |name: &str| params.get(name).cloned().unwrap_or_default();
    match param("grant_type").as_str() {
        "authorization_code" => {
            let code = provider.inside().codes.remove(&param("code"));
            let proven = |code: &Code| code.challenge == URL_SAFE_NO_PAD.encode(Sha256::digest(param("code_verifier")));
            match code.filter(proven) {
                Some(code) => axum::Json(provider.tokens(Some(&code.nonce))).into_response(),
                None => oauth_error(StatusCode::BAD_REQUEST, "invalid_grant"),
            }
        }
        "refresh_token" => {
            provider.count("refresh");
            let gate = provider.inside().lies.gate.clone();
            if let Some(gate) = gate {
                gate.acquire().await.unwrap().forget();
            }
            let (lie, expected) = {
                let inside = provider.inside();
                (inside.lies.refresh, inside.refresh.clone())
            };
            match lie {
                Some((status, code)) => oauth_error(status, code),
                None if expected == Some(param("refresh_token")) => axum::Json(provider.tokens(None)).into_response(),
                None => oauth_error(StatusCode::BAD_REQUEST, "invalid_grant"),
            }
        }
        "client_credentials" => {
            provider.count("client_credentials");
            let token = provider.access_token(|claims| claims["scope"] = json!(param("scope")));
            axum::Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": 300 })).into_response()
        }
        _ => oauth_error(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
    }
}

pub(super) async fn userinfo(State(provider): State<Provider>, headers: HeaderMap) -> Response {
    provider.count("userinfo");
    let inside = provider.inside();
    if inside.lies.userinfo_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let expected = inside.access.as_ref().map(|token| format!("Bearer {token}"));
    if headers.get("authorization").and_then(|value| value.to_str().ok()) != expected.as_deref() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mut claims = json!({
        "sub": "orang-1", "name": "Siti Aminah", "opd": "Dinas Pendidikan", "opd_kode": "1.01", "jabatan": "Guru Ahli Muda",
        "penugasan": [{ "jabatan": "Guru Ahli Muda", "unit": "SMP Negeri 1", "opd": "Dinas Pendidikan", "opd_kode": "1.01", "sebagai": "definitif" }],
    });
    (inside.lies.userinfo)(&mut claims);
    axum::Json(claims).into_response()
}

pub(super) async fn introspect(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    provider.count("introspect");
    if !client_is_known(&provider, &headers, &form(&body)) {
        return oauth_error(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let now = provider.clock.now();
    let inside = provider.inside();
    let mut answer = json!({
        "active": true, "iss": provider.issuer, "sub": "orang-1", "aud": CLIENT, "client_id": "kinerja",
        "scope": "presensi.baca", "exp": now + 60, "token_type": "Bearer", "roles": ["pegawai"],
    });
    if !inside.active {
        answer = json!({ "active": false });
    }
    (inside.lies.introspection)(&mut answer);
    axum::Json(answer).into_response()
}
