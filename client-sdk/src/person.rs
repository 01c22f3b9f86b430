//! What the provider says about a person: claims from userinfo, roles from the newest source that names them.
//!
//! Personal claims never stand in tokens at Gapura, because an ID token travels in addresses as a hint. Roles are
//! looked for in the ID token, then in the userinfo answer; another provider may put them in either.

use openidconnect::core::CoreGenderClaim;
use openidconnect::{AccessToken, AdditionalClaims, SubjectIdentifier, UserInfoClaims, UserInfoError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::gapura::Gapura;
use crate::id_token::IdFacts;
use crate::keys::KeySet;
use crate::outbound::NoAnswer;
use crate::provider::Provider;

/// Every claim of a userinfo answer that is not a standard one.
#[derive(Debug, Serialize, Deserialize)]
struct OtherClaims(Map<String, Value>);
impl AdditionalClaims for OtherClaims {}

/// Asks userinfo about the person of a checked ID token. Answers all claims, and the roles.
pub(crate) async fn ask(
    gapura: &Gapura,
    provider: &Provider,
    keys: &KeySet,
    (facts, access_token): (&IdFacts, &AccessToken),
) -> Result<(Map<String, Value>, Vec<String>), Error> {
    let claims = match userinfo(gapura, provider, keys, (&facts.sub, access_token)).await? {
        Some(claims) => claims,
        None => facts.claims.clone(),
    };
    let roles = facts.more.roles.as_ref().or_else(|| claims.get("roles")).map(role_names).unwrap_or_default();
    Ok((claims, roles))
}

/// The userinfo answer about `sub`; none where the provider has no such endpoint. An answer about somebody else is
/// refused.
//= OIDC-CORE#5.3.4
pub(crate) async fn userinfo(
    gapura: &Gapura,
    provider: &Provider,
    keys: &KeySet,
    (sub, access_token): (&str, &AccessToken),
) -> Result<Option<Map<String, Value>>, Error> {
    let relying_party = provider.relying_party(gapura.settings(), keys)?;
    let Ok(request) = relying_party.user_info(access_token.clone(), Some(SubjectIdentifier::new(sub.to_owned())))
    else {
        return Ok(None);
    };
    let answer: Result<UserInfoClaims<OtherClaims, CoreGenderClaim>, _> =
        request.request_async(gapura.outbound()).await;
    let url = provider.metadata.userinfo_endpoint().map(ToString::to_string).unwrap_or_default();
    match serde_json::to_value(answer.map_err(|error| userinfo_error(url, error))?) {
        Ok(Value::Object(claims)) => Ok(Some(claims)),
        _ => Ok(None),
    }
}

fn userinfo_error(url: String, error: UserInfoError<NoAnswer>) -> Error {
    match error {
        UserInfoError::Request(no) => no.into(),
        UserInfoError::Response(status, ..) if status.is_client_error() => {
            Error::Refused { code: "userinfo".to_owned(), description: format!("status {status}") }
        }
        UserInfoError::ClaimsVerification(fault) => Error::Token(format!("userinfo: {fault}")),
        other => Error::NotAProvider { url, detail: other.to_string() },
    }
}

/// The names in a `roles` claim: an array of texts. Any other shape holds no role.
pub(crate) fn role_names(claim: &Value) -> Vec<String> {
    let names = claim.as_array().map(Vec::as_slice).unwrap_or_default();
    names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The `kid` in a token's header, to know whether the keys must be asked for again.
pub(crate) fn kid_of(token: &str) -> Option<String> {
    jsonwebtoken::decode_header(token).ok()?.kid
}
