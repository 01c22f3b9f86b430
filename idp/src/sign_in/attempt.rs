//! One attempt to sign in with a password, from what was typed to an outcome.
//!
//! ```text
//! name ─▶ one read ─▶ throttled? ─▶ hash (always) ─▶ wrong ─▶ one write: failure counted, audited
//!                                                 └▶ right ─▶ inactive? ─▶ Proven
//! ```
//! A name nobody has takes the same way as a known one with a wrong password: the same read, the
//! same throttle (by the keyed hash of the name), the same hash, the same write. Whether an account
//! is active is said only to who knows its password.

use std::time::Duration;

use gapura_core::{
    audit::EventKind,
    identity::{LoginName, Throttle, User, password, throttle::FREE_FAILURES},
    secret::Secret,
    time::Instant,
};
use gapura_store::{StoreError, audit, throttles, users};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{
    pool::{Busy, Checked, PoolError},
    session::{self, Proven},
    turns,
};
use crate::{
    edge::RequestContext,
    entropy::NoEntropy,
    metrics::{Counted, Outcome as Counts, count},
    state::App,
};

/// How an attempt ended.
pub enum Outcome {
    /// The person is who they say.
    Proven(Box<Proven>),
    /// Name or password is wrong; which of them is not said.
    Failed,
    /// Not checked: too many failures; the time at which it may be tried again.
    Throttled(Instant),
    /// The password is right, the account may not sign in.
    Inactive,
    /// Not checked: too many people sign in.
    Busy(Busy),
}

/// Why an attempt had no outcome.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The pool.
    #[error("passwords cannot be checked")]
    Pool,
}

/// What a person typed.
pub struct Typed<'a> {
    /// Into the one field for names.
    pub username: &'a str,
    /// Into the password field.
    pub password: &'a str,
}

/// Makes the attempt. Nothing of `typed` reaches a log, an event or the store.
//= T13
pub async fn attempt(app: &App, context: &RequestContext, typed: &Typed<'_>) -> Result<Outcome, AttemptError> {
    // A text that is no password cannot be one's password: no account is involved, nothing counts.
    let Ok(password) = password::prepare(typed.password) else { return Ok(Outcome::Failed) };
    let name = LoginName::typed(typed.username);
    let normalized = name.as_ref().map_or("", LoginName::as_str);
    let unknown_key = key_of_unknown(app.keys.form_key(), name.as_ref(), typed.username);
    let row = users::by_login_name(&app.db, normalized, &unknown_key).await?;
    let (user, hash) = row.user.map_or((None, None), |(user, hash)| (Some(user), hash));
    let key = user.as_ref().map_or(unknown_key, |user| user.id.to_string());
    if let Some(state) = row.throttle
        && let Some(until) = state.blocks(context.now)
    {
        if let Some(new) = state.reset_by_the_clock(context.now) {
            app.db.write(async move |tx| throttles::amend(tx, &key, state, new).await).await?;
        }
        return Ok(throttled(until));
    }
    let slowed = row.throttle.is_some_and(|state| state.failures >= FREE_FAILURES);
    let Some(_turn) = app.hasher.turns().take(&key, if slowed { 1 } else { turns::MOST }) else {
        return Ok(throttled(context.now.plus(CROWDED)));
    };
    // Whoever had the only turn before may have failed since the first look.
    if slowed
        && let Some(state) = throttles::state(&app.db, &key, context.now).await?
        && let Some(until) = state.blocks(context.now)
    {
        return Ok(throttled(until));
    }
    let checked = match app.hasher.check(password.clone(), hash.clone(), context.client_address).await {
        Ok(checked) => checked,
        Err(PoolError::Busy(busy)) => return Ok(Outcome::Busy(busy)),
        Err(PoolError::Broken) => return Err(AttemptError::Pool),
    };
    match (user, checked) {
        (Some(user), Checked::Right | Checked::RightAtOldCost) if user.may_sign_in(context.today) => {
            let rehashed = match (checked, hash) {
                (Checked::RightAtOldCost, Some(seen)) => at_todays_cost(app, password, seen).await?,
                _ => None,
            };
            let throttle = row.throttle.map(|_| key.clone());
            Ok(Outcome::Proven(Box::new(Proven { user, throttle, rehashed })))
        }
        (Some(user), Checked::Right | Checked::RightAtOldCost) => {
            note_failure(app, context, Failure { user: Some(&user), key: None }).await?;
            Ok(Outcome::Inactive)
        }
        (user, _) => {
            note_failure(app, context, Failure { user: user.as_ref(), key: Some(&key) }).await?;
            Ok(Outcome::Failed)
        }
    }
}

