//! Short-lived state in this process: a drawer per kind, each behind its own lock, which is held
//! for a few map operations and never across an await.
//!
//! A drawer keeps its entries twice: by key, and by end in one of two orders, what may be dropped
//! (values) and what was promised (tombstones, marks). Whoever writes sweeps a few ended
//! entries from the fronts of both orders, so nothing is ever scanned.
//!
//! Tombstones outlive what they stand for by far, so keys are kept as digests of 16 bytes.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use gapura_core::{hex, time::Instant};
use sha2::{Digest as _, Sha256};

use super::{Bound, Consumed, Entry, EphemeralError, GARBAGE_MARGIN, Kind, Put, Swap, Use};

/// Ended entries collected per write and order. More than the one a write adds, so it keeps up.
const SWEPT_PER_WRITE: usize = 8;

/// Bytes an entry costs beside its body, about: its places in the map and in an order.
const OVERHEAD: usize = 128;

/// All drawers of a process.
pub(super) struct Memory {
    code: Mutex<Drawer>,
    interaction: Mutex<Drawer>,
    posted_request: Mutex<Drawer>,
    jti_mark: Mutex<Drawer>,
    marks: Mutex<Option<Marks>>,
}

impl Memory {
    pub(super) fn new(bound: fn(Kind) -> Bound) -> Self {
        let drawer = |kind| Mutex::new(Drawer::new(kind, bound(kind)));
        Self {
            code: drawer(Kind::Code),
            interaction: drawer(Kind::Interaction),
            posted_request: drawer(Kind::PostedRequest),
            jti_mark: drawer(Kind::JtiMark),
            marks: Mutex::new(None),
        }
    }

    /// Nothing panics while holding a drawer, so a poisoned lock cannot hide half a change.
    pub(super) fn drawer(&self, kind: Kind) -> MutexGuard<'_, Drawer> {
        let drawer = match kind {
            Kind::Code => &self.code,
            Kind::Interaction => &self.interaction,
            Kind::PostedRequest => &self.posted_request,
            Kind::JtiMark => &self.jti_mark,
        };
        drawer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn marks_since(&self, now: Instant) -> Instant {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let known = marks.get_or_insert(Marks { since: now, latest: now });
        // A clock that ran ahead collected marks before their time; set back, it lets what they stood for come again.
        if now.plus(GARBAGE_MARGIN) < known.latest {
            *known = Marks { since: known.since.max(now), latest: now };
        }
        known.latest = known.latest.max(now);
        known.since
    }
}

/// Since when no mark was lost, and the latest time seen.
#[derive(Clone, Copy)]
struct Marks {
    since: Instant,
    latest: Instant,
}

/// What a key holds.
enum Body {
    Value(Box<[u8]>),
    Mark,
    Spent(Word),
}

/// What a tombstone says. The id of a family is 32 hexadecimal digits, which need no memory of their own.
enum Word {
    Id([u8; 16]),
    Text(Box<str>),
}

impl Word {
    fn new(text: &str) -> Self {
        let is_id = text.len() == 32 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        match u128::from_str_radix(text, 16) {
            Ok(id) if is_id => Self::Id(id.to_be_bytes()),
            _ => Self::Text(text.into()),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Id(id) => hex(id),
            Self::Text(text) => text.to_string(),
        }
    }
}

impl Body {
    /// Whether dropping it would let something happen twice unseen.
    const fn is_promise(&self) -> bool {
        matches!(self, Self::Mark | Self::Spent(_))
    }

    fn size(&self) -> usize {
        match self {
            Self::Value(value) => value.len(),
            Self::Spent(Word::Text(text)) => text.len(),
            Self::Spent(Word::Id(_)) | Self::Mark => 0,
        }
    }
}

/// A key, as it is kept: half of its SHA-256. Who looks for another key of the same digest tries 2^128 of them.
type Digest = [u8; 16];

fn digest(key: &str) -> Digest {
    let whole: [u8; 32] = Sha256::digest(key).into();
    // Never without a value: 32 bytes have a first half.
    whole.first_chunk().copied().unwrap_or_default()
}

