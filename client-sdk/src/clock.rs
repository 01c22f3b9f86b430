//! The one place that reads the wall clock. Everything else takes `now` as Unix seconds.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How far two clocks may differ before a token counts as expired or not yet issued, in seconds.
pub(crate) const LEEWAY: i64 = 60;

/// Where the library reads the time. Tests of an application hand in their own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The clock of this machine.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(system_seconds))
    }

    /// A clock that answers what `read` says, in Unix seconds.
    pub fn from_fn(read: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Now, in Unix seconds.
    pub(crate) fn now(&self) -> i64 {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the SDK is used outside the provider; this is its only reading of the clock"
)]
fn system_seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
