//! The authorization endpoint (RFC 6749 section 3.1, OpenID Connect Core section 3.1.2).
//!
//! ```text
//! POST ─▶ parked ─303▶ GET ─▶ who and where ─▶ is it valid ─▶ what next ─┬─▶ code, back to the application
//!                                                 ▲                      ├─▶ sign-in page ─┐
//!                                                 └────── resume ◀───────│─────────────────┘
//!                                                                        └─▶ refusal, page or redirect
//! ```
//! One entry and one exit: the sign-in page ends by calling [`resume`], which takes the same way again.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderValue, header::SET_COOKIE},
    response::Response,
};
use gapura_core::{
    access::{
        ApplicationAccess, Entitlement, Standing,
        door::{self, Door},
    },
    audit::{Actor, EventKind},
    id::{ClientId, FamilyId},
    identity::Session,
    oauth::{
        AuthorizeRequest, Client, CodeGrant, IdTokenHint, NotOurs, PageError, Params, ReplyTo, TokenType,
        authorize::{Candidate, kept, read},
        decide::{Approved, Decision, LoginReason, Told, decide, denied},
        reply_to,
        token::CODE_LIFETIME,
    },
};
use gapura_store::{
    audit,
    copies::Snapshot,
    ephemeral::{Entry, Kind},
    sessions, standing,
};

use super::{issuer, moment};
use crate::{
    edge::{
        RequestContext,
        parameters::{Form, Query},
    },
    failure::{self, Failure, Trouble, Viewer, see_other},
    interaction::{self, Interaction},
    keys::Expected,
    metrics::{Counted, Outcome, count},
    pages::refusal,
    sign_in::session::event,
    state::App,
};

/// `last_seen_at` of a session moves at most this often.
const TOUCH: Duration = Duration::from_secs(5 * 60);

/// The parameter that names a request that came by POST.
const POSTED: &str = "kiriman";

/// Longest request that is parked on its way from POST to GET, encoded: strangers write these.
const LARGEST_POSTED: usize = 32 * 1024;

/// How long it stays parked: a browser follows a redirect at once.
const POSTED_FOR: Duration = Duration::from_secs(60);

/// Any browser. Reads the session behind its cookie in one statement; writes a code, and the first entry
/// of a session into a client; nothing on later entries but `last_seen_at`, at most every five minutes.
//= OIDC-CORE#3.1.2.1
pub async fn get(State(app): State<App>, context: RequestContext, Query(params): Query) -> Response {
    let begun = async {
        let params = params.map_err(|_| Failure::Page(PageError::BadRequest, None))?;
        let params = posted(&app, &context, params).await?;
        let standing = match context.session_hash() {
            Some(hash) => standing::by_cookie(&app.db, &hash).await?,
            None => None,
        };
        Ok(Attempt { params, interaction: None, standing })
    };
    let context_of = |attempt: &Attempt| context.clone().speaking(attempt.params.one("ui_locales").ok().flatten());
    match begun.await {
        Ok(attempt) => finish(&app, &context_of(&attempt), attempt).await,
        Err(failure) => failure::page(&app, &context, failure),
    }
}

/// Any browser, sent by an application's form. Writes the parameters to short-lived state and comes back by
/// GET: a form posted from another site brings no session cookie (SameSite=Lax), the GET after it does. What
/// names no application and no address of it is not kept.
//= OIDC-CORE#3.1.2.1
pub async fn post(State(app): State<App>, context: RequestContext, Form(form): Form) -> Response {
    let parked = async {
        let params = form.map_err(|_| Failure::Page(PageError::BadRequest, None))?;
        let snapshot = app.snapshot().await?;
        who_and_where(&snapshot, &params)?;
        let id = app.entropy.token()?;
        let value = kept(&params).encode();
        if value.len() > LARGEST_POSTED {
            return Err(Failure::Page(PageError::BadRequest, None));
        }
        let entry = Entry { value: value.as_bytes(), expires_at: context.now.plus(POSTED_FOR) };
        app.ephemeral.put(Kind::PostedRequest, &id, entry, context.now).await?;
        Ok(see_other(&format!("/authorize?{POSTED}={id}")))
    };
    parked.await.unwrap_or_else(|failure| failure::page(&app, &context, failure))
}

/// Takes a parked request up again: the person behind it has just signed in.
pub async fn resume(app: &App, interaction: Interaction, standing: &Standing, context: &RequestContext) -> Response {
    let params = interaction.params.clone();
    let attempt = Attempt { params, interaction: Some(interaction), standing: Some(standing.clone()) };
    finish(app, context, attempt).await
}

/// A request and the person at the browser.
struct Attempt {
    params: Params,
    interaction: Option<Interaction>,
    standing: Option<Standing>,
}

