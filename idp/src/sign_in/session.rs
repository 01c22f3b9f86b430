//! A session begins and ends, and with it the cookies of the browser.
//!
//! Both cookies are new after every sign-in and sign-out: what somebody planted in this browser
//! before is worth nothing afterwards (T3).

use std::time::Duration;

use axum::{
    http::{HeaderValue, header::SET_COOKIE},
    response::Response,
};
use gapura_core::{
    access::{
        Standing,
        door::{Moment, session_stands},
    },
    audit::{Actor, AuditEvent, EventKind},
    id::{EventId, SessionId},
    identity::{Session, SessionEnd, User},
};
use gapura_store::{StoreError, Tx, audit, credentials, sessions, throttles};

use crate::{
    edge::{
        RequestContext,
        cookies::{self, Cookie, Scheme, Stay},
    },
    entropy::NoEntropy,
    state::App,
};

/// Authentication context class of a password sign-in.
pub const PASSWORD_ACR: &str = "pwd";
/// Authentication method of a password sign-in (RFC 8176 section 2).
pub const PASSWORD_AMR: &str = "pwd";

/// Why a session could not begin or end.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The session was ended in the moment it began: the account changed meanwhile.
    #[error("the session ended as it began")]
    Gone,
}

/// The cookies a browser holds from now on.
pub struct NewCookies {
    browser: String,
    session: Option<String>,
}

impl NewCookies {
    /// The request as if it had been sent with them.
    #[must_use]
    pub fn seen(&self, mut context: RequestContext) -> RequestContext {
        context.browser = Some(self.browser.clone());
        context.session.clone_from(&self.session);
        context
    }

    /// Sends them with an answer.
    #[must_use]
    pub fn with(&self, app: &App, mut response: Response) -> Response {
        let scheme = Scheme::of(app.settings.server.public_url.is_https());
        let session = match &self.session {
            Some(value) => cookies::set(Cookie::Session, value, Stay::Session, scheme),
            None => cookies::set(Cookie::Session, "", Stay::Gone, scheme),
        };
        let browser = cookies::set(Cookie::Browser, &self.browser, Stay::Session, scheme);
        for cookie in [session, browser].into_iter().flatten() {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }
}

/// A sign-in that is about to be written.
pub struct Proven {
    /// Whose.
    pub user: User,
    /// The key of failures to forget, where there were any.
    pub throttle: Option<String>,
    /// The hash as it was seen, and the same password's hash at today's cost.
    pub rehashed: Option<(String, String)>,
}

/// Who is signed in at this browser, if the session still stands.
pub async fn current(app: &App, context: &RequestContext) -> Result<Option<Standing>, StoreError> {
    let Some(hash) = context.session_hash() else { return Ok(None) };
    let moment = Moment { now: context.now, today: context.today, idle: app.settings.sessions.idle };
    let standing = gapura_store::standing::by_cookie(&app.db, &hash).await?;
    Ok(standing.filter(|standing| {
        standing.session.as_ref().is_some_and(|session| session_stands(session, &standing.user, moment))
    }))
}

/// Begins a session and reads back how the person stands. Signed in here before, the same person
/// keeps the session (`sid`) under a new cookie; another person's is ended first.
pub async fn begin(
    app: &App,
    context: &RequestContext,
    proven: Proven,
) -> Result<(Standing, NewCookies), SessionError> {
    let value = app.entropy.token()?;
    let hash = cookies::hash(&value);
    let session = new_session(app, context, &proven.user)?;
    let mut signed_in = event(app, context, EventKind::SignedIn)?;
    signed_in.actor = Actor::User { id: session.user_id.clone() };
    signed_in.user_id = Some(session.user_id.clone());
    signed_in.after = Some(serde_json::json!({ "address": context.client_address.to_string() }));
    let mut replaced = event(app, context, EventKind::SessionEnded)?;
    replaced.reason = Some(SessionEnd::Replaced.as_str().to_owned());
    let previous = context.session_hash();
    let record = Record { session, hash, previous, idle: app.settings.sessions.idle, signed_in, replaced, proven };
    app.db.write(async move |tx| record.write(tx).await).await?;
    app.wake.notify_one();
    let standing = gapura_store::standing::by_cookie(&app.db, &hash).await?.ok_or(SessionError::Gone)?;
    Ok((standing, NewCookies { browser: app.entropy.token()?, session: Some(value) }))
}

/// Everything a sign-in writes, in values.
struct Record {
    session: Session,
    hash: [u8; 32],
    previous: Option<[u8; 32]>,
    idle: Duration,
    signed_in: AuditEvent,
    replaced: AuditEvent,
    proven: Proven,
}

impl Record {
    async fn write(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let mut session = self.session.clone();
        if !self.renewed(tx, &mut session).await? {
            sessions::start(tx, &session, &self.hash).await?;
        }
        if let Some(key) = &self.proven.throttle {
            throttles::clear(tx, key).await?;
        }
        if let Some((seen, today)) = &self.proven.rehashed {
            credentials::rehash(tx, &self.proven.user.id, seen, today).await?;
        }
        let mut event = self.signed_in.clone();
        event.session_id = Some(session.id);
        audit::record(tx, &event).await
    }

