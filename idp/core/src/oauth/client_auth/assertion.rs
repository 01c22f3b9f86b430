//! `private_key_jwt` (RFC 7523 sections 2.2 and 3, OpenID Connect Core section 9): a client signs a short statement
//! about itself, for us alone and for one use.
//!
//! ```text
//! parse ─▶ check (claims: for whom, when) ─▶ addressee (client and its keys) ─▶ prove (signature) ─▶ once (its mark)
//! ```
//! A [`Caller`] comes out of the last step only. The mark of `jti` is claimed between the last two, after the
//! signature, so that strangers fill no memory, and until nobody accepts the assertion any more.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Number;
use sha2::{Digest, Sha256};

use super::{Caller, invalid_client};
use crate::{
    oauth::{AuthMethod, Client, ClientKeys, ErrorCode, KeySet, OAuthError, PublicKey, SignatureAlg},
    time::Instant,
};

/// `client_assertion_type` (RFC 7523 section 2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// `exp` lies at most this far ahead of now, beside [`AHEAD`].
pub const LONGEST_LIFE: Duration = Duration::from_secs(300);
/// A client's clock may be this much ahead of ours. Short: so long after a restart without a shared memory,
/// nobody can say whether an assertion was used before it.
pub const AHEAD: Duration = Duration::from_secs(10);
/// A client's clock may be this much behind ours: `exp` may have passed by as much.
pub const BEHIND: Duration = Duration::from_secs(30);
const MAX_JTI: usize = 256;

/// A client's statement about itself, taken apart but not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    alg: SignatureAlg,
    kid: Option<String>,
    claims: Claims,
    message: String,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: NumericDate,
    nbf: Option<NumericDate>,
    iat: Option<NumericDate>,
    jti: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Seconds, which RFC 7519 section 2 allows to be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Number")]
struct NumericDate(Instant);

impl TryFrom<Number> for NumericDate {
    type Error = &'static str;

    fn try_from(number: Number) -> Result<Self, Self::Error> {
        let seconds = number.as_f64().filter(|seconds| (0.0..1e11).contains(seconds));
        let millis = seconds.map(|seconds| (seconds * 1000.0) as i64);
        millis.map(|millis| Self(Instant::from_millis(millis))).ok_or("no date")
    }
}

