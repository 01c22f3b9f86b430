//! Signing in: `GET /auth/login` sends the browser to the provider, `GET /auth/callback` takes the answer.
//!
//! Between the two the application keeps nothing: nonce, PKCE verifier and return address wait in a cookie of this
//! browser, named after its `state`, for ten minutes. So three tabs work side by side, a flood of started sign-ins
//! costs no memory, and an answer that arrives in another browser finds no beginning there. The cookie opens nothing:
//! the code it belongs to goes to the provider with the application's own secret.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreAuthenticationFlow, CoreResponseType};
use openidconnect::{
    AuthenticationFlow, AuthorizationCode, CsrfToken, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    Scope,
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::cookies;
use crate::entropy;
use crate::error::Error;
use crate::gapura::Gapura;
use crate::id_token::{self, ExpectedNonce};
use crate::keys::KeySet;
use crate::params::Params;
use crate::person;
use crate::provider::{Metadata, Provider, TokenAnswer, token_error};
use crate::return_to::ReturnTo;
use crate::session::{LIFETIME, Session, SessionKey, Tokens};

/// A sign-in that takes longer starts again, in seconds.
pub(crate) const LOGIN_LIFETIME: i64 = 600;
/// Further running sign-ins of one browser push the oldest out.
const MAX_RUNNING: usize = 5;

/// What waits in the browser's cookie for the provider's answer.
#[derive(Serialize, Deserialize)]
struct Begun {
    state: String,
    nonce: String,
    verifier: String,
    return_to: String,
    at: i64,
}

impl Begun {
    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn decode(value: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(value).ok()?).ok()
    }
}

/// Where to send the browser, and the cookies that go with it.
pub(crate) struct Departure {
    pub(crate) url: Url,
    pub(crate) set_cookies: Vec<http::HeaderValue>,
}

/// Starts a sign-in that will end at `return_to`.
pub(crate) async fn begin(
    gapura: &Gapura,
    headers: &http::HeaderMap,
    return_to: &ReturnTo,
) -> Result<Departure, Error> {
    let provider = gapura.provider().await?;
    let now = gapura.now();
    let (state, nonce) = (CsrfToken::new(entropy::token()?), Nonce::new(entropy::token()?));
    let verifier = entropy::token()?;
    //= RFC7636#4.2
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.clone()));
    let flow: CoreAuthenticationFlow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
    let relying_party = provider.relying_party(gapura.settings(), &KeySet::default())?;
    let (url, state, nonce) = relying_party
        .authorize_url(flow, || state, || nonce)
        .add_scopes(scopes(gapura, &provider.metadata))
        .set_pkce_challenge(challenge)
        .url();
    let begun = Begun {
        state: state.into_secret(),
        nonce: nonce.secret().clone(),
        verifier,
        return_to: return_to.as_str().to_owned(),
        at: now,
    };
    let names = gapura.cookies();
    let mut set_cookies = make_room(gapura, headers);
    set_cookies.extend(names.set(&names.login_name(&begun.state), &begun.encode(), Some(LOGIN_LIFETIME)));
    Ok(Departure { url, set_cookies })
}

/// Removes the oldest running sign-ins of this browser, so that abandoned ones do not fill its request headers.
fn make_room(gapura: &Gapura, headers: &http::HeaderMap) -> Vec<http::HeaderValue> {
    let names = gapura.cookies();
    let mut running: Vec<(i64, &str)> = cookies::with_prefix(headers, &names.login_prefix())
        .into_iter()
        .map(|(name, value)| (Begun::decode(value).map_or(0, |begun| begun.at), name))
        .collect();
    running.sort_unstable();
    let surplus = (running.len() + 1).saturating_sub(MAX_RUNNING);
    running.into_iter().take(surplus).filter_map(|(_, name)| names.remove(name)).collect()
}

/// The scopes of the settings, else the usual ones and those of Gapura that this provider offers.
fn scopes(gapura: &Gapura, metadata: &Metadata) -> Vec<Scope> {
    if let Some(chosen) = &gapura.settings().scopes {
        return chosen.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new).collect();
    }
    let offered =
        |scope: &str| metadata.scopes_supported().is_some_and(|all| all.iter().any(|one| one.as_str() == scope));
    let extra = ["opd", "jabatan", "peran"].into_iter().filter(|scope| offered(scope));
    ["profile"].into_iter().chain(extra).map(|scope| Scope::new(scope.to_owned())).collect()
}

/// A finished sign-in.
pub(crate) struct Arrival {
    pub(crate) cookie: String,
    pub(crate) return_to: ReturnTo,
    /// The cookie of this sign-in, to be removed.
    pub(crate) login_name: String,
}