    /// Whether the browser's previous session goes on; if it was another person's, it ends.
    async fn renewed(&self, tx: &mut Tx, session: &mut Session) -> Result<bool, StoreError> {
        let now = session.auth_time;
        let Some(previous) = &self.previous else { return Ok(false) };
        let Some((id, user)) = sessions::behind(tx, previous).await? else { return Ok(false) };
        if user == session.user_id {
            let kept = Session { id: id.clone(), ..session.clone() };
            if sessions::renew(tx, &kept, &self.hash, self.idle, now).await? {
                session.id = id;
                return Ok(true);
            }
        }
        sessions::end(tx, &id, SessionEnd::Replaced, now).await?;
        let mut event = self.replaced.clone();
        event.user_id = Some(user);
        event.session_id = Some(id);
        audit::record(tx, &event).await?;
        Ok(false)
    }
}

fn new_session(app: &App, context: &RequestContext, user: &User) -> Result<Session, NoEntropy> {
    Ok(Session {
        id: SessionId::new(app.entropy.ordered_id(context.now)?),
        user_id: user.id.clone(),
        user_epoch: user.epoch,
        acr: PASSWORD_ACR.to_owned(),
        amr: vec![PASSWORD_AMR.to_owned()],
        auth_time: context.now,
        last_seen_at: context.now,
        expires_at: context.now.plus(app.settings.sessions.absolute),
        ended: None,
    })
}

/// Ends a session because its person signed out: its applications hear of it, its cookies go.
pub async fn end(app: &App, context: &RequestContext, session: &Session) -> Result<NewCookies, SessionError> {
    let mut event = event(app, context, EventKind::SignedOut)?;
    event.actor = Actor::User { id: session.user_id.clone() };
    event.user_id = Some(session.user_id.clone());
    event.session_id = Some(session.id.clone());
    let (id, now) = (session.id.clone(), context.now);
    app.db
        .write(async move |tx| {
            if sessions::end(tx, &id, SessionEnd::SignedOut, now).await?.is_some() {
                audit::record(tx, &event).await?;
            }
            Ok(())
        })
        .await?;
    app.wake.notify_one();
    Ok(NewCookies { browser: app.entropy.token()?, session: None })
}

/// An audit event of this request.
pub fn event(app: &App, context: &RequestContext, kind: EventKind) -> Result<AuditEvent, NoEntropy> {
    let id = EventId::new(app.entropy.ordered_id(context.now)?);
    let mut event = AuditEvent::new(id, app.entropy.bytes()?, context.now, kind, Actor::Anonymous);
    event.request_id = Some(context.request_id.clone());
    Ok(event)
}

/// The header lines that give a browser its first cookie; `None` where it has one.
pub fn first_browser_cookie(app: &App, context: &RequestContext) -> Result<(String, Option<HeaderValue>), NoEntropy> {
    if let Some(known) = &context.browser {
        return Ok((known.clone(), None));
    }
    let value = app.entropy.token()?;
    let scheme = Scheme::of(app.settings.server.public_url.is_https());
    let line = cookies::set(Cookie::Browser, &value, Stay::Session, scheme);
    Ok((value, line))
}
