//! The line of jobs in front of the hashing threads: bounded, first come first served, and each
//! thread learns when it has had nothing to do for a while.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What waits. Dropping the pool closes it; what waits then is still done.
pub(super) struct Line<T> {
    most: usize,
    waiting: Mutex<Waiting<T>>,
    moved: Condvar,
}

struct Waiting<T> {
    jobs: VecDeque<T>,
    closed: bool,
}

/// What a thread is told.
pub(super) enum Next<T> {
    /// To do this.
    Job(T),
    /// Nothing came for so long.
    Idle,
    /// Nothing will come.
    Closed,
}

impl<T> Line<T> {
    pub(super) const fn new(most: usize) -> Self {
        Self { most, waiting: Mutex::new(Waiting { jobs: VecDeque::new(), closed: false }), moved: Condvar::new() }
    }

    /// Takes a place at the end; the job comes back where there is none.
    pub(super) fn join(&self, job: T) -> Result<(), T> {
        let mut waiting = self.waiting();
        if waiting.jobs.len() >= self.most {
            return Err(job);
        }
        waiting.jobs.push_back(job);
        self.moved.notify_one();
        Ok(())
    }

    /// Takes a place at the end from whoever holds more than half of the line, and more than the newcomer will: the
    /// last of theirs gives way and is answered. The job comes back where nobody has to.
    pub(super) fn crowd_out<K: Eq + Hash>(&self, job: T, holder: impl Fn(&T) -> K) -> Result<T, T> {
        let mut waiting = self.waiting();
        let place = place_of_the_crowd(&waiting.jobs, &holder(&job), &holder);
        match place.and_then(|place| waiting.jobs.remove(place)) {
            Some(last) => {
                waiting.jobs.push_back(job);
                Ok(last)
            }
            None => Err(job),
        }
    }

    pub(super) fn close(&self) {
        self.waiting().closed = true;
        self.moved.notify_all();
    }

    /// The next job; waits for one, for ever or for as long as `idle`.
    pub(super) fn next(&self, idle: Option<Duration>) -> Next<T> {
        let nothing = |waiting: &mut Waiting<T>| waiting.jobs.is_empty() && !waiting.closed;
        let waiting = self.waiting();
        let mut waiting = match idle {
            Some(idle) => {
                self.moved.wait_timeout_while(waiting, idle, nothing).unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.moved.wait_while(waiting, nothing).unwrap_or_else(PoisonError::into_inner),
        };
        match waiting.jobs.pop_front() {
            Some(job) => Next::Job(job),
            None if waiting.closed => Next::Closed,
            None => Next::Idle,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place_of_the_crowd<T, K: Eq + Hash>(jobs: &VecDeque<T>, newcomer: &K, holder: impl Fn(&T) -> K) -> Option<usize> {
    let mut held: HashMap<K, usize> = HashMap::new();
    for job in jobs {
        *held.entry(holder(job)).or_default() += 1;
    }
    let own = held.get(newcomer).copied().unwrap_or(0);
    let (crowd, most) = held.into_iter().max_by_key(|(_, many)| *many)?;
    if most * 2 <= jobs.len() || most < own + 2 {
        return None;
    }
    jobs.iter().rposition(|job| holder(job) == crowd)
}
