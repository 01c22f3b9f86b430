//! `/tautan`: a one-time link sets the first administrator's password.
//!
//! Looking at the link changes nothing (mail scanners look too); only the post uses it, once, in the
//! same transaction that stores the password.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header::SET_COOKIE},
    response::Response,
};
use gapura_core::{
    audit::{Actor, EventKind},
    identity::{SessionEnd, User, password},
    oauth::Params,
    secret::Secret,
};
use gapura_store::{StoreError, audit, credentials, one_time_links, sessions, users};

use super::{
    ErrorPage,
    done::{Done, Link},
    error,
    paper::{Notice, Paper, answer},
};
use crate::{
    edge::{
        RequestContext, cookies,
        parameters::{Form, Query},
        posts,
    },
    sign_in::{PoolError, page, session},
    state::App,
};

/// Where one-time links lead; the token is `kode`.
pub const PATH: &str = "/tautan";

/// Fewest characters of a password set here. Length is what counts (no rule about its characters).
pub const SHORTEST: usize = 12;

const LONGEST_FIELD: usize = 4096;

#[derive(Template)]
#[template(path = "link.html")]
struct Page<'a> {
    paper: Paper<'a>,
    lead: String,
    notice: Option<Notice>,
    hint: String,
    hidden: Vec<(&'static str, &'a str)>,
}

/// `GET /tautan?kode=…`: whoever holds the link. Reads the link and its account; writes nothing.
pub async fn show(State(app): State<App>, context: RequestContext, Query(params): Query) -> Response {
    match params {
        Ok(params) => match opened(&app, &context, &params).await {
            Ok(opened) => form(&app, &context, &opened, None),
            Err(response) => *response,
        },
        Err(unreadable) => error::of_unreadable(&app, &context, unreadable),
    }
}

/// `POST /tautan`: whoever holds the link, from our own form. Uses the link, stores the password's
/// hash, ends what the account had open.
pub async fn set(State(app): State<App>, context: RequestContext, headers: HeaderMap, Form(params): Form) -> Response {
    if posts::from_our_pages(&headers, app.settings.server.public_url.as_str()).is_err() {
        return error::of_foreign_post(&app, &context);
    }
    let params = match params {
        Ok(params) => params,
        Err(unreadable) => return error::of_unreadable(&app, &context, unreadable),
    };
    let opened = match opened(&app, &context, &params).await {
        Ok(opened) => opened,
        Err(response) => return *response,
    };
    let token = params.one("token").ok().flatten().unwrap_or_default();
    if !posts::token_belongs(token, context.browser.as_deref()) {
        return error::of_foreign_post(&app, &context);
    }
    match chosen(&params) {
        Err(flaw) => form(&app, &context, &opened, Some(flaw)),
        Ok(password) => store(&app, &context, &opened, password).await,
    }
}

/// A link that can still be used, and whose it is.
struct Opened {
    token: String,
    hash: [u8; 32],
    user: User,
}

async fn opened(app: &App, context: &RequestContext, params: &Params) -> Result<Opened, Box<Response>> {
    match find(app, context, params).await {
        Ok(Some(opened)) => Ok(opened),
        Ok(None) => Err(Box::new(invalid(app, context))),
        Err(failed) => Err(Box::new(error::of_store(app, context, &failed))),
    }
}

async fn find(app: &App, context: &RequestContext, params: &Params) -> Result<Option<Opened>, StoreError> {
    let Some(token) = params.one_within("kode", 64).ok().flatten() else { return Ok(None) };
    let hash = cookies::hash(token);
    let Some(link) = one_time_links::find(&app.db, &hash, context.now).await? else { return Ok(None) };
    let user = users::by_id(&app.db, &link.user_id).await?;
    Ok(user.map(|user| Opened { token: token.to_owned(), hash, user }))
}

fn invalid(app: &App, context: &RequestContext) -> Response {
    error::page(app, context, ErrorPage { status: StatusCode::NOT_FOUND, code: "link_invalid", restart: None })
}

