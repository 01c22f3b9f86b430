//! Argon2id (RFC 9106) in a bounded pool off the async threads.
//!
//! Hashing is the limit of a morning: each hash takes tens of milliseconds of a core and megabytes
//! of memory. So a fixed number of threads owns that memory once and takes jobs from a short queue.
//! A full queue, or one that would make a person wait longer than [`PATIENCE`], is answered at once
//! with [`Busy`], which becomes the queue page. A person who gave up costs nothing: a job whose
//! caller is gone is skipped.
//!
//! [`argon2id`] is the one function behind which the implementation sits.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use gapura_core::secret::Secret;
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;

use super::turns::Turns;
use crate::metrics::{self, Level};

/// Longest wait for a turn; beyond it the person is told to come back.
pub const PATIENCE: Duration = Duration::from_secs(5);

const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 32;

/// What one hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

/// How much may be hashed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Threads.
    pub workers: usize,
    /// Jobs that may wait.
    pub queue: usize,
}

/// No turn can be promised now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the password queue is full")]
pub struct Busy {
    /// Sign-ins ahead.
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
    jobs: SyncSender<Job>,
    size: Size,
    load: Arc<Load>,
    turns: Turns,
}

#[derive(Default)]
struct Load {
    waiting: AtomicUsize,
    /// Moving average of one hash, in microseconds; 0 before the first.
    usual_micros: AtomicU64,
}

struct Job {
    password: Secret<String>,
    task: Task,
}

enum Task {
    Hash { salt: [u8; SALT_BYTES], answer: oneshot::Sender<Result<String, PoolError>> },
    Check { stored: Option<String>, answer: oneshot::Sender<Result<Checked, PoolError>> },
}

impl PasswordPool {
    /// Starts the threads. `pepper` is mixed into every hash and never stored beside one.
    pub fn start(cost: Cost, size: Size, pepper: Secret<[u8; 32]>) -> Result<Self, PoolError> {
        let (jobs, queue) = sync_channel(size.queue);
        let load = Arc::new(Load::default());
        let queue = Arc::new(Mutex::new(queue));
        let pepper = Arc::new(pepper);
        for number in 0..size.workers {
            let mut worker = Worker { cost, pepper: Arc::clone(&pepper), memory: Vec::new() };
            let (queue, load) = (Arc::clone(&queue), Arc::clone(&load));
            thread::Builder::new()
                .name(format!("argon2-{number}"))
                .spawn(move || worker.run(&queue, &load))
                .map_err(|_| PoolError::Broken)?;
        }
        Ok(Self { jobs, size, load, turns: Turns::default() })
    }

    /// The hash of a new password as a PHC string, ready to store.
    pub async fn hash(&self, password: Secret<String>, salt: [u8; SALT_BYTES]) -> Result<String, PoolError> {
        let (answer, answered) = oneshot::channel();
        self.submit(Job { password, task: Task::Hash { salt, answer } })?;
        answered.await.map_err(|_| PoolError::Broken)?
    }

    /// Whether a password is the one behind a stored hash. `None` (no account, or one without a
    /// password) is hashed as well and is never right.
    pub async fn check(&self, password: Secret<String>, stored: Option<String>) -> Result<Checked, PoolError> {
        let (answer, answered) = oneshot::channel();
        self.submit(Job { password, task: Task::Check { stored, answer } })?;
        answered.await.map_err(|_| PoolError::Broken)?
    }

    /// Who is being checked now.
    pub const fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Sign-ins waiting for a hash or being hashed.
    pub fn waiting(&self) -> usize {
        self.load.waiting.load(Ordering::Relaxed)
    }

    fn submit(&self, job: Job) -> Result<(), PoolError> {
        let ahead = self.load.waiting.load(Ordering::Relaxed);
        let wait = self.wait_behind(ahead);
        if wait > PATIENCE {
            return Err(Busy { ahead, wait }.into());
        }
        self.load.joined();
        self.jobs.try_send(job).map_err(|error| {
            self.load.left();
            match error {
                TrySendError::Full(_) => Busy { ahead, wait }.into(),
                TrySendError::Disconnected(_) => PoolError::Broken,
            }
        })
    }

