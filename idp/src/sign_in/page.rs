//! `/masuk`: the form, and what happens with it.

use askama::Template;
use axum::{
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{RETRY_AFTER, SET_COOKIE},
    },
    response::Response,
};
use gapura_core::{
    id::ClientId,
    identity::EmployeeNumber,
    oauth::{Client, PageError, Params, decide::LoginReason, reply_to},
};

use super::{
    attempt::{self, AttemptError, Outcome, Typed},
    session::{self, Proven, SessionError},
};
use crate::{
    edge::{
        RequestContext,
        parameters::{Form, Query},
        posts,
    },
    failure::{self, Failure, see_other},
    interaction::{self, Interaction},
    oauth::authorize,
    pages::{
        Paper, error,
        paper::{Notice, answer},
        queue,
    },
    state::App,
};

/// Where the form lives.
pub const PATH: &str = "/masuk";

/// Longest text taken from either field, in bytes: 256 characters of four bytes.
const LONGEST_FIELD: usize = 1024;

/// What a request to `/masuk` is about.
enum Errand {
    /// A parked authorization request of this browser, and its client.
    Request(Box<Interaction>, std::sync::Arc<Client>),
    /// Nothing but signing in.
    Alone,
}

/// `GET /masuk`: anybody. Reads the interaction and the client's copy; writes nothing.
pub async fn show(State(app): State<App>, context: RequestContext, Query(params): Query) -> Response {
    let params = match params {
        Ok(params) => params,
        Err(unreadable) => return error::of_unreadable(&app, &context, unreadable),
    };
    match errand(&app, &context, &params).await {
        Ok(Errand::Alone) if home_knows(&app, &context).await => see_other("/"),
        Ok(errand) => form(&app, context, &errand, &Shown::default()),
        Err(response) => *response,
    }
}

/// `POST /masuk`: our own form in this browser only. Reads the account by its name and the person's
/// standing, writes the session or the failure.
pub async fn submit(
    State(app): State<App>,
    context: RequestContext,
    headers: HeaderMap,
    Form(params): Form,
) -> Response {
    if posts::from_our_pages(&headers, app.settings.server.public_url.as_str()).is_err() {
        return error::of_foreign_post(&app, &context);
    }
    let params = match params {
        Ok(params) => params,
        Err(unreadable) => return error::of_unreadable(&app, &context, unreadable),
    };
    let errand = match errand(&app, &context, &params).await {
        Ok(errand) => errand,
        Err(response) => return *response,
    };
    // Another browser's form, or one from before another tab signed in: nothing is looked at, the form is shown anew.
    if matches!(errand, Errand::Alone) && !carries_our_token(&params, &context) {
        return see_other(PATH);
    }
    let field = |name| params.one_within(name, LONGEST_FIELD);
    let (Ok(username), Ok(password)) = (field("username"), field("password")) else {
        let shown = Shown { outcome: Some(Outcome::Failed), status: StatusCode::BAD_REQUEST, ..Shown::default() };
        return form(&app, context, &errand, &shown);
    };
    let typed = Typed { username: username.unwrap_or_default(), password: password.unwrap_or_default() };
    match attempt::attempt(&app, &context, &typed).await {
        Ok(Outcome::Proven(proven)) => go_on(&app, context, errand, *proven).await,
        Ok(Outcome::Busy(busy)) => queue::page(&app, &speaking(context, &errand), busy, &address(&errand)),
        Ok(outcome) => {
            let status = match outcome {
                Outcome::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
                Outcome::Inactive => StatusCode::FORBIDDEN,
                // An error status keeps browsers from offering to save a wrong password.
                Outcome::Failed | Outcome::Proven(_) | Outcome::Busy(_) => StatusCode::BAD_REQUEST,
            };
            form(&app, context, &errand, &Shown { outcome: Some(outcome), status, username: typed.username })
        }
        Err(AttemptError::Store(failed)) => error::of_store(&app, &context, &failed),
        Err(failed) => error::of_ours(&app, &context, &failed),
    }
}

