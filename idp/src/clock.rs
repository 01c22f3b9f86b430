//! The one place where the wall clock is read. `now` is taken once per request and passed on.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{self, Duration, SystemTime, UNIX_EPOCH},
};

use gapura_core::time::Instant;

/// Where `now` comes from.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The operating system's wall clock.
    #[default]
    System,
    /// A clock that moves only when told to.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at`.
    pub fn manual(at: Instant) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.millis())))
    }

    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
    pub fn now(&self) -> Instant {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
                Instant::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Self::Manual(at) => Instant::from_millis(at.load(Ordering::SeqCst)),
        }
    }

    /// Time since a moment of no meaning, which no correction of the clock turns back: for pauses, not for dates.
    pub fn steady(&self) -> Duration {
        static BEGAN: LazyLock<time::Instant> = LazyLock::new(time::Instant::now);
        match self {
            Self::System => BEGAN.elapsed(),
            Self::Manual(_) => self.now().since(Instant::from_millis(0)),
        }
    }

    /// Sets a manual clock, back or forth, as an operator's mistake does; the system's clock stays as it is.
    pub fn set(&self, to: Instant) {
        if let Self::Manual(at) = self {
            at.store(to.millis(), Ordering::SeqCst);
        }
    }

    /// Moves a manual clock; the system's clock stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(at) = self {
            at.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}
