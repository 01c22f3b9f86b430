//! Copies follow the database: confirmed four times a second, so that what another node or a command
//! changed is seen here without any request. Signing keys are taken over from them.

use std::time::Duration;

use super::{Health, Shift};
use crate::state::{App, StartError};

const EVERY: Duration = Duration::from_millis(250);

pub(super) async fn run(mut shift: Shift) {
    let mut health = Health::default();
    while !shift.pause(EVERY).await {
        health.note("follow", &step(&shift.app).await);
    }
}

async fn step(app: &App) -> Result<(), StartError> {
    let snapshot = app.copies.refresh().await?;
    app.keys.follow_if_moved(&snapshot)?;
    Ok(())
}