/// The entries of one kind.
pub(super) struct Drawer {
    kind: Kind,
    bound: Bound,
    entries: HashMap<Digest, (Instant, Body)>,
    droppable: BTreeSet<(Instant, Digest)>,
    promised: BTreeSet<(Instant, Digest)>,
    bytes: usize,
}

impl Drawer {
    fn new(kind: Kind, bound: Bound) -> Self {
        let (droppable, promised) = (BTreeSet::new(), BTreeSet::new());
        Self { kind, bound, entries: HashMap::new(), droppable, promised, bytes: 0 }
    }

    pub(super) fn put(&mut self, key: &str, entry: Entry<'_>, now: Instant) -> Result<Put, EphemeralError> {
        let body = Body::Value(entry.value.into());
        Ok(if self.lay_new(digest(key), body, entry.expires_at, now)? { Put::Stored } else { Put::Exists })
    }

    pub(super) fn get(&self, key: &str, now: Instant) -> Option<Vec<u8>> {
        match self.live(&digest(key), now) {
            Some(Body::Value(value)) => Some(value.to_vec()),
            _ => None,
        }
    }

    pub(super) fn swap(&mut self, key: &str, swap: Swap<'_>, now: Instant) -> Result<bool, EphemeralError> {
        let key = digest(key);
        self.sweep(now);
        if !matches!(self.live(&key, now), Some(Body::Value(value)) if **value == *swap.seen) {
            return Ok(false);
        }
        let Some((ends, old)) = self.take(&key) else { return Ok(false) };
        let new = Body::Value(swap.new.into());
        let room = self.make_room(&new);
        // Without room the old value goes back to where it was.
        let (body, ends) = if room.is_ok() { (new, swap.expires_at) } else { (old, ends) };
        self.lay(key, body, ends);
        room.map(|()| true)
    }

    pub(super) fn consume(&mut self, key: &str, by: Use<'_>, now: Instant) -> Consumed {
        let key = digest(key);
        self.sweep(now);
        match self.live(&key, now) {
            Some(Body::Spent(word)) => Consumed::Spent(word.text()),
            Some(Body::Value(_)) => match self.take(&key) {
                Some((_, Body::Value(value))) => {
                    self.lay(key, Body::Spent(Word::new(by.mark)), by.until);
                    Consumed::Fresh(value.into_vec())
                }
                _ => Consumed::Unknown,
            },
            _ => Consumed::Unknown,
        }
    }

    pub(super) fn claim(&mut self, key: &str, expires_at: Instant, now: Instant) -> Result<bool, EphemeralError> {
        self.lay_new(digest(key), Body::Mark, expires_at, now)
    }

    pub(super) fn remove(&mut self, key: &str) {
        let key = digest(key);
        if self.entries.get(&key).is_some_and(|(_, body)| !body.is_promise()) {
            self.take(&key);
        }
    }

    fn live(&self, key: &Digest, now: Instant) -> Option<&Body> {
        self.entries.get(key).filter(|(ends, _)| now < *ends).map(|(_, body)| body)
    }

    /// Lays a body where nothing lives; answers whether it did.
    fn lay_new(&mut self, key: Digest, body: Body, ends: Instant, now: Instant) -> Result<bool, EphemeralError> {
        self.sweep(now);
        if self.live(&key, now).is_some() {
            return Ok(false);
        }
        self.take(&key);
        self.make_room(&body)?;
        self.lay(key, body, ends);
        Ok(true)
    }

    /// Collects a few entries whose end every caller must have passed.
    fn sweep(&mut self, now: Instant) {
        let passed = now.minus(GARBAGE_MARGIN);
        for _ in 0..SWEPT_PER_WRITE {
            let first = [self.droppable.first(), self.promised.first()];
            let ended = first.map(|first| first.filter(|(ends, _)| *ends <= passed).map(|(_, key)| *key));
            if ended == [None, None] {
                return;
            }
            for key in ended.into_iter().flatten() {
                self.take(&key);
            }
        }
    }

