//! The signed-in state of one browser at this application, and where it is kept.
//!
//! The browser holds 256 random bits; the store knows their SHA-256 and the session. Tokens live in the session and
//! nowhere else. The store is a trait: [`MemoryStore`] for one machine; for several, `PostgresStore` and `RedisStore`
//! behind the features `postgres` and `redis`, or one of the application's own.

use std::fmt;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::entropy;
use crate::error::Error;

mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(test)]
mod tests;
pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "redis")]
pub use redis::RedisStore;

/// Twelve hours: one sign-in lasts a working day.
pub(crate) const LIFETIME: i64 = 12 * 3600;
/// Roles older than this are fetched again before anything is decided by them, in seconds.
pub(crate) const ROLES_FRESH: i64 = 300;
/// A token that ends within this time is renewed before it is used, in seconds.
const RENEW_BEFORE: i64 = 30;

/// Under what a session is stored: the SHA-256 of the browser's cookie, never the cookie itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SessionKey(String);

impl SessionKey {
    pub(crate) fn of_cookie(cookie: &str) -> Self {
        Self(entropy::sha256(cookie))
    }

    /// The key as 43 URL-safe characters, for a column or a Redis key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the application remembers of one sign-in. A store writes it whole (serde) and never looks inside, except for
/// [`Session::sub`], [`Session::sid`], [`Session::issued_at`], [`Session::expires_at`] and [`Session::revision`].
#[derive(Clone, Serialize, Deserialize)]
pub struct Session {
    pub(crate) sub: String,
    pub(crate) sid: Option<String>,
    pub(crate) claims: Map<String, Value>,
    pub(crate) roles: Vec<String>,
    /// When the provider issued the ID token of the sign-in, by its clock.
    pub(crate) issued_at: i64,
    pub(crate) started_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) renewed_at: i64,
    pub(crate) nonce: String,
    pub(crate) tokens: Tokens,
}

/// The tokens of a session. They never leave the server, except the ID token as the hint of a sign-out.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) access_until: i64,
    pub(crate) refresh: Option<String>,
    pub(crate) id: String,
}

impl Session {
    /// The provider's identifier of the person; random, never a NIP.
    #[must_use]
    pub fn sub(&self) -> &str {
        &self.sub
    }

    /// The provider's identifier of its own session, where it gives one.
    #[must_use]
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    /// End of the session in Unix seconds; a store may forget it afterwards.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// When the provider issued the ID token of the sign-in, in Unix seconds.
    #[must_use]
    pub fn issued_at(&self) -> i64 {
        self.issued_at
    }

    /// A text that changes with each renewal, to tell whether a session is still the one that was read. It gives no
    /// token away.
    #[must_use]
    pub fn revision(&self) -> String {
        entropy::sha256(&format!("{} {}", self.tokens.access, self.tokens.refresh.as_deref().unwrap_or_default()))
    }

    #[cfg(any(feature = "postgres", feature = "redis"))]
    fn to_text(&self) -> Result<String, StoreError> {
        serde_json::to_string(self).map_err(|why| StoreError(why.to_string()))
    }

    #[cfg(any(feature = "postgres", feature = "redis"))]
    fn from_text(text: &str) -> Result<Self, StoreError> {
        serde_json::from_str(text).map_err(|why| StoreError(format!("a stored session cannot be read: {why}")))
    }

    /// Whether token or roles must be renewed before this session decides anything.
    pub(crate) fn is_due(&self, now: i64) -> bool {
        now - self.renewed_at >= ROLES_FRESH
            || self.tokens.access_until - now <= RENEW_BEFORE
            || now < self.renewed_at - 60
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("sub", &self.sub).field("sid", &self.sid).finish_non_exhaustive()
    }
}

/// Which sessions a logout message ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The sessions with this `sid` (and, where given, this `sub`).
    Sid {
        /// The provider's session.
        sid: String,
        /// The person, where the message names one.
        sub: Option<String>,
    },
    /// Every session of this person that was signed in at or before the moment `at`, in Unix seconds.
    Sub {
        /// The person.
        sub: String,
        /// When the provider said so.
        at: i64,
    },
}

impl Ended {
    /// Whether this ends `session`.
    #[must_use]
    pub fn ends(&self, session: &Session) -> bool {
        match self {
            Self::Sid { sid, sub } => session.sid() == Some(sid) && sub.as_ref().is_none_or(|sub| sub == session.sub()),
            Self::Sub { sub, at } => session.sub() == sub && session.issued_at() <= *at,
        }
    }
}

/// A failure of the store, as a sentence for the log.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error.0)
    }
}

/// Where sessions live. Every method answers after the change is visible to all other callers.
///
/// Four promises carry the security of a sign-out and the life of a refresh token:
/// * [`update`](Self::update) never brings back a session that was removed meanwhile, nor replaces one that another
///   machine has renewed;
/// * [`end`](Self::end) finds sessions by `sid` and by `sub`, and keeps its mark for ten minutes, so that a sign-in
///   that was already under way when the logout message arrived is refused by [`insert`](Self::insert);
/// * [`claim`](Self::claim) says yes once, whichever machines ask at the same moment;
/// * [`shared`](Self::shared) says yes where more than one machine uses the store.
pub trait SessionStore: Send + Sync + 'static {
    /// The session under `key`.
    fn load<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Session>, StoreError>>;

    /// Keeps a new session. False, and nothing kept, if a mark of [`end`](Self::end) covers it.
    fn insert<'a>(&'a self, key: &'a SessionKey, session: Session) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Replaces a session that is still there and still has the [`revision`](Session::revision) of `read`; comparing
    /// and replacing are one step. False, and nothing replaced, if not.
    fn update<'a>(
        &'a self,
        key: &'a SessionKey,
        read: &'a Session,
        session: Session,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Removes a session and returns it.
    fn remove<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Session>, StoreError>>;

    /// Removes every session that `ended` covers and remembers `ended` until `mark_until` (Unix seconds). Answers how
    /// many sessions went.
    fn end<'a>(&'a self, ended: &'a Ended, mark_until: i64) -> BoxFuture<'a, Result<usize, StoreError>>;

    /// Whether other machines use the same sessions. Then one of them at a time renews a session, by
    /// [`claim`](Self::claim) and [`release`](Self::release). A shared store that says no lets two machines redeem one
    /// refresh token, which providers take for a theft: the session ends.
    fn shared(&self) -> bool {
        false
    }

    /// Takes an identifier until `until` (Unix seconds): of a one-time message, or of a renewal. False if it is taken
    /// and neither over nor given back.
    fn claim<'a>(&'a self, id: &'a str, until: i64) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Gives back what [`claim`](Self::claim) took until exactly `until`. What another took since stays.
    fn release<'a>(&'a self, id: &'a str, until: i64) -> BoxFuture<'a, Result<(), StoreError>>;
}