fn throttled(until: Instant) -> Outcome {
    count(Counted::SignIn, Counts::Refused);
    Outcome::Throttled(until)
}

/// When an account that is being checked many times at once may be tried again.
const CROWDED: Duration = Duration::from_secs(5);

/// The throttle's key of a name nobody has: its keyed hash, so that a copy of the database tells
/// nothing of what people type.
fn key_of_unknown(key: &Secret<[u8; 32]>, name: Option<&LoginName>, typed: &str) -> String {
    let folded = name.map_or_else(|| typed.trim().to_lowercase(), |name| name.as_str().to_owned());
    // A key of any length is one for HMAC.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose()) else { return "name:".to_owned() };
    mac.update(folded.as_bytes());
    format!("name:{}", gapura_core::hex(&mac.finalize().into_bytes()))
}

async fn at_todays_cost(
    app: &App,
    password: Secret<String>,
    seen: String,
) -> Result<Option<(String, String)>, NoEntropy> {
    let salt = app.entropy.bytes()?;
    // A full queue only puts it off to the next sign-in.
    Ok(app.hasher.hash(password, salt).await.ok().map(|today| (seen, today)))
}

struct Failure<'a> {
    user: Option<&'a User>,
    /// Where to count it; a right password counts nowhere.
    key: Option<&'a str>,
}

/// Counts and audits a failure in one write. The event names the account, never what was typed.
async fn note_failure(app: &App, context: &RequestContext, failure: Failure<'_>) -> Result<(), AttemptError> {
    count(Counted::SignIn, Counts::Refused);
    let mut event = session::event(app, context, EventKind::SignInFailed)?;
    event.user_id = failure.user.map(|user| user.id.clone());
    event.reason = Some(if failure.key.is_some() { "no_match" } else { "inactive" }.to_owned());
    event.after = Some(serde_json::json!({ "address": context.client_address.to_string() }));
    let (key, now) = (failure.key.map(str::to_owned), context.now);
    app.db
        .write(async move |tx| {
            if let Some(key) = &key {
                throttles::fail(tx, key, now, |before| Throttle::after_failure(before, now)).await?;
            }
            audit::record(tx, &event).await
        })
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(typed: &str) -> String {
        key_of_unknown(&Secret::new([1; 32]), LoginName::typed(typed).as_ref(), typed)
    }

    //= T13 test
    #[test]
    fn one_name_has_one_bucket_however_it_is_written() {
        assert_eq!(key("Siti@Contoh.go.id"), key(" siti@contoh.go.id "));
        assert_eq!(key("19850817 200904 1 990"), key("198508172009041990"));
        assert_eq!(key("Oman.Maulana"), key("oman.maulana"));
        assert_ne!(key("oman.maulana"), key("oman.maulana2"));
        let odd = "x".repeat(400);
        assert_eq!(key(&odd), key(&odd.to_uppercase()));
    }

    #[test]
    fn a_bucket_does_not_tell_the_name() {
        assert!(!key("oman.maulana").contains("oman"));
        let other = key_of_unknown(&Secret::new([2; 32]), None, "oman.maulana");
        assert_ne!(key("oman.maulana"), other, "the key matters");
    }
}
