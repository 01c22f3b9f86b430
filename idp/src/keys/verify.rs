//! Tokens of our own that come back: access tokens at userinfo and introspection, ID tokens as
//! hints. (RFC 8725; incident T1: a confused algorithm made any client any user.)
//!
//! The header may hold `alg`, `kid` and `typ` and nothing else: a key or an address in it is not
//! looked at but refused. The key comes from our set by `kid`, and the algorithm is the key's.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gapura_core::{
    oauth::{SignatureAlg, TokenType},
    oidc::AccessClaims,
    time::Instant,
};
use serde::{Deserialize, de::DeserializeOwned};
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
    /// Not three parts of base64url, a header of exactly `alg`, `kid` and `typ`, or claims of another shape.
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

/// What every token of ours says, whatever else it says.
pub trait Claims: DeserializeOwned {
    /// `iss`.
    fn issuer(&self) -> Option<&str>;
    /// `exp`, seconds.
    fn end(&self) -> Option<i64>;
}

impl Claims for Value {
    fn issuer(&self) -> Option<&str> {
        self.get("iss").and_then(Self::as_str)
    }

    fn end(&self) -> Option<i64> {
        self.get("exp").and_then(Self::as_i64)
    }
}

impl Claims for AccessClaims {
    fn issuer(&self) -> Option<&str> {
        Some(&self.iss)
    }

    fn end(&self) -> Option<i64> {
        Some(self.exp)
    }
}

/// The claims of a token that one of these keys signed as what is expected.
pub(super) fn verify<C: Claims>(set: &SigningSet, token: &str, expected: &Expected<'_>) -> Result<C, TokenRefused> {
    signed(set, token, expected.typ)?;
    believed(token, expected)
}

//= RFC8725#3.1
//= RFC8725#3.11
//= RFC9068#4
fn signed(set: &SigningSet, token: &str, typ: TokenType) -> Result<(), TokenRefused> {
    let (message, [header, _, signature]) = parts(token)?;
    let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| TokenRefused::Malformed)?;
    if header.typ != typ.as_str() {
        return Err(TokenRefused::Type);
    }
    let key = set.get(&header.kid).ok_or(TokenRefused::UnknownKey)?;
    if header.alg != key.alg().as_str() || !allowed(typ).contains(&key.alg()) {
        return Err(TokenRefused::Algorithm);
    }
    if key.verifies(message.as_bytes(), &decoded(signature)?) { Ok(()) } else { Err(TokenRefused::Signature) }
}

/// The claims of a token **whose header and signature were checked before**: only what the clock and the settings
/// can change is looked at.
pub(super) fn believed<C: Claims>(token: &str, expected: &Expected<'_>) -> Result<C, TokenRefused> {
    let (_, [_, payload, _]) = parts(token)?;
    let claims: C = serde_json::from_slice(&decoded(payload)?).map_err(|_| TokenRefused::Malformed)?;
    if claims.issuer() != Some(expected.issuer) {
        return Err(TokenRefused::Issuer);
    }
    match (expected.alive_at, claims.end()) {
        (None, _) => Ok(claims),
        (Some(now), Some(end)) if now.seconds() < end => Ok(claims),
        (Some(_), _) => Err(TokenRefused::Expired),
    }
}

/// What is signed, and header, claims and signature.
fn parts(token: &str) -> Result<(&str, [&str; 3]), TokenRefused> {
    let (message, signature) = token.rsplit_once('.').ok_or(TokenRefused::Malformed)?;
    match message.split_once('.') {
        Some((header, claims)) if !claims.contains('.') => Ok((message, [header, claims, signature])),
        _ => Err(TokenRefused::Malformed),
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, TokenRefused> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenRefused::Malformed)
}

#[cfg(test)]
mod tests;
