//! Short-lived state in this process: a drawer per kind, each behind its own lock, which is held
//! for a few map operations and never across an await.
//!
//! A drawer keeps its entries twice: by key, and by end in one of two orders, what may be dropped
//! (values, counters) and what was promised (tombstones, marks). Whoever writes sweeps a few ended
//! entries from the fronts of both orders, so nothing is ever scanned.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use gapura_core::time::Instant;

use super::{Bound, Consumed, Entry, EphemeralError, GARBAGE_MARGIN, Kind, Put, Swap, Use};

/// Ended entries collected per write and order. More than the one a write adds, so it keeps up.
const SWEPT_PER_WRITE: usize = 8;

/// Bytes an entry costs beside its key and body, about: both maps and the shared key.
const OVERHEAD: usize = 160;

/// All drawers of a process.
pub(super) struct Memory {
    code: Mutex<Drawer>,
    interaction: Mutex<Drawer>,
    jti_mark: Mutex<Drawer>,
    sign_in_rate: Mutex<Drawer>,
    marks_since: OnceLock<Instant>,
}

impl Memory {
    pub(super) fn new(bound: fn(Kind) -> Bound) -> Self {
        let drawer = |kind| Mutex::new(Drawer::new(kind, bound(kind)));
        Self {
            code: drawer(Kind::Code),
            interaction: drawer(Kind::Interaction),
            jti_mark: drawer(Kind::JtiMark),
            sign_in_rate: drawer(Kind::SignInRate),
            marks_since: OnceLock::new(),
        }
    }

    /// Nothing panics while holding a drawer, so a poisoned lock cannot hide half a change.
    pub(super) fn drawer(&self, kind: Kind) -> MutexGuard<'_, Drawer> {
        let drawer = match kind {
            Kind::Code => &self.code,
            Kind::Interaction => &self.interaction,
            Kind::JtiMark => &self.jti_mark,
            Kind::SignInRate => &self.sign_in_rate,
        };
        drawer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn marks_since(&self, now: Instant) -> Instant {
        *self.marks_since.get_or_init(|| now)
    }
}

/// What a key holds.
enum Body {
    Value(Vec<u8>),
    Counter(u64),
    Mark,
    Spent(String),
}

impl Body {
    /// Whether dropping it would let something happen twice unseen.
    const fn is_promise(&self) -> bool {
        matches!(self, Self::Mark | Self::Spent(_))
    }

    fn size(&self) -> usize {
        match self {
            Self::Value(value) => value.len(),
            Self::Spent(mark) => mark.len(),
            Self::Counter(_) | Self::Mark => 0,
        }
    }
}

/// An entry's place in the order of ends; the number tells equal ends apart.
type Place = (Instant, u64);

/// The entries of one kind.
pub(super) struct Drawer {
    kind: Kind,
    bound: Bound,
    entries: HashMap<Arc<str>, (Place, Body)>,
    droppable: BTreeMap<Place, Arc<str>>,
    promised: BTreeMap<Place, Arc<str>>,
    bytes: usize,
    laid: u64,
}

impl Drawer {
    fn new(kind: Kind, bound: Bound) -> Self {
        let (droppable, promised) = (BTreeMap::new(), BTreeMap::new());
        Self { kind, bound, entries: HashMap::new(), droppable, promised, bytes: 0, laid: 0 }
    }

    pub(super) fn put(&mut self, key: &str, entry: Entry<'_>, now: Instant) -> Result<Put, EphemeralError> {
        let body = Body::Value(entry.value.to_vec());
        Ok(if self.lay_new(key, body, entry.expires_at, now)? { Put::Stored } else { Put::Exists })
    }

    pub(super) fn get(&self, key: &str, now: Instant) -> Option<Vec<u8>> {
        match self.live(key, now) {
            Some(Body::Value(value)) => Some(value.clone()),
            _ => None,
        }
    }

    pub(super) fn swap(&mut self, key: &str, swap: Swap<'_>, now: Instant) -> Result<bool, EphemeralError> {
        self.sweep(now);
        if !matches!(self.live(key, now), Some(Body::Value(value)) if value == swap.seen) {
            return Ok(false);
        }
        let Some(((ends, _), old)) = self.take(key) else { return Ok(false) };
        let new = Body::Value(swap.new.to_vec());
        let room = self.make_room(key, &new);
        // Without room the old value goes back to where it was.
        let (body, ends) = if room.is_ok() { (new, swap.expires_at) } else { (old, ends) };
        self.lay(key, body, ends);
        room.map(|()| true)
    }

