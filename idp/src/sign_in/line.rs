//! The line of jobs in front of the hashing threads: bounded, first come first served, and each
//! thread learns when it has had nothing to do for a while.

use std::{
    collections::VecDeque,
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

    /// Whether the job found a place.
    pub(super) fn join(&self, job: T) -> bool {
        let mut waiting = self.waiting();
        if waiting.jobs.len() >= self.most {
            return false;
        }
        waiting.jobs.push_back(job);
        self.moved.notify_one();
        true
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
