//! Gives audit events their place in the chain, after they were committed, on one node at a time.
//!
//! Keys of events grow with time, so what is unsealed lies at the end: looking there every few seconds is cheap. An event
//! may come late (its transaction took long, a clock was set back): wider looks, page by page, find it.
//!
//! | look | what it reads | how often |
//! |---|---|---|
//! | [`Look::Near`] | from two minutes before the newest sealed event; all where nothing is sealed | 5 s |
//! | [`Look::Far`] | the two days before | 10 min |
//! | [`Look::Whole`] | everything | once this node has the lease, then each day |

use std::time::Duration;

use gapura_core::{audit::chain, id::EventId, time::Instant};
use gapura_store::{
    audit_chain::{self, Unsealed},
    leases,
};

use super::{Health, Shift};
use crate::state::StartError;

const EVERY: Duration = Duration::from_secs(5);
const LEASE: Duration = Duration::from_secs(30);
/// Events sealed in one change.
const BATCH: u8 = 64;
/// Longer than any change may take.
const NEAR: Duration = Duration::from_secs(120);
const FAR: Duration = Duration::from_secs(2 * 24 * 3600);
/// Looks from a far one to the next.
const TEN_MINUTES: u32 = 120;
/// Looks from a whole one to the next.
const DAY: u32 = 144 * TEN_MINUTES;
/// Keys of events that a wide look reads at once, and its rest before the next.
const PAGE: i64 = 1000;
const REST: Duration = Duration::from_millis(10);

/// How far back a look goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Near,
    Far,
    Whole,
}

/// Near looks until the next wider ones.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plan {
    far: u32,
    whole: u32,
}

impl Plan {
    pub(super) const fn next(self) -> Look {
        match self {
            Self { whole: 0, .. } => Look::Whole,
            Self { far: 0, .. } => Look::Far,
            Self { .. } => Look::Near,
        }
    }

    /// After a look. One that failed is dear, and what hindered it may last: it is not made again at once.
    pub(super) const fn after(self, look: Look, went_well: bool) -> Self {
        match (look, went_well) {
            (Look::Near, _) => Self { far: self.far.saturating_sub(1), whole: self.whole.saturating_sub(1) },
            (Look::Far, _) => Self { far: TEN_MINUTES, whole: self.whole.saturating_sub(1) },
            (Look::Whole, true) => Self { far: TEN_MINUTES, whole: DAY },
            (Look::Whole, false) => Self { far: TEN_MINUTES, whole: TEN_MINUTES },
        }
    }
}

pub(super) async fn run(mut shift: Shift) {
    let (mut health, mut plan) = (Health::default(), Plan::default());
    while !shift.pause(EVERY).await {
        let look = plan.next();
        let done = step(&shift, look).await;
        if !matches!(done, Ok(Lease::Elsewhere)) {
            plan = plan.after(look, done.is_ok());
        }
        health.note("seal", &done.map(drop));
    }
}

/// Whether this node seals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lease {
    Here,
    Elsewhere,
}

/// Seals what is not sealed yet, as far back as is looked.
pub(super) async fn step(shift: &Shift, look: Look) -> Result<Lease, StartError> {
    if append(shift, &[]).await? == Lease::Elsewhere {
        return Ok(Lease::Elsewhere);
    }
    let newest = audit_chain::newest(&shift.app.db).await?.and_then(|newest| chain::moment(&newest));
    let newest = newest.map(|newest| newest.min(shift.app.clock.now()));
    if near(shift, newest).await? == Lease::Elsewhere {
        return Ok(Lease::Elsewhere);
    }
    match look {
        Look::Near => Ok(Lease::Here),
        Look::Far => wide(shift, newest.map_or_else(all, |newest| before(newest, FAR))).await,
        Look::Whole => wide(shift, all()).await,
    }
}

fn before(at: Instant, back: Duration) -> EventId {
    chain::first_id(at.minus(back))
}

/// Before every key.
fn all() -> EventId {
    EventId::new("")
}

/// What came since the newest sealed event, in batches.
async fn near(shift: &Shift, newest: Option<Instant>) -> Result<Lease, StartError> {
    let mut from = newest.map(|newest| before(newest, NEAR));
    while !*shift.stopped.borrow() {
        let events = audit_chain::unsealed(&shift.app.db, from.as_ref(), BATCH.into()).await?;
        let Some(last) = events.last() else { break };
        from = Some(last.id.clone());
        if append(shift, &events).await? == Lease::Elsewhere {
            return Ok(Lease::Elsewhere);
        }
    }
    Ok(Lease::Here)
}

/// What came late, by walking through the keys of all events after `after`.
async fn wide(shift: &Shift, mut after: EventId) -> Result<Lease, StartError> {
    let mut held = tokio::time::Instant::now();
    while !*shift.stopped.borrow() {
        let page = audit_chain::places(&shift.app.db, &after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id.clone();
        let mut late = Vec::new();
        for place in page.iter().filter(|place| place.number.is_none()) {
            late.extend(audit_chain::event(&shift.app.db, &place.id).await?);
        }
        let prolong = held.elapsed() > LEASE / 3;
        let batches = late.chunks(BATCH.into()).chain(prolong.then_some(&[][..]));
        for batch in batches {
            if append(shift, batch).await? == Lease::Elsewhere {
                return Ok(Lease::Elsewhere);
            }
            held = tokio::time::Instant::now();
        }
        tokio::time::sleep(REST).await;
    }
    Ok(Lease::Here)
}

/// Gives events the next places, and prolongs the lease.
async fn append(shift: &Shift, events: &[Unsealed]) -> Result<Lease, StartError> {
    let (holder, now) = (shift.node.clone(), shift.app.clock.now());
    let places: Vec<_> =
        events.iter().map(|event| (event.id.clone(), chain::digest(&event.salt, &event.body))).collect();
    let mine = shift.app.db.write(async move |tx| {
        let mine = leases::hold(tx, "seal", &holder, now, LEASE).await?;
        if mine && !places.is_empty() {
            audit_chain::append(tx, &places).await?;
        }
        Ok(mine)
    });
    Ok(if mine.await? { Lease::Here } else { Lease::Elsewhere })
}
