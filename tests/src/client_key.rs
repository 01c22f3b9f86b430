//! A key with which an application proves itself (`private_key_jwt`): its public half, and what it signs.

use aws_lc_rs::{
    encoding::AsDer as _,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use gapura_core::oauth::{ClientKeys, KeySet, SignatureAlg, assertion::ASSERTION_TYPE};
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use serde_json::{Value, json};

use crate::relying_party::{pairs, random};

/// A key pair of an application.
#[derive(Clone)]
pub struct ClientKey {
    /// What it signs with.
    pub alg: SignatureAlg,
    /// Its public half, with `kid` and `alg`.
    pub jwk: Value,
    encoding: EncodingKey,
}

impl ClientKey {
    /// A new key.
    pub fn new(alg: SignatureAlg, kid: &str) -> Self {
        let random = SystemRandom::new();
        let encoding = match alg {
            SignatureAlg::Es256 => {
                let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
                EncodingKey::from_ec_der(der.as_ref())
            }
            SignatureAlg::EdDsa => {
                EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8v1(&random).unwrap().as_ref())
            }
            SignatureAlg::Rs256 | SignatureAlg::Ps256 => {
                let der = RsaKeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
                EncodingKey::from_rsa_pem(pem(der.as_ref()).as_bytes()).unwrap()
            }
        };
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&encoding, algorithm(alg)).unwrap()).unwrap();
        jwk["kid"] = kid.into();
        jwk["alg"] = alg.as_str().into();
        jwk["use"] = "sig".into();
        Self { alg, jwk, encoding }
    }

    /// The set that a client registers.
    pub fn registered(keys: &[&Self]) -> ClientKeys {
        ClientKeys::Inline(KeySet::registered(Self::set(keys).as_bytes()).unwrap())
    }

    /// The set as text.
    pub fn set(keys: &[&Self]) -> String {
        json!({"keys": keys.iter().map(|key| &key.jwk).collect::<Vec<_>>()}).to_string()
    }

    /// The header of its assertions.
    pub fn header(&self) -> Value {
        json!({"alg": self.alg, "kid": self.jwk["kid"]})
    }

    /// A JWS as it is asked for, right or wrong.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = crypto::sign(message.as_bytes(), &self.encoding, algorithm(self.alg)).unwrap();
        format!("{message}.{signature}")
    }
}

/// PKCS #8 as a text file.
fn pem(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let lines: String =
        encoded.as_bytes().chunks(64).map(|line| format!("{}\n", str::from_utf8(line).unwrap())).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{lines}-----END PRIVATE KEY-----\n")
}

const fn algorithm(alg: SignatureAlg) -> Algorithm {
    match alg {
        SignatureAlg::Es256 => Algorithm::ES256,
        SignatureAlg::Rs256 => Algorithm::RS256,
        SignatureAlg::Ps256 => Algorithm::PS256,
        SignatureAlg::EdDsa => Algorithm::EdDSA,
    }
}

/// The claims of a good assertion of a client for an issuer.
pub fn assertion_claims(client_id: &str, issuer: &str, now: i64) -> Value {
    json!({"iss": client_id, "sub": client_id, "aud": issuer, "exp": now + 60, "iat": now, "jti": random(16)})
}

/// The parameters that carry an assertion.
pub fn asserted(assertion: &str) -> Vec<(String, String)> {
    pairs(&[("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)])
}