/// A request that may be answered: who asks, where the answer goes, what the application is.
struct Asked<'a> {
    attempt: &'a Attempt,
    client: &'a Arc<Client>,
    access: &'a ApplicationAccess,
    snapshot: &'a Snapshot,
    reply_to: &'a ReplyTo,
}

async fn posted(app: &App, context: &RequestContext, params: Params) -> Result<Params, Failure> {
    if params.has("client_id") || !params.has(POSTED) {
        return Ok(params);
    }
    let expired = || Failure::Page(PageError::InteractionExpired, None);
    let id = params.one(POSTED).ok().flatten().ok_or_else(expired)?;
    let parked = app.ephemeral.get(Kind::PostedRequest, id, context.now).await?;
    Ok(Params::parse(&parked.ok_or_else(expired)?))
}

async fn finish(app: &App, context: &RequestContext, attempt: Attempt) -> Response {
    let answered = answer(app, context, &attempt).await;
    answered.unwrap_or_else(|failure| failure::page(app, context, failure))
}

async fn answer(app: &App, context: &RequestContext, attempt: &Attempt) -> Result<Response, Failure> {
    let snapshot = app.snapshot().await?;
    let (client, reply_to) = who_and_where(&snapshot, &attempt.params)?;
    let access = snapshot.catalog.of(&client.application_id).ok_or(Trouble::Corrupt("the client's application"))?;
    let asked = Asked { attempt, client, access, snapshot: &snapshot, reply_to: &reply_to };
    let viewer = match attempt.params.one("prompt") {
        Ok(Some("none")) => Viewer::Nobody,
        _ => Viewer::Person,
    };
    decided(app, context, &asked).await.map_err(|failure| failure.toward(&reply_to, viewer))
}

/// Before this nobody is redirected anywhere, and nothing is kept.
//= RFC6749#3.1.2.4
//= RFC9700#4.11
fn who_and_where<'a>(snapshot: &'a Snapshot, params: &Params) -> Result<(&'a Arc<Client>, ReplyTo), Failure> {
    let named = params.one_within("client_id", 256).ok().flatten();
    let id = named.ok_or(Failure::Page(PageError::BadRequest, None))?;
    let client = snapshot.clients.get(&ClientId::new(id)).ok_or(Failure::Page(PageError::ClientUnknown, None))?;
    let home = || Some(client.home_uri.clone());
    let reply_to = reply_to(client, params).map_err(|error| Failure::Page(error, home()))?;
    Ok((client, reply_to))
}

/// Is it valid, and what next.
async fn decided(app: &App, context: &RequestContext, asked: &Asked<'_>) -> Result<Response, Failure> {
    let Asked { attempt, client, access, snapshot, reply_to } = asked;
    let hint = hint(app, &attempt.params);
    let request = read(&Candidate { client, params: &attempt.params, hint: hint.as_ref() })?;
    let standing = attempt.standing.as_ref();
    let tree = &snapshot.tree;
    let answer = standing.map(|standing| {
        (standing, door::pass(Door::Authorize, client, standing, (access, tree), moment(app, context)))
    });
    let at_the_door = answer.as_ref().map(|(standing, answer)| (*standing, answer));
    let asked_at = attempt.interaction.as_ref().map(|interaction| interaction.created_at);
    let decision = decide(&request, client, at_the_door, asked_at, context.now);
    if let (Some(interaction), false) = (&attempt.interaction, matches!(decision, Decision::Login(_))) {
        interaction::finish(app, interaction).await?;
    }
    match (decision, standing) {
        (Decision::Login(reason), _) => ask_to_sign_in(app, context, asked, reason).await,
        (Decision::Issue(approved), Some(standing)) => issue(app, context, asked, (&request, standing, approved)).await,
        (Decision::NoEntry(entitlement, told), Some(standing)) => {
            note_refusal(app, context, asked, standing).await?;
            match told {
                Told::Application => Err(Failure::Redirect(Box::new((*reply_to).clone()), denied())),
                Told::Person => Ok(explain(app, context, asked, (standing, &entitlement))),
            }
        }
        (Decision::Refuse(error), _) => Err(Failure::Redirect(Box::new((*reply_to).clone()), error)),
        (Decision::Issue(_) | Decision::NoEntry(..), None) => Err(Trouble::Corrupt("the decision").into()),
    }
}

/// What an `id_token_hint` says, whatever its expiry; `None` where none was sent.
pub(super) fn hint(app: &App, params: &Params) -> Option<Result<IdTokenHint, NotOurs>> {
    let sent = params.one_within("id_token_hint", gapura_core::oauth::MAX_TOKEN).transpose()?.map_err(|_| NotOurs);
    let expected = Expected { typ: TokenType::IdToken, issuer: issuer(app), alive_at: None };
    let claims = sent.and_then(|token| app.keys.verify(token, &expected).map_err(|_| NotOurs));
    Some(claims.and_then(|claims| IdTokenHint::of(&claims).ok_or(NotOurs)))
}

