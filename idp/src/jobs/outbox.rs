//! Delivers back-channel logout messages (OpenID Connect Back-Channel Logout 1.0).
//!
//! The story: a message is stored in the transaction that ends its session; the node that wrote it is
//! woken at once, others look four times a second. A message is claimed with a lease, signed anew,
//! posted, and then delivered or due again later, until it is given up after 24 hours. The store lets
//! at most two messages an application be on their way, and each has five seconds, so a slow
//! application delays no other.

use std::time::Duration;

use gapura_core::{
    id::MessageId,
    oauth::TokenType,
    oidc::{Issuing, logout_token},
    time::Instant,
};
use gapura_store::{
    StoreError,
    logout_messages::{self, FailedAttempt, LogoutMessage},
};
use thiserror::Error;
use tokio::task::JoinSet;

use super::{Health, Shift};
use crate::{
    entropy::NoEntropy,
    keys::KeyError,
    metrics::{self, Counted, Outcome},
    outbound::OutboundError,
    state::App,
};

const EVERY: Duration = Duration::from_millis(250);
/// An attempt takes at most five seconds; a node that dies meanwhile gives its messages back.
const LEASE: Duration = Duration::from_secs(30);
/// Messages on their way from this node at the same time.
const FLYING: usize = 64;

/// Why an attempt failed.
#[derive(Debug, Error)]
enum Failure {
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("status {0}")]
    Status(u16),
    #[error("the client has no logout address any more")]
    NoAddress,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

pub(super) async fn run(mut shift: Shift) {
    let mut flying = JoinSet::new();
    let mut health = Health::default();
    loop {
        let stop = tokio::select! {
            _ = shift.stopped.wait_for(|stopped| *stopped) => true,
            () = shift.app.wake.notified() => false,
            Some(_) = flying.join_next() => false,
            () = tokio::time::sleep(EVERY) => false,
        };
        if stop {
            break;
        }
        shift.app = shift.live.app();
        health.note("outbox", &launch(&shift, &mut flying).await);
    }
    // Attempts under way end by their own five seconds or with the process; their leases end too.
    while flying.join_next().await.is_some() {}
}

async fn launch(shift: &Shift, flying: &mut JoinSet<()>) -> Result<(), StoreError> {
    let now = shift.app.clock.now();
    let room = FLYING.saturating_sub(flying.len());
    if room == 0 || !logout_messages::any_due(&shift.app.db, now).await? {
        return Ok(());
    }
    let (holder, limit) = (shift.node.clone(), i64::try_from(room).unwrap_or(1));
    let claimed = shift.app.db.write(async move |tx| logout_messages::claim(tx, &holder, now, LEASE, limit).await);
    for message in claimed.await? {
        flying.spawn(deliver(shift.app.clone(), shift.node.clone(), message));
    }
    Ok(())
}

async fn deliver(app: App, node: String, message: LogoutMessage) {
    let attempted = attempt(&app, &message).await;
    let now = app.clock.now();
    let id = message.id.clone();
    let recorded = match attempted {
        Ok(()) => {
            metrics::count(Counted::LogoutMessage, Outcome::Done);
            app.db.write(async move |tx| logout_messages::delivered(tx, &id, &node, now).await).await
        }
        Err(why) => {
            metrics::count(Counted::LogoutMessage, Outcome::Failed);
            let due_at = next_attempt(&why, &message, now);
            tracing::info!(
                client_id = %message.client_id,
                attempts = message.attempts,
                given_up = due_at >= message.give_up_at,
                error = %why,
                "a logout message was not delivered"
            );
            failed(&app, (id, node), why.to_string(), due_at, now).await
        }
    };
    if let Err(why) = recorded {
        // The lease runs out, and the message is tried again: applications know a repeated `jti`-less
        // logout as done already.
        tracing::warn!(client_id = %message.client_id, error = %why, "a logout attempt was not recorded");
    }
}

async fn failed(
    app: &App,
    (id, node): (MessageId, String),
    error: String,
    due_at: Instant,
    now: Instant,
) -> Result<bool, StoreError> {
    app.db
        .write(async move |tx| {
            logout_messages::failed(tx, &id, &node, FailedAttempt { error: &error, due_at }, now).await
        })
        .await
}

//= OIDC-BACKCHANNEL#2.5
//= OIDC-BACKCHANNEL#2.8
async fn attempt(app: &App, message: &LogoutMessage) -> Result<(), Failure> {
    let copies = app.copies.current().await?;
    let client = copies.clients.get(&message.client_id).ok_or(Failure::NoAddress)?;
    let uri = client.backchannel_logout_uri.as_deref().ok_or(Failure::NoAddress)?;
    let jti = app.entropy.random_id()?;
    let at = Issuing { issuer: app.settings.server.public_url.as_str(), now: app.clock.now() };
    let claims = logout_token::claims(at, &message.client_id, &message.sub, &message.session_id, &jti);
    let token = app.keys.sign(client.id_token_alg, TokenType::LogoutToken, &claims).await?;
    // A compact JWS holds nothing that a form would escape.
    let answer = app.outbound.post_form(uri, format!("logout_token={token}")).await?;
    match answer.status {
        200..=299 => Ok(()),
        status => Err(Failure::Status(status)),
    }
}

/// Soon at first, since most failures are restarts; then ever more slowly.
fn next_attempt(why: &Failure, message: &LogoutMessage, now: Instant) -> Instant {
    if matches!(why, Failure::NoAddress) {
        return message.give_up_at;
    }
    let seconds = match message.attempts {
        ..=1 => 1,
        2 => 5,
        3 => 15,
        4 => 60,
        5 => 300,
        6 => 900,
        _ => return now.plus(logout_messages::LONGEST_PAUSE),
    };
    now.plus(Duration::from_secs(seconds))
}
