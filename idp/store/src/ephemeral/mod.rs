//! Authoritative short-lived state: authorization codes, parked interactions and one-time marks. Not a
//! cache: what is lost here is not read again from anywhere.
//!
//! One node keeps it in memory, several share one Redis; both arms pass one contract suite. Each
//! operation is one atomic step (one lock, one Lua script), so of any number of racers one wins.
//!
//! ```text
//!  put ──▶ value ──swap──▶ value ──consume──▶ tombstone(mark) ──until──▶ nothing
//!  claim ─▶ mark ──expires──▶ nothing
//! ```
//!
//! *Time.* The end of an entry is stored beside it and compared with the caller's `now`. An ended
//! entry is garbage, collected only [`GARBAGE_MARGIN`] later, because requests (and nodes) carry
//! slightly different clocks: a mark collected by a fast clock would let a slow one accept a replay.
//!
//! *Bounds.* Memory is bounded per kind, in entries and bytes. A full kind drops the value that ends first,
//! which is one of the oldest, as all entries of a kind live equally long: a dropped code or interaction sends
//! one person back to the start. Refusing the newcomer instead would let a flood of unauthenticated requests
//! close the door for everybody. Tombstones and claimed marks are promises and never dropped nor removed:
//! without the mark a one-time assertion passes twice, without the tombstone a stolen code revokes nothing.
//! When promises alone fill a kind, `put` and `claim` answer [`EphemeralError::Full`]. `consume` turns an
//! entry into its tombstone in the same place and so never needs room. Redis is bounded by its `maxmemory`,
//! refuses instead of evicting (`noeviction`, checked at start) and answers `Full`.

mod inspect;
mod memory;
mod redis;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use gapura_core::time::Instant;

pub use self::inspect::{RedisFault, RedisSeen, look};
use self::{memory::Memory, redis::Redis};

/// How long an ended entry stays before it is collected, in the hope of no clock further apart.
pub(crate) const GARBAGE_MARGIN: Duration = Duration::from_secs(120);

/// What an entry is for. A key belongs to its kind: the same key of two kinds is two entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An authorization code, by its hash; its tombstone names the token family.
    Code,
    /// A parked request waiting for the person.
    Interaction,
    /// A request that came by POST, on its way to GET. Strangers write it, so it crowds out its like only.
    PostedRequest,
    /// The `jti` of a one-time assertion. Claim it after the signature was verified, or strangers fill it.
    JtiMark,
}

/// What one kind may hold in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
}

const MIB: usize = 1 << 20;

impl Kind {
    /// The word in stored keys; never changed, since nodes of two versions share one Redis.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Interaction => "interaction",
            Self::PostedRequest => "posted-request",
            Self::JtiMark => "jti",
        }
    }

    /// Sized for about 110 sign-ins a second (a city of 12 000 after an outage) and for people who
    /// take two minutes to type a password meanwhile.
    const fn bound(self) -> Bound {
        match self {
            Self::Code => Bound { entries: 100_000, bytes: 64 * MIB },
            Self::Interaction => Bound { entries: 50_000, bytes: 64 * MIB },
            Self::PostedRequest => Bound { entries: 10_000, bytes: 16 * MIB },
            // As many bytes as so many marks cost.
            Self::JtiMark => Bound { entries: 200_000, bytes: 25 * MIB },
        }
    }
}

/// A value to be put, with the instant from which it no longer exists.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The bytes kept.
    pub value: &'a [u8],
    /// The first instant at which the entry is gone.
    pub expires_at: Instant,
}

/// A compare-and-set: only who has seen the present value may replace it.
#[derive(Clone, Copy, Debug)]
pub struct Swap<'a> {
    /// The value as it was read.
    pub seen: &'a [u8],
    /// The value to be kept instead.
    pub new: &'a [u8],
    /// The end of the new value.
    pub expires_at: Instant,
}

/// A single use and the tombstone it leaves.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// What later callers are told: the token family to be revoked on a replay.
    pub mark: &'a str,
    /// The end of the tombstone; no earlier than the end of what was given out for the value.
    pub until: Instant,
}

/// The outcome of [`Ephemeral::put`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The key was free and now holds the value.
    Stored,
    /// The key is taken, be it by a tombstone; nothing changed.
    Exists,
}

/// The outcome of [`Ephemeral::consume`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consumed {
    /// The first use, with the value.
    Fresh(Vec<u8>),
    /// A later use, with the mark the first one left.
    Spent(String),
    /// Never put, ended, or dropped.
    Unknown,
}