/// The parked request named by `interaksi`, if it is there and this browser's. Otherwise the answer:
/// one that another browser began starts again here, one that is gone offers its client's home.
async fn errand(app: &App, context: &RequestContext, params: &Params) -> Result<Errand, Box<Response>> {
    let named = |name| params.one_within(name, 256).ok().flatten();
    if !params.has("interaksi") {
        return Ok(Errand::Alone);
    }
    let snapshot = app.copies.current().await.map_err(|failed| Box::new(error::of_store(app, context, &failed)))?;
    let found = match named("interaksi") {
        Some(id) => interaction::find(app, id, context.now)
            .await
            .map_err(|trouble| Box::new(failure::page(app, context, trouble.into())))?,
        None => None,
    };
    let Some(found) = found else {
        let client = named("client_id").and_then(|id| snapshot.clients.get(&ClientId::new(id)));
        let gone = Failure::Page(PageError::InteractionExpired, client.map(|client| client.home_uri.clone()));
        return Err(Box::new(failure::page(app, context, gone)));
    };
    if !posts::hash_belongs(&found.browser_hash, context.browser.as_deref()) {
        return Err(Box::new(see_other(&format!("/authorize?{}", found.params.encode()))));
    }
    match snapshot.clients.get(&found.client_id) {
        Some(client) => Ok(Errand::Request(Box::new(found), std::sync::Arc::clone(client))),
        None => Err(Box::new(failure::page(app, context, Failure::Page(PageError::ClientUnknown, None)))),
    }
}

fn carries_our_token(params: &Params, context: &RequestContext) -> bool {
    params.one("token").ok().flatten().is_some_and(|token| posts::token_belongs(token, context.browser.as_deref()))
}

async fn home_knows(app: &App, context: &RequestContext) -> bool {
    matches!(session::current(app, context).await, Ok(Some(_)))
}

/// The person is who they say: begin the session, then take up the parked request again.
async fn go_on(app: &App, context: RequestContext, errand: Errand, proven: Proven) -> Response {
    let (standing, cookies) = match session::begin(app, &context, proven).await {
        Ok(begun) => begun,
        Err(SessionError::Store(failed)) => return error::of_store(app, &context, &failed),
        Err(failed) => return error::of_ours(app, &context, &failed),
    };
    let context = cookies.seen(context);
    let response = match errand {
        Errand::Request(interaction, _) => authorize::resume(app, *interaction, &standing, &context).await,
        Errand::Alone => see_other("/"),
    };
    cookies.with(app, response)
}

/// The address of this form, without what was typed.
fn address(errand: &Errand) -> String {
    match errand {
        Errand::Request(interaction, _) => interaction.address(),
        Errand::Alone => PATH.to_owned(),
    }
}

/// The same request in the language the application asked for, unless the person chose one.
fn speaking(context: RequestContext, errand: &Errand) -> RequestContext {
    match errand {
        Errand::Request(parked, _) => context.speaking(parked.params.one("ui_locales").ok().flatten()),
        Errand::Alone => context,
    }
}

/// How the form is shown.
struct Shown<'a> {
    outcome: Option<Outcome>,
    status: StatusCode,
    /// Comes back escaped.
    username: &'a str,
}

impl Default for Shown<'_> {
    fn default() -> Self {
        Self { outcome: None, status: StatusCode::OK, username: "" }
    }
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page<'a> {
    paper: Paper<'a>,
    lead: String,
    notice: Option<Notice>,
    username: String,
    hidden: Vec<(&'static str, String)>,
    still_failing: String,
}

