//! Argon2id (RFC 9106) in a bounded pool off the async threads.
//!
//! Hashing is the limit of a morning: each hash takes milliseconds of a core and megabytes of
//! memory. So a fixed number of threads takes jobs from a short line, each with an arena of its own
//! that it gives back after a while without work. The threads run at a low priority, so that tokens
//! and pages go before sign-ins on a machine that has cores for either, not both.
//!
//! Who would wait longer than [`PATIENCE`], or finds the line full, is answered at once with
//! [`Busy`], which becomes the queue page: those who are let in are served within a second, whatever
//! stands outside. Each one outside is told the time at which those before are served, so that a
//! whole city does not come back in the same second. A person who gave up costs nothing: a job whose
//! caller is gone is skipped.
//!
//! No address has a right to the whole line. One that holds more than half of it when it is full gives
//! a place to whoever comes from another; a city behind one address has all of it while nobody else comes.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use gapura_core::secret::Secret;
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;

use super::{
    argon2id::{Arena, Cost, Input, TAG_BYTES, argon2id},
    line::{Line, Next},
    stored::Stored,
    turns::Turns,
};
use crate::{
    edge::address,
    metrics::{self, Level},
};

/// Longest wait for a turn; beyond it the person is told to come back. With the hash itself and the
/// statements around it, a sign-in that was let in ends within a second.
pub const PATIENCE: Duration = Duration::from_millis(800);

/// Nobody is told to come back later than this, about, and so nobody counts beyond it as one who stands outside.
pub const LONGEST_TOLD: Duration = Duration::from_secs(120);

/// A thread without work for so long gives its arena back.
pub const IDLE: Duration = Duration::from_secs(60);

/// How much less a hashing thread counts for the scheduler than one that answers requests: a tenth.
const NICE: i32 = 10;

const SALT_BYTES: usize = 16;

/// How much may be hashed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Threads.
    pub workers: usize,
    /// Jobs that may wait.
    pub queue: usize,
    /// Without work for so long, a thread gives its memory back.
    pub idle: Duration,
}

/// No turn can be promised now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the password queue is full")]
pub struct Busy {
    /// Sign-ins ahead: those let in, and those told to come back before this one.
    pub ahead: usize,
    /// How long they will take.
    pub wait: Duration,
}

/// Why no answer came from the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// Too many wait.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The pool cannot hash: threads gone, or a cost the library refuses.
    #[error("passwords cannot be hashed")]
    Broken,
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The password is right.
    Right,
    /// The password is right, and its hash was made at another cost than today's.
    RightAtOldCost,
    /// Wrong password, no password, or no such account: all the same work.
    Wrong,
}

/// The pool. Dropping it ends its threads.
pub struct PasswordPool {
    line: Arc<Line<Job>>,
    size: Size,
    load: Arc<Load>,
    turns: Turns,
}

#[derive(Default)]
struct Load {
    /// Let in and not done.
    inside: AtomicUsize,
    /// Told to come back, less those served since: how many still stand outside, as far as one can
    /// know. No more than are served in [`LONGEST_TOLD`], and nobody after a minute without work.
    outside: AtomicUsize,
    /// Moving average of one hash, in microseconds; 0 before the first.
    usual_micros: AtomicU64,
    /// What the arenas of all threads hold.
    kept_kib: AtomicUsize,
}

struct Job {
    password: Secret<String>,
    task: Task,
    /// Who asks, where that was not proved before.
    holder: Option<IpAddr>,
}

enum Task {
    Hash { salt: [u8; SALT_BYTES], answer: oneshot::Sender<Result<String, PoolError>> },
    Check { stored: Option<String>, answer: oneshot::Sender<Result<Checked, PoolError>> },
}

