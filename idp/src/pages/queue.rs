//! The queue page: more people sign in than passwords can be hashed. It says how long, opens the
//! form again by itself (no script), and keeps no password meanwhile.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::Response,
};

use super::paper::{Paper, answer};
use crate::{edge::RequestContext, sign_in::Busy, state::App};

/// Shortest and longest time before the form opens again, in seconds.
const BOUNDS: (u64, u64) = (5, 60);

#[derive(Template)]
#[template(path = "queue.html")]
struct Page<'a> {
    paper: Paper<'a>,
    seconds: u64,
    people: String,
    arrived: String,
    refresh: String,
    reference: &'a str,
    again: &'a str,
}

/// Draws it; `again` is the address of the form.
pub fn page(app: &App, context: &RequestContext, busy: Busy, again: &str) -> Response {
    let paper = Paper::of(app, context).at(again);
    let seconds = busy.wait.as_secs().saturating_add(1).clamp(BOUNDS.0, BOUNDS.1);
    let drawn = Page {
        seconds,
        people: paper.with("queue-people", &[("count", &busy.ahead.to_string())]),
        arrived: paper.clock(context.now),
        refresh: paper.with("queue-refresh-text", &[("seconds", &seconds.to_string())]),
        reference: &context.request_id,
        again,
        paper,
    };
    let mut response = answer(&drawn, StatusCode::SERVICE_UNAVAILABLE, None);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}
