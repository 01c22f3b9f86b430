//! Signing keys move on when their time has come, by one node. What is due is read from the copies, so that
//! a second in which nothing is due costs nothing.

use std::time::Duration;

use gapura_core::{
    audit::Actor,
    oauth::{
        RotationPolicy,
        rotation::{self, Step},
    },
};
use gapura_store::{leases, signing_keys};

use super::{Health, Shift};
use crate::{
    keys::rotation::{Mover, find},
    state::{App, StartError},
};

const EVERY: Duration = Duration::from_secs(1);
/// Longer than making a key takes on the smallest machine.
const LEASE: Duration = Duration::from_secs(60);

pub(super) async fn run(mut shift: Shift) {
    let mut health = Health::default();
    while !shift.pause(EVERY).await {
        health.note("rotation", &step(&shift.app, &shift.node).await);
    }
}

async fn step(app: &App, node: &str) -> Result<(), StartError> {
    let (now, policy) = (app.clock.now(), app.settings.rotation());
    if rotation::due(&app.copies.current().await?.signing_keys, now, &policy).is_empty() {
        return Ok(());
    }
    let holder = node.to_owned();
    let mine = app.db.write(async move |tx| leases::hold(tx, "rotation", &holder, now, LEASE).await).await?;
    if !mine {
        return Ok(());
    }
    let moved = move_all(app, &policy).await;
    let holder = node.to_owned();
    app.db.write(async move |tx| leases::release(tx, "rotation", &holder).await).await?;
    let snapshot = app.copies.refresh().await?;
    app.keys.follow_if_moved(&snapshot)?;
    moved
}

async fn move_all(app: &App, policy: &RotationPolicy) -> Result<(), StartError> {
    let now = app.clock.now();
    let mover = Mover { db: &app.db, keys: &app.keys, actor: Actor::System, now };
    // Read again: another node may have moved them before this one had the lease.
    let stored = signing_keys::all(&app.db).await?;
    for due in rotation::due(&stored, now, policy) {
        match due {
            Step::Make(algorithm) => {
                if let Some(made) = mover.make_next(algorithm).await? {
                    tracing::info!(%algorithm, kid = %made.id, "made the next signing key");
                }
            }
            Step::Activate(kid) => {
                if let Some(key) = find(&stored, &kid)
                    && mover.activate(key).await?
                {
                    tracing::info!(algorithm = %key.algorithm, %kid, "a new key signs");
                }
            }
            Step::Withdraw(kid) => {
                if let Some(key) = find(&stored, &kid)
                    && mover.withdraw(key).await?
                {
                    tracing::info!(algorithm = %key.algorithm, %kid, "a signing key is gone");
                }
            }
        }
    }
    Ok(())
}
