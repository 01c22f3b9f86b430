//! Renewing a session: new tokens, and with them the roles and claims of this moment.
//!
//! A refresh token works once, so a page that fires six requests must not send six refreshes: the first starts a
//! flight, the others wait for it. The flight is a task of its own; a browser that hangs up does not cut it off
//! between the provider's answer and the store, which would lose the new refresh token and with it the session.
//!
//! Machines that share a store take turns: one renews, the others wait for what it keeps.
//!
//! A refusal ends the session. A provider that does not answer does not: the request is answered with 503, because
//! roles older than five minutes decide nothing, and the session is there when the provider is back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, Shared};
use openidconnect::{OAuth2TokenResponse, RefreshToken};
use tokio::time::Instant;

use crate::error::Error;
use crate::gapura::Gapura;
use crate::id_token::{self, ExpectedNonce};
use crate::keys::KeySet;
use crate::person;
use crate::provider::{Provider, TokenAnswer, token_error};
use crate::session::{ROLES_FRESH, Session, SessionKey, Tokens};

/// How long a machine has the turn to renew a session, in seconds: longer than the provider and the store may take
/// together, and two clocks differ. It gives the turn back when it is done; only one that died keeps it so long.
const TURN: i64 = 90;
/// What must be left of a turn to begin: five requests of five seconds and a slow store, in seconds.
const LEFT: i64 = 60;
/// How long the others wait for its outcome: as long as a person waits for a page.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a store that fails is asked again to keep a new refresh token.
const KEEPING: Duration = Duration::from_secs(5);
/// The first pause before asking a store again, and the longest; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

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
    let outcome = match turn(gapura, key, &session).await? {
        Turn::Over(session) => Ok(session.map(|session| *session)),
        Turn::Alone => redeem(gapura, key, &session).await,
        Turn::Mine(mine) => {
            let outcome = redeem(gapura, key, &session).await;
            mine.give_back(gapura).await;
            outcome
        }
    };
    match outcome? {
        // Another machine got tokens, but no roles of this moment.
        Some(session) if gapura.now() - session.renewed_at >= ROLES_FRESH => Err(no_outcome(gapura)),
        session => Ok(session),
    }
}

/// The turn to renew a session, among the machines that share it: two that redeem one refresh token look like a thief.
enum Turn {
    /// No other machine uses the store.
    Alone,
    Mine(Held),
    /// Another machine had it, and this is the session now.
    Over(Option<Box<Session>>),
}

struct Held {
    id: String,
    until: i64,
}

impl Held {
    /// A turn that cannot be given back ends by itself.
    async fn give_back(self, gapura: &Gapura) {
        if let Err(error) = gapura.store().release(&self.id, self.until).await {
            tracing::debug!(%error, "the turn to renew a session could not be given back");
        }
    }
}

/// Takes the turn, or waits for the outcome of the machine that has it.
async fn turn(gapura: &Gapura, key: &SessionKey, seen: &Session) -> Result<Turn, Error> {
    if !gapura.store().shared() {
        return Ok(Turn::Alone);
    }
    let over = |now: &Option<Session>| now.as_ref().is_none_or(|now| renewed_since(now, seen, gapura.now()));
    let mine = Held { id: format!("renew {} {}", key.as_str(), seen.revision()), until: gapura.now() + TURN };
    if gapura.store().claim(&mine.id, mine.until).await? {
        // It may have been renewed between our reading and our turn.
        let now = gapura.store().load(key).await;
        if matches!(&now, Ok(now) if !over(now)) && gapura.now() <= mine.until - LEFT {
            return Ok(Turn::Mine(mine));
        }
        mine.give_back(gapura).await;
        let now = now?;
        return if over(&now) { Ok(Turn::Over(now.map(Box::new))) } else { Err(no_outcome(gapura)) };
    }
    let (began, mut pause) = (Instant::now(), PAUSE);
    while began.elapsed() < PATIENCE {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
        let now = gapura.store().load(key).await?;
        if over(&now) {
            return Ok(Turn::Over(now.map(Box::new)));
        }
    }
    Err(no_outcome(gapura))
}

/// A provider may give the same tokens again, but then the session is not due any more.
fn renewed_since(now: &Session, seen: &Session, at: i64) -> bool {
    now.revision() != seen.revision() || !now.is_due(at)
}

fn no_outcome(gapura: &Gapura) -> Error {
    let cause = "another machine of this application renews the session and has no answer yet".to_owned();
    Error::Unreachable { url: gapura.settings().issuer.as_str().to_owned(), cause }
}

/// Redeems the refresh token of a session, and keeps what came for it.
async fn redeem(gapura: &Gapura, key: &SessionKey, session: &Session) -> Outcome {
    match ask(gapura, session).await {
        Ok(Renewed { session: renewed, lacks }) => {
            let kept = keep(gapura, key, session, renewed).await?;
            match (kept, lacks) {
                (Some(kept), Some(error)) if kept.is_due(gapura.now()) => Err(error),
                (kept, _) => Ok(kept),
            }
        }
        Err(error) if error.is_temporary() => Err(error),
        Err(error) => {
            let now = gapura.store().load(key).await?;
            if now.as_ref().is_some_and(|now| now.revision() != session.revision()) {
                return Ok(now);
            }
            tracing::info!(%error, "a session could not be renewed and ends");
            gapura.store().remove(key).await?;
            Ok(None)
        }
    }
}

/// Keeps a renewed session. The token it was renewed by works no more, so a store that fails is asked again for a while.
async fn keep(gapura: &Gapura, key: &SessionKey, read: &Session, renewed: Session) -> Outcome {
    let (began, mut pause) = (Instant::now(), PAUSE);
    loop {
        match gapura.store().update(key, read, renewed.clone()).await {
            Ok(true) => return Ok(Some(renewed)),
            // It was signed out, or renewed by another machine, or kept by a try that seemed to fail.
            Ok(false) => return gapura.store().load(key).await.map_err(Into::into),
            Err(error) if began.elapsed() < KEEPING => tracing::warn!(%error, "a renewed session is not kept yet"),
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// What a refresh token was redeemed for.
struct Renewed {
    session: Session,
    /// Why claims and roles are still those of before: the tokens must be kept all the same.
    lacks: Option<Error>,
}

async fn ask(gapura: &Gapura, session: &Session) -> Result<Renewed, Error> {
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
) -> Result<Renewed, Error> {
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
        Err(error) if error.is_temporary() => {
            renewed.renewed_at = session.renewed_at;
            return Ok(Renewed { session: renewed, lacks: Some(error) });
        }
        Err(error) => return Err(error),
    }
    if let Some(roles) = roles.as_ref().or_else(|| renewed.claims.get("roles")) {
        renewed.roles = person::role_names(roles);
    }
    Ok(Renewed { session: renewed, lacks: None })
}