    fn wait_behind(&self, ahead: usize) -> Duration {
        let usual = Duration::from_micros(self.load.usual_micros.load(Ordering::Relaxed));
        let workers = u32::try_from(self.size.workers).unwrap_or(u32::MAX).max(1);
        usual.saturating_mul(u32::try_from(ahead).unwrap_or(u32::MAX)) / workers
    }
}

impl Load {
    fn joined(&self) {
        metrics::level(Level::PasswordQueue, self.waiting.fetch_add(1, Ordering::Relaxed) + 1);
    }

    fn left(&self) {
        let before = self.waiting.fetch_sub(1, Ordering::Relaxed);
        metrics::level(Level::PasswordQueue, before.saturating_sub(1));
    }

    fn note(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let before = self.usual_micros.load(Ordering::Relaxed);
        let usual = if before == 0 { took } else { (before / 8 * 7).saturating_add(took / 8) };
        self.usual_micros.store(usual.max(1), Ordering::Relaxed);
    }
}

struct Worker {
    cost: Cost,
    pepper: Arc<Secret<[u8; 32]>>,
    /// Kept between hashes: a sign-in allocates nothing of this size.
    memory: Vec<Block>,
}

impl Worker {
    fn run(&mut self, queue: &Mutex<Receiver<Job>>, load: &Load) {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = next else { return };
            load.left();
            let begun = Instant::now();
            if self.finish(job) {
                load.note(begun.elapsed());
            }
        }
    }

    /// Does a job; `false` where its caller is gone. A caller that leaves meanwhile loses nothing.
    fn finish(&mut self, job: Job) -> bool {
        match job.task {
            Task::Hash { answer, .. } if answer.is_closed() => return false,
            Task::Check { answer, .. } if answer.is_closed() => return false,
            Task::Hash { salt, answer } => {
                let _ = answer.send(self.hash(&job.password, &salt));
            }
            Task::Check { stored, answer } => {
                let _ = answer.send(self.check(&job.password, stored.as_deref()));
            }
        }
        true
    }

    fn tag(&mut self, cost: Cost, password: &Secret<String>, salt: &[u8]) -> Result<[u8; TAG_BYTES], PoolError> {
        let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, Some(TAG_BYTES))
            .map_err(|_| PoolError::Broken)?;
        argon2id(params, self.pepper.expose(), password.expose().as_bytes(), salt, &mut self.memory)
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

/// A stored hash: `$argon2id$v=19$m=…,t=…,p=…$salt$tag`, without the pepper.
struct Stored {
    cost: Cost,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl Stored {
    fn write(&self) -> String {
        let Cost { memory_kib, iterations, parallelism } = self.cost;
        let (salt, tag) = (STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(&self.tag));
        format!("$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${salt}${tag}")
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let (cost, salt, tag) = (parts.next()?, parts.next()?, parts.next()?);
        let mut cost = cost.split(',');
        let mut number = |name: &str| -> Option<u32> { cost.next()?.strip_prefix(name)?.parse().ok() };
        let cost = Cost { memory_kib: number("m=")?, iterations: number("t=")?, parallelism: number("p=")? };
        let salt = STANDARD_NO_PAD.decode(salt).ok()?;
        let tag = STANDARD_NO_PAD.decode(tag).ok()?;
        (parts.next().is_none() && tag.len() == TAG_BYTES).then_some(Self { cost, salt, tag })
    }
}

/// Argon2id version 1.3 with a secret (RFC 9106 section 3.1). `memory` is grown to what the cost
/// needs and kept.
//= RFC9106#3.1
fn argon2id(
    params: Params,
    secret: &[u8],
    password: &[u8],
    salt: &[u8],
    memory: &mut Vec<Block>,
) -> Result<[u8; TAG_BYTES], PoolError> {
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize_with(blocks, Block::new);
    }
    let mut tag = [0; TAG_BYTES];
    Argon2::new_with_secret(secret, Algorithm::Argon2id, Version::V0x13, params)
        .and_then(|argon2| argon2.hash_password_into_with_memory(password, salt, &mut tag, memory))
        .map_err(|_| PoolError::Broken)?;
    Ok(tag)
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
