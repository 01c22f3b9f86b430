//! Renewing a session: new tokens, and with them the roles and claims of this moment.
//!
//! A refresh token works once, so a page that fires six requests must not send six refreshes: the first starts a
//! flight, the others wait for it. The flight is a task of its own; a browser that hangs up does not cut it off
//! between the provider's answer and the store, which would lose the new refresh token and with it the session.
//!
//! A refusal ends the session. A provider that does not answer does not: the request is answered with 503, because
//! roles older than five minutes decide nothing, and the session is there when the provider is back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, Shared};
use openidconnect::{OAuth2TokenResponse, RefreshToken};

use crate::error::Error;
use crate::gapura::Gapura;
use crate::id_token::{self, ExpectedNonce};
use crate::keys::KeySet;
use crate::person;
use crate::provider::{Provider, TokenAnswer, token_error};
use crate::session::{Session, SessionKey, Tokens};

/// How long a machine may take to renew a session before another tries, in seconds.
const TURN: i64 = 10;
/// How often the others look whether it has.
const LOOK: Duration = Duration::from_millis(100);

/// The session after the flight; none if it ended.
type Outcome = Result<Option<Session>, Error>;

/// Renewals under way, one per session.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<SessionKey, Shared<BoxFuture<'static, Outcome>>>>);

/// The session under `key`, renewed if it was due. None if it ended.
pub(crate) async fn current(gapura: &Gapura, key: &SessionKey) -> Outcome {
    let Some(session) = gapura.store().load(key).await? else {
        return Ok(None);
    };
    let now = gapura.now();
    if session.expires_at <= now {
        gapura.store().remove(key).await?;
        return Ok(None);
    }
    if session.is_due(now) { join(gapura, key).await } else { Ok(Some(session)) }
}

/// Waits for the renewal of this session, starting it if none is under way.
async fn join(gapura: &Gapura, key: &SessionKey) -> Outcome {
    let flight = {
        let mut flights = gapura.flights().0.lock().unwrap_or_else(PoisonError::into_inner);
        match flights.get(key) {
            Some(flight) => flight.clone(),
            None => {
                let flight = start(gapura.clone(), key.clone());
                flights.insert(key.clone(), flight.clone());
                flight
            }
        }
    };
    flight.await
}

fn start(gapura: Gapura, key: SessionKey) -> Shared<BoxFuture<'static, Outcome>> {
    let task = tokio::spawn(async move {
        let outcome = renew(&gapura, &key).await;
        gapura.flights().0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        outcome
    });
    async move { task.await.unwrap_or(Err(Error::Interrupted)) }.boxed().shared()
}

/// Reads the session again: a flight that ended between our reading and this one may have renewed it already.
async fn renew(gapura: &Gapura, key: &SessionKey) -> Outcome {
    let Some(session) = gapura.store().load(key).await? else {
        return Ok(None);
    };
    if !session.is_due(gapura.now()) {
        return Ok(Some(session));
    }
    if gapura.store().shared() && !turn(gapura, key, &session).await? {
        return gapura.store().load(key).await.map_err(Into::into);
    }
    match ask(gapura, &session).await {
        Ok(renewed) => {
            let kept = gapura.store().update(key, renewed.clone()).await?;
            Ok(kept.then_some(renewed))
        }
        Err(error) if error.is_temporary() => Err(error),
        Err(error) => {
            tracing::info!(%error, "a session could not be renewed and ends");
            gapura.store().remove(key).await?;
            Ok(None)
        }
    }
}

/// Waits for the turn among the machines that share this session: two that redeem one refresh token at once look like a
/// thief. False where another machine renewed or ended it meanwhile.
async fn turn(gapura: &Gapura, key: &SessionKey, seen: &Session) -> Result<bool, Error> {
    let id = format!("renew {} {}", key.as_str(), seen.renewed_at);
    loop {
        let mine = gapura.store().claim(&id, gapura.now() + TURN).await?;
        let now = gapura.store().load(key).await?;
        if now.is_none_or(|session| session.renewed_at != seen.renewed_at) {
            return Ok(false);
        }
        if mine {
            return Ok(true);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn ask(gapura: &Gapura, session: &Session) -> Result<Session, Error> {
    let none =
        || Error::Refused { code: "no_refresh_token".to_owned(), description: "a new sign-in is needed".to_owned() };
    let refresh = RefreshToken::new(session.tokens.refresh.clone().ok_or_else(none)?);
    let provider = gapura.provider().await?;
    let relying_party = provider.relying_party(gapura.settings(), &KeySet::default())?;
    let mut request = relying_party.exchange_refresh_token(&refresh);
    for (name, value) in gapura.proof()? {
        request = request.add_extra_param(name, value);
    }
    let answer = request
        .request_async(gapura.outbound())
        .await
        .map_err(|error| token_error(relying_party.token_uri().as_str(), error))?;
    accept(gapura, &provider, session, &answer).await
}

/// The renewed session: the same person, the same session of the provider, new tokens, claims and roles.
async fn accept(
    gapura: &Gapura,
    provider: &Provider,
    session: &Session,
    answer: &TokenAnswer,
) -> Result<Session, Error> {
    let now = gapura.now();
    let mut renewed = Session { renewed_at: now, ..session.clone() };
    renewed.tokens = Tokens::of(answer, now, session.tokens.refresh.clone(), session.tokens.id.clone());
    let mut roles = None;
    let mut keys = Arc::new(KeySet::default());
    if let Some(id_token) = answer.extra_fields().id_token() {
        let raw = id_token.to_string();
        keys = provider.keys(gapura.outbound(), person::kid_of(&raw).as_deref(), now).await;
        let nonce = ExpectedNonce::NoneOr(&session.nonce);
        let facts = id_token::check(gapura.settings(), &keys, (id_token, answer.access_token()), nonce, now)?;
        let same_session = facts.more.sid.is_none() || facts.more.sid == session.sid;
        if facts.sub != session.sub || !same_session {
            return Err(Error::Token("a refresh answered about another person or session".to_owned()));
        }
        roles = facts.more.roles;
        renewed.tokens.id = raw;
    }
    match person::userinfo(gapura, provider, &keys, (&session.sub, answer.access_token())).await {
        Ok(Some(claims)) => renewed.claims = claims,
        Ok(None) => {}
        // The roles of the ID token are of this moment; a name may be some minutes older.
        Err(error) if error.is_temporary() && roles.is_some() => tracing::warn!(%error, "claims stay as they were"),
        Err(error) => return Err(error),
    }
    if let Some(roles) = roles.as_ref().or_else(|| renewed.claims.get("roles")) {
        renewed.roles = person::role_names(roles);
    }
    Ok(renewed)
}
