//! How an application or an API checks our tokens between two looks at our keys.

use std::time::Duration;

use gapura_core::time::Instant;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::Value;

use crate::relying_party::RelyingParty;

/// A relying party that keeps the keys it read.
pub struct Verifier {
    /// Kept for so long, whatever comes.
    keep: Duration,
    /// Whether an unknown `kid` makes it ask again.
    asks_again: bool,
    keys: Option<(JwkSet, Instant)>,
    /// Tokens that were verified.
    pub verified: usize,
    /// Tokens that were not, and why.
    pub failures: Vec<String>,
    /// Every `kid` met, in order.
    pub kids: Vec<String>,
}

impl Verifier {
    /// The slowest we promise to serve: keeps keys for nearly a day and asks for none in between.
    pub fn slow() -> Self {
        Self::new(Duration::from_secs(23 * 3600), false)
    }

    /// What the specification asks for: an unknown `kid` makes it ask again.
    pub fn careful() -> Self {
        Self::new(Duration::from_secs(23 * 3600), true)
    }

    fn new(keep: Duration, asks_again: bool) -> Self {
        Self { keep, asks_again, keys: None, verified: 0, failures: Vec::new(), kids: Vec::new() }
    }

    /// Checks the signature of a token; keys are read from the node that `rp` asks.
    pub async fn check(&mut self, token: &str, rp: &RelyingParty, now: Instant) {
        let head = decode_header(token).unwrap();
        let kid = head.kid.clone().unwrap();
        let old = self.keys.as_ref().is_none_or(|(_, read)| now.since(*read) >= self.keep);
        let unknown = self.keys.as_ref().is_none_or(|(keys, _)| keys.find(&kid).is_none());
        if old || (unknown && self.asks_again) {
            self.keys = Some((serde_json::from_str(&rp.get("/jwks").await.body).unwrap(), now));
        }
        let keys = &self.keys.as_ref().unwrap().0;
        let mut rules = Validation::new(head.alg);
        (rules.validate_exp, rules.validate_aud) = (false, false);
        let found = keys.find(&kid).ok_or_else(|| "its key is not published".to_owned());
        let checked = found.and_then(|key| {
            let key = DecodingKey::from_jwk(key).unwrap();
            decode::<Value>(token, &key, &rules).map_err(|why| why.to_string())
        });
        match checked {
            Ok(_) => self.verified += 1,
            Err(why) => self.failures.push(format!("{kid}: {why}")),
        }
        if !self.kids.contains(&kid) {
            self.kids.push(kid);
        }
    }
}

/// The `kid` of a token.
pub fn kid(token: &str) -> String {
    decode_header(token).unwrap().kid.unwrap()
}
