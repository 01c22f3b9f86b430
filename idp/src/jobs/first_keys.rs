//! The RSA key of a first start: made in the background, by one node. Until it exists `/readyz` is
//! red and a flow that needs it waits.

use std::time::Duration;

use gapura_core::oauth::IdTokenAlg;
use gapura_store::{leases, signing_keys};
use tokio::sync::watch;

use crate::{
    foundation::ensure_signing_key,
    state::{App, StartError},
};

/// Longer than making a key takes on the smallest machine.
const LEASE: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(250);

/// Ends when a key of every announced algorithm is there.
pub(super) async fn run(app: App, node: String, mut stopped: watch::Receiver<bool>) {
    while !app.keys.complete() {
        if let Err(why) = step(&app, &node).await {
            tracing::warn!(error = %why, "signing keys are not complete yet");
        }
        let done = tokio::time::timeout(AGAIN, stopped.wait_for(|stopped| *stopped));
        if !app.keys.complete() && done.await.is_ok() {
            return;
        }
    }
}

async fn step(app: &App, node: &str) -> Result<(), StartError> {
    let now = app.clock.now();
    let holder = node.to_owned();
    let mine = app.db.write(async move |tx| leases::hold(tx, "first_keys", &holder, now, LEASE).await).await?;
    if mine {
        for alg in IdTokenAlg::ALL {
            if ensure_signing_key(&app.db, &app.keys, *alg, now).await? {
                tracing::info!(algorithm = %alg, "made a signing key");
            }
        }
        let holder = node.to_owned();
        app.db.write(async move |tx| leases::release(tx, "first_keys", &holder).await).await?;
    }
    app.keys.follow(&signing_keys::all(&app.db).await?)?;
    Ok(())
}
