//! The error page: what happened, what to do, whom to ask, and the reference code that finds the
//! log line. It stands at the address that failed, with that failure's status.

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use gapura_core::id::ClientId;
use gapura_store::StoreError;

use super::paper::{Paper, answer};
use crate::{
    edge::{
        RequestContext,
        parameters::{Query, Unreadable},
    },
    state::App,
};

/// What an error page says.
#[derive(Clone, Copy, Debug)]
pub struct ErrorPage<'a> {
    /// The answer's status.
    pub status: StatusCode,
    /// `data-code`: the same in both languages, and the key of the texts
    /// (`error-<code>-title`, `error-<code>-text`); one without texts gets the general ones.
    pub code: &'a str,
    /// The home address of the client concerned, where "Mulai lagi" leads.
    pub restart: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "error.html")]
struct Page<'a> {
    paper: Paper<'a>,
    code: &'a str,
    title: String,
    text: String,
    way_on: Option<(String, &'a str)>,
    reference: &'a str,
    time: String,
}

/// Draws it.
pub fn page(app: &App, context: &RequestContext, error: ErrorPage<'_>) -> Response {
    let paper = Paper::of(app, context);
    let named = format!("error-{}-title", error.code);
    let known = if paper.knows(&named) { error.code } else { "other" };
    let drawn = Page {
        code: error.code,
        title: paper.say(&format!("error-{known}-title")),
        text: paper.html(&format!("error-{known}-text")),
        way_on: error.restart.map(|home| (paper.say("start-again"), home)),
        reference: &context.request_id,
        time: paper.moment(context.now),
        paper,
    };
    answer(&drawn, error.status, None)
}

/// A store that gave no answer: `503` where trying again helps, `500` where it is our mistake.
pub fn of_store(app: &App, context: &RequestContext, failed: &StoreError) -> Response {
    let (status, code) = match failed {
        StoreError::Busy
        | StoreError::Stopped
        | StoreError::Unavailable(_)
        | StoreError::Conflict
        | StoreError::TooSlow => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
        StoreError::Unique(_)
        | StoreError::Panicked
        | StoreError::Corrupt(_)
        | StoreError::Statement(_)
        | StoreError::Unfit(_) => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
    };
    tracing::error!(error = %failed, "the store gave no answer");
    page(app, context, ErrorPage { status, code, restart: None })
}

/// Whatever else is our mistake: `500`.
pub fn of_ours(app: &App, context: &RequestContext, failed: &dyn std::error::Error) -> Response {
    tracing::error!(error = %failed, "a request failed");
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    page(app, context, ErrorPage { status, code: "server_error", restart: None })
}

/// A body or query that could not be read at all.
pub fn of_unreadable(app: &App, context: &RequestContext, unreadable: Unreadable) -> Response {
    let (status, code) = match unreadable {
        Unreadable::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        Unreadable::TooMany => (StatusCode::BAD_REQUEST, "too_large"),
        Unreadable::NotAForm => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request"),
        Unreadable::Cut => (StatusCode::BAD_REQUEST, "invalid_request"),
    };
    page(app, context, ErrorPage { status, code, restart: None })
}

/// A post that did not come from our own form in this browser: `403`.
pub fn of_foreign_post(app: &App, context: &RequestContext) -> Response {
    tracing::warn!("a post that did not come from our own form in this browser was refused");
    page(app, context, ErrorPage { status: StatusCode::FORBIDDEN, code: "foreign_post", restart: None })
}

/// `GET /galat?kode=…&client_id=…`: anybody, sent here by an application that wants an error explained.
/// Reads the client's copy; writes nothing. Unknown codes get the general texts.
pub async fn explain(State(app): State<App>, context: RequestContext, Query(params): Query) -> Response {
    let params = params.unwrap_or_default();
    let named = |name| params.one_within(name, 256).ok().flatten();
    let snapshot = match app.copies.current().await {
        Ok(snapshot) => snapshot,
        Err(failed) => return of_store(&app, &context, &failed),
    };
    let client = named("client_id").and_then(|id| snapshot.clients.get(&ClientId::new(id)));
    let explained = ErrorPage {
        status: StatusCode::BAD_REQUEST,
        code: named("kode").filter(|code| app.texts.has(&format!("error-{code}-title"))).unwrap_or("other"),
        restart: client.map(|client| client.home_uri.as_str()),
    };
    page(&app, &context, explained)
}

/// `404` for every address that is none of ours. Anybody; reads and writes nothing.
pub async fn not_found(State(app): State<App>, context: RequestContext) -> Response {
    page(&app, &context, ErrorPage { status: StatusCode::NOT_FOUND, code: "not_found", restart: None })
}

/// `405` for an address of ours used in another way. Anybody; reads and writes nothing.
pub async fn method_not_allowed(State(app): State<App>, context: RequestContext) -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    page(&app, &context, ErrorPage { status, code: "method_not_allowed", restart: None })
}
