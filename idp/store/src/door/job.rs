//! A change on its way to the store's thread: closure and answer, with their types erased.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::{FutureExt, future::LocalBoxFuture};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};

use super::{StoreError, Tx};

/// One change. Its future stays on the store's thread and need not be `Send`.
pub(super) trait Job: Send {
    /// Runs the closure, perhaps not for the first time; whether its work may be committed.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> LocalBoxFuture<'t, bool>;

    /// Whether it waited too long to be begun at all.
    fn overdue(&self) -> bool;

    /// Tells the caller: what the closure returned, or why it was not committed.
    fn answer(self: Box<Self>, commit: Result<(), StoreError>);
}

/// A closure, what it returned, and who waits for it.
pub(super) struct Change<F, R> {
    apply: F,
    limits: Limits,
    given: Instant,
    returned: Option<Result<R, StoreError>>,
    reply: oneshot::Sender<Result<R, StoreError>>,
}

/// How long a change may take.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Running; checked at the closure's awaits.
    pub(super) run: Duration,
    /// Waiting before it is begun.
    pub(super) wait: Duration,
    /// From being given to being answered.
    pub(super) answer: Duration,
}

impl<F, R> Change<F, R> {
    pub(super) fn new(apply: F, limits: Limits, reply: oneshot::Sender<Result<R, StoreError>>) -> Self {
        Self { apply, limits, given: Instant::now(), returned: None, reply }
    }
}

impl<F, R> Job for Change<F, R>
where
    F: AsyncFn(&mut Tx) -> Result<R, StoreError> + Send,
    R: Send,
{
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> LocalBoxFuture<'t, bool> {
        Box::pin(async move {
            let applied = AssertUnwindSafe(async { (self.apply)(&mut *tx).await }).catch_unwind();
            let returned = match timeout(self.limits.run, applied).await {
                Ok(Ok(returned)) => returned,
                Ok(Err(_)) => Err(StoreError::Panicked),
                Err(_) => Err(StoreError::TooSlow),
            };
            // A closure that went on after a refused statement does not know what it is doing.
            let returned = tx.first_error().map_or(returned, Err);
            let kept = returned.is_ok();
            self.returned = Some(returned);
            kept
        })
    }

    fn overdue(&self) -> bool {
        self.given.elapsed() >= self.limits.wait
    }

    fn answer(self: Box<Self>, commit: Result<(), StoreError>) {
        let returned = self.returned.unwrap_or(Err(StoreError::Stopped));
        // Nobody listens where the caller hung up; the change stands all the same.
        drop(self.reply.send(commit.and(returned)));
    }
}
