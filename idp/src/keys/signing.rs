//! Key pairs that sign tokens, parsed once and kept: the library parses an RSA key in more time
//! than it signs.

use std::{collections::HashMap, sync::Arc};

use aws_lc_rs::{
    digest,
    encoding::AsDer as _,
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
        RsaEncoding, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use gapura_core::{
    id::KeyId,
    oauth::{KeyProvider, PublicKey, SignatureAlg, SigningKeyState, StoredSigningKey, TokenType},
    time::Instant,
};
use serde::Serialize;

use super::{Claims, Expected, KeyError, TokenRefused, public::Verifier, root::RootKey, verify};
use crate::entropy::Entropy;

/// One key pair, ready to sign and to verify.
pub struct SigningKey {
    id: KeyId,
    alg: SignatureAlg,
    /// `None`: its private half does not open here.
    pair: Option<Pair>,
    public: Verifier,
}

enum Pair {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
    Ps256(RsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

/// Makes a new key pair, to sign at once (`Active`) or later (`Next`). RSA takes up to a second: off the async threads.
pub fn generate(
    alg: SignatureAlg,
    state: SigningKeyState,
    root: &RootKey,
    now: Instant,
) -> Result<StoredSigningKey, KeyError> {
    let (private, jwk) = match alg {
        SignatureAlg::Es256 => generate_ec()?,
        SignatureAlg::Rs256 | SignatureAlg::Ps256 => generate_rsa()?,
        SignatureAlg::EdDsa => generate_ed()?,
    };
    let id = thumbprint(&jwk);
    let wrapped_private = root.wrap(&wrapped_name(&id), private.expose(), Entropy)?;
    Ok(StoredSigningKey {
        public_jwk: published(&jwk, &id, alg),
        id: KeyId::new(id),
        algorithm: alg,
        provider: KeyProvider::Software,
        state,
        wrapped_private,
        created_at: now,
        activated_at: (state == SigningKeyState::Active).then_some(now),
        retired_at: None,
    })
}

type Private = gapura_core::secret::Secret<Vec<u8>>;

/// The members of a public key that its thumbprint covers, in the order RFC 7638 demands.
type Members = Vec<(&'static str, String)>;

fn generate_ec() -> Result<(Private, Members), KeyError> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| KeyError::Refused)?;
    let private = pair.to_pkcs8v1().map_err(|_| KeyError::Refused)?;
    // SEC 1 section 2.3.3: 0x04, then x and y of 32 bytes each.
    let point = pair.public_key().as_ref();
    let half =
        |from: usize| point.get(from..from + 32).map(|part| URL_SAFE_NO_PAD.encode(part)).ok_or(KeyError::Refused);
    let members = vec![("crv", "P-256".to_owned()), ("kty", "EC".to_owned()), ("x", half(1)?), ("y", half(33)?)];
    Ok((Private::new(private.as_ref().to_vec()), members))
}

//= RFC8037#2
fn generate_ed() -> Result<(Private, Members), KeyError> {
    let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Refused)?;
    let private = pair.to_pkcs8().map_err(|_| KeyError::Refused)?;
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    let members = vec![("crv", "Ed25519".to_owned()), ("kty", "OKP".to_owned()), ("x", x)];
    Ok((Private::new(private.as_ref().to_vec()), members))
}

fn generate_rsa() -> Result<(Private, Members), KeyError> {
    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).map_err(|_| KeyError::Refused)?;
    let private = pair.as_der().map_err(|_| KeyError::Refused)?;
    let public = pair.public_key();
    let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let members = vec![
        ("e", number(public.exponent().big_endian_without_leading_zero())),
        ("kty", "RSA".to_owned()),
        ("n", number(public.modulus().big_endian_without_leading_zero())),
    ];
    Ok((Private::new(private.as_ref().to_vec()), members))
}

//= RFC7638#3
fn thumbprint(members: &Members) -> String {
    let body = members.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect::<Vec<_>>().join(",");
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, format!("{{{body}}}").as_bytes()))
}

fn published(members: &Members, kid: &str, alg: SignatureAlg) -> String {
    let mut jwk = serde_json::Map::new();
    for (name, value) in members {
        jwk.insert((*name).to_owned(), value.clone().into());
    }
    for (name, value) in [("kid", kid), ("use", "sig"), ("alg", alg.as_str())] {
        jwk.insert(name.to_owned(), value.into());
    }
    serde_json::Value::Object(jwk).to_string()
}

fn wrapped_name(kid: &str) -> String {
    format!("signing {kid}")
}

