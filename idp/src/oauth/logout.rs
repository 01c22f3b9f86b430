//! Sign-out asked for by an application (OpenID Connect RP-Initiated Logout 1.0 section 2).
//!
//! ```text
//! POST ─303▶ GET ─▶ in order? ─no─▶ page, never a redirect
//!                       │
//!                       ├─ hint of this browser's session ─▶ ended ─▶ the application's address, or "signed out"
//!                       ├─ another session, or no hint ────▶ /keluar asks; only its post ends anything
//!                       └─ nobody signed in ───────────────▶ the application's address, or "signed out"
//! ```

use std::sync::Arc;

use axum::{extract::State, response::Response};
use gapura_core::{
    access::Standing,
    oauth::{
        PageError, Params,
        logout::{self, LogoutDecision, LogoutRequest},
    },
};

use super::authorize;
use crate::{
    edge::{
        RequestContext,
        parameters::{Form, Query, Unreadable},
    },
    failure::{self, Failure, see_other},
    sign_in::session,
    state::App,
};

/// Where a person is asked, and told that they are signed out.
const ASK: &str = "/keluar";

/// Any browser. Reads the session behind its cookie in one statement; ends it only where the hint is of that
/// very session.
//= OIDC-RPLOGOUT#2
pub async fn get(State(app): State<App>, context: RequestContext, Query(params): Query) -> Response {
    let answered = answer(&app, &context, params).await;
    answered.unwrap_or_else(|failure| failure::page(&app, &context, failure))
}

/// Any browser, sent by an application's form; ends nothing itself. A form posted from another site brings no
/// session cookie (SameSite=Lax), the GET after it does.
//= OIDC-RPLOGOUT#2
pub async fn post(State(app): State<App>, context: RequestContext, Form(form): Form) -> Response {
    match form {
        Ok(params) => see_other(&format!("/logout?{}", params.encode())),
        Err(_) => failure::page(&app, &context, Failure::Page(PageError::BadRequest, None)),
    }
}

async fn answer(app: &App, context: &RequestContext, params: Result<Params, Unreadable>) -> Result<Response, Failure> {
    let page = |error| Failure::Page(error, None);
    let params = params.map_err(|_| page(PageError::BadRequest))?;
    let request = understood(app, &params).await?;
    let standing = session::current(app, context).await?;
    let current = standing.as_ref().and_then(|standing| Some((standing, standing.session.as_ref()?)));
    let here = current.map(|(standing, session)| (&session.id, standing.user.sub.as_str()));
    match logout::decide(request.hint.as_ref(), here) {
        LogoutDecision::Ask => Ok(see_other(&asking(&request, &params))),
        LogoutDecision::Nothing => Ok(see_other(&afterwards(&request))),
        LogoutDecision::End => end(app, context, standing.as_ref(), &request).await,
    }
}

/// The request, if it is in order. A hint may have expired; it must be one of ours.
//= OIDC-RPLOGOUT#4
async fn understood(app: &App, params: &Params) -> Result<LogoutRequest, Failure> {
    let page = |error| Failure::Page(error, None);
    // Keys first: a hint by one that is gone elsewhere is none.
    let snapshot = app.snapshot().await?;
    let hint = authorize::hint(app, params).transpose().map_err(|_| page(PageError::BadHint))?;
    let client = match logout::named_client(params, hint.as_ref()).map_err(page)? {
        None => None,
        Some(id) => {
            let found = snapshot.clients.get(&id).ok_or_else(|| page(PageError::ClientUnknown))?;
            Some(Arc::clone(found))
        }
    };
    logout::read(params, hint, client).map_err(page)
}

async fn end(
    app: &App,
    context: &RequestContext,
    standing: Option<&Standing>,
    request: &LogoutRequest,
) -> Result<Response, Failure> {
    let response = see_other(&afterwards(request));
    match standing.and_then(|standing| standing.session.as_ref()) {
        Some(current) => Ok(session::end(app, context, current).await?.with(app, response)),
        None => Ok(response),
    }
}

/// The application's address, or our own page that says so.
//= OIDC-RPLOGOUT#3
fn afterwards(request: &LogoutRequest) -> String {
    request.then.as_ref().map_or_else(|| at(request, &[]), logout::SignedOutTo::address)
}

/// The page that asks, with what has been checked; it checks again.
fn asking(request: &LogoutRequest, params: &Params) -> String {
    let sent = |name| params.one(name).ok().flatten();
    match &request.then {
        None => at(request, &[]),
        Some(_) => at(
            request,
            &[
                ("post_logout_redirect_uri", sent("post_logout_redirect_uri").unwrap_or_default()),
                ("state", sent("state").unwrap_or_default()),
            ],
        ),
    }
}

fn at(request: &LogoutRequest, with: &[(&str, &str)]) -> String {
    let client = request.client.iter().map(|client| ("client_id", client.id.as_str()));
    let sent = with.iter().copied().filter(|(_, value)| !value.is_empty());
    let query = Params::from_pairs(client.chain(sent)).encode();
    if query.is_empty() { ASK.to_owned() } else { format!("{ASK}?{query}") }
}
