//! `/keluar`: the person is asked, and only a post ends the session.
//!
//! An application that asks for sign-out (`/logout`) and holds no hint of this very session sends the
//! browser here with `client_id`, `post_logout_redirect_uri` and `state`. They are checked again at
//! each step, so that nothing but a registered address is ever redirected to.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header::SET_COOKIE},
    response::Response,
};
use gapura_core::{
    access::Standing,
    oauth::{
        PageError, Params,
        logout::{self, LogoutRequest, SignedOutTo},
    },
};

use super::{
    done::{Done, Link},
    error,
    paper::{Paper, answer},
};
use crate::{
    edge::{
        RequestContext,
        parameters::{Form, Query, Unreadable},
        posts,
    },
    failure::{self, Failure, see_other},
    sign_in::{
        page,
        session::{self, SessionError},
    },
    state::App,
};

/// Where sign-out is asked and confirmed.
pub const PATH: &str = "/keluar";

/// What goes with the question and comes back with the answer.
const CARRIED: [&str; 3] = ["client_id", "post_logout_redirect_uri", "state"];

#[derive(Template)]
#[template(path = "sign_out.html")]
struct Page<'a> {
    paper: Paper<'a>,
    question: String,
    hidden: Vec<(&'static str, String)>,
}

/// `GET /keluar`: anybody. Reads the person behind the session cookie; ends nothing.
pub async fn ask(State(app): State<App>, context: RequestContext, Query(params): Query) -> Response {
    let (params, request) = match understood(&app, &context, params).await {
        Ok(understood) => understood,
        Err(response) => return *response,
    };
    match session::current(&app, &context).await {
        Ok(Some(standing)) => question(&app, &context, &standing, (&params, &request)),
        Ok(None) => done(&app, &context, &request),
        Err(failed) => error::of_store(&app, &context, &failed),
    }
}

/// `POST /keluar`: our own form in this browser only. Ends the session behind the cookie, its
/// families with it, and queues the messages to its applications.
pub async fn end(State(app): State<App>, context: RequestContext, headers: HeaderMap, Form(params): Form) -> Response {
    if posts::from_our_pages(&headers, app.settings.server.public_url.as_str()).is_err() {
        return error::of_foreign_post(&app, &context);
    }
    let (params, request) = match understood(&app, &context, params).await {
        Ok(understood) => understood,
        Err(response) => return *response,
    };
    let token = params.one("token").ok().flatten().unwrap_or_default();
    // Another browser's form, or one from before another tab signed in: ask again.
    if !posts::token_belongs(token, context.browser.as_deref()) {
        return see_other(&here(&params));
    }
    let next = request.then.as_ref().map_or_else(|| here(&params), SignedOutTo::address);
    match session::current(&app, &context).await {
        Ok(Some(Standing { session: Some(current), .. })) => match session::end(&app, &context, &current).await {
            Ok(cookies) => cookies.with(&app, see_other(&next)),
            Err(SessionError::Store(failed)) => error::of_store(&app, &context, &failed),
            Err(failed) => error::of_ours(&app, &context, &failed),
        },
        Ok(_) => see_other(&next),
        Err(failed) => error::of_store(&app, &context, &failed),
    }
}

/// The parameters and the request they make, or its error page.
async fn understood(
    app: &App,
    context: &RequestContext,
    params: Result<Params, Unreadable>,
) -> Result<(Params, LogoutRequest), Box<Response>> {
    let params = params.map_err(|unreadable| Box::new(error::of_unreadable(app, context, unreadable)))?;
    let snapshot = app.copies.current().await.map_err(|failed| Box::new(error::of_store(app, context, &failed)))?;
    let request = logout::named_client(&params, None).and_then(|named| {
        let client = named.map(|id| snapshot.clients.get(&id).map(Arc::clone).ok_or(PageError::ClientUnknown));
        logout::read(&params, None, client.transpose()?)
    });
    match request {
        Ok(request) => Ok((params, request)),
        Err(wrong) => Err(Box::new(failure::page(app, context, Failure::Page(wrong, None)))),
    }
}

/// This page with what was carried to it.
fn here(params: &Params) -> String {
    let carried = Params::from_pairs(carried(params)).encode();
    if carried.is_empty() { PATH.to_owned() } else { format!("{PATH}?{carried}") }
}

fn carried(params: &Params) -> Vec<(&'static str, String)> {
    CARRIED.into_iter().filter_map(|name| Some((name, params.one(name).ok().flatten()?.to_owned()))).collect()
}

fn question(
    app: &App,
    context: &RequestContext,
    standing: &Standing,
    (params, request): (&Params, &LogoutRequest),
) -> Response {
    let (token, first_cookie) = match session::first_browser_cookie(app, context) {
        Ok((browser, line)) => (posts::form_token(&browser), line),
        Err(failed) => return error::of_ours(app, context, &failed),
    };
    let here = here(params);
    let paper = Paper::of(app, context).at(&here);
    let mut hidden = carried(params);
    hidden.push(("token", token));
    let page = Page {
        question: match &request.client {
            Some(client) => paper.with("sign-out-ask-client", &[("application", &client.name)]),
            None => paper.with("sign-out-ask", &[("name", &standing.user.name.display())]),
        },
        hidden,
        paper,
    };
    let target = request.then.as_ref().map(SignedOutTo::address);
    let mut response = answer(&page, StatusCode::OK, target.as_deref());
    if let Some(line) = first_cookie {
        response.headers_mut().append(SET_COOKIE, line);
    }
    response
}

/// Nobody is signed in here any more.
pub fn done(app: &App, context: &RequestContext, request: &LogoutRequest) -> Response {
    let paper = Paper::of(app, context);
    let mut links = Vec::new();
    if let Some(client) = &request.client {
        let label = paper.with("sign-out-back", &[("application", &client.name)]);
        links.push(Link { id: "back", label, address: client.home_uri.clone() });
    }
    let label = paper.html("sign-out-sign-in");
    links.push(Link { id: "sign-in", label, address: page::PATH.to_owned() });
    Done { id: "signed-out", title: paper.say("sign-out-done-title"), text: paper.say("sign-out-done-text"), links }
        .answer(paper)
}
