//! The checks of an ID token (OpenID Connect Core 3.1.3.7), all of them, every time.
//!
//! The openidconnect crate checks signature, issuer, audience, `typ`, `crit`, expiry and nonce. Added here: asymmetric
//! algorithms only (a public key is no HMAC secret), a leeway of one minute for clocks, `iat`, `azp` and `at_hash`.

use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use openidconnect::{AccessToken, AccessTokenHash, ClientId, IdTokenVerifier, Nonce, NonceVerifier};

use crate::clock::LEEWAY;
use crate::error::Error;
use crate::keys::KeySet;
use crate::provider::{MoreClaims, SignedIdToken};
use crate::settings::Settings;

/// Algorithms an ID token may be signed with. HMAC and `none` are not among them.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 6] = [
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// A sign-in is finished within this time after its token was issued, in seconds.
const MAX_AGE: i64 = 600;

/// What a checked ID token says.
#[derive(Debug)]
pub(crate) struct IdFacts {
    pub(crate) sub: String,
    pub(crate) issued_at: i64,
    pub(crate) more: MoreClaims,
    /// All claims, for a provider without userinfo.
    pub(crate) claims: serde_json::Map<String, serde_json::Value>,
}

/// The nonce an ID token must carry.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ExpectedNonce<'a> {
    /// The one of this sign-in.
    Exactly(&'a str),
    /// At a refresh: none, or the one of the sign-in (Core 12.2).
    NoneOr(&'a str),
}

impl NonceVerifier for ExpectedNonce<'_> {
    fn verify(self, nonce: Option<&Nonce>) -> Result<(), String> {
        match (self, nonce) {
            (Self::NoneOr(_), None) => Ok(()),
            (Self::Exactly(expected) | Self::NoneOr(expected), given) => {
                (&Nonce::new(expected.to_owned())).verify(given)
            }
        }
    }
}

/// Checks an ID token that came with `access_token`.
//= OIDC-CORE#3.1.3.7
pub(crate) fn check(
    settings: &Settings,
    keys: &KeySet,
    (id_token, access_token): (&SignedIdToken, &AccessToken),
    nonce: ExpectedNonce<'_>,
    now: i64,
) -> Result<IdFacts, Error> {
    let verifier = verifier(settings, keys, now);
    let claims = id_token.claims(&verifier, nonce).map_err(|fault| Error::Token(format!("ID token: {fault}")))?;
    if claims.authorized_party().is_some_and(|azp| azp.as_str() != settings.client_id) {
        return Err(Error::Token("ID token: azp names another client".to_owned()));
    }
    //= OIDC-CORE#3.1.3.8
    if let Some(expected) = claims.access_token_hash() {
        let refused = |why: &dyn std::fmt::Display| Error::Token(format!("ID token: at_hash: {why}"));
        let algorithm = id_token.signing_alg().map_err(|fault| refused(&fault))?;
        let key = id_token.signing_key(&verifier).map_err(|fault| refused(&fault))?;
        let actual = AccessTokenHash::from_token(access_token, algorithm, key).map_err(|fault| refused(&fault))?;
        if actual != *expected {
            return Err(refused(&"it belongs to another access token"));
        }
    }
    let all = match serde_json::to_value(claims) {
        Ok(serde_json::Value::Object(all)) => all,
        _ => serde_json::Map::new(),
    };
    Ok(IdFacts {
        sub: claims.subject().to_string(),
        issued_at: claims.issue_time().timestamp(),
        more: claims.additional_claims().clone(),
        claims: all,
    })
}

/// A verifier for a client without a symmetric secret, whatever the client is: `HS256` is never an option.
fn verifier<'a>(settings: &Settings, keys: &KeySet, now: i64) -> IdTokenVerifier<'a, CoreJsonWebKey> {
    let client_id = ClientId::new(settings.client_id.clone());
    IdTokenVerifier::new_public_client(client_id, settings.issuer.clone(), keys.core.clone())
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || moment(now - LEEWAY))
        .set_issue_time_verifier_fn(move |issued| {
            let age = now - issued.timestamp();
            if age < -LEEWAY {
                Err("issued in the future; is the clock of this machine behind?".to_owned())
            } else if age > MAX_AGE + LEEWAY {
                Err("issued more than ten minutes ago; is the clock of this machine ahead?".to_owned())
            } else {
                Ok(())
            }
        })
}

fn moment(seconds: i64) -> Moment {
    Moment::from_timestamp(seconds, 0).unwrap_or(Moment::MAX_UTC)
}

type Moment = chrono::DateTime<chrono::Utc>;