    pub(super) fn consume(&mut self, key: &str, by: Use<'_>, now: Instant) -> Consumed {
        self.sweep(now);
        match self.live(key, now) {
            Some(Body::Spent(mark)) => Consumed::Spent(mark.clone()),
            Some(Body::Value(_)) => match self.take(key) {
                Some((_, Body::Value(value))) => {
                    self.lay(key, Body::Spent(by.mark.to_owned()), by.until);
                    Consumed::Fresh(value)
                }
                _ => Consumed::Unknown,
            },
            _ => Consumed::Unknown,
        }
    }

    pub(super) fn claim(&mut self, key: &str, expires_at: Instant, now: Instant) -> Result<bool, EphemeralError> {
        self.lay_new(key, Body::Mark, expires_at, now)
    }

    pub(super) fn count(&mut self, key: &str, window: Duration, now: Instant) -> Result<u64, EphemeralError> {
        match self.entries.get_mut(key) {
            Some(((ends, _), body)) if now < *ends => match body {
                Body::Counter(number) => {
                    *number = number.saturating_add(1);
                    Ok(*number)
                }
                _ => Err(EphemeralError::NoCounter(self.kind)),
            },
            _ => self.lay_new(key, Body::Counter(1), now.plus(window), now).map(|_| 1),
        }
    }

    pub(super) fn remove(&mut self, key: &str) {
        if self.entries.get(key).is_some_and(|(_, body)| !body.is_promise()) {
            self.take(key);
        }
    }

    fn live(&self, key: &str, now: Instant) -> Option<&Body> {
        self.entries.get(key).filter(|((ends, _), _)| now < *ends).map(|(_, body)| body)
    }

    /// Lays a body where nothing lives; answers whether it did.
    fn lay_new(&mut self, key: &str, body: Body, ends: Instant, now: Instant) -> Result<bool, EphemeralError> {
        self.sweep(now);
        if self.live(key, now).is_some() {
            return Ok(false);
        }
        self.take(key);
        self.make_room(key, &body)?;
        self.lay(key, body, ends);
        Ok(true)
    }

    /// Collects a few entries whose end every caller must have passed.
    fn sweep(&mut self, now: Instant) {
        let passed = now.minus(GARBAGE_MARGIN);
        for _ in 0..SWEPT_PER_WRITE {
            let droppable = self.droppable.first_key_value();
            let promised = self.promised.first_key_value();
            let ended: Vec<Arc<str>> = [droppable, promised]
                .into_iter()
                .flatten()
                .filter(|((ends, _), _)| *ends <= passed)
                .map(|(_, key)| Arc::clone(key))
                .collect();
            if ended.is_empty() {
                return;
            }
            for key in ended {
                self.take(&key);
            }
        }
    }

    /// Drops what ends first until the entry fits; never a promise.
    fn make_room(&mut self, key: &str, body: &Body) -> Result<(), EphemeralError> {
        let needed = cost(key, body);
        if needed > self.bound.bytes {
            return Err(EphemeralError::Full(self.kind));
        }
        while self.entries.len() >= self.bound.entries || self.bytes.saturating_add(needed) > self.bound.bytes {
            let Some((_, first)) = self.droppable.first_key_value() else {
                return Err(EphemeralError::Full(self.kind));
            };
            let first = Arc::clone(first);
            self.take(&first);
        }
        Ok(())
    }

    /// Enters a body under a key that is free.
    fn lay(&mut self, key: &str, body: Body, ends: Instant) {
        self.laid = self.laid.wrapping_add(1);
        let place = (ends, self.laid);
        let key: Arc<str> = Arc::from(key);
        self.bytes = self.bytes.saturating_add(cost(&key, &body));
        self.order(&body).insert(place, Arc::clone(&key));
        self.entries.insert(key, (place, body));
    }

    fn take(&mut self, key: &str) -> Option<(Place, Body)> {
        let (place, body) = self.entries.remove(key)?;
        self.order(&body).remove(&place);
        self.bytes = self.bytes.saturating_sub(cost(key, &body));
        Some((place, body))
    }

    fn order(&mut self, body: &Body) -> &mut BTreeMap<Place, Arc<str>> {
        if body.is_promise() { &mut self.promised } else { &mut self.droppable }
    }
}

fn cost(key: &str, body: &Body) -> usize {
    OVERHEAD.saturating_add(key.len()).saturating_add(body.size())
}
