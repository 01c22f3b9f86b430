//! Public keys, our own and those of clients, each for one algorithm.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaParameters, RsaPublicKeyComponents,
};
use gapura_core::oauth::{Material, PublicKey, SignatureAlg};

/// A public key, parsed once and ready to verify.
pub struct Verifier(ParsedPublicKey);

impl Verifier {
    /// `None` where the numbers are seen to be no key for its algorithm: a point of P-256 may lie beside the curve,
    /// an RSA modulus may be even. Of an Ed25519 key only a verification shows it.
    //= RFC8725#3.1
    pub fn new(key: &PublicKey) -> Option<Self> {
        let rsa = |n: &[u8], scheme: &'static RsaParameters| {
            RsaPublicKeyComponents { n, e: [1_u8, 0, 1].as_slice() }.to_parsed_public_key(scheme)
        };
        let parsed = match (&key.material, key.alg) {
            (Material::P256 { x, y }, SignatureAlg::Es256) => {
                // SEC 1 section 2.3.3: 0x04, then x and y of 32 bytes each.
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [&[4], x.as_slice(), y].concat())
            }
            (Material::Ed25519(x), SignatureAlg::EdDsa) => ParsedPublicKey::new(&ED25519, x),
            (Material::Rsa { n }, SignatureAlg::Rs256) => rsa(n, &RSA_PKCS1_2048_8192_SHA256),
            (Material::Rsa { n }, SignatureAlg::Ps256) => rsa(n, &RSA_PSS_2048_8192_SHA256),
            _ => return None,
        };
        parsed.ok().map(Self)
    }

    /// Whether a signature over a message is this key's.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

/// Whether a signature over a message is this key's, by the key's own algorithm.
pub fn verifies(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    Verifier::new(key).is_some_and(|key| key.verifies(message, signature))
}
