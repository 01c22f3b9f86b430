//! Gives audit events their place in the chain, after they were committed, on one node at a time.
//!
//! Keys of events grow with time, so what is unsealed lies at the end: looking there every few seconds is cheap. An
//! event may come late (its transaction took long, a clock was set back): a wider look every few minutes finds it.

use std::time::Duration;

use gapura_core::{audit::chain, id::EventId, time::Instant};
use gapura_store::{audit_chain, leases};

use super::{Health, Shift};
use crate::state::StartError;

const EVERY: Duration = Duration::from_secs(5);
const LEASE: Duration = Duration::from_secs(30);
/// Events sealed in one change.
const BATCH: i64 = 64;
/// Longer than any change may take.
const NEAR: Duration = Duration::from_secs(120);
const FAR: Duration = Duration::from_secs(2 * 24 * 3600);
/// Near looks between two far ones.
const NEAR_LOOKS: u32 = 120;

pub(super) async fn run(mut shift: Shift) {
    let mut health = Health::default();
    let mut looks = 0;
    while !shift.pause(EVERY).await {
        let back = if looks % NEAR_LOOKS == 0 { FAR } else { NEAR };
        let done = step(&shift, back).await;
        // A far look that failed is made again.
        looks = if done.is_ok() { looks + 1 } else { 0 };
        health.note("seal", &done);
    }
}

/// Seals what is not sealed yet and lies at most `back` before the newest sealed event.
async fn step(shift: &Shift, back: Duration) -> Result<(), StartError> {
    let from = from(shift, back).await?;
    while !*shift.stopped.borrow() {
        let events = audit_chain::unsealed(&shift.app.db, from.as_ref(), BATCH).await?;
        if events.is_empty() {
            break;
        }
        let places: Vec<_> =
            events.into_iter().map(|event| (event.id, chain::digest(&event.salt, &event.body))).collect();
        let (holder, now) = (shift.node.clone(), shift.app.clock.now());
        let mine = shift.app.db.write(async move |tx| {
            let mine = leases::hold(tx, "seal", &holder, now, LEASE).await?;
            if mine {
                audit_chain::append(tx, &places).await?;
            }
            Ok(mine)
        });
        if !mine.await? {
            break;
        }
    }
    Ok(())
}

/// Where to look from; everything where nothing is sealed yet.
async fn from(shift: &Shift, back: Duration) -> Result<Option<EventId>, StartError> {
    let head = audit_chain::head(&shift.app.db).await?;
    let newest = head.and_then(|head| chain::moment(&head.event));
    Ok(newest.map(|newest| before(newest.min(shift.app.clock.now()), back)))
}

fn before(at: Instant, back: Duration) -> EventId {
    chain::first_id(at.minus(back))
}
