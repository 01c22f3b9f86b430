//! What is checked before the application opens its doors.
//!
//! Settings that only the provider can judge are tried out: a code that cannot exist shows whether the secret is
//! accepted (RFC 6749 section 5.2: `invalid_client` before `invalid_grant`), and an authorization request without a
//! browser session shows whether client, redirect address and scopes are known (an unknown address is answered with a
//! page and status 400, never with a redirect; RFC 6749 section 4.1.2.1).

use openidconnect::AuthorizationCode;

use crate::error::Error;
use crate::gapura::Gapura;
use crate::keys::KeySet;
use crate::provider::{Provider, token_error};
use crate::return_to::ReturnTo;
use crate::sign_in;

/// Tries the settings out. A provider that does not answer yet is not an error; everything that waiting does not mend
/// is.
pub(crate) async fn check(gapura: &Gapura) -> Result<(), Error> {
    let provider = match gapura.provider().await {
        Ok(provider) => provider,
        Err(error) if error.is_temporary() && !matches!(error, Error::NotAProvider { .. }) => {
            tracing::warn!("sign-in will work as soon as the provider answers; it is asked again at the next sign-in");
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    check_proof(gapura, &provider).await?;
    check_request(gapura).await
}

async fn check_proof(gapura: &Gapura, provider: &Provider) -> Result<(), Error> {
    let relying_party = provider.relying_party(gapura.settings(), &KeySet::default())?;
    let code = AuthorizationCode::new("gapura-client-start-check".to_owned());
    let mut request = relying_party.exchange_code(code);
    for (name, value) in gapura.proof()? {
        request = request.add_extra_param(name, value);
    }
    let answer = request.request_async(gapura.outbound()).await;
    match answer.map_err(|error| token_error(relying_party.token_uri().as_str(), error)) {
        Err(Error::Refused { code, .. }) if code == "invalid_client" => {
            Err(Error::ProofRefused { client_id: gapura.settings().client_id.clone() })
        }
        _ => Ok(()),
    }
}

/// Asks as the callback would be asked, without a person: the provider answers that somebody must sign in.
async fn check_request(gapura: &Gapura) -> Result<(), Error> {
    let mut url = sign_in::begin(gapura, &http::HeaderMap::new(), &ReturnTo::home()).await?.url;
    url.query_pairs_mut().append_pair("prompt", "none");
    let client_id = gapura.settings().client_id.clone();
    let Ok(answer) = gapura.outbound().get(url.as_str()).await else {
        return Ok(());
    };
    if answer.status() == http::StatusCode::BAD_REQUEST {
        return Err(Error::RedirectNotRegistered { client_id, redirect_uri: gapura.settings().callback() });
    }
    match error_in(&answer).as_deref() {
        Some("invalid_scope") => {
            let scopes = url.query_pairs().find(|(name, _)| name == "scope").map(|(_, scopes)| scopes.into_owned());
            Err(Error::ScopesNotRegistered { client_id, scopes: scopes.unwrap_or_default() })
        }
        Some(code @ ("unauthorized_client" | "unsupported_response_type" | "invalid_request")) => {
            let description = "the client may not sign people in this way; look at its registration".to_owned();
            Err(Error::Refused { code: code.to_owned(), description })
        }
        _ => Ok(()),
    }
}

fn error_in(answer: &openidconnect::HttpResponse) -> Option<String> {
    let location = answer.headers().get(http::header::LOCATION)?.to_str().ok()?;
    let location = url::Url::parse(location).ok()?;
    location.query_pairs().find(|(name, _)| name == "error").map(|(_, code)| code.into_owned())
}
