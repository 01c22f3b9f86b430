//! Public keys, our own and those of clients: parsed once, and for one algorithm each.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaParameters, RsaPublicKeyComponents,
};
use gapura_core::oauth::{Material, PublicKey, SignatureAlg};

/// A public key, ready to verify.
pub struct Verifier(Parsed);

enum Parsed {
    Elliptic(ParsedPublicKey),
    Rsa { n: Vec<u8>, scheme: &'static RsaParameters },
}

impl Verifier {
    /// `None` where the numbers are no key for its algorithm: a point may lie beside its curve.
    //= RFC8725#3.1
    pub fn new(key: &PublicKey) -> Option<Self> {
        let rsa = |n: &[u8], scheme| Some(Parsed::Rsa { n: n.to_vec(), scheme });
        match (&key.material, key.alg) {
            (Material::P256 { x, y }, SignatureAlg::Es256) => {
                // SEC 1 section 2.3.3: 0x04, then x and y of 32 bytes each.
                let point = [&[4], x.as_slice(), y].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok().map(Parsed::Elliptic)
            }
            (Material::Ed25519(x), SignatureAlg::EdDsa) => ParsedPublicKey::new(&ED25519, x).ok().map(Parsed::Elliptic),
            (Material::Rsa { n }, SignatureAlg::Rs256) => rsa(n, &RSA_PKCS1_2048_8192_SHA256),
            (Material::Rsa { n }, SignatureAlg::Ps256) => rsa(n, &RSA_PSS_2048_8192_SHA256),
            _ => None,
        }
        .map(Self)
    }

    /// Whether a signature over a message is this key's.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Parsed::Elliptic(key) => key.verify_sig(message, signature).is_ok(),
            Parsed::Rsa { n, scheme } => {
                let key = RsaPublicKeyComponents { n: n.as_slice(), e: [1_u8, 0, 1].as_slice() };
                key.verify(scheme, message, signature).is_ok()
            }
        }
    }
}

/// Whether a signature over a message is this key's, by the key's own algorithm.
pub fn verifies(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    Verifier::new(key).is_some_and(|key| key.verifies(message, signature))
}
