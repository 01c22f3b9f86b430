//! The token endpoint (RFC 6749 section 3.2): the client proves itself once, then its grant is taken up.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use gapura_core::{
    access::{
        ApplicationAccess,
        door::{self, Door, Turned},
    },
    oauth::{
        Caller, Client, OAuthError, Params, TokenRequest,
        token::{ACCESS_TOKEN_LIFETIME, read},
    },
};
use gapura_store::copies::Snapshot;
use serde::Serialize;

use super::{caller::caller, code, mint, moment, refresh};
use crate::{
    edge::{
        RequestContext,
        parameters::{Form, Unreadable},
    },
    failure::{self, Challenge, Failure, Trouble},
    metrics::{Counted, Outcome, count},
    state::App,
};

/// What a grant needs to know of its request.
#[derive(Clone, Copy)]
pub(super) struct Granting<'a> {
    pub(super) app: &'a App,
    pub(super) context: &'a RequestContext,
    pub(super) client: &'a Client,
    pub(super) access: &'a ApplicationAccess,
    pub(super) snapshot: &'a Snapshot,
}

/// A successful answer.
#[derive(Serialize)]
pub(super) struct Granted {
    pub(super) access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id_token: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
}

impl Granted {
    //= RFC6749#5.1
    pub(super) fn new(access_token: String, scope: String) -> Self {
        let expires_in = ACCESS_TOKEN_LIFETIME.as_secs();
        Self { access_token, token_type: "Bearer", expires_in, refresh_token: None, id_token: None, scope }
    }

    pub(super) fn with_refresh_token(self, refresh_token: Option<String>) -> Self {
        Self { refresh_token, ..self }
    }
}

/// Registered clients. Reads and writes what the grant's own file says; a token for a client in its own name
/// reads and writes nothing.
//= RFC6749#3.2
pub async fn token(State(app): State<App>, context: RequestContext, headers: HeaderMap, Form(form): Form) -> Response {
    match granted(&app, &context, &headers, form).await {
        Ok(granted) => failure::body(&granted, StatusCode::OK),
        Err(failure) => failure::json(failure, Challenge::Basic),
    }
}

async fn granted(
    app: &App,
    context: &RequestContext,
    headers: &HeaderMap,
    form: Result<Params, Unreadable>,
) -> Result<Granted, Failure> {
    let params = form?;
    let (caller, snapshot) = caller(app, headers, &params, context.now).await?;
    let request = read(&caller, &params)?;
    let client = caller.client();
    let access = snapshot.catalog.of(&client.application_id).ok_or(Trouble::Corrupt("the client's application"))?;
    let granting = Granting { app, context, client, access, snapshot: &snapshot };
    let (counted, outcome) = match request {
        TokenRequest::Code { code, redirect_uri, verifier } => {
            let presented = code::Presented { code, redirect_uri, verifier };
            (Counted::Code, code::redeem(granting, presented).await)
        }
        TokenRequest::Refresh { token, scope } => {
            (Counted::Refresh, refresh::refresh(granting, token, scope.as_deref()).await)
        }
        TokenRequest::ClientCredentials => (Counted::ClientCredentials, machine(granting, &caller).await),
    };
    count(
        counted,
        match &outcome {
            Ok(_) => Outcome::Done,
            Err(Failure::Trouble(_)) => Outcome::Failed,
            Err(_) => Outcome::Refused,
        },
    );
    outcome
}

/// A token for the client in its own name; no statement, no refresh token.
//= RFC6749#4.4
async fn machine(granting: Granting<'_>, caller: &Caller) -> Result<Granted, Failure> {
    let Granting { app, context, access, .. } = granting;
    door::pass_machine(Door::ClientCredentials, caller.client(), moment(app, context))
        .map_err(|turned| shut(&turned))?;
    let token = mint::for_machine(granting, access).await?;
    Ok(Granted::new(token, String::new()))
}

/// What a client learns of a closed door: that its grant is worth nothing now.
pub(super) fn shut(turned: &Turned) -> Failure {
    OAuthError::invalid_grant("the grant is no longer valid").because(turned.rule.as_str()).into()
}
