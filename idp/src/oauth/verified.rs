//! Tokens whose signature was checked before: remembered by digest to skip the cryptography, never the
//! answer. Whether a token is honoured is asked of the store each time.
//!
//! Bounded by two generations: when the young one is full it becomes the old one. All is forgotten when
//! the published keys move, so that a key that is gone takes its tokens with it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use axum::body::Bytes;
use gapura_core::{oauth::TokenType, oidc::AccessClaims, time::Instant};
use serde::Deserialize as _;
use sha2::{Digest, Sha256};

use crate::keys::{Expected, Keys, TokenRefused};

/// Entries of one generation.
const GENERATION: usize = 8192;

/// The memory.
#[derive(Default)]
pub struct VerifiedTokens(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    keys: Bytes,
    young: HashMap<[u8; 32], AccessClaims>,
    old: HashMap<[u8; 32], AccessClaims>,
}

impl Generations {
    fn follow(&mut self, keys: &Bytes) {
        if self.keys != *keys {
            *self = Self { keys: keys.clone(), ..Self::default() };
        }
    }

    fn find(&self, digest: &[u8; 32]) -> Option<AccessClaims> {
        self.young.get(digest).or_else(|| self.old.get(digest)).cloned()
    }

    fn keep(&mut self, digest: [u8; 32], claims: AccessClaims) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, claims);
    }
}

impl VerifiedTokens {
    /// The claims of an access token of ours that is alive at `now`.
    pub fn access(&self, keys: &Keys, token: &str, issuer: &str, now: Instant) -> Result<AccessClaims, TokenRefused> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        // One look at the keys: what they verified is remembered under these and no others.
        let keys = keys.now();
        let published = keys.jwks();
        let known = {
            let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            memory.follow(&published);
            memory.find(&digest)
        };
        if let Some(claims) = known {
            return if now.seconds() < claims.exp { timely(claims, now) } else { Err(TokenRefused::Expired) };
        }
        let expected = Expected { typ: TokenType::AccessToken, issuer, alive_at: Some(now) };
        let value = keys.verify(token, &expected)?;
        let claims = AccessClaims::deserialize(&value).map_err(|_| TokenRefused::Malformed)?;
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.follow(&published);
        memory.keep(digest, claims.clone());
        drop(memory);
        timely(claims, now)
    }
}

/// A clock that was set back must not give a token a second life.
fn timely(claims: AccessClaims, now: Instant) -> Result<AccessClaims, TokenRefused> {
    let made = Instant::from_millis(claims.iat.saturating_mul(1000));
    if made.is_ahead_of(now) { Err(TokenRefused::Early) } else { Ok(claims) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gapura_core::{
        id::ClientId,
        oidc::{Issuing, access_token::for_machine},
    };

    fn claims() -> AccessClaims {
        let at = Issuing { issuer: "https://i", now: Instant::from_millis(0) };
        for_machine(at, &ClientId::new("c"), "urn:a", "j".into())
    }

    fn digest(number: usize) -> [u8; 32] {
        Sha256::digest(number.to_le_bytes()).into()
    }

    #[test]
    fn the_memory_is_bounded_and_forgets_the_oldest() {
        let mut memory = Generations::default();
        for number in 0..3 * GENERATION {
            memory.keep(digest(number), claims());
            assert!(memory.young.len() <= GENERATION && memory.old.len() <= GENERATION);
        }
        assert!(memory.find(&digest(0)).is_none());
        assert!(memory.find(&digest(3 * GENERATION - 1)).is_some());
    }

    #[test]
    fn it_forgets_all_when_keys_move() {
        let mut memory = Generations::default();
        memory.follow(&Bytes::from_static(b"one"));
        memory.keep(digest(1), claims());
        memory.follow(&Bytes::from_static(b"one"));
        assert!(memory.find(&digest(1)).is_some());
        memory.follow(&Bytes::from_static(b"two"));
        assert!(memory.find(&digest(1)).is_none());
    }
}
