//! Signatures of clients, by their own public keys.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};
use gapura_core::oauth::{Material, PublicKey, SignatureAlg};

/// Whether a signature over a message is this key's, by the key's own algorithm.
//= RFC8725#3.1
pub fn verifies(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    let by_rsa = |n: &[u8], parameters: &'static RsaParameters| {
        let key = RsaPublicKeyComponents { n, e: [1_u8, 0, 1].as_slice() };
        key.verify(parameters, message, signature).is_ok()
    };
    match (&key.material, key.alg) {
        (Material::P256 { x, y }, SignatureAlg::Es256) => {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point(x, y)).verify(message, signature).is_ok()
        }
        (Material::Ed25519(x), SignatureAlg::EdDsa) => {
            UnparsedPublicKey::new(&ED25519, x).verify(message, signature).is_ok()
        }
        (Material::Rsa { n }, SignatureAlg::Rs256) => by_rsa(n, &RSA_PKCS1_2048_8192_SHA256),
        (Material::Rsa { n }, SignatureAlg::Ps256) => by_rsa(n, &RSA_PSS_2048_8192_SHA256),
        _ => false,
    }
}

/// Whether the numbers are a key at all: a point may lie beside its curve.
pub fn is_key(key: &PublicKey) -> bool {
    match &key.material {
        Material::P256 { x, y } => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point(x, y)).is_ok(),
        Material::Ed25519(x) => ParsedPublicKey::new(&ED25519, x).is_ok(),
        Material::Rsa { .. } => true,
    }
}

/// SEC 1 section 2.3.3: 0x04, then x and y of 32 bytes each.
fn point(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}
