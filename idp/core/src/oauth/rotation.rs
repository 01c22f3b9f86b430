//! When signing keys move: one rule for the job that rotates them, for commands and for what is shown.
//!
//! ```text
//!  made ──▶ next ──────────────▶ active ───────▶ retiring ───────────────▶ gone
//!           published,           signs           published,                private half erased;
//!           PUBLISHED_BEFORE                     policy.kept               nothing it signed is accepted
//! ```
//! Relying parties keep our keys: the answer of `/jwks` says for five minutes, some keep them for a day whatever
//! it says. A key that signs was published for longer than that; a key that signed stays published until nobody
//! shows its tokens any more. So nobody ever meets a token by a key they cannot know (OpenID Connect Core
//! section 10.1.1).

use std::time::Duration;

use super::{SignatureAlg, SigningKeyState, StoredSigningKey};
use crate::{id::KeyId, time::Instant};

/// So long a key is published before it signs.
pub const PUBLISHED_BEFORE: Duration = Duration::from_secs(24 * 3600);
/// After so long every node knows a new key: twice what a copy may be old.
pub const KNOWN_AT_EVERY_NODE: Duration = Duration::from_secs(2);
/// Over the last moment at which a token of a retiring key is of use.
const MARGIN: Duration = Duration::from_secs(3600);

/// What a deployment decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    /// How long a key signs; `None`: until somebody says otherwise.
    rotate_after: Option<Duration>,
    /// How long a key stays published after it ceased to sign.
    kept: Duration,
}

/// One thing that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make the key that will follow.
    Make(SignatureAlg),
    /// This next key signs from now on; the one that did retires.
    Activate(KeyId),
    /// This retiring key is gone.
    Withdraw(KeyId),
}

impl RotationPolicy {
    /// An ID token is shown as a hint as long as its session may live, far longer than any token is valid.
    pub fn new(rotate_after: Option<Duration>, session: Duration) -> Self {
        Self { rotate_after, kept: session + MARGIN }
    }

    /// When a key moves on by itself, if ever.
    pub fn moves_at(&self, key: &StoredSigningKey) -> Option<Instant> {
        match key.state {
            SigningKeyState::Next => Some(key.created_at.plus(PUBLISHED_BEFORE)),
            SigningKeyState::Active => Some(key.activated_at?.plus(self.rotate_after?)),
            SigningKeyState::Retiring => Some(key.retired_at?.plus(self.kept)),
            SigningKeyState::Gone => None,
        }
    }
}

/// The steps that are due now.
//= OIDC-CORE#10.1.1
pub fn due(keys: &[StoredSigningKey], now: Instant, policy: &RotationPolicy) -> Vec<Step> {
    let mut steps = Vec::new();
    for key in keys {
        let Some(moves_at) = policy.moves_at(key) else { continue };
        match key.state {
            SigningKeyState::Next if now >= moves_at => steps.push(Step::Activate(key.id.clone())),
            SigningKeyState::Retiring if now >= moves_at => steps.push(Step::Withdraw(key.id.clone())),
            SigningKeyState::Active if now.plus(PUBLISHED_BEFORE) >= moves_at && !has_next(keys, key.algorithm) => {
                steps.push(Step::Make(key.algorithm));
            }
            _ => {}
        }
    }
    steps
}

fn has_next(keys: &[StoredSigningKey], algorithm: SignatureAlg) -> bool {
    keys.iter().any(|key| key.algorithm == algorithm && key.state == SigningKeyState::Next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::KeyProvider;

    const DAY: Duration = Duration::from_secs(24 * 3600);
    const MADE: Instant = Instant::from_millis(1_795_000_000_000);

    fn key(id: &str, state: SigningKeyState) -> StoredSigningKey {
        let reached = |wanted: &[SigningKeyState]| wanted.contains(&state).then_some(MADE);
        StoredSigningKey {
            id: KeyId::new(id),
            algorithm: SignatureAlg::Es256,
            provider: KeyProvider::Software,
            state,
            public_jwk: String::new(),
            wrapped_private: Vec::new(),
            created_at: MADE,
            activated_at: reached(&[SigningKeyState::Active, SigningKeyState::Retiring]),
            retired_at: reached(&[SigningKeyState::Retiring]),
        }
    }

    fn policy() -> RotationPolicy {
        RotationPolicy::new(Some(90 * DAY), DAY / 2)
    }

    //= OIDC-CORE#10.1.1 test
    #[test]
    fn each_state_moves_at_its_time_and_not_before() {
        let second = Duration::from_secs(1);
        let id = KeyId::new("k");
        let table = [
            (SigningKeyState::Next, DAY, vec![Step::Activate(id.clone())]),
            (SigningKeyState::Active, 89 * DAY, vec![Step::Make(SignatureAlg::Es256)]),
            (SigningKeyState::Retiring, DAY / 2 + Duration::from_secs(3600), vec![Step::Withdraw(id)]),
        ];
        for (state, after, steps) in table {
            let keys = [key("k", state)];
            assert_eq!(due(&keys, MADE.plus(after).minus(second), &policy()), [], "{state}");
            assert_eq!(due(&keys, MADE.plus(after), &policy()), steps, "{state}");
        }
        assert_eq!(due(&[key("k", SigningKeyState::Gone)], MADE.plus(1000 * DAY), &policy()), []);
    }

    #[test]
    fn one_key_follows_another_not_two() {
        let late = MADE.plus(89 * DAY);
        let mut next = key("n", SigningKeyState::Next);
        next.created_at = late;
        let keys = [key("a", SigningKeyState::Active), next];
        assert_eq!(due(&keys, late, &policy()), []);
        assert_eq!(due(&keys, late.plus(DAY), &policy()), [Step::Activate(KeyId::new("n"))]);
    }

    #[test]
    fn without_a_period_only_what_was_begun_goes_on() {
        let never = RotationPolicy::new(None, DAY / 2);
        let keys = [key("a", SigningKeyState::Active)];
        assert_eq!(due(&keys, MADE.plus(1000 * DAY), &never), []);
        assert_eq!(never.moves_at(&keys[0]), None);
        let keys = [key("a", SigningKeyState::Active), key("n", SigningKeyState::Next)];
        assert_eq!(due(&keys, MADE.plus(DAY), &never), [Step::Activate(KeyId::new("n"))]);
    }

    #[test]
    fn a_clock_that_steps_back_moves_nothing() {
        for state in [SigningKeyState::Next, SigningKeyState::Active, SigningKeyState::Retiring] {
            assert_eq!(due(&[key("k", state)], Instant::from_millis(0), &policy()), []);
        }
    }
}
