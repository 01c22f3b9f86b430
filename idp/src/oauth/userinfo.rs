//! Userinfo (OpenID Connect Core section 5.3): the claims the granted scopes open, as they are now.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use gapura_core::{
    access::door::Door,
    oauth::{ErrorCode, OAuthError, Params, Scope, Scopes},
    oidc::claims,
};
use serde_json::Value;

use super::bearer;
use crate::{
    edge::{
        RequestContext,
        parameters::{Form, Query, Unreadable},
    },
    failure::{self, Challenge, Failure},
    metrics::{Counted, Outcome, count},
    state::App,
};

/// Whoever holds an access token with `openid`. Reads the person in one statement; writes nothing.
//= OIDC-CORE#5.3
pub async fn get(State(app): State<App>, context: RequestContext, headers: HeaderMap, Query(query): Query) -> Response {
    let token = query.map_err(Failure::from).and_then(|query| Ok(bearer::presented(&headers, Some(&query), None)?));
    answer(&app, &context, token).await
}

/// As [`get`]; the token may also stand in the form body.
//= OIDC-CORE#5.3
pub async fn post(
    State(app): State<App>,
    context: RequestContext,
    headers: HeaderMap,
    Query(query): Query,
    Form(form): Form,
) -> Response {
    let token = both(query, form).and_then(|(query, form)| Ok(bearer::presented(&headers, Some(&query), Some(&form))?));
    answer(&app, &context, token).await
}

/// A post without a form body has no parameters.
fn both(query: Result<Params, Unreadable>, form: Result<Params, Unreadable>) -> Result<(Params, Params), Failure> {
    let form = match form {
        Err(Unreadable::NotAForm) => Params::default(),
        other => other?,
    };
    Ok((query?, form))
}

async fn answer(app: &App, context: &RequestContext, token: Result<Option<String>, Failure>) -> Response {
    let told = match token {
        Ok(Some(token)) => tell(app, context, &token).await,
        Ok(None) => return failure::no_token(),
        Err(failure) => Err(failure),
    };
    count(Counted::Userinfo, if told.is_ok() { Outcome::Done } else { Outcome::Refused });
    match told {
        Ok(claims) => failure::body(&claims, StatusCode::OK),
        Err(failure) => failure::json(failure, Challenge::Bearer),
    }
}

async fn tell(app: &App, context: &RequestContext, token: &str) -> Result<Value, Failure> {
    let snapshot = app.snapshot().await?;
    let found = bearer::verified(app, context, token)?;
    let scopes = Scopes::of(found.scope.split(' '));
    if !scopes.has(Scope::Openid) {
        return Err(OAuthError::new(ErrorCode::InsufficientScope, "scope openid is needed").into());
    }
    let honoured = bearer::honoured(app, context, &snapshot, Door::Userinfo, found).await?;
    let missing = || OAuthError::new(ErrorCode::InsufficientScope, "no person stands behind this token");
    let (standing, admitted) = honoured.person.ok_or_else(missing)?;
    Ok(claims::userinfo(&standing, &scopes, admitted.roles(), (&snapshot.tree, context.today)))
}
