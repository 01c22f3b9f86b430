//! The ID token (OpenID Connect Core section 2) and what one says when it comes back as a hint.
//!
//! It carries `sub`, `sid`, how and when the person signed in, and roles, but nothing personal: ID
//! tokens travel in addresses as hints. Personal claims come from userinfo only.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256, Sha512};

use crate::{
    id::{ClientId, SessionId},
    oauth::{Family, Scope, Scopes, SignatureAlg, token::ID_TOKEN_LIFETIME},
    oidc::Issuing,
};

/// The claims of an ID token. Names and shapes are fixed (docs/claims.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdClaims {
    /// Issuer.
    pub iss: String,
    /// The person.
    pub sub: String,
    /// The client.
    pub aud: ClientId,
    /// Seconds.
    pub iat: i64,
    /// Seconds.
    pub exp: i64,
    /// When the person last proved who they are, seconds.
    pub auth_time: i64,
    /// The request's, unchanged; not in refreshed tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Authentication context class.
    pub acr: String,
    /// Authentication methods.
    pub amr: Vec<String>,
    /// Session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// Binds the access token given beside it.
    pub at_hash: String,
    /// Roles in the application, where scope `peran` was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
}

/// Whether the token follows a code or a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A code: the request's nonce is repeated.
    Code,
    /// A refresh: no nonce (OpenID Connect Core section 12.2).
    Refresh,
}

/// Builds the claims beside an access token; `alg` will sign them. `roles`: those held now.
//= OIDC-CORE#2
//= OIDC-CORE#12.2
//= OIDC-CORE#3.1.3.6
pub fn claims(
    at: Issuing<'_>,
    (sub, family): (&str, &Family),
    (access_token, alg): (&str, SignatureAlg),
    roles: &[String],
    occasion: Occasion,
) -> IdClaims {
    let peran = Scopes::of(family.scopes.iter().map(String::as_str)).has(Scope::Peran);
    IdClaims {
        iss: at.issuer.to_owned(),
        sub: sub.to_owned(),
        aud: family.client_id.clone(),
        iat: at.now.seconds(),
        exp: at.now.plus(ID_TOKEN_LIFETIME).seconds(),
        auth_time: family.auth_time.seconds(),
        nonce: family.nonce.clone().filter(|_| occasion == Occasion::Code),
        acr: family.acr.clone(),
        amr: family.amr.clone(),
        sid: family.session_id.clone(),
        at_hash: at_hash(access_token, alg),
        roles: peran.then(|| roles.to_vec()),
    }
}

/// The left half of a hash of the access token: the hash that the ID token's own signature uses, which is
/// SHA-512 for Ed25519 (RFC 8032 section 5.1) and SHA-256 for the others.
//= OIDC-CORE#3.1.3.6
pub fn at_hash(access_token: &str, alg: SignatureAlg) -> String {
    let half = |digest: &[u8]| URL_SAFE_NO_PAD.encode(digest.get(..digest.len() / 2).unwrap_or_default());
    match alg {
        SignatureAlg::EdDsa => half(&Sha512::digest(access_token)),
        SignatureAlg::Es256 | SignatureAlg::Rs256 | SignatureAlg::Ps256 => half(&Sha256::digest(access_token)),
    }
}

/// What a verified ID token of ours, expired or not, says as a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdTokenHint {
    /// The person meant.
    pub sub: String,
    /// The client it was issued to.
    pub audience: ClientId,
    /// The session it came from.
    pub session: Option<SessionId>,
}

/// A hint that is no ID token of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOurs;

impl IdTokenHint {
    /// Reads verified claims; `None` where they are not those of an ID token.
    pub fn of(claims: &Value) -> Option<Self> {
        let claims = IdClaims::deserialize(claims).ok()?;
        Some(Self { sub: claims.sub, audience: claims.aud, session: claims.sid })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{access::fixtures::family, time::Instant};

    const AT: Issuing<'_> = Issuing { issuer: "https://i", now: Instant::from_millis(1_000_000) };

    //= OIDC-CORE#2 test
    #[test]
    fn it_says_who_when_and_how_and_nothing_personal() {
        let family = Family { nonce: Some("n".into()), scopes: vec!["openid".into(), "email".into()], ..family() };
        let made = claims(AT, ("sub-1", &family), ("token", SignatureAlg::Es256), &["guru".into()], Occasion::Code);
        let expected = json!({
            "iss": "https://i", "sub": "sub-1", "aud": "presensi", "iat": 1000, "exp": 1300, "auth_time": 0, "nonce": "n",
            "acr": "pwd", "amr": ["pwd"], "sid": "sid-1",
            "at_hash": at_hash("token", SignatureAlg::Es256),
        });
        assert_eq!(serde_json::to_value(&made).unwrap(), expected);
        let hint = IdTokenHint::of(&expected).unwrap();
        assert_eq!((hint.sub.as_str(), hint.audience.as_str()), ("sub-1", "presensi"));
        assert_eq!(hint.session, Some(SessionId::new("sid-1")));
        assert_eq!(IdTokenHint::of(&json!({"iss": "https://i", "sub": "sub-1", "aud": "urn:app"})), None);
    }

    //= OIDC-CORE#12.2 test
    #[test]
    fn a_refreshed_one_keeps_the_sign_in_and_drops_the_nonce() {
        let family = Family { nonce: Some("n".into()), scopes: vec!["openid".into(), "peran".into()], ..family() };
        let first = claims(AT, ("sub-1", &family), ("a", SignatureAlg::Es256), &["guru".into()], Occasion::Code);
        let later = Issuing { now: Instant::from_millis(200_000_000), ..AT };
        let again =
            claims(later, ("sub-1", &family), ("b", SignatureAlg::Es256), &["kepala".into()], Occasion::Refresh);
        assert_eq!(
            (&first.iss, &first.sub, &first.aud, first.auth_time),
            (&again.iss, &again.sub, &again.aud, again.auth_time)
        );
        assert_eq!((first.nonce.as_deref(), again.nonce.as_deref()), (Some("n"), None));
        assert_eq!(again.roles, Some(vec!["kepala".into()]), "roles are those held now");
        assert_ne!(first.at_hash, again.at_hash);
    }

    //= OIDC-CORE#3.1.3.6 test
    #[test]
    fn at_hash_is_the_left_half() {
        // OpenID Connect Core appendix A.3.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        for alg in [SignatureAlg::Es256, SignatureAlg::Rs256, SignatureAlg::Ps256] {
            assert_eq!(at_hash(token, alg), "77QmUPtjPfzWtF2AnpK9RQ");
        }
        assert_eq!(at_hash(token, SignatureAlg::EdDsa).len(), 43, "half of SHA-512");
    }
}