/// The private half of a stored key, wrapped by another root key.
pub fn rewrap(stored: &StoredSigningKey, from: &RootKey, to: &RootKey) -> Result<Vec<u8>, KeyError> {
    let name = wrapped_name(stored.id.as_str());
    to.wrap(&name, from.unwrap(&name, &stored.wrapped_private)?.expose(), Entropy)
}

impl SigningKey {
    fn open(root: &RootKey, stored: &StoredSigningKey) -> Result<Self, KeyError> {
        let private = root.unwrap(&wrapped_name(stored.id.as_str()), &stored.wrapped_private)?;
        let malformed = || KeyError::Malformed(stored.id.to_string());
        let pair = match stored.algorithm {
            SignatureAlg::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private.expose()).map(Pair::Es256)
            }
            SignatureAlg::Rs256 => RsaKeyPair::from_pkcs8(private.expose()).map(Pair::Rs256),
            SignatureAlg::Ps256 => RsaKeyPair::from_pkcs8(private.expose()).map(Pair::Ps256),
            SignatureAlg::EdDsa => Ed25519KeyPair::from_pkcs8(private.expose()).map(Pair::EdDsa),
        }
        .map_err(|_| malformed())?;
        Ok(Self { pair: Some(pair), ..Self::public_half(stored)? })
    }

    /// A key that verifies and does not sign.
    fn public_half(stored: &StoredSigningKey) -> Result<Self, KeyError> {
        let malformed = || KeyError::Malformed(stored.id.to_string());
        let jwk = serde_json::from_str(&stored.public_jwk).map_err(|_| malformed())?;
        let key = PublicKey::from_jwk(&jwk).map_err(|_| malformed())?;
        let public = Verifier::new(&key).filter(|_| key.alg == stored.algorithm).ok_or_else(malformed)?;
        Ok(Self { id: stored.id.clone(), alg: stored.algorithm, pair: None, public })
    }

    /// The algorithm this key is for, and no other (RFC 8725 section 3.1).
    pub const fn alg(&self) -> SignatureAlg {
        self.alg
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verifies(message, signature)
    }

    /// A compact JWS over the claims.
    //= RFC7515#3.1
    pub fn sign<C: Serialize>(&self, typ: TokenType, claims: &C) -> Result<String, KeyError> {
        let header = format!(r#"{{"typ":"{typ}","alg":"{}","kid":"{}"}}"#, self.alg, self.id);
        // Room for nearly every token, so that neither grows while it is written.
        let mut body = Vec::with_capacity(1024);
        serde_json::to_writer(&mut body, claims).map_err(|_| KeyError::Refused)?;
        let mut token = String::with_capacity(2048);
        URL_SAFE_NO_PAD.encode_string(header, &mut token);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(body, &mut token);
        let signature = self.signature(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    pub(super) fn signature(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match self.pair.as_ref().ok_or_else(|| KeyError::Unopened(self.id.to_string()))? {
            Pair::Es256(pair) => {
                let made = pair.sign(&SystemRandom::new(), message).map_err(|_| KeyError::Refused)?;
                Ok(made.as_ref().to_vec())
            }
            Pair::Rs256(pair) => rsa_signature(pair, &RSA_PKCS1_SHA256, message),
            Pair::Ps256(pair) => rsa_signature(pair, &RSA_PSS_SHA256, message),
            Pair::EdDsa(pair) => {
                pair.try_sign(message).map(|made| made.as_ref().to_vec()).map_err(|_| KeyError::Refused)
            }
        }
    }
}

fn rsa_signature(pair: &RsaKeyPair, encoding: &'static dyn RsaEncoding, message: &[u8]) -> Result<Vec<u8>, KeyError> {
    let mut made = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), message, &mut made).map_err(|_| KeyError::Refused)?;
    Ok(made)
}

/// The signing keys of one moment.
#[derive(Default)]
pub struct SigningSet {
    keys: HashMap<KeyId, Arc<SigningKey>>,
    active: HashMap<SignatureAlg, Arc<SigningKey>>,
    jwks: Bytes,
}

impl SigningSet {
    /// From stored keys; those of `before` are not parsed again. Keys that are gone are left out:
    /// nothing they signed is accepted. One that signs must open; of another the public half is enough.
    pub(super) fn build(root: &RootKey, stored: &[StoredSigningKey], before: &Self) -> Result<Self, KeyError> {
        let mut set = Self::default();
        let mut published: Vec<&StoredSigningKey> =
            stored.iter().filter(|key| key.state != SigningKeyState::Gone).collect();
        published.sort_by(|a, b| (a.algorithm, a.created_at, &a.id).cmp(&(b.algorithm, b.created_at, &b.id)));
        for stored in &published {
            let key = match before.keys.get(&stored.id).filter(|key| key.pair.is_some()) {
                Some(key) => Arc::clone(key),
                None => Arc::new(match SigningKey::open(root, stored) {
                    Err(_) if stored.state != SigningKeyState::Active => SigningKey::public_half(stored)?,
                    opened => opened?,
                }),
            };
            if stored.state == SigningKeyState::Active {
                set.active.insert(stored.algorithm, Arc::clone(&key));
            }
            set.keys.insert(stored.id.clone(), key);
        }
        let list = published.iter().map(|key| key.public_jwk.as_str()).collect::<Vec<_>>().join(",");
        set.jwks = Bytes::from(format!("{{\"keys\":[{list}]}}"));
        Ok(set)
    }