/// Why there was no answer. An absent entry is never an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EphemeralError {
    /// Redis does not answer (503). The operation may still have happened.
    #[error("short-lived state is unavailable: {0}")]
    Unavailable(String),
    /// No room that could be made without breaking a promise (503). Nothing changed.
    #[error("no room for short-lived state of kind {}", .0.word())]
    Full(Kind),
    /// The Redis named by the settings cannot be served with. Says why and what to do.
    #[error("{0}")]
    Unfit(String),
}

/// The short-lived state of this deployment. Clones share it.
#[derive(Clone)]
pub struct Ephemeral(Arm);

#[derive(Clone)]
enum Arm {
    Memory(Arc<Memory>),
    Redis(Arc<Redis>),
}

impl Ephemeral {
    /// Kept in this process: for one node; a restart forgets it.
    pub fn memory() -> Self {
        Self(Arm::Memory(Arc::new(Memory::new(Kind::bound))))
    }

    /// Kept in a Redis that several nodes share, under keys that begin with `prefix`. The URL is
    /// `redis://`, `rediss://` or `redis+unix:///path`. Refuses a Redis that may evict.
    pub async fn redis(url: &str, prefix: &str) -> Result<Self, EphemeralError> {
        Ok(Self(Arm::Redis(Arc::new(Redis::open(url, prefix).await?))))
    }

    /// Whether the state can be relied on now: Redis answers and still refuses to evict.
    pub async fn check(&self) -> Result<(), EphemeralError> {
        match &self.0 {
            Arm::Memory(_) => Ok(()),
            Arm::Redis(redis) => redis.check().await,
        }
    }

    /// Stores a new key; a taken one keeps what it has.
    pub async fn put(&self, kind: Kind, key: &str, entry: Entry<'_>, now: Instant) -> Result<Put, EphemeralError> {
        match &self.0 {
            Arm::Memory(memory) => memory.drawer(kind).put(key, entry, now),
            Arm::Redis(redis) => redis.put(kind, key, entry, now).await,
        }
    }

    /// The live value; tombstones and marks have none.
    pub async fn get(&self, kind: Kind, key: &str, now: Instant) -> Result<Option<Vec<u8>>, EphemeralError> {
        match &self.0 {
            Arm::Memory(memory) => Ok(memory.drawer(kind).get(key, now)),
            Arm::Redis(redis) => redis.get(kind, key, now).await,
        }
    }

    /// Replaces the live value if it still is the one seen; answers whether it did.
    pub async fn swap(&self, kind: Kind, key: &str, swap: Swap<'_>, now: Instant) -> Result<bool, EphemeralError> {
        match &self.0 {
            Arm::Memory(memory) => memory.drawer(kind).swap(key, swap, now),
            Arm::Redis(redis) => redis.swap(kind, key, swap, now).await,
        }
    }

    /// Takes the live value once and leaves a tombstone; later uses learn the mark of the first.
    pub async fn consume(&self, kind: Kind, key: &str, by: Use<'_>, now: Instant) -> Result<Consumed, EphemeralError> {
        match &self.0 {
            Arm::Memory(memory) => Ok(memory.drawer(kind).consume(key, by, now)),
            Arm::Redis(redis) => redis.consume(kind, key, by, now).await,
        }
    }

    /// Marks the key until `expires_at` if it is free; answers whether this caller was the first.
    pub async fn claim(
        &self,
        kind: Kind,
        key: &str,
        expires_at: Instant,
        now: Instant,
    ) -> Result<bool, EphemeralError> {
        match &self.0 {
            Arm::Memory(memory) => memory.drawer(kind).claim(key, expires_at, now),
            Arm::Redis(redis) => redis.claim(kind, key, expires_at, now).await,
        }
    }

    /// Forgets a value. Tombstones and marks stay until their end.
    pub async fn remove(&self, kind: Kind, key: &str) -> Result<(), EphemeralError> {
        match &self.0 {
            Arm::Memory(memory) => {
                memory.drawer(kind).remove(key);
                Ok(())
            }
            Arm::Redis(redis) => redis.remove(kind, key).await,
        }
    }

    /// Since when no mark can have been lost. An assertion issued before may have been used before
    /// a restart and must be refused; ask after claiming its `jti`, so that a memory lost in between is noticed.
    /// In memory this is the first `now` asked with, so the server asks once at its start; a clock set back
    /// moves it, since marks may have been collected while it ran ahead.
    pub async fn marks_since(&self, now: Instant) -> Result<Instant, EphemeralError> {
        match &self.0 {
            Arm::Memory(memory) => Ok(memory.marks_since(now)),
            Arm::Redis(redis) => redis.marks_since(now).await,
        }
    }
}
