//! Tokens of our own that come back: access tokens at userinfo and introspection, ID tokens as
//! hints. (RFC 8725; incident T1: a confused algorithm made any client any user.)
//!
//! The header may hold `alg`, `kid` and `typ` and nothing else: a key or an address in it is not
//! looked at but refused. The key comes from our set by `kid`, and the algorithm is the key's.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gapura_core::{
    oauth::{SignatureAlg, TokenType},
    time::Instant,
};
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::signing::SigningSet;

/// What a token must be.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Its kind.
    pub typ: TokenType,
    /// Our issuer.
    pub issuer: &'a str,
    /// The moment at which it must be alive; `None` where an ended one is good enough (hints).
    pub alive_at: Option<Instant>,
}

/// Why a token is none of ours. For logs; callers answer as if there were no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TokenRefused {
    /// Not three parts of base64url with a JSON header of exactly `alg`, `kid`, `typ`.
    #[error("malformed")]
    Malformed,
    /// Another kind of token.
    #[error("typ")]
    Type,
    /// No published key of this id.
    #[error("kid")]
    UnknownKey,
    /// Another algorithm than the key's, or one not allowed for this kind.
    #[error("alg")]
    Algorithm,
    /// The signature is not the key's.
    #[error("signature")]
    Signature,
    /// Another issuer.
    #[error("iss")]
    Issuer,
    /// Ended, or without an end.
    #[error("exp")]
    Expired,
    /// Made after now: the clock was set back, and its end cannot be believed.
    #[error("iat")]
    Early,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

/// The algorithms each kind of token may have.
const fn allowed(typ: TokenType) -> &'static [SignatureAlg] {
    match typ {
        TokenType::AccessToken => &[SignatureAlg::Es256],
        TokenType::IdToken | TokenType::LogoutToken => SignatureAlg::ALL,
    }
}

//= RFC8725#3.1
//= RFC8725#3.11
//= RFC9068#4
pub(super) fn verify(set: &SigningSet, token: &str, expected: &Expected<'_>) -> Result<Value, TokenRefused> {
    let header = header(token)?;
    if header.typ != expected.typ.as_str() {
        return Err(TokenRefused::Type);
    }
    let key = set.get(&header.kid).ok_or(TokenRefused::UnknownKey)?;
    if header.alg != key.alg().as_str() || !allowed(expected.typ).contains(&key.alg()) {
        return Err(TokenRefused::Algorithm);
    }
    let algorithm = match key.alg() {
        SignatureAlg::Es256 => Algorithm::ES256,
        SignatureAlg::Rs256 => Algorithm::RS256,
        SignatureAlg::Ps256 => Algorithm::PS256,
        SignatureAlg::EdDsa => Algorithm::EdDSA,
    };
    let mut validation = Validation::new(algorithm);
    // Issuer and end are compared below with the caller's `now`; the audience is the caller's rule.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let data =
        jsonwebtoken::decode::<Value>(token, key.decoding(), &validation).map_err(|_| TokenRefused::Signature)?;
    if data.claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err(TokenRefused::Issuer);
    }
    if let Some(now) = expected.alive_at {
        let end = data.claims.get("exp").and_then(Value::as_i64).ok_or(TokenRefused::Expired)?;
        if now.seconds() >= end {
            return Err(TokenRefused::Expired);
        }
    }
    Ok(data.claims)
}

fn header(token: &str) -> Result<Header, TokenRefused> {
    let mut parts = token.split('.');
    let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(TokenRefused::Malformed);
    };
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenRefused::Malformed)?;
    serde_json::from_slice(&header).map_err(|_| TokenRefused::Malformed)
}

#[cfg(test)]
mod tests;