    /// The key that signs with `alg` now.
    pub fn active(&self, alg: SignatureAlg) -> Option<&Arc<SigningKey>> {
        self.active.get(&alg)
    }

    /// A published key.
    pub(super) fn get(&self, kid: &str) -> Option<&Arc<SigningKey>> {
        self.keys.get(&KeyId::new(kid))
    }

    /// Those whose private half does not open here.
    pub(super) fn shut(&self) -> impl Iterator<Item = &KeyId> {
        self.keys.values().filter(|key| key.pair.is_none()).map(|key| &key.id)
    }

    /// The JWKS document (RFC 7517 section 5), ready to send.
    pub fn jwks(&self) -> Bytes {
        self.jwks.clone()
    }

    /// The claims of a token that one of these keys signed, if it is of the expected kind and alive.
    pub fn verify<C: Claims>(&self, token: &str, expected: &Expected<'_>) -> Result<C, TokenRefused> {
        verify::verify(self, token, expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_millis(1_795_000_000_000);

    //= RFC7638#3 test
    #[test]
    fn the_thumbprint_is_that_of_the_rfc() {
        let members = vec![
            ("e", "AQAB".to_owned()),
            ("kty", "RSA".to_owned()),
            (
                "n",
                "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi\
                 FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb\
                 9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls\
                 1jF44-csFCur-kEgU8awapJzKnqDKgw"
                    .to_owned(),
            ),
        ];
        assert_eq!(thumbprint(&members), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    /// RFC 8037 appendix A.3.
    //= RFC8037#2 test
    #[test]
    fn the_thumbprint_of_an_edwards_key_is_that_of_the_rfc() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned();
        let members = vec![("crv", "Ed25519".to_owned()), ("kty", "OKP".to_owned()), ("x", x)];
        assert_eq!(thumbprint(&members), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    /// One key, one algorithm: its JWK says which, and its kind of key fits.
    //= RFC8037#2 test
    #[test]
    fn each_algorithm_has_a_key_of_its_own_kind() {
        let root = RootKey::from_bytes([3; 32]);
        for (alg, kty) in [
            (SignatureAlg::Es256, "EC"),
            (SignatureAlg::Rs256, "RSA"),
            (SignatureAlg::Ps256, "RSA"),
            (SignatureAlg::EdDsa, "OKP"),
        ] {
            let made = generate(alg, SigningKeyState::Active, &root, NOW).unwrap();
            let jwk: serde_json::Value = serde_json::from_str(&made.public_jwk).unwrap();
            assert_eq!(
                (&jwk["kty"], &jwk["alg"], &jwk["kid"]),
                (&kty.into(), &alg.as_str().into(), &made.id.as_str().into())
            );
            assert_eq!(SigningKey::open(&root, &made).unwrap().alg(), alg);
        }
    }

    #[test]
    fn keys_are_published_until_they_are_gone_and_parsed_once() {
        let root = RootKey::from_bytes([3; 32]);
        let mut first = generate(SignatureAlg::Es256, SigningKeyState::Active, &root, NOW).unwrap();
        let set = SigningSet::build(&root, std::slice::from_ref(&first), &SigningSet::default()).unwrap();
        let second = generate(SignatureAlg::Es256, SigningKeyState::Active, &root, NOW).unwrap();
        first.state = SigningKeyState::Retiring;
        let rotated = SigningSet::build(&root, &[first.clone(), second.clone()], &set).unwrap();
        assert_eq!(rotated.active(SignatureAlg::Es256).unwrap().id, second.id);
        assert!(Arc::ptr_eq(rotated.get(first.id.as_str()).unwrap(), set.get(first.id.as_str()).unwrap()));
        first.state = SigningKeyState::Gone;
        let gone = SigningSet::build(&root, &[first.clone(), second], &rotated).unwrap();
        assert!(gone.get(first.id.as_str()).is_none());
        let jwks: serde_json::Value = serde_json::from_slice(&gone.jwks()).unwrap();
        assert_eq!(jwks["keys"].as_array().unwrap().len(), 1);
        assert!(!gone.jwks().windows(3).any(|part| part == b"\"d\""));
    }
}