    /// Drops what ends first until the entry fits; never a promise.
    fn make_room(&mut self, body: &Body) -> Result<(), EphemeralError> {
        let needed = cost(body);
        if needed > self.bound.bytes {
            return Err(EphemeralError::Full(self.kind));
        }
        while self.entries.len() >= self.bound.entries || self.bytes.saturating_add(needed) > self.bound.bytes {
            let Some((_, first)) = self.droppable.first().copied() else {
                return Err(EphemeralError::Full(self.kind));
            };
            self.take(&first);
        }
        Ok(())
    }

    /// Enters a body under a key that is free.
    fn lay(&mut self, key: Digest, body: Body, ends: Instant) {
        self.bytes = self.bytes.saturating_add(cost(&body));
        self.order(&body).insert((ends, key));
        self.entries.insert(key, (ends, body));
    }

    fn take(&mut self, key: &Digest) -> Option<(Instant, Body)> {
        let (ends, body) = self.entries.remove(key)?;
        self.order(&body).remove(&(ends, *key));
        self.bytes = self.bytes.saturating_sub(cost(&body));
        Some((ends, body))
    }

    fn order(&mut self, body: &Body) -> &mut BTreeSet<(Instant, Digest)> {
        if body.is_promise() { &mut self.promised } else { &mut self.droppable }
    }
}