/// What is wrong with the entries; also `data-code`.
#[derive(Clone, Copy)]
struct Flaw(&'static str);

fn chosen(params: &Params) -> Result<Secret<String>, Flaw> {
    let field = |name| params.one_within(name, LONGEST_FIELD).map(Option::unwrap_or_default);
    let typed = field("password").map_err(|_| Flaw("control"))?;
    let repeated = field("repeat").map_err(|_| Flaw("differs"))?;
    if typed != repeated {
        return Err(Flaw("differs"));
    }
    let prepared = password::prepare(typed).map_err(|flaw| match flaw {
        password::PasswordError::Empty => Flaw("short"),
        password::PasswordError::TooLong => Flaw("long"),
        password::PasswordError::Control => Flaw("control"),
    })?;
    if prepared.expose().chars().count() < SHORTEST {
        return Err(Flaw("short"));
    }
    Ok(prepared)
}

async fn store(app: &App, context: &RequestContext, opened: &Opened, password: Secret<String>) -> Response {
    let salt = match app.entropy.bytes() {
        Ok(salt) => salt,
        Err(failed) => return error::of_ours(app, context, &failed),
    };
    let encoded = match app.hasher.hash(password, salt).await {
        Ok(encoded) => encoded,
        Err(PoolError::Busy(busy)) => return super::queue::page(app, context, busy, &here(&opened.token)),
        Err(failed) => return error::of_ours(app, context, &failed),
    };
    let mut event = match session::event(app, context, EventKind::PasswordSet) {
        Ok(event) => event,
        Err(failed) => return error::of_ours(app, context, &failed),
    };
    event.actor = Actor::User { id: opened.user.id.clone() };
    event.user_id = Some(opened.user.id.clone());
    event.reason = Some("one_time_link".to_owned());
    let (hash, now) = (opened.hash, context.now);
    let written = app
        .db
        .write(async move |tx| {
            let Some(link) = one_time_links::use_up(tx, &hash, now).await? else { return Ok(false) };
            credentials::set_password(tx, &link.user_id, &encoded, now).await?;
            one_time_links::end_all_of(tx, &link.user_id, now).await?;
            users::raise_epoch(tx, &link.user_id, now).await?;
            sessions::end_all_of(tx, &link.user_id, SessionEnd::PasswordReset, now).await?;
            audit::record(tx, &event).await?;
            Ok(true)
        })
        .await;
    app.wake.notify_one();
    match written {
        Ok(true) => done(app, context),
        Ok(false) => invalid(app, context),
        Err(failed) => error::of_store(app, context, &failed),
    }
}

fn here(token: &str) -> String {
    format!("{PATH}?{}", Params::from_pairs([("kode", token)]).encode())
}

fn form(app: &App, context: &RequestContext, opened: &Opened, flaw: Option<Flaw>) -> Response {
    let (token, first_cookie) = match session::first_browser_cookie(app, context) {
        Ok((browser, line)) => (posts::form_token(&browser), line),
        Err(failed) => return error::of_ours(app, context, &failed),
    };
    let here = here(&opened.token);
    let paper = Paper::of(app, context).at(&here);
    let shortest = SHORTEST.to_string();
    let page = Page {
        lead: paper.with("link-lead", &[("name", &opened.user.name.display())]),
        notice: flaw.map(|Flaw(code)| Notice {
            tone: "n-bad",
            code,
            title: paper.with(&format!("link-{code}"), &[("shortest", &shortest)]),
            text: String::new(),
        }),
        hint: paper.with("link-hint", &[("shortest", &shortest)]),
        hidden: vec![("kode", &opened.token), ("token", &token)],
        paper,
    };
    let status = if flaw.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let mut response = answer(&page, status, None);
    if let Some(line) = first_cookie {
        response.headers_mut().append(SET_COOKIE, line);
    }
    response
}

fn done(app: &App, context: &RequestContext) -> Response {
    let paper = Paper::of(app, context).at(page::PATH);
    Done {
        id: "password-set",
        title: paper.say("link-done-title"),
        text: paper.say("link-done-text"),
        links: vec![Link { id: "sign-in", label: paper.html("home-guest-sign-in"), address: page::PATH.to_owned() }],
    }
    .answer(paper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_entries_must_be_one_long_enough_password() {
        let ask = |first: &str, second: &str| {
            let params = Params::from_pairs([("password", first), ("repeat", second)]);
            chosen(&params).map(|password| password.expose().clone()).map_err(|Flaw(code)| code)
        };
        assert_eq!(ask("sebelas dua belas", "sebelas dua belas"), Ok("sebelas dua belas".to_owned()));
        assert_eq!(ask("sebelas dua belas", "sebelas dua bela"), Err("differs"));
        assert_eq!(ask("pendek", "pendek"), Err("short"));
        assert_eq!(ask("", ""), Err("short"));
        assert_eq!(ask(&"a".repeat(257), &"a".repeat(257)), Err("long"));
        assert_eq!(ask("sebelas\u{7}dua belas", "sebelas\u{7}dua belas"), Err("control"));
    }
}
