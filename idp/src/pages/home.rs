//! `/`: who is signed in here, or the way to the form.

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use gapura_core::{access::Standing, identity::Session};

use super::{
    done::{Done, Link},
    error,
    paper::{Paper, answer},
};
use crate::{
    edge::RequestContext,
    sign_in::{page, session},
    state::App,
};

#[derive(Template)]
#[template(path = "home.html")]
struct Page<'a> {
    paper: Paper<'a>,
    lead: String,
    facts: Vec<(String, String)>,
}

/// `GET /`: anybody. Reads the person behind the session cookie; writes nothing.
pub async fn home(State(app): State<App>, context: RequestContext) -> Response {
    match session::current(&app, &context).await {
        Ok(Some(standing)) => match &standing.session {
            Some(session) => signed_in(&app, &context, &standing, session),
            None => guest(&app, &context),
        },
        Ok(None) => guest(&app, &context),
        Err(failed) => error::of_store(&app, &context, &failed),
    }
}

fn signed_in(app: &App, context: &RequestContext, standing: &Standing, session: &Session) -> Response {
    let paper = Paper::of(app, context);
    let page = Page {
        lead: paper.with("home-lead", &[("name", &standing.user.name.display())]),
        facts: vec![
            (paper.say("home-since"), paper.moment(session.auth_time)),
            (paper.say("home-until"), paper.moment(session.expires_at)),
        ],
        paper,
    };
    answer(&page, StatusCode::OK, None)
}

fn guest(app: &App, context: &RequestContext) -> Response {
    let paper = Paper::of(app, context);
    Done {
        id: "guest",
        title: paper.say("home-guest-title"),
        text: paper.say("home-guest-text"),
        links: vec![Link { id: "sign-in", label: paper.html("home-guest-sign-in"), address: page::PATH.to_owned() }],
    }
    .answer(paper)
}
