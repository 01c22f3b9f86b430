//! How long an account must wait after failed sign-ins.
//!
//! A delay that grows and is capped, never a lock: nobody can shut a colleague out for longer than
//! the cap, and nobody can guess faster than it. The key is the account (or the hash of a name
//! nobody has), never an address: one address may carry a whole city. An attempt during the wait is
//! refused with the time at which it ends; it is not counted and checks nothing.

use std::time::Duration;

use crate::time::Instant;

/// Failures in a row that cost nothing.
pub const FREE_FAILURES: u32 = 4;

/// The first wait; each further failure doubles it.
pub const FIRST_WAIT: Duration = Duration::from_secs(60);

/// The longest wait.
pub const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// Quiet after which failures are forgotten.
pub const MEMORY: Duration = Duration::from_secs(24 * 3600);

/// Failed sign-ins of one account or unknown name, as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// Failures in a row.
    pub failures: u32,
    /// When the last one was.
    pub last_failure_at: Instant,
    /// No attempt is checked before.
    pub blocked_until: Instant,
    /// When all is forgotten.
    pub expires_at: Instant,
}

impl Throttle {
    /// The state after one more failure.
    pub fn after_failure(before: Option<Self>, now: Instant) -> Self {
        let remembered = before.filter(|state| now < state.expires_at).map_or(0, |state| state.failures);
        let failures = remembered.saturating_add(1);
        Self { failures, last_failure_at: now, blocked_until: now.plus(wait(failures)), expires_at: now.plus(MEMORY) }
    }

    /// When the next attempt is checked, if not at once.
    pub fn blocks(&self, now: Instant) -> Option<Instant> {
        let end = self.blocked_until.min(now.plus(LONGEST_WAIT));
        (now < end).then_some(end)
    }

    /// The state to be kept instead where the clock was set back since the last failure: the failures stay,
    /// the wait begins again now and so ends by its cap.
    pub fn reset_by_the_clock(self, now: Instant) -> Option<Self> {
        (self.last_failure_at.is_ahead_of(now) && self.blocked_until > now.plus(LONGEST_WAIT)).then(|| Self {
            last_failure_at: now,
            blocked_until: now.plus(LONGEST_WAIT),
            expires_at: now.plus(MEMORY),
            ..self
        })
    }
}

/// The wait after this many failures in a row.
fn wait(failures: u32) -> Duration {
    match failures.checked_sub(FREE_FAILURES + 1) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_WAIT
            .checked_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX))
            .map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: Instant = Instant::from_millis(1_795_500_000_000);

    fn after(failures: u32) -> Throttle {
        (1..failures).fold(Throttle::after_failure(None, NOON), |state, _| Throttle::after_failure(Some(state), NOON))
    }

    #[test]
    fn the_wait_grows_from_the_fifth_failure_to_a_cap() {
        let seconds = [(1, 0), (4, 0), (5, 60), (6, 120), (7, 240), (8, 480), (9, 900), (10, 900), (200, 900)];
        for (failures, wait) in seconds {
            let end = after(failures).blocks(NOON).unwrap_or(NOON);
            assert_eq!(end.since(NOON), Duration::from_secs(wait), "after {failures}");
        }
    }

    #[test]
    fn the_wait_ends_by_itself() {
        let state = after(5);
        assert_eq!(state.blocks(state.blocked_until.minus(Duration::from_millis(1))), Some(state.blocked_until));
        assert_eq!(state.blocks(state.blocked_until), None);
    }

    #[test]
    fn a_clock_set_back_neither_forgets_nor_stretches_a_wait_beyond_its_cap() {
        let state = after(5);
        let back = NOON.minus(Duration::from_secs(3600));
        let kept = state.reset_by_the_clock(back).unwrap();
        assert_eq!((kept.failures, kept.blocks(back)), (5, Some(back.plus(LONGEST_WAIT))));
        assert_eq!(kept.blocks(back.plus(LONGEST_WAIT)), None);
        assert_eq!(kept.reset_by_the_clock(back), None, "once");
        assert_eq!(state.reset_by_the_clock(NOON), None);
        assert_eq!(after(9).reset_by_the_clock(NOON.minus(Duration::from_secs(59))), None, "clocks of two nodes");
    }

    #[test]
    fn a_day_of_quiet_forgets() {
        let state = after(9);
        let later = Throttle::after_failure(Some(state), state.expires_at);
        assert_eq!(later.failures, 1);
        assert_eq!(later.blocks(state.expires_at), None);
    }

    proptest! {
        #[test]
        fn no_wait_exceeds_the_cap(failures in any::<u32>(), now in 0..i64::MAX / 2, ahead in any::<i64>()) {
            let now = Instant::from_millis(now);
            let state = Throttle {
                failures,
                last_failure_at: now,
                blocked_until: Instant::from_millis(ahead),
                expires_at: now.plus(MEMORY),
            };
            if let Some(end) = state.blocks(now) {
                prop_assert!(end.since(now) <= LONGEST_WAIT);
            }
            prop_assert!(Throttle::after_failure(Some(state), now).blocked_until.since(now) <= LONGEST_WAIT);
        }
    }
}
