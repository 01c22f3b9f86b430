//! What one person knows: what was answered, and what is in doubt since the kill.

use std::{collections::BTreeSet, time::Instant};

use gapura_tests::{browser::Browser, relying_party::Started};

/// How something stands as far as answers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Stands,
    Ended,
    /// The kill came before the answer.
    InDoubt,
}

/// A yes or no that a command changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Yes,
    No,
    /// Asked to become this; the answer never came.
    Perhaps,
}

/// One sign-in.
pub(super) struct Session {
    /// `sid`, once an ID token told it.
    pub(super) id: Option<String>,
    pub(super) browser: Browser,
    pub(super) fate: Fate,
    /// Clients it certainly entered.
    pub(super) entered: BTreeSet<&'static str>,
}

/// One family of refresh tokens, as its application holds it.
pub(super) struct Family {
    pub(super) id: String,
    /// Which of the two applications.
    pub(super) rp: usize,
    pub(super) session: usize,
    /// Tokens that were used with success, oldest first.
    pub(super) used: Vec<String>,
    /// The newest token that was answered.
    pub(super) head: String,
    pub(super) access: String,
    pub(super) fate: Fate,
    /// Since when a use of the head has no answer.
    pub(super) unanswered: Option<Instant>,
}

/// A code as it came to the application.
pub(super) struct Code {
    pub(super) rp: usize,
    pub(super) session: usize,
    pub(super) started: Started,
    pub(super) text: String,
    pub(super) given: Instant,
    /// How often short-lived state had been lost when the code was given or used.
    pub(super) memory: u32,
    pub(super) use_: Used,
}

/// What became of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Used {
    Never,
    /// Redeemed; the place of its family.
    For(usize),
    /// The kill came before the answer.
    InDoubt,
    /// Refused for good.
    Worthless,
}

/// Reproducible chance (SplitMix64).
#[derive(Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of somebody else's own.
    pub(super) fn split(&mut self) -> Self {
        Self(self.next())
    }

    /// Less than `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// One of so many places.
    pub(super) fn place(&mut self, of: usize) -> usize {
        usize::try_from(self.below(of as u64)).unwrap()
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
