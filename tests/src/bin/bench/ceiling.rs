//! A bare axum server: the same libraries with nothing around them.

use std::sync::Arc;

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        ParsedPublicKey, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::header,
    response::IntoResponse,
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

/// The length of an access token's header and claims.
pub(crate) const PAYLOAD: usize = 420;

struct Keys {
    es256: EcdsaKeyPair,
    eddsa: Ed25519KeyPair,
    rs256: RsaKeyPair,
    public: ParsedPublicKey,
    signed: Vec<u8>,
    json: Bytes,
}

/// JSON, one signature, one verification.
pub(crate) async fn serve(port: u16) {
    let es256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let eddsa = Ed25519KeyPair::generate().unwrap();
    let rs256 = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let signed = es256.sign(&SystemRandom::new(), &[7; PAYLOAD]).unwrap().as_ref().to_vec();
    let json = Bytes::from(json!({ "padding": "x".repeat(2048) }).to_string());
    let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, es256.public_key()).unwrap();
    let keys = Arc::new(Keys { es256, eddsa, rs256, public, signed, json });
    let router = Router::new()
        .route("/json", get(async |State(keys): State<Arc<Keys>>| keys.json.clone()))
        .route("/es256", post(es256_token))
        .route("/eddsa", post(eddsa_token))
        .route("/rs256", post(rs256_token))
        .route("/verify", get(verified))
        .with_state(keys);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    axum::serve(listener, router).await.unwrap();
}

async fn es256_token(State(keys): State<Arc<Keys>>, body: Bytes) -> impl IntoResponse {
    let payload = [7; PAYLOAD];
    let signature = keys.es256.sign(&SystemRandom::new(), &payload).unwrap();
    token(&payload, signature.as_ref(), &body)
}

async fn eddsa_token(State(keys): State<Arc<Keys>>, body: Bytes) -> impl IntoResponse {
    let payload = [7; PAYLOAD];
    token(&payload, keys.eddsa.sign(&payload).as_ref(), &body)
}

async fn rs256_token(State(keys): State<Arc<Keys>>, body: Bytes) -> impl IntoResponse {
    let payload = [7; PAYLOAD];
    let mut signature = vec![0; 256];
    keys.rs256.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &payload, &mut signature).unwrap();
    token(&payload, &signature, &body)
}

fn token(payload: &[u8], signature: &[u8], body: &[u8]) -> impl IntoResponse + use<> {
    let token = format!("{}.{}", URL_SAFE_NO_PAD.encode(payload), URL_SAFE_NO_PAD.encode(signature));
    let answer = json!({ "access_token": token, "token_type": "Bearer", "expires_in": 300, "read": body.len() });
    ([(header::CACHE_CONTROL, "no-store")], Json(answer))
}

async fn verified(State(keys): State<Arc<Keys>>) -> impl IntoResponse {
    let active = keys.public.verify_sig(&[7; PAYLOAD], &keys.signed).is_ok();
    Json(json!({ "active": active }))
}
