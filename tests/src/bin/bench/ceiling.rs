//! What this machine can do at all: the same libraries with nothing around them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RsaKeyPair, UnparsedPublicKey,
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
const PAYLOAD: usize = 420;

struct Keys {
    es256: EcdsaKeyPair,
    rs256: RsaKeyPair,
    signed: Vec<u8>,
    json: Bytes,
}

/// A bare axum server: JSON, one signature, one verification.
pub(crate) async fn serve(port: u16) {
    let es256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let rs256 = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let signed = es256.sign(&SystemRandom::new(), &[7; PAYLOAD]).unwrap().as_ref().to_vec();
    let json = Bytes::from(json!({ "padding": "x".repeat(2048) }).to_string());
    let keys = Arc::new(Keys { es256, rs256, signed, json });
    let router = Router::new()
        .route("/json", get(async |State(keys): State<Arc<Keys>>| keys.json.clone()))
        .route("/es256", post(es256_token))
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
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, keys.es256.public_key());
    let active = key.verify(&[7; PAYLOAD], &keys.signed).is_ok();
    Json(json!({ "active": active }))
}

/// Argon2id with the provider's parameters, memory reused, for three seconds: hashes a second.
pub(crate) fn hashes() {
    let params = Params::new(19_456, 2, 1, Some(32)).unwrap();
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let mut memory = vec![Block::default(); params.block_count()];
    let mut out = [0; 32];
    let started = Instant::now();
    let mut done = 0_u32;
    while started.elapsed() < Duration::from_secs(3) {
        hasher.hash_password_into_with_memory(b"kata sandi", b"0123456789abcdef", &mut out, &mut memory).unwrap();
        done += 1;
    }
    println!("{:.2}", f64::from(done) / started.elapsed().as_secs_f64());
}