fn form(app: &App, context: RequestContext, errand: &Errand, shown: &Shown<'_>) -> Response {
    let (token, first_cookie) = match session::first_browser_cookie(app, &context) {
        Ok((browser, line)) => (posts::form_token(&browser), line),
        Err(failed) => return error::of_ours(app, &context, &failed),
    };
    let here = address(errand);
    let (hinted, target) = match errand {
        Errand::Request(parked, client) => {
            let hinted = parked.params.one("login_hint").ok().flatten().map(str::to_owned);
            (hinted, reply_to(client, &parked.params).ok().map(|reply| reply.uri().to_owned()))
        }
        Errand::Alone => (None, None),
    };
    let context = speaking(context, errand);
    let paper = Paper::of(app, &context).at(&here);
    let notice = match &shown.outcome {
        Some(outcome) => Some(outcome_in_words(&paper, outcome)),
        None => asked_again(&paper, errand),
    };
    let page = Page {
        lead: match errand {
            Errand::Request(_, client) => paper.with("sign-in-lead", &[("application", &client.name)]),
            Errand::Alone => paper.html("sign-in-lead-alone"),
        },
        username: readable(if shown.username.is_empty() {
            hinted.as_deref().unwrap_or_default()
        } else {
            shown.username
        }),
        hidden: match errand {
            Errand::Request(parked, client) => {
                vec![("interaksi", parked.id.clone()), ("client_id", client.id.to_string())]
            }
            Errand::Alone => vec![("token", token)],
        },
        still_failing: paper
            .with("sign-in-still-failing", &[("clock", &paper.clock(context.now)), ("reference", &context.request_id)]),
        notice,
        paper,
    };
    let mut response = answer(&page, shown.status, target.as_deref());
    if let Some(line) = first_cookie {
        response.headers_mut().append(SET_COOKIE, line);
    }
    if let Some(Outcome::Throttled(until)) = &shown.outcome {
        let seconds = until.since(context.now).as_secs().saturating_add(1);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// What was typed, kept as it is; an employee number is grouped as decrees print it.
fn readable(typed: &str) -> String {
    let number = EmployeeNumber::parse(typed).ok();
    let group = |from, to| number.as_ref().and_then(|number| number.as_str().get(from..to));
    match (group(0, 8), group(8, 14), group(14, 15), group(15, 18)) {
        (Some(birth), Some(start), Some(sex), Some(serial)) => format!("{birth} {start} {sex} {serial}"),
        _ => typed.to_owned(),
    }
}

/// An outcome as a notice; `n-bad` names neither field, since which of them is wrong is not said.
fn outcome_in_words(paper: &Paper<'_>, outcome: &Outcome) -> Notice {
    match outcome {
        Outcome::Throttled(until) => Notice {
            tone: "n-warn",
            code: "throttled",
            title: paper.say("sign-in-throttled-title"),
            text: paper.with("sign-in-throttled-text", &[("clock", &paper.clock_rounded_up(*until))]),
        },
        Outcome::Inactive => Notice {
            tone: "n-bad",
            code: "inactive",
            title: paper.say("sign-in-inactive-title"),
            text: paper.html("sign-in-inactive-text"),
        },
        Outcome::Failed | Outcome::Proven(_) | Outcome::Busy(_) => Notice {
            tone: "n-bad",
            code: "no_match",
            title: paper.say("sign-in-failed-title"),
            text: paper.html("sign-in-failed-text"),
        },
    }
}

/// Somebody who is signed in must know why they are asked again.
fn asked_again(paper: &Paper<'_>, errand: &Errand) -> Option<Notice> {
    let Errand::Request(parked, _) = errand else { return None };
    (parked.reason != LoginReason::NoSession).then(|| Notice {
        tone: "",
        code: "again",
        title: paper.say("sign-in-again-title"),
        text: paper.html("sign-in-again-text"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_shown_as_decrees_print_it() {
        assert_eq!(readable("198404142008032994"), "19840414 200803 2 994");
        assert_eq!(readable("19840414.200803.2.994"), "19840414 200803 2 994");
        for kept in ["oman.maulana", "siti@contoh.go.id", "1984", " x ", "<b>"] {
            assert_eq!(readable(kept), kept);
        }
    }
}
