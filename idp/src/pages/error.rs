//! The error page: what happened, what to do, whom to ask, and the reference code that finds the
//! log line. It stands at the address that failed, with that failure's status.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::paper::{Paper, answer};
use crate::{edge::RequestContext, state::App};

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

/// `404` for every address that is none of ours. Anybody; reads and writes nothing.
pub async fn not_found(app: axum::extract::State<App>, context: RequestContext) -> Response {
    page(&app, &context, ErrorPage { status: StatusCode::NOT_FOUND, code: "not_found", restart: None })
}

/// `405` for an address of ours used in another way. Anybody; reads and writes nothing.
pub async fn method_not_allowed(app: axum::extract::State<App>, context: RequestContext) -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    page(&app, &context, ErrorPage { status, code: "method_not_allowed", restart: None })
}
