//! Revocation (RFC 7009): a client gives a token back, and with it everything of the same family.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use gapura_core::{
    audit::{Actor, EventKind},
    id::{ClientId, FamilyId, UserId},
    oauth::{Caller, ErrorCode, FamilyEnd, MAX_TOKEN, OAuthError, Params, PresentedToken, token::OFFLINE_LIFETIME},
};
use gapura_store::{audit, grants, refresh_tokens};

use super::{bearer, caller::caller};
use crate::{
    edge::{
        RequestContext,
        parameters::{Form, Unreadable},
    },
    failure::{self, Challenge, Failure},
    sign_in::session::event,
    state::App,
};

/// Registered clients, for their own tokens. Reads a refresh token in one statement; writes the end of its
/// family with an audit event.
pub async fn revoke(State(app): State<App>, context: RequestContext, headers: HeaderMap, Form(form): Form) -> Response {
    match asked(&app, &context, &headers, form).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(failure) => failure::json(failure, Challenge::Basic),
    }
}

/// A family, whose it is, and to whom it was given.
struct Found {
    family: FamilyId,
    user: Option<UserId>,
    client: ClientId,
}

//= RFC7009#2
//= RFC7009#2.2
async fn asked(
    app: &App,
    context: &RequestContext,
    headers: &HeaderMap,
    form: Result<Params, Unreadable>,
) -> Result<(), Failure> {
    let params = form?;
    let (caller, _) = caller(app, headers, &params, context.now).await?;
    let token = params.one_within("token", MAX_TOKEN)?;
    let token = token.ok_or_else(|| OAuthError::invalid_request("token is missing"))?;
    params.one("token_type_hint")?;
    // A token that is none, or no longer one, is as good as revoked.
    let Some(found) = find(app, context, token).await? else { return Ok(()) };
    if found.client != caller.client().id {
        return Err(OAuthError::invalid_grant("the token was issued to another client").into());
    }
    end(app, context, &caller, found).await
}

/// By its form a token is one kind or the other, so the hint is not needed.
async fn find(app: &App, context: &RequestContext, token: &str) -> Result<Option<Found>, Failure> {
    if let Some(presented) = PresentedToken::parse(token) {
        let found = refresh_tokens::standing(&app.db, &presented.id, &presented.hash).await?;
        let family = found.and_then(|(_, standing)| standing.family);
        return Ok(family.map(|family| Found {
            family: family.id,
            user: Some(family.user_id),
            client: family.client_id,
        }));
    }
    let Ok(claims) = bearer::verified(app, context, token) else { return Ok(None) };
    match claims.fam {
        Some(family) => Ok(Some(Found { family, user: None, client: claims.client_id })),
        // Nothing stands behind it that could end; it does so by itself in five minutes.
        //= RFC7009#2.2.1
        None => {
            let public = "a token of client_credentials cannot be revoked";
            Err(OAuthError::new(ErrorCode::UnsupportedTokenType, public).into())
        }
    }
}

//= RFC7009#2.1
async fn end(app: &App, context: &RequestContext, caller: &Caller, found: Found) -> Result<(), Failure> {
    let client = caller.client();
    let mut noted = event(app, context, EventKind::TokenRevoked)?;
    noted.actor = Actor::Client { id: client.id.clone() };
    noted.user_id = found.user;
    noted.client_id = Some(client.id.clone());
    noted.application_id = Some(client.application_id.clone());
    noted.object = Some(found.family.to_string());
    let (family, now) = (found.family, context.now);
    let revocation = grants::Revocation { reason: FamilyEnd::Revoked, keep_until: now.plus(OFFLINE_LIFETIME) };
    app.db
        .write(async move |tx| {
            if grants::revoke(tx, &family, revocation, now).await? {
                audit::record(tx, &noted).await?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}