impl PasswordPool {
    /// Starts the threads. `pepper` is mixed into every hash and never stored beside one.
    pub fn start(cost: Cost, size: Size, pepper: Secret<[u8; 32]>) -> Result<Self, PoolError> {
        let (line, load) = (Arc::new(Line::new(size.queue)), Arc::new(Load::default()));
        let pool = Self { line, size, load, turns: Turns::default() };
        let pepper = Arc::new(pepper);
        for number in 0..size.workers {
            let (line, load, pepper) = (Arc::clone(&pool.line), Arc::clone(&pool.load), Arc::clone(&pepper));
            thread::Builder::new()
                .name(format!("argon2-{number}"))
                .spawn(move || {
                    // On Linux this is the thread's own. Where it is refused, sign-ins compete as equals.
                    let _ = rustix::process::nice(NICE);
                    Worker { cost, pepper, load, arena: Arena::trusted(), kept: 0 }.run(&line, size.idle);
                })
                .map_err(|_| PoolError::Broken)?;
        }
        Ok(pool)
    }

    /// The hash of a new password as a PHC string, ready to store.
    pub async fn hash(&self, password: Secret<String>, salt: [u8; SALT_BYTES]) -> Result<String, PoolError> {
        let (answer, answered) = oneshot::channel();
        self.submit(Job { password, task: Task::Hash { salt, answer }, holder: None })?;
        answered.await.map_err(|_| PoolError::Broken)?
    }

    /// Whether a password is the one behind a stored hash. `None` (no account, or one without a
    /// password) is hashed as well and is never right. `from` is where the question comes from.
    pub async fn check(
        &self,
        password: Secret<String>,
        stored: Option<String>,
        from: IpAddr,
    ) -> Result<Checked, PoolError> {
        let (answer, answered) = oneshot::channel();
        self.submit(Job { password, task: Task::Check { stored, answer }, holder: Some(address::holder(from)) })?;
        answered.await.map_err(|_| PoolError::Broken)?
    }

    /// Who is being checked now.
    pub const fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Sign-ins waiting for a hash or being hashed.
    pub fn waiting(&self) -> usize {
        self.load.inside.load(Ordering::Relaxed)
    }

    /// Memory that the threads keep for the next hashes, in KiB.
    pub fn kept_kib(&self) -> usize {
        self.load.kept_kib.load(Ordering::Relaxed)
    }

    fn submit(&self, job: Job) -> Result<(), PoolError> {
        let job = match self.join(job) {
            Ok(()) => return Ok(()),
            Err(job) => job,
        };
        let gives_way = self.line.crowd_out(job, |job| job.holder);
        let busy = self.turned_away();
        // One goes for one that comes: the load stays.
        gives_way.map(|other| other.turn_away(busy)).map_err(|_| busy.into())
    }

    /// The job comes back where the line is full, or longer than anybody is to wait.
    fn join(&self, job: Job) -> Result<(), Job> {
        if self.wait_behind(self.waiting()) > PATIENCE {
            return Err(job);
        }
        self.load.came_in();
        self.line.join(job).inspect_err(|_| self.load.left())
    }

    fn turned_away(&self) -> Busy {
        let ahead = |outside: usize| self.waiting().saturating_add(outside);
        let one_more = |outside| (self.wait_behind(ahead(outside)) < LONGEST_TOLD).then_some(outside + 1);
        let (Ok(outside) | Err(outside)) =
            self.load.outside.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        let ahead = ahead(outside);
        Busy { ahead, wait: self.wait_behind(ahead) }
    }

    fn wait_behind(&self, ahead: usize) -> Duration {
        let usual = Duration::from_micros(self.load.usual_micros.load(Ordering::Relaxed));
        let workers = u32::try_from(self.size.workers).unwrap_or(u32::MAX).max(1);
        usual.saturating_mul(u32::try_from(ahead).unwrap_or(u32::MAX)) / workers
    }
}

impl Job {
    fn turn_away(self, busy: Busy) {
        match self.task {
            Task::Hash { answer, .. } => drop(answer.send(Err(busy.into()))),
            Task::Check { answer, .. } => drop(answer.send(Err(busy.into()))),
        }
    }
}

