//! What ends by time: sessions (their applications are told as at a sign-out), then rows nobody needs
//! any more. One node at a time, in small batches, so that no request waits behind it.

use std::time::Duration;

use gapura_core::{
    audit::{Actor, AuditEvent, EventKind},
    id::{EventId, SessionId},
    identity::SessionEnd,
    time::Instant,
};
use gapura_store::{audit, expiry, leases, sessions};
use serde_json::json;

use super::{Health, Shift};
use crate::state::{App, StartError};

const EVERY: Duration = Duration::from_secs(5);
const LEASE: Duration = Duration::from_secs(30);
/// Sessions ended in one step; more wait for the next.
const BATCH: i64 = 100;

pub(super) async fn run(mut shift: Shift) {
    let mut health = Health::default();
    while !shift.pause(EVERY).await {
        health.note("endings", &step(&mut shift).await);
    }
}

async fn step(shift: &mut Shift) -> Result<(), StartError> {
    let (holder, now) = (shift.node.clone(), shift.app.clock.now());
    let mine = shift.app.db.write(async move |tx| leases::hold(tx, "endings", &holder, now, LEASE).await).await?;
    if !mine {
        return Ok(());
    }
    while end_sessions(&shift.app, now).await? > 0 {
        if *shift.stopped.borrow() {
            return Ok(());
        }
    }
    loop {
        let swept = expiry::sweep(&shift.app.db, now).await?;
        if swept.rows == 0 {
            return Ok(());
        }
        tracing::debug!(rows = swept.rows, longest_statement = ?swept.longest_statement, "what had ended was removed");
        if *shift.stopped.borrow() {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
}

/// Ends one batch of sessions; how many there were.
pub(super) async fn end_sessions(app: &App, now: Instant) -> Result<usize, StartError> {
    let over = sessions::run_out(&app.db, app.settings.sessions.idle, BATCH, now).await?;
    for session in &over {
        end(app, session.clone(), now).await?;
    }
    if !over.is_empty() {
        app.wake.notify_one();
    }
    Ok(over.len())
}

async fn end(app: &App, session: SessionId, now: Instant) -> Result<(), StartError> {
    let id = EventId::new(app.entropy.ordered_id(now)?);
    let mut event = AuditEvent::new(id, app.entropy.bytes()?, now, EventKind::SessionEnded, Actor::System);
    event.session_id = Some(session.clone());
    event.after = Some(json!({"reason": SessionEnd::Expired}));
    let ended = app.db.write(async move |tx| {
        if let Some(user) = sessions::end(tx, &session, SessionEnd::Expired, now).await? {
            let event = AuditEvent { user_id: Some(user), ..event.clone() };
            audit::record(tx, &event).await?;
        }
        Ok(())
    });
    Ok(ended.await?)
}
