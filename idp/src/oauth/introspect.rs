//! Introspection (RFC 7662): whether a token is honoured now, for the application it was issued for.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use gapura_core::{
    access::door::Door,
    oauth::{ErrorCode, MAX_TOKEN, OAuthError, Params},
    oidc::AccessClaims,
};
use serde::Serialize;

use super::{bearer, caller::caller};
use crate::{
    edge::{
        RequestContext,
        parameters::{Form, Unreadable},
    },
    failure::{self, Challenge, Failure},
    metrics::{Counted, Outcome, count},
    state::App,
};

/// The answer; of an inactive token nothing else is said.
//= RFC7662#2.2
#[derive(Serialize)]
struct Answer {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(flatten)]
    claims: Option<AccessClaims>,
}

const INACTIVE: Answer = Answer { active: false, token_type: None, claims: None };

/// Confidential clients, authenticated. Reads the person in one statement, nothing of a machine's token;
/// writes nothing.
pub async fn introspect(
    State(app): State<App>,
    context: RequestContext,
    headers: HeaderMap,
    Form(form): Form,
) -> Response {
    let answer = asked(&app, &context, &headers, form).await;
    count(Counted::Introspection, if answer.is_ok() { Outcome::Done } else { Outcome::Refused });
    match answer {
        Ok(answer) => failure::body(&answer, StatusCode::OK),
        Err(failure) => failure::json(failure, Challenge::Basic),
    }
}

//= RFC7662#2.1
async fn asked(
    app: &App,
    context: &RequestContext,
    headers: &HeaderMap,
    form: Result<Params, Unreadable>,
) -> Result<Answer, Failure> {
    let params = form?;
    let (caller, snapshot) = caller(app, headers, &params, context.now).await?;
    if !caller.is_confidential() {
        return Err(OAuthError::new(ErrorCode::InvalidClient, "a public client cannot introspect").into());
    }
    let token = params.one_within("token", MAX_TOKEN)?;
    let token = token.ok_or_else(|| OAuthError::invalid_request("token is missing"))?;
    params.one("token_type_hint")?;
    let Ok(claims) = bearer::verified(app, context, token) else { return Ok(INACTIVE) };
    // A client sees the tokens of its own application and no others.
    //= T15
    let own = snapshot.catalog.of(&caller.client().application_id);
    if own.is_none_or(|own| own.application.identifier != claims.aud) {
        return Ok(INACTIVE);
    }
    match bearer::honoured(app, context, &snapshot, Door::Introspection, claims).await {
        Ok(honoured) => Ok(active(honoured)),
        Err(Failure::OAuth(error)) if error.code == ErrorCode::InvalidToken => Ok(INACTIVE),
        Err(failure) => Err(failure),
    }
}

/// Roles are those held now, not those of the time of issue.
fn active(honoured: bearer::Honoured) -> Answer {
    let mut claims = honoured.claims;
    if let Some((_, admitted)) = honoured.person {
        claims.roles = Some(admitted.roles().to_vec());
    }
    Answer { active: true, token_type: Some("Bearer"), claims: Some(claims) }
}