impl Drop for PasswordPool {
    fn drop(&mut self) {
        self.line.close();
    }
}

impl Load {
    fn came_in(&self) {
        metrics::level(Level::PasswordQueue, self.inside.fetch_add(1, Ordering::Relaxed) + 1);
    }

    fn left(&self) {
        let before = self.inside.fetch_sub(1, Ordering::Relaxed);
        metrics::level(Level::PasswordQueue, before.saturating_sub(1));
    }

    /// One hash is done: somebody outside may be the next.
    fn served(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let before = self.usual_micros.load(Ordering::Relaxed);
        let usual = if before == 0 { took } else { (before / 8 * 7).saturating_add(took / 8) };
        self.usual_micros.store(usual.max(1), Ordering::Relaxed);
        let fewer = |outside: usize| outside.checked_sub(1);
        let _ = self.outside.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
    }
}

struct Worker {
    cost: Cost,
    pepper: Arc<Secret<[u8; 32]>>,
    load: Arc<Load>,
    /// Kept between hashes: a sign-in allocates nothing of this size.
    arena: Arena,
    /// What of it stands in the load.
    kept: usize,
}

impl Worker {
    fn run(&mut self, line: &Line<Job>, idle: Duration) {
        loop {
            match line.next((self.kept > 0).then_some(idle)) {
                Next::Job(job) => {
                    self.finish(job);
                    self.load.left();
                }
                Next::Idle => {
                    self.arena.give_back();
                    self.load.outside.store(0, Ordering::Relaxed);
                    self.note_kept();
                }
                Next::Closed => return,
            }
        }
    }

    /// Does a job, unless its caller is gone. A caller that leaves meanwhile loses nothing.
    fn finish(&mut self, job: Job) {
        match job.task {
            Task::Hash { answer, .. } if answer.is_closed() => {}
            Task::Check { answer, .. } if answer.is_closed() => {}
            Task::Hash { salt, answer } => {
                let _ = answer.send(self.hash(&job.password, &salt));
            }
            Task::Check { stored, answer } => {
                let _ = answer.send(self.check(&job.password, stored.as_deref()));
            }
        }
    }

    fn tag(&mut self, cost: Cost, password: &Secret<String>, salt: &[u8]) -> Result<[u8; TAG_BYTES], PoolError> {
        let begun = Instant::now();
        let input = Input { password: password.expose().as_bytes(), salt, secret: self.pepper.expose(), data: &[] };
        let tag = argon2id(cost, input, &mut self.arena);
        self.load.served(begun.elapsed());
        self.note_kept();
        tag.map_err(|_| PoolError::Broken)
    }

    fn note_kept(&mut self) {
        let now = self.arena.kept_kib();
        self.load.kept_kib.fetch_add(now, Ordering::Relaxed);
        self.load.kept_kib.fetch_sub(self.kept, Ordering::Relaxed);
        self.kept = now;
    }

    fn hash(&mut self, password: &Secret<String>, salt: &[u8]) -> Result<String, PoolError> {
        let tag = self.tag(self.cost, password, salt)?;
        Ok(Stored { cost: self.cost, salt: salt.to_vec(), tag: tag.to_vec() }.write())
    }

    fn check(&mut self, password: &Secret<String>, stored: Option<&str>) -> Result<Checked, PoolError> {
        let stored = match stored {
            Some(text) => Some(Stored::read(text).ok_or(PoolError::Broken)?),
            None => None,
        };
        let (cost, salt) =
            stored.as_ref().map_or((self.cost, [0; SALT_BYTES].as_slice()), |stored| (stored.cost, &stored.salt));
        let tag = self.tag(cost, password, salt)?;
        Ok(match stored {
            Some(stored) if bool::from(tag.ct_eq(stored.tag.as_slice())) => {
                if cost == self.cost {
                    Checked::Right
                } else {
                    Checked::RightAtOldCost
                }
            }
            _ => Checked::Wrong,
        })
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
