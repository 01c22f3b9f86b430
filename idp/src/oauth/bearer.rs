//! Access tokens that come back to our own doors: verified, then asked about in one statement.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use gapura_core::{
    access::{
        ApplicationAccess, Standing,
        door::{self, Admitted, Door},
    },
    oauth::{Client, ErrorCode, MAX_TOKEN, OAuthError, Params},
    oidc::AccessClaims,
};
use gapura_store::{
    copies::Snapshot,
    standing::{self, TokenRef},
};

use super::{issuer, moment};
use crate::{edge::RequestContext, failure::Failure, state::App};

/// A token that is honoured now.
pub(super) struct Honoured {
    pub(super) claims: AccessClaims,
    /// The person, and what they are in the application; `None` for a machine.
    pub(super) person: Option<(Standing, Admitted)>,
}

fn invalid(private: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidToken, "the access token is not valid").because(private)
}

/// The token of a request: in the Authorization header or in a form body, never in the address.
//= RFC6750#2
pub(super) fn presented(
    headers: &HeaderMap,
    query: Option<&Params>,
    form: Option<&Params>,
) -> Result<Option<String>, OAuthError> {
    if query.is_some_and(|query| query.has("access_token")) {
        return Err(OAuthError::invalid_request("an access token in the address is not accepted"));
    }
    let posted = match form {
        Some(form) => form.one_within("access_token", MAX_TOKEN)?.map(str::to_owned),
        None => None,
    };
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    match (lines.next(), lines.next(), posted) {
        (None, _, posted) => Ok(posted),
        (Some(_), Some(_), _) | (Some(_), None, Some(_)) => {
            Err(OAuthError::invalid_request("more than one way to send the access token"))
        }
        (Some(line), None, None) => {
            let text = line.to_str().map_err(|_| invalid("header is not ASCII"))?;
            let (scheme, token) = text.split_once(' ').ok_or_else(|| invalid("no bearer token"))?;
            if !scheme.eq_ignore_ascii_case("bearer") || token.len() > MAX_TOKEN {
                return Err(invalid("no bearer token"));
            }
            Ok(Some(token.trim().to_owned()))
        }
    }
}

/// The claims of a token of ours that is alive, and of the application of its client (T15).
//= RFC9068#4
//= T15
pub(super) fn verified(app: &App, context: &RequestContext, token: &str) -> Result<AccessClaims, OAuthError> {
    let found = app.oauth.verified.access(&app.keys, token, issuer(app), context.now);
    found.map_err(|refused| invalid(&refused.to_string()))
}

/// Asks every rule about a verified token: one statement for a person's, none for a machine's.
pub(super) async fn honoured(
    app: &App,
    context: &RequestContext,
    snapshot: &Snapshot,
    door: Door,
    claims: AccessClaims,
) -> Result<Honoured, Failure> {
    let client = snapshot.clients.get(&claims.client_id).ok_or_else(|| invalid("its client is gone"))?;
    let access = snapshot.catalog.of(&client.application_id).ok_or_else(|| invalid("its application is gone"))?;
    if access.application.identifier != claims.aud {
        return Err(invalid("another audience").into());
    }
    if !claims.is_personal() {
        let passed = door::pass_machine(door, client, moment(app, context));
        passed.map_err(|turned| invalid(turned.rule.as_str()))?;
        return Ok(Honoured { claims, person: None });
    }
    let at = (client.as_ref(), access);
    let person = Some(person(app, context, snapshot, (door, &claims), at).await?);
    Ok(Honoured { claims, person })
}

async fn person(
    app: &App,
    context: &RequestContext,
    snapshot: &Snapshot,
    (door, claims): (Door, &AccessClaims),
    (client, access): (&Client, &ApplicationAccess),
) -> Result<(Standing, Admitted), Failure> {
    let who = TokenRef { user_sub: claims.sub.clone(), session: claims.sid.clone(), family: claims.fam.clone() };
    let standing = standing::by_token(&app.db, &who).await?.ok_or_else(|| invalid("its person is gone"))?;
    let admitted = door::pass(door, client, &standing, (access, &snapshot.tree), moment(app, context))
        .map_err(|turned| invalid(turned.rule.as_str()))?;
    Ok((standing, admitted))
}
