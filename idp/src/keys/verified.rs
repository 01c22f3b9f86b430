//! Tokens whose signature was checked before: remembered by digest to skip the cryptography, never what they say
//! nor the answer. Whether a token is honoured is asked of the store each time.
//!
//! Bounded by two generations: when the young one is full it becomes the old one. All is forgotten when
//! the published keys move, so that a key that is gone takes its tokens with it.

use std::{
    collections::HashSet,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::body::Bytes;
use gapura_core::{oauth::TokenType, oidc::AccessClaims, time::Instant};
use sha2::{Digest, Sha256};

use super::{Expected, Keys, TokenRefused, verify::believed};

/// Entries of one generation.
const GENERATION: usize = 8192;

/// The memory.
#[derive(Default)]
pub struct VerifiedTokens(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    keys: Bytes,
    young: HashSet<[u8; 32]>,
    old: HashSet<[u8; 32]>,
}

impl Generations {
    fn follow(&mut self, keys: &Bytes) {
        if self.keys != *keys {
            *self = Self { keys: keys.clone(), ..Self::default() };
        }
    }

    fn knows(&self, digest: &[u8; 32]) -> bool {
        self.young.contains(digest) || self.old.contains(digest)
    }

    /// The tables are kept: a heap from which they came and went would be full of holes.
    fn keep(&mut self, digest: [u8; 32]) {
        if self.young.len() >= GENERATION {
            mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(digest);
    }
}

impl VerifiedTokens {
    /// The claims of an access token of ours that is alive at `now`.
    pub fn access(&self, keys: &Keys, token: &str, issuer: &str, now: Instant) -> Result<AccessClaims, TokenRefused> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        // One look at the keys: what they verified is remembered under these and no others.
        let keys = keys.now();
        let published = keys.jwks();
        let expected = Expected { typ: TokenType::AccessToken, issuer, alive_at: Some(now) };
        if self.under(&published).knows(&digest) {
            return timely(believed(token, &expected)?, now);
        }
        let claims = keys.verify(token, &expected)?;
        self.under(&published).keep(digest);
        timely(claims, now)
    }

    /// The memory, as far as it holds for these keys.
    fn under(&self, published: &Bytes) -> MutexGuard<'_, Generations> {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.follow(published);
        memory
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

    fn digest(number: usize) -> [u8; 32] {
        Sha256::digest(number.to_le_bytes()).into()
    }

    #[test]
    fn the_memory_is_bounded_and_forgets_the_oldest() {
        let mut memory = Generations::default();
        for number in 0..3 * GENERATION {
            memory.keep(digest(number));
            assert!(memory.young.len() <= GENERATION && memory.old.len() <= GENERATION);
        }
        assert!(!memory.knows(&digest(GENERATION - 1)));
        assert!(memory.knows(&digest(GENERATION)) && memory.knows(&digest(3 * GENERATION - 1)));
    }

    #[test]
    fn it_forgets_all_when_keys_move() {
        let mut memory = Generations::default();
        memory.follow(&Bytes::from_static(b"one"));
        memory.keep(digest(1));
        memory.follow(&Bytes::from_static(b"one"));
        assert!(memory.knows(&digest(1)));
        memory.follow(&Bytes::from_static(b"two"));
        assert!(!memory.knows(&digest(1)));
    }
}
