//! The libraries alone, in a loop on the server's core: what no server can exceed.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use serde_json::{Value, json};

use crate::{bare::on_servers_core, ceiling::PAYLOAD, hashing::Arena, load::Figures};

/// Loops a second.
pub(crate) struct Raw(Value);

impl Raw {
    /// Measures them in a process of its own on the server's core.
    pub(crate) fn measure() -> Self {
        let done = on_servers_core().arg("raw").output().unwrap();
        Self(serde_json::from_slice(&done.stdout).unwrap())
    }

    /// How often a second: `sign ES256`, `verify EdDSA`.
    pub(crate) fn of(&self, what: &str) -> f64 {
        self.0[what].as_f64().unwrap_or_else(|| panic!("{what} was not measured"))
    }

    /// The hash as if it were a load.
    pub(crate) fn hashes(&self) -> Figures {
        let rate = self.of("hash");
        let ms = 1e3 / rate;
        Figures { rate, p50_ms: ms, p95_ms: ms, p99_ms: ms, max_ms: ms, cpu_us: 1e6 / rate }
    }
}

/// Prints all of them as JSON.
pub(crate) fn run() {
    let message = [7; PAYLOAD];
    let random = SystemRandom::new();
    let es256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let eddsa = Ed25519KeyPair::generate().unwrap();
    let rs256 = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let mut rsa_signature = vec![0; 256];
    rs256.sign(&RSA_PKCS1_SHA256, &random, &message, &mut rsa_signature).unwrap();
    let by_es256 = es256.sign(&random, &message).unwrap();
    let by_eddsa = eddsa.sign(&message);
    let of_es256 = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, es256.public_key()).unwrap();
    let of_eddsa = ParsedPublicKey::new(&ED25519, eddsa.public_key()).unwrap();
    let of_rs256 = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, rs256.public_key()).unwrap();
    let mut made = vec![0; 256];
    let figures = json!({
        "sign ES256": often(|| {
            black_box(es256.sign(&random, &message).unwrap());
        }),
        "sign EdDSA": often(|| { black_box(eddsa.sign(&message)); }),
        "sign RS256": often(|| rs256.sign(&RSA_PKCS1_SHA256, &random, &message, &mut made).unwrap()),
        "verify ES256": often(|| of_es256.verify_sig(&message, by_es256.as_ref()).unwrap()),
        "verify EdDSA": often(|| of_eddsa.verify_sig(&message, by_eddsa.as_ref()).unwrap()),
        "verify RS256": often(|| of_rs256.verify_sig(&message, &rsa_signature).unwrap()),
        "hash": hashes(),
    });
    println!("{figures}");
}

/// For a second: how often.
fn often(mut what: impl FnMut()) -> f64 {
    let started = Instant::now();
    let mut done = 0_u32;
    while started.elapsed() < Duration::from_secs(1) {
        for _ in 0..16 {
            what();
        }
        done += 16;
    }
    f64::from(done) / started.elapsed().as_secs_f64()
}

/// Argon2id for three seconds.
fn hashes() -> f64 {
    let mut arena = Arena::new();
    let started = Instant::now();
    let mut done = 0_u32;
    while started.elapsed() < Duration::from_secs(3) {
        black_box(arena.tag("kata sandi", b"0123456789abcdef", b""));
        done += 1;
    }
    f64::from(done) / started.elapsed().as_secs_f64()
}
