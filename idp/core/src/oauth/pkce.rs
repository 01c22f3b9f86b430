//! Proof Key for Code Exchange (RFC 7636), S256 only: `plain` protects nothing that a reader of the
//! request does not already hold (RFC 9700 section 2.1.1).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::oauth::{OAuthError, PkcePolicy};

/// A code challenge of method S256: 43 characters of base64url.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Challenge(String);

/// Reads the challenge of an authorization request.
//= RFC7636#4.3
//= RFC7636#4.4.1
pub(super) fn challenge(
    policy: PkcePolicy,
    challenge: Option<&str>,
    method: Option<&str>,
) -> Result<Option<Challenge>, OAuthError> {
    match (challenge, method) {
        (None, None) if policy == PkcePolicy::WhereSent => Ok(None),
        (None, _) => Err(OAuthError::invalid_request("code challenge required")),
        // Left out, the method would be plain.
        (Some(_), None) => Err(OAuthError::invalid_request("code_challenge_method must be S256")),
        (Some(text), Some("S256")) if well_formed(text) => Ok(Some(Challenge(text.to_owned()))),
        (Some(_), Some("S256")) => Err(OAuthError::invalid_request("code_challenge is malformed")),
        (Some(_), _) => Err(OAuthError::invalid_request("transform algorithm not supported")),
    }
}

/// Checks the verifier of a token request against the challenge of the code, in constant time.
//= RFC7636#4.6
pub(super) fn verify(challenge: Option<&Challenge>, verifier: Option<&str>) -> Result<(), OAuthError> {
    let refused = || OAuthError::invalid_grant("code_verifier does not match");
    match (challenge, verifier) {
        (None, None) => Ok(()),
        // A verifier for a code made without challenge: the challenge was stripped on the way (RFC 9700 section 4.8.2).
        //= RFC9700#2.1.1
        (None, Some(_)) => Err(refused().because("verifier without challenge")),
        (Some(_), None) => Err(OAuthError::invalid_grant("code_verifier is missing")),
        (Some(challenge), Some(verifier)) => {
            if !verifier_well_formed(verifier) {
                return Err(refused().because("malformed verifier"));
            }
            let computed = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
            if bool::from(computed.as_bytes().ct_eq(challenge.0.as_bytes())) { Ok(()) } else { Err(refused()) }
        }
    }
}

fn well_formed(challenge: &str) -> bool {
    URL_SAFE_NO_PAD.decode(challenge).is_ok_and(|hash| hash.len() == 32)
}

//= RFC7636#4.1
fn verifier_well_formed(verifier: &str) -> bool {
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    //= RFC7636#4.3 test
    //= RFC7636#4.4.1 test
    #[test]
    fn a_request_carries_an_s256_challenge() {
        let read = |c, m| challenge(PkcePolicy::Required, c, m).map(|c| c.is_some()).map_err(|e| e.public);
        assert_eq!(read(Some(CHALLENGE), Some("S256")), Ok(true));
        assert_eq!(read(None, None), Err("code challenge required"));
        assert_eq!(read(None, Some("S256")), Err("code challenge required"));
        assert_eq!(read(Some(CHALLENGE), None), Err("code_challenge_method must be S256"));
        assert_eq!(read(Some(CHALLENGE), Some("plain")), Err("transform algorithm not supported"));
        assert_eq!(read(Some(CHALLENGE), Some("s256")), Err("transform algorithm not supported"));
        for malformed in [
            CHALLENGE.trim_start_matches('E'),
            &format!("{CHALLENGE}A"),
            &format!("{CHALLENGE}="),
            &CHALLENGE.replace('-', "+"),
        ] {
            assert_eq!(read(Some(malformed), Some("S256")), Err("code_challenge is malformed"), "{malformed}");
        }
        assert_eq!(challenge(PkcePolicy::WhereSent, None, None), Ok(None));
        assert!(challenge(PkcePolicy::WhereSent, None, Some("S256")).is_err());
        assert!(challenge(PkcePolicy::WhereSent, Some(CHALLENGE), Some("plain")).is_err());
    }

    //= RFC7636#4.1 test
    //= RFC7636#4.6 test
    //= RFC9700#2.1.1 test
    #[test]
    fn only_the_right_verifier_opens_the_code() {
        let made = challenge(PkcePolicy::Required, Some(CHALLENGE), Some("S256")).unwrap();
        assert_eq!(verify(made.as_ref(), Some(VERIFIER)), Ok(()));
        assert_eq!(verify(None, None), Ok(()));
        for wrong in [None, Some(""), Some(CHALLENGE), VERIFIER.get(1..), Some("x".repeat(129).as_str())] {
            assert_eq!(verify(made.as_ref(), wrong).unwrap_err().code.as_str(), "invalid_grant", "{wrong:?}");
        }
        assert!(verify(None, Some(VERIFIER)).is_err(), "a stripped challenge is noticed");
    }
}
