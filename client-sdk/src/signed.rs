//! Signed tokens that are not ID tokens: access tokens of an API's callers and logout tokens.
//!
//! The rules that both share, in the order of the lines: length, `typ`, no `crit`, an asymmetric algorithm from our
//! list, a key from the provider's set (never one the token brings along), the signature. What the claims must say
//! is the caller's part.

use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::keys::KeySet;

/// No token of a provider is as long as this.
const MAX_LENGTH: usize = 16 * 1024;

/// Algorithms a token may be signed with. HMAC and `none` are not among them.
const ALGORITHMS: [Algorithm; 6] =
    [Algorithm::ES256, Algorithm::ES384, Algorithm::RS256, Algorithm::PS256, Algorithm::PS512, Algorithm::EdDSA];

/// Checks type and signature and reads the claims.
//= RFC8725#3.1
//= RFC8725#3.11
pub(crate) fn verify<C: DeserializeOwned>(token: &str, typ: &str, keys: &KeySet) -> Result<C, Error> {
    if token.len() > MAX_LENGTH {
        return Err(refused("longer than any token"));
    }
    let header = jsonwebtoken::decode_header(token).map_err(|cause| refused(&cause.to_string()))?;
    if !header.typ.as_deref().is_some_and(|given| is_type(given, typ)) {
        return Err(refused(&format!("typ is not {typ}")));
    }
    if header.crit.is_some() {
        return Err(refused("crit names an extension nobody here understands"));
    }
    if !ALGORITHMS.contains(&header.alg) {
        return Err(refused("alg is not on the list"));
    }
    let key = key_for(&header, keys)?;
    let decoding = DecodingKey::from_jwk(key).map_err(|cause| refused(&cause.to_string()))?;
    let decoded = jsonwebtoken::decode::<C>(token, &decoding, &only_signature(header.alg));
    decoded.map(|data| data.claims).map_err(|cause| refused(&cause.to_string()))
}

/// The claims are checked by our own lines with our own clock; the library checks the signature with this algorithm.
fn only_signature(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

/// RFC 7515 section 4.1.9: `application/` may be left out, case does not count.
fn is_type(given: &str, wanted: &str) -> bool {
    let given = given.to_ascii_lowercase();
    given.strip_prefix("application/").unwrap_or(&given) == wanted
}

/// The key the token names; a token without `kid` needs a set with one fitting key.
fn key_for<'a>(header: &Header, keys: &'a KeySet) -> Result<&'a Jwk, Error> {
    let mut fitting = keys.keys.iter().filter(|key| {
        let named = header.kid.is_none() || key.common.key_id == header.kid;
        let signs = !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption | PublicKeyUse::Other(_)));
        let algorithm = key.common.key_algorithm.is_none_or(|alg| alg.to_string().parse() == Ok(header.alg));
        named && signs && algorithm
    });
    match (fitting.next(), fitting.next()) {
        (Some(key), None) => Ok(key),
        (None, _) => Err(refused("no key of the provider fits")),
        (Some(_), Some(_)) => Err(refused("several keys of the provider fit")),
    }
}

/// A refusal with its reason.
pub(crate) fn refused(why: &str) -> Error {
    Error::Token(why.to_owned())
}

/// `aud` as it may stand in a token: one text or several.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(crate) fn names(&self, wanted: &str) -> bool {
        match self {
            Self::One(one) => one == wanted,
            Self::Several(all) => all.iter().any(|one| one == wanted),
        }
    }
}