impl Assertion {
    /// Takes a compact JWS apart. Its header names an algorithm and a key of ours and brings nothing along.
    //= RFC8725#3.1
    //= RFC8725#3.11
    pub fn parse(sent: &str) -> Result<Self, OAuthError> {
        let malformed = || invalid_client("client_assertion is no signed JWT of a client");
        let mut parts = sent.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed());
        };
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed());
        let read: Header = serde_json::from_slice(&decode(header)?).map_err(|_| malformed())?;
        if read.typ.as_deref().is_some_and(|typ| !is_type(typ)) {
            return Err(invalid_client("the typ of client_assertion is another kind of token's"));
        }
        let alg = read.alg.parse().map_err(|_| invalid_client("the alg of client_assertion is not supported"))?;
        Ok(Self {
            alg,
            kid: read.kid,
            claims: serde_json::from_slice(&decode(claims)?).map_err(|_| malformed())?,
            message: format!("{header}.{claims}"),
            signature: decode(signature)?,
        })
    }

    /// The client it speaks of.
    pub fn client_id(&self) -> &str {
        &self.claims.sub
    }

    /// The key it names, and what for.
    pub fn key(&self) -> (Option<&str>, SignatureAlg) {
        (self.kid.as_deref(), self.alg)
    }

    /// What can be said without knowing the client: about whom, for whom, and when. Sentences for developers
    /// are safe here: they tell what the assertion itself says.
    //= RFC7523#3
    //= OIDC-CORE#9
    //= T15
    pub fn check(&self, issuer: &str, now: Instant) -> Result<(), OAuthError> {
        let Claims { iss, sub, aud, exp, nbf, iat, jti } = &self.claims;
        let later = |date: &Option<NumericDate>| date.is_some_and(|date| date.0 > now.plus(AHEAD));
        let rules = [
            (iss == sub, "iss and sub of client_assertion must both be the client_id"),
            (is_for(aud, issuer), "aud of client_assertion must be the issuer, alone"),
            (now < exp.0.plus(BEHIND), "client_assertion has expired"),
            (exp.0 <= now.plus(LONGEST_LIFE + AHEAD), "exp of client_assertion is more than five minutes ahead"),
            (!later(nbf), "client_assertion is not valid yet: nbf lies ahead"),
            (!later(iat), "client_assertion was issued in the future: iat lies ahead"),
            (!jti.is_empty() && jti.len() <= MAX_JTI, "jti of client_assertion must have 1 to 256 bytes"),
        ];
        match rules.into_iter().find(|(kept, _)| !kept) {
            Some((_, why)) => Err(invalid_client(why)),
            None => Ok(()),
        }
    }

    /// The client it speaks of, if that one proves itself so, and where its keys are.
    pub fn addressee<'a>(
        &self,
        client: Option<&'a Arc<Client>>,
    ) -> Result<(&'a Arc<Client>, &'a ClientKeys), OAuthError> {
        let client = client.ok_or_else(|| refused("unknown client"))?;
        match &client.keys {
            Some(keys) if client.auth_method == AuthMethod::PrivateKeyJwt => Ok((client, keys)),
            _ => Err(refused("another method is registered")),
        }
    }

    /// Compares the signature with the client's key of this name. `verifies`: whether a signature over a message
    /// is a key's.
    //= RFC7523#3
    pub fn prove(
        &self,
        client: &Arc<Client>,
        keys: &KeySet,
        verifies: impl FnOnce(&PublicKey, &[u8], &[u8]) -> bool,
    ) -> Result<Signed, OAuthError> {
        let key = keys.find(self.kid.as_deref(), self.alg).ok_or_else(|| refused("no key of the client fits"))?;
        if !verifies(key, self.message.as_bytes(), &self.signature) {
            return Err(refused("wrong signature"));
        }
        // After the proof, so that a stranger learns nothing about the client.
        if !client.enabled {
            return Err(refused("client disabled"));
        }
        let mut mark = Sha256::new();
        mark.update(client.id.as_str());
        mark.update([0]);
        mark.update(&self.claims.jti);
        Ok(Signed {
            caller: Caller(Arc::clone(client)),
            mark: URL_SAFE_NO_PAD.encode(mark.finalize()),
            exp: self.claims.exp.0,
            iat: self.claims.iat.map(|iat| iat.0),
        })
    }
}

/// RFC 7519 section 5.1: `application/` may be left out, case does not count.
fn is_type(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    matches!(typ.strip_prefix("application/").unwrap_or(&typ), "jwt" | "client-authentication+jwt")
}

/// The issuer alone; or the address of the token endpoint as a lone text, which OpenID Connect Core section 9 asks
/// for and old libraries send. Several audiences are refused, even where we are among them: what another server
/// may take from the client as well, it may also pass on to us.
fn is_for(aud: &Audience, issuer: &str) -> bool {
    match aud {
        Audience::One(one) => one == issuer || one.strip_prefix(issuer) == Some("/token"),
        Audience::Several(all) => matches!(all.as_slice(), [one] if one == issuer),
    }
}

fn refused(private: &str) -> OAuthError {
    invalid_client("client authentication failed").because(private)
}

/// A proved assertion whose one use is not yet claimed.
#[derive(Debug)]
pub struct Signed {
    caller: Caller,
    mark: String,
    exp: Instant,
    iat: Option<Instant>,
}

impl Signed {
    /// What to claim, and until when: the client's `jti`, for as long as the assertion could be accepted.
    pub fn mark(&self) -> (&str, Instant) {
        (&self.mark, self.exp.plus(BEHIND))
    }

    /// The client, if the mark was claimed first by this request and no use before `marks_since` can have been
    /// forgotten. An assertion accepted before that moment was issued at most [`AHEAD`] later by its own clock,
    /// and ended at most [`LONGEST_LIFE`] and [`AHEAD`] later.
    //= RFC7523#3
    //= T19
    pub fn once(self, claimed: bool, marks_since: Instant) -> Result<Caller, OAuthError> {
        if !claimed {
            return Err(refused("jti was used before"));
        }
        let issued_after = self.iat.is_some_and(|iat| iat >= marks_since.plus(AHEAD));
        if issued_after || self.exp > marks_since.plus(LONGEST_LIFE + AHEAD) {
            return Ok(self.caller);
        }
        let public = "whether this client_assertion was used before a restart is not known; send a new one in a moment";
        Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, public).because("issued before the marks began"))
    }
}

#[cfg(test)]
mod tests;