fn cost(body: &Body) -> usize {
    OVERHEAD.saturating_add(body.size())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOMY: usize = 1 << 20;

    fn at(millis: i64) -> Instant {
        Instant::from_millis(millis)
    }

    fn drawer(entries: usize, bytes: usize) -> Drawer {
        Drawer::new(Kind::Code, Bound { entries, bytes })
    }

    fn put(drawer: &mut Drawer, key: &str, ends: i64) -> Result<Put, EphemeralError> {
        drawer.put(key, Entry { value: b"v", expires_at: at(ends) }, at(0))
    }

    fn consume(drawer: &mut Drawer, key: &str) -> Consumed {
        drawer.consume(key, Use { mark: "m", until: at(900) }, at(0))
    }

    #[test]
    fn a_full_drawer_drops_what_ends_first() {
        let mut drawer = drawer(3, ROOMY);
        for (key, ends) in [("later", 300), ("first", 100), ("next", 200), ("new", 400)] {
            assert_eq!(put(&mut drawer, key, ends), Ok(Put::Stored));
        }
        assert_eq!(drawer.get("first", at(0)), None);
        drawer.claim("mark", at(500), at(0)).unwrap();
        assert_eq!(drawer.get("next", at(0)), None);
        assert!(drawer.get("later", at(0)).is_some() && drawer.get("new", at(0)).is_some());
    }

    #[test]
    fn a_tombstone_says_what_it_was_told() {
        let id = "019ad3f0c1e2000000000000000000ff";
        for mark in [id, "", "m", &id.to_uppercase(), &id.replacen('0', "+", 1), &format!("{id}0"), &"0".repeat(32)] {
            let mut drawer = drawer(9, ROOMY);
            put(&mut drawer, "k", 100).unwrap();
            drawer.consume("k", Use { mark, until: at(900) }, at(0));
            assert_eq!(consume(&mut drawer, "k"), Consumed::Spent(mark.to_owned()));
        }
        assert!(matches!(Word::new(id), Word::Id(_)), "and without memory of its own");
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut drawer = drawer(1_000, 10 * (OVERHEAD + 1));
        for number in 0..100 {
            put(&mut drawer, &format!("{number:09}"), 100 + number).unwrap();
        }
        assert_eq!(drawer.entries.len(), 10);
        let huge = vec![0; 10 * (OVERHEAD + 1)];
        let refused = drawer.put("huge", Entry { value: &huge, expires_at: at(100) }, at(0));
        assert_eq!(refused, Err(EphemeralError::Full(Kind::Code)));
        assert_eq!(drawer.entries.len(), 10, "a value that can never fit drives nothing out");
    }

    #[test]
    fn promises_are_never_dropped() {
        let mut drawer = drawer(3, ROOMY);
        for key in ["a", "b"] {
            put(&mut drawer, key, 100).unwrap();
            assert_eq!(consume(&mut drawer, key), Consumed::Fresh(b"v".to_vec()));
        }
        assert_eq!(drawer.claim("j", at(50), at(0)), Ok(true));
        let full = EphemeralError::Full(Kind::Code);
        assert_eq!(put(&mut drawer, "c", 100), Err(full.clone()));
        assert_eq!(drawer.claim("k", at(100), at(0)), Err(full));
        assert_eq!(drawer.claim("j", at(50), at(0)), Ok(false));
        assert_eq!(consume(&mut drawer, "a"), Consumed::Spent("m".to_owned()));
    }

    #[test]
    fn a_full_drawer_still_lets_consume() {
        let mut drawer = drawer(1, OVERHEAD + 2);
        put(&mut drawer, "k", 100).unwrap();
        let by = Use { mark: "a mark longer than the value", until: at(900) };
        assert_eq!(drawer.consume("k", by, at(0)), Consumed::Fresh(b"v".to_vec()));
        assert_eq!(consume(&mut drawer, "k"), Consumed::Spent(by.mark.to_owned()));
    }

    #[test]
    fn a_swap_without_room_keeps_the_old_value() {
        let mut drawer = drawer(9, OVERHEAD + 2);
        put(&mut drawer, "k", 100).unwrap();
        let swap = Swap { seen: b"v", new: b"longer", expires_at: at(900) };
        assert_eq!(drawer.swap("k", swap, at(0)), Err(EphemeralError::Full(Kind::Code)));
        assert_eq!(drawer.get("k", at(99)), Some(b"v".to_vec()));
        assert_eq!(drawer.get("k", at(100)), None);
    }

    #[test]
    fn ended_entries_are_collected_after_the_margin_and_leave_nothing() {
        let mut drawer = drawer(10_000, 100 * ROOMY);
        for number in 0..500 {
            put(&mut drawer, &format!("value-{number}"), number).unwrap();
            put(&mut drawer, &format!("spent-{number}"), 100).unwrap();
            drawer.consume(&format!("spent-{number}"), Use { mark: "m", until: at(number) }, at(0));
            drawer.claim(&format!("mark-{number}"), at(number), at(0)).unwrap();
        }
        let margin = at(499).plus(GARBAGE_MARGIN);
        for number in 0..300 {
            drawer.claim(&format!("new-{number}"), margin.plus(GARBAGE_MARGIN), margin).unwrap();
        }
        assert_eq!(drawer.entries.len(), 300);
        assert_eq!((drawer.droppable.len(), drawer.promised.len()), (0, 300));
        assert_eq!(drawer.bytes, 300 * OVERHEAD);
    }

    #[test]
    fn marks_collected_by_a_fast_clock_are_known_as_lost() {
        let memory = Memory::new(|_| Bound { entries: 10, bytes: ROOMY });
        let hour = std::time::Duration::from_secs(3600);
        assert_eq!(memory.marks_since(at(0)), at(0));
        assert_eq!(memory.marks_since(at(10)), at(0));
        assert_eq!(memory.marks_since(at(10).plus(hour)), at(0));
        // Set right again: what was issued before may have been used, and its mark is gone.
        assert_eq!(memory.marks_since(at(20)), at(20));
        assert_eq!(memory.marks_since(at(10)), at(20), "clocks of two requests");
        // Set wrong, and back before the start: refused until the start comes again.
        assert_eq!(memory.marks_since(at(20).minus(hour)), at(20));
    }

    #[test]
    fn marks_are_bounded_by_their_number() {
        let memory = Memory::new(Kind::bound);
        let mut drawer = memory.drawer(Kind::JtiMark);
        let most = Kind::JtiMark.bound().entries;
        for number in 0..most {
            assert_eq!(drawer.claim(&number.to_string(), at(1), at(0)), Ok(true), "{number} of {most}");
        }
        assert_eq!(drawer.claim("one more", at(1), at(0)), Err(EphemeralError::Full(Kind::JtiMark)));
    }

    #[test]
    fn every_kind_has_a_drawer_of_its_own_bound() {
        let memory = Memory::new(|kind| Bound { entries: kind.word().len(), bytes: ROOMY });
        for kind in [Kind::Code, Kind::Interaction, Kind::PostedRequest, Kind::JtiMark] {
            let drawer = memory.drawer(kind);
            assert_eq!((drawer.kind, drawer.bound.entries), (kind, kind.word().len()));
        }
    }
}
