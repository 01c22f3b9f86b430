//! What runs beside requests: each job a loop that ends when the server stops.
//!
//! | module | what | how often |
//! |---|---|---|
//! | [`first_keys`] | makes the RSA keys at first start, on one node | until they are there |
//! | [`follow`] | confirms the copies, takes over signing keys | 250 ms |
//! | [`rotation`] | moves signing keys along their life | 1 s, one node |
//! | [`outbox`] | delivers back-channel logout messages | woken, or 250 ms |
//! | [`endings`] | ends sessions whose time ran out, removes what has ended | 5 s, one node |
//! | [`seal`] | gives audit events their place in the chain | 5 s, one node |
//! | [`heartbeat`] | says that this node lives; refuses strangers | 5 s |

mod endings;
mod first_keys;
mod follow;
mod heartbeat;
mod outbox;
mod rotation;
mod seal;

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt as _;
use gapura_store::logout_messages;
use tokio::{sync::watch, task::JoinSet};

use crate::{
    metrics::{self, Level},
    state::{App, Live, StartError},
};
pub(crate) use heartbeat::ALIVE;

/// Jobs are gone this long after they were told to stop: the process must be within five seconds.
const DRAIN: Duration = Duration::from_secs(4);

/// A job that panicked begins again after this long.
const AGAIN: Duration = Duration::from_secs(1);

/// The running jobs.
pub struct Jobs {
    stop: watch::Sender<bool>,
    running: JoinSet<()>,
}

/// What every job needs: the state as of its last pause, the name of this node, and the word to stop.
#[derive(Clone)]
struct Shift {
    app: App,
    live: Live,
    node: String,
    stopped: watch::Receiver<bool>,
}

impl Jobs {
    /// Starts all jobs of a serving node. Refuses where another live node keeps short-lived state of
    /// its own.
    pub async fn start(live: impl Into<Live>) -> Result<Self, StartError> {
        let (stop, stopped) = watch::channel(false);
        let live = live.into();
        let app = live.app();
        let shift = Shift { node: app.entropy.ordered_id(app.clock.now())?, app, live, stopped };
        heartbeat::first(&shift).await?;
        let mut running = JoinSet::new();
        running.spawn(kept("first_keys", shift.clone(), first_keys::run));
        running.spawn(kept("follow", shift.clone(), follow::run));
        running.spawn(kept("rotation", shift.clone(), rotation::run));
        running.spawn(kept("outbox", shift.clone(), outbox::run));
        running.spawn(kept("endings", shift.clone(), endings::run));
        running.spawn(kept("seal", shift.clone(), seal::run));
        running.spawn(kept("heartbeat", shift.clone(), heartbeat::run));
        running.spawn(kept("tidy", shift, tidy));
        Ok(Self { stop, running })
    }

    /// Lets every job finish the step it is in.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let all = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            tracing::warn!("a job did not end in time");
        }
    }
}

/// Runs a job to its end. One that panics begins again after a pause: a server without it would look whole.
async fn kept<F: Future<Output = ()>>(job: &'static str, mut shift: Shift, run: impl Fn(Shift) -> F) {
    while AssertUnwindSafe(run(shift.clone())).catch_unwind().await.is_err() {
        tracing::error!(job, "a job panicked and begins again");
        if shift.pause(AGAIN).await {
            return;
        }
    }
}

impl Shift {
    /// Waits, and takes over what changed meanwhile; true when it is time to stop.
    async fn pause(&mut self, time: Duration) -> bool {
        let stopped = self.stopped.wait_for(|stopped| *stopped);
        let stop = tokio::time::timeout(time, stopped).await.is_ok();
        self.app = self.live.app();
        stop
    }
}

/// Says that a job fails once, and once that it works again: an outage must not fill the disk.
#[derive(Default)]
struct Health {
    failing: bool,
}

impl Health {
    fn note<E: std::fmt::Display>(&mut self, job: &'static str, result: &Result<(), E>) {
        match result {
            Err(why) if !self.failing => tracing::error!(job, error = %why, "a job fails"),
            Ok(()) if self.failing => tracing::info!(job, "the job works again"),
            _ => {}
        }
        self.failing = result.is_err();
    }
}

async fn tidy(mut shift: Shift) {
    while !shift.pause(Duration::from_secs(5)).await {
        metrics::tidy();
        metrics::level(Level::PasswordQueue, shift.app.hasher.waiting());
        // Where the database does not answer, the figure stays; the outage is said by others.
        if let Ok(pending) = logout_messages::pending(&shift.app.db).await {
            metrics::level(Level::LogoutPending, usize::try_from(pending).unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests;
