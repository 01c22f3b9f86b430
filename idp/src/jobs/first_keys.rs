//! The RSA keys of a first start: made in the background, by one node. Until they exist `/readyz` is
//! red and a flow that needs one waits.

use std::time::Duration;

use gapura_core::oauth::SignatureAlg;
use gapura_store::leases;

use super::{Health, Shift};
use crate::{
    foundation::ensure_signing_key,
    state::{App, StartError},
};

/// Longer than making a key takes on the smallest machine.
const LEASE: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(250);

/// Ends when a key of every announced algorithm is there.
pub(super) async fn run(mut shift: Shift) {
    let mut health = Health::default();
    while !shift.app.keys.complete() {
        health.note("first_keys", &step(&shift.app, &shift.node).await);
        if !shift.app.keys.complete() && shift.pause(AGAIN).await {
            return;
        }
    }
}

async fn step(app: &App, node: &str) -> Result<(), StartError> {
    let now = app.clock.now();
    let holder = node.to_owned();
    let mine = app.db.write(async move |tx| leases::hold(tx, "first_keys", &holder, now, LEASE).await).await?;
    if mine {
        for alg in SignatureAlg::ALL {
            if ensure_signing_key(&app.db, &app.keys, *alg, now).await? {
                tracing::info!(algorithm = %alg, "made a signing key");
            }
        }
        let holder = node.to_owned();
        app.db.write(async move |tx| leases::release(tx, "first_keys", &holder).await).await?;
    }
    let snapshot = app.copies.refresh().await?;
    app.keys.follow_if_moved(&snapshot)?;
    Ok(())
}