/// Takes the provider's answer. The order of the checks is the order of the lines.
pub(crate) async fn finish(gapura: &Gapura, headers: &http::HeaderMap, params: &Params) -> Result<Arrival, Error> {
    let state = params.one("state").ok_or(Error::NotBegunHere("no state, or several"))?;
    let login_name = gapura.cookies().login_name(state);
    let begun =
        cookies::read(headers, &login_name).and_then(Begun::decode).ok_or(Error::NotBegunHere("no such cookie"))?;
    if !entropy::same(&begun.state, state) {
        return Err(Error::NotBegunHere("another state"));
    }
    if (gapura.now() - begun.at).abs() > LOGIN_LIFETIME {
        return Err(Error::NotBegunHere("too late"));
    }
    let provider = gapura.provider().await?;
    check_issuer(gapura, &provider.metadata, params)?;
    if let Some(code) = params.any("error") {
        let description = params.any("error_description").unwrap_or_default().to_owned();
        return Err(Error::Refused { code: code.to_owned(), description });
    }
    let code = params
        .one("code")
        .ok_or(Error::Refused { code: "invalid_response".to_owned(), description: "no code".to_owned() })?;
    let session = redeem(gapura, &provider, code, &begun).await?;
    let cookie = open(gapura, headers, session).await?;
    let return_to = ReturnTo::parse(&begun.return_to, &gapura.settings().public_url).unwrap_or_else(ReturnTo::home);
    Ok(Arrival { cookie, return_to, login_name })
}

/// The answer names its issuer, and it is the one that was asked.
//= RFC9207#2.4
fn check_issuer(gapura: &Gapura, metadata: &Metadata, params: &Params) -> Result<(), Error> {
    let expected = gapura.settings().issuer.as_str();
    let mixed_up = || Error::MixedUp { expected: expected.to_owned() };
    match params.one("iss") {
        Some(iss) if iss == expected => Ok(()),
        Some(_) => Err(mixed_up()),
        None if params.any("iss").is_some() => Err(mixed_up()),
        None if metadata.additional_metadata().authorization_response_iss_parameter_supported => Err(mixed_up()),
        None => Ok(()),
    }
}

/// Exchanges the code, checks the ID token and asks for the personal claims.
async fn redeem(gapura: &Gapura, provider: &Provider, code: &str, begun: &Begun) -> Result<Session, Error> {
    let relying_party = provider.relying_party(gapura.settings(), &KeySet::default())?;
    let mut request = relying_party
        .exchange_code(AuthorizationCode::new(code.to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(begun.verifier.clone()));
    for (name, value) in gapura.proof()? {
        request = request.add_extra_param(name, value);
    }
    let answer = request
        .request_async(gapura.outbound())
        .await
        .map_err(|error| token_error(relying_party.token_uri().as_str(), error))?;
    let now = gapura.now();
    let id_token = answer.extra_fields().id_token().ok_or(Error::Token("the answer holds no ID token".to_owned()))?;
    let raw = id_token.to_string();
    let keys = provider.keys(gapura.outbound(), person::kid_of(&raw).as_deref(), now).await;
    let nonce = ExpectedNonce::Exactly(&begun.nonce);
    let facts = id_token::check(gapura.settings(), &keys, (id_token, answer.access_token()), nonce, now)?;
    let (claims, roles) = person::ask(gapura, provider, &keys, (&facts, answer.access_token())).await?;
    Ok(Session {
        sub: facts.sub,
        sid: facts.more.sid,
        claims,
        roles,
        issued_at: facts.issued_at,
        started_at: now,
        expires_at: now + LIFETIME,
        renewed_at: now,
        nonce: begun.nonce.clone(),
        tokens: Tokens::of(&answer, now, None, raw),
    })
}

impl Tokens {
    /// The tokens of an answer; `before` is the refresh token that stays where the answer brings no new one.
    pub(crate) fn of(answer: &TokenAnswer, now: i64, before: Option<String>, id: String) -> Self {
        let lasts = answer.expires_in().map_or(300, |duration| i64::try_from(duration.as_secs()).unwrap_or(300));
        Self {
            access: answer.access_token().secret().clone(),
            access_until: now.saturating_add(lasts),
            refresh: answer.refresh_token().map(|token| token.secret().clone()).or(before),
            id,
        }
    }
}

/// Opens the session under a new id. Whatever session this browser had before ends: nobody can be walked into a
/// session whose id somebody else knows.
async fn open(gapura: &Gapura, headers: &http::HeaderMap, session: Session) -> Result<String, Error> {
    if let Some(before) = cookies::read(headers, &gapura.cookies().session_name()) {
        gapura.store().remove(&SessionKey::of_cookie(before)).await?;
    }
    let cookie = entropy::token()?;
    if !gapura.store().insert(&SessionKey::of_cookie(&cookie), session).await? {
        return Err(Error::NotBegunHere("signed out meanwhile"));
    }
    Ok(cookie)
}
