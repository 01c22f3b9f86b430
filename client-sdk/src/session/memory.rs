//! Sessions in the memory of this process: fast, bounded, gone with the process.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, FutureExt, ready};

use super::{Ended, Session, SessionKey, SessionStore, StoreError};
use crate::clock::Clock;

/// Keeps sessions in memory. When full, the session that ends soonest gives way.
#[derive(Debug)]
pub struct MemoryStore {
    clock: Clock,
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    sessions: HashMap<SessionKey, Session>,
    by_sid: HashMap<String, HashSet<SessionKey>>,
    by_sub: HashMap<String, HashSet<SessionKey>>,
    by_end: BTreeSet<(i64, SessionKey)>,
    marks: Vec<(Ended, i64)>,
    claimed: HashMap<String, i64>,
}

impl MemoryStore {
    /// A store for at most `capacity` sessions.
    #[must_use]
    pub fn new(capacity: usize, clock: Clock) -> Self {
        Self { clock, capacity: capacity.max(1), state: Mutex::default() }
    }

    /// How many sessions are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state().sessions.len()
    }

    /// Whether no session is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.forget_expired(self.clock.now());
        state
    }
}

impl State {
    fn forget_expired(&mut self, now: i64) {
        while let Some((_, key)) = self.by_end.first().filter(|(end, _)| *end <= now).cloned() {
            self.take(&key);
        }
    }

    fn forget_marks(&mut self, now: i64) {
        self.marks.retain(|(_, until)| *until > now);
        self.claimed.retain(|_, until| *until > now);
    }

    fn put(&mut self, key: &SessionKey, session: Session) {
        if let Some(sid) = session.sid() {
            self.by_sid.entry(sid.to_owned()).or_default().insert(key.clone());
        }
        self.by_sub.entry(session.sub().to_owned()).or_default().insert(key.clone());
        self.by_end.insert((session.expires_at(), key.clone()));
        self.sessions.insert(key.clone(), session);
    }

    fn take(&mut self, key: &SessionKey) -> Option<Session> {
        let session = self.sessions.remove(key)?;
        self.by_end.remove(&(session.expires_at(), key.clone()));
        if let Some(sid) = session.sid() {
            unlink(&mut self.by_sid, sid, key);
        }
        unlink(&mut self.by_sub, session.sub(), key);
        Some(session)
    }

    fn covered_by(&self, ended: &Ended) -> Vec<SessionKey> {
        let keys = match ended {
            Ended::Sid { sid, .. } => self.by_sid.get(sid),
            Ended::Sub { sub, .. } => self.by_sub.get(sub),
        };
        let candidates = keys.into_iter().flatten();
        candidates.filter(|key| self.sessions.get(key).is_some_and(|session| ended.ends(session))).cloned().collect()
    }
}

fn unlink(index: &mut HashMap<String, HashSet<SessionKey>>, name: &str, key: &SessionKey) {
    if let Some(keys) = index.get_mut(name) {
        keys.remove(key);
        if keys.is_empty() {
            index.remove(name);
        }
    }
}

fn done<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T, StoreError>> {
    ready(Ok(value)).boxed()
}

impl SessionStore for MemoryStore {
    fn load<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Session>, StoreError>> {
        done(self.state().sessions.get(key).cloned())
    }

    fn insert<'a>(&'a self, key: &'a SessionKey, session: Session) -> BoxFuture<'a, Result<bool, StoreError>> {
        let mut state = self.state();
        let now = self.clock.now();
        if state.marks.iter().any(|(ended, until)| *until > now && ended.ends(&session)) {
            return done(false);
        }
        while state.sessions.len() >= self.capacity
            && let Some((_, soonest)) = state.by_end.first().cloned()
        {
            state.take(&soonest);
        }
        state.put(key, session);
        done(true)
    }

    fn update<'a>(
        &'a self,
        key: &'a SessionKey,
        read: &'a Session,
        session: Session,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        let mut state = self.state();
        let same = state.sessions.get(key).is_some_and(|kept| kept.revision() == read.revision());
        if same {
            state.take(key);
            state.put(key, session);
        }
        done(same)
    }

    fn remove<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Session>, StoreError>> {
        done(self.state().take(key))
    }

    fn end<'a>(&'a self, ended: &'a Ended, mark_until: i64) -> BoxFuture<'a, Result<usize, StoreError>> {
        let mut state = self.state();
        state.forget_marks(self.clock.now());
        let keys = state.covered_by(ended);
        for key in &keys {
            state.take(key);
        }
        state.marks.push((ended.clone(), mark_until));
        done(keys.len())
    }

    fn claim<'a>(&'a self, id: &'a str, until: i64) -> BoxFuture<'a, Result<bool, StoreError>> {
        let mut state = self.state();
        state.forget_marks(self.clock.now());
        let fresh = !state.claimed.contains_key(id);
        if fresh {
            state.claimed.insert(id.to_owned(), until);
        }
        done(fresh)
    }

    fn release<'a>(&'a self, id: &'a str, until: i64) -> BoxFuture<'a, Result<(), StoreError>> {
        let mut state = self.state();
        if state.claimed.get(id) == Some(&until) {
            state.claimed.remove(id);
        }
        done(())
    }
}