async fn ask_to_sign_in(
    app: &App,
    context: &RequestContext,
    asked: &Asked<'_>,
    reason: LoginReason,
) -> Result<Response, Failure> {
    let (parked, cookie) =
        interaction::park(app, context, &asked.client.id, &kept(&asked.attempt.params), reason).await?;
    Ok(with_cookie(see_other(&parked.address()), cookie))
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

//= RFC6749#4.1.2
async fn issue(
    app: &App,
    context: &RequestContext,
    asked: &Asked<'_>,
    (request, standing, approved): (&AuthorizeRequest, &Standing, Approved),
) -> Result<Response, Failure> {
    let session = standing.session.as_ref().ok_or(Trouble::Corrupt("the session"))?;
    record_entry(app, context, asked, (session, &approved)).await?;
    let grant = CodeGrant {
        client_id: asked.client.id.clone(),
        redirect_uri: asked.reply_to.uri().to_owned(),
        challenge: request.challenge.clone(),
        user_id: standing.user.id.clone(),
        sub: standing.user.sub.clone(),
        session_id: session.id.clone(),
        family_id: FamilyId::new(app.entropy.ordered_id(context.now)?),
        scopes: request.scopes.clone(),
        nonce: request.nonce.clone(),
        issued_at: context.now,
    };
    let value = serde_json::to_vec(&grant).map_err(|_| Trouble::Corrupt("a code"))?;
    let code = app.entropy.token()?;
    let entry = Entry { value: &value, expires_at: context.now.plus(CODE_LIFETIME) };
    app.ephemeral.put(Kind::Code, &super::code::key(&code), entry, context.now).await?;
    Ok(see_other(&asked.reply_to.grant(&code, issuer(app))))
}

/// One write for the first entry of a session into a client (session, application, audit); else nothing, or
/// `last_seen_at` where it is older than five minutes.
async fn record_entry(
    app: &App,
    context: &RequestContext,
    asked: &Asked<'_>,
    (session, approved): (&Session, &Approved),
) -> Result<(), Failure> {
    let stale = context.now.since(session.last_seen_at) >= TOUCH;
    if !approved.is_first_entry() && !stale {
        return Ok(());
    }
    let entry = approved.is_first_entry().then(|| sessions::Entry {
        session_id: session.id.clone(),
        client_id: asked.client.id.clone(),
        application_id: asked.client.application_id.clone(),
        user_id: session.user_id.clone(),
    });
    let mut entered = event(app, context, EventKind::Entered)?;
    entered.actor = Actor::User { id: session.user_id.clone() };
    entered.user_id = Some(session.user_id.clone());
    entered.session_id = Some(session.id.clone());
    entered.client_id = Some(asked.client.id.clone());
    entered.application_id = Some(asked.client.application_id.clone());
    let (session_id, now) = (session.id.clone(), context.now);
    app.db
        .write(async move |tx| {
            if let Some(entry) = &entry
                && sessions::enter(tx, entry, now).await?
            {
                audit::record(tx, &entered).await?;
            }
            if stale {
                sessions::touch(tx, &session_id, TOUCH, now).await?;
            }
            Ok(())
        })
        .await?;
    count(Counted::Entry, Outcome::Done);
    Ok(())
}

/// The application stays shut: audited, whoever is told.
async fn note_refusal(
    app: &App,
    context: &RequestContext,
    asked: &Asked<'_>,
    standing: &Standing,
) -> Result<(), Failure> {
    let mut refused = event(app, context, EventKind::EntryRefused)?;
    refused.actor = Actor::User { id: standing.user.id.clone() };
    refused.user_id = Some(standing.user.id.clone());
    refused.session_id = standing.session.as_ref().map(|session| session.id.clone());
    refused.client_id = Some(asked.client.id.clone());
    refused.application_id = Some(asked.client.application_id.clone());
    app.db.write(async move |tx| audit::record(tx, &refused).await).await?;
    count(Counted::Entry, Outcome::Refused);
    Ok(())
}

/// Which roles there are, who gets them, whom to ask.
fn explain(
    app: &App,
    context: &RequestContext,
    asked: &Asked<'_>,
    (standing, entitlement): (&Standing, &Entitlement),
) -> Response {
    let page = refusal::Refused {
        standing,
        access: asked.access,
        tree: &asked.snapshot.tree,
        entitlement,
        home: &asked.client.home_uri,
        again: format!("/authorize?{}", asked.attempt.params.encode()),
    };
    refusal::page(app, context, &page)
}
