//! Refresh tokens (RFC 6749 section 6, RFC 9700 section 4.14.2): what one use of a token means.
//!
//! On the wire a token is its public id, a dot and 256 random bits; only the SHA-256 of the latter is
//! stored. Every use makes a successor:
//!
//! ```text
//! T1 ──use──▶ T2 ──use──▶ T3        `rotate`: T1 or T2 used again ends the family
//! T1 ──use──▶ T2                    `rotate_with_retry`: the answer with T2 was lost …
//!  └───again──▶ T2'                 … so T1 may be used again within 30 s while T2 is unused; T2' replaces T2
//! ```
//! A replaced token counts as used and has no successor: whoever presents it later is not the client.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::{
    id::{FamilyId, RefreshTokenId},
    oauth::RefreshPolicy,
    time::Instant,
};

/// How long the token before the newest may be repeated under `rotate_with_retry`.
pub const RETRY_WINDOW: Duration = Duration::from_secs(30);

const ID_LENGTH: usize = 32;
const SECRET_LENGTH: usize = 43;

/// A refresh token as sent: its id and the hash of its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentedToken {
    /// Finds the row.
    pub id: RefreshTokenId,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
}

impl PresentedToken {
    /// Reads the wire form; `None` where it has not the form of one of ours.
    pub fn parse(wire: &str) -> Option<Self> {
        let (id, secret) = wire.split_once('.')?;
        let id_ok = id.len() == ID_LENGTH && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let secret_ok = secret.len() == SECRET_LENGTH && secret.bytes().all(word);
        (id_ok && secret_ok).then(|| Self { id: RefreshTokenId::new(id), hash: hash(secret) })
    }
}

/// The wire form of a new token.
pub fn wire(id: &RefreshTokenId, secret: &str) -> String {
    format!("{id}.{secret}")
}

/// What is stored of a secret: a code, the secret part of a refresh token, a cookie.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// A refresh token as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// Key.
    pub id: RefreshTokenId,
    /// Its family.
    pub family_id: FamilyId,
    /// When it was made.
    pub issued_at: Instant,
    /// When it ends by itself.
    pub expires_at: Instant,
    /// When it was used or replaced.
    pub consumed_at: Option<Instant>,
    /// What came out of its last use.
    pub successor: Option<Successor>,
}

/// The token that came out of a use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Successor {
    /// Key.
    pub id: RefreshTokenId,
    /// Whether it was used or replaced since.
    pub consumed: bool,
}

/// What a use of a token means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshStep {
    /// First use: make a successor.
    Rotate,
    /// The answer was lost: make another successor in place of this one.
    Replace(RefreshTokenId),
    /// Used before: somebody else holds a copy. The family ends.
    Reuse,
    /// Past its own end; nothing to revoke.
    Expired,
}

/// Decides what a use means.
//= RFC9700#4.14.2
//= RFC9700#2.2.2
pub fn step(token: &RefreshToken, policy: RefreshPolicy, now: Instant) -> RefreshStep {
    let Some(consumed_at) = token.consumed_at else {
        return if now < token.expires_at { RefreshStep::Rotate } else { RefreshStep::Expired };
    };
    match (&token.successor, policy) {
        (Some(successor), RefreshPolicy::RotateWithRetry)
            if !successor.consumed
                && now.since(consumed_at) < RETRY_WINDOW
                && !consumed_at.is_ahead_of(now)
                && now < token.expires_at =>
        {
            RefreshStep::Replace(successor.id.clone())
        }
        _ => RefreshStep::Reuse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1000;

    fn token(consumed_at: Option<i64>, successor_consumed: Option<bool>) -> RefreshToken {
        RefreshToken {
            id: RefreshTokenId::new("t1"),
            family_id: FamilyId::new("f"),
            issued_at: Instant::from_millis(0),
            expires_at: Instant::from_millis(3600 * SECOND),
            consumed_at: consumed_at.map(Instant::from_millis),
            successor: successor_consumed.map(|consumed| Successor { id: RefreshTokenId::new("t2"), consumed }),
        }
    }

    //= T6 test
    //= RFC9700#4.14.2 test
    //= RFC9700#2.2.2 test
    #[test]
    fn a_use_rotates_a_lost_answer_is_repeated_and_anything_else_is_reuse() {
        use RefreshPolicy::{Rotate, RotateWithRetry};
        let replace = || RefreshStep::Replace(RefreshTokenId::new("t2"));
        let rows = [
            // policy, used at, successor used, now, outcome
            (Rotate, None, None, 1, RefreshStep::Rotate),
            (Rotate, None, None, 3600 * SECOND, RefreshStep::Expired),
            (Rotate, Some(1), Some(false), 2, RefreshStep::Reuse),
            (Rotate, Some(1), Some(true), 2, RefreshStep::Reuse),
            (RotateWithRetry, None, None, 1, RefreshStep::Rotate),
            (RotateWithRetry, Some(1), Some(false), 1, replace()),
            (RotateWithRetry, Some(1), Some(false), 30 * SECOND, replace()),
            (RotateWithRetry, Some(1), Some(false), 30 * SECOND + 1, RefreshStep::Reuse),
            (RotateWithRetry, Some(1), Some(true), 2, RefreshStep::Reuse),
            // Replaced by a retry.
            (RotateWithRetry, Some(1), None, 2, RefreshStep::Reuse),
            // The clock was set back: nobody knows how long ago it was used.
            (RotateWithRetry, Some(61 * SECOND), Some(false), SECOND, replace()),
            (RotateWithRetry, Some(61 * SECOND + 1), Some(false), SECOND, RefreshStep::Reuse),
            (RotateWithRetry, Some(3600 * SECOND - 1), Some(false), 3600 * SECOND, RefreshStep::Reuse),
        ];
        for (policy, used, successor, now, expected) in rows {
            let token = token(used, successor);
            assert_eq!(
                step(&token, policy, Instant::from_millis(now)),
                expected,
                "{policy} {used:?} {successor:?} {now}"
            );
        }
    }

    #[test]
    fn only_the_exact_wire_form_is_a_token() {
        let (id, secret) = ("0123456789abcdef0123456789abcdef", "A".repeat(43));
        let good = wire(&RefreshTokenId::new(id), &secret);
        assert_eq!(PresentedToken::parse(&good).unwrap().hash, hash(&secret));
        for bad in [
            "",
            ".",
            id,
            good.get(1..).unwrap(),
            good.get(..good.len() - 1).unwrap(),
            &format!("{good}A"),
            &good.replace('.', ":"),
            &good.to_uppercase(),
            &good.replace('A', "\0"),
            &good.replace('A', "é"),
        ] {
            assert_eq!(PresentedToken::parse(bad), None, "{bad:?}");
        }
    }
}
