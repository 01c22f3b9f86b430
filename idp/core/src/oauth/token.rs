//! The token request (RFC 6749 sections 4.1.3, 4.4.2 and 6): which grant, and is it well formed?
//!
//! ```text
//! authenticated client ─ read ─┬─ Code ──────────── consume the code, then `redeem`
//!                              ├─ Refresh ───────── look up the token, then `refresh::step`
//!                              └─ ClientCredentials
//! ```
//! Whoever comes out passes the one door (`access::door`) before anything is signed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    id::{ClientId, FamilyId, SessionId, UserId},
    oauth::{Caller, Challenge, Client, ErrorCode, OAuthError, Params, Scope, Scopes, pkce, refresh::PresentedToken},
    time::Instant,
    words,
};

/// A code lives this long.
pub const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// An access token lives this long: what an API that checks offline learns late.
pub const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// An ID token lives this long.
pub const ID_TOKEN_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// A family that outlives its session lives this long.
pub const OFFLINE_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

words! {
    /// Grant types this server knows.
    pub enum GrantType {
        /// RFC 6749 section 4.1.
        AuthorizationCode = "authorization_code",
        /// RFC 6749 section 6.
        RefreshToken = "refresh_token",
        /// RFC 6749 section 4.4.
        ClientCredentials = "client_credentials",
    }
}

/// A well-formed token request of a client that may use the grant.
pub enum TokenRequest {
    /// Redeem a code.
    Code {
        /// The code, as sent; only its hash is stored.
        code: String,
        /// To be the one of the authorization request.
        redirect_uri: String,
        /// Opens the challenge.
        verifier: Option<String>,
    },
    /// Refresh.
    Refresh {
        /// The token; `None` where it has not even the form of one.
        token: Option<PresentedToken>,
        /// Narrower scopes, where asked for.
        scope: Option<String>,
    },
    /// A token in the client's own name.
    ClientCredentials,
}

/// Reads the request.
//= RFC6749#3.2
//= RFC6749#5.2
//= RFC9700#2.4
pub fn read(caller: &Caller, params: &Params) -> Result<TokenRequest, OAuthError> {
    let word = params.one("grant_type")?.ok_or_else(|| OAuthError::invalid_request("grant_type is missing"))?;
    let unsupported = || OAuthError::new(ErrorCode::UnsupportedGrantType, "grant_type is not supported");
    let grant: GrantType = word.parse().map_err(|_| unsupported())?;
    if !caller.client().has_grant(grant.as_str()) {
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, "the client is not registered for this grant"));
    }
    let required = |name, public| params.one(name)?.ok_or_else(|| OAuthError::invalid_request(public));
    match grant {
        GrantType::AuthorizationCode => Ok(TokenRequest::Code {
            code: required("code", "code is missing")?.to_owned(),
            redirect_uri: required("redirect_uri", "redirect_uri is missing")?.to_owned(),
            verifier: params.one("code_verifier")?.map(str::to_owned),
        }),
        GrantType::RefreshToken => Ok(TokenRequest::Refresh {
            token: PresentedToken::parse(required("refresh_token", "refresh_token is missing")?),
            scope: params.one("scope")?.map(str::to_owned),
        }),
        GrantType::ClientCredentials => client_credentials(caller, params.one("scope")?),
    }
}

/// A machine has no profile, no e-mail and nobody to be offline from.
//= RFC6749#4.4
fn client_credentials(caller: &Caller, sent: Option<&str>) -> Result<TokenRequest, OAuthError> {
    if !caller.is_confidential() {
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, "a public client has no credentials of its own"));
    }
    if sent.is_some() {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "every known scope speaks of a person"));
    }
    Ok(TokenRequest::ClientCredentials)
}

/// What a code stands for; stored under its hash for [`CODE_LIFETIME`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeGrant {
    /// To whom it was given.
    pub client_id: ClientId,
    /// Where it was sent.
    pub redirect_uri: String,
    /// What opens it.
    pub challenge: Option<Challenge>,
    /// Who approved.
    pub user_id: UserId,
    /// Their subject identifier.
    pub sub: String,
    /// In which session.
    pub session_id: SessionId,
    /// The family that will be born by its redemption.
    pub family_id: FamilyId,
    /// What was granted.
    pub scopes: Scopes,
    /// Repeated in ID tokens.
    pub nonce: Option<String>,
    /// When it was made.
    pub issued_at: Instant,
}

/// Checks that the code is redeemed by whom and for what it was given.
//= RFC6749#4.1.3
//= RFC6749#4.1.2
pub fn redeem(
    client: &Client,
    grant: &CodeGrant,
    redirect_uri: &str,
    verifier: Option<&str>,
    now: Instant,
) -> Result<(), OAuthError> {
    let refused = |private| Err(OAuthError::invalid_grant("the code is not valid").because(private));
    if grant.client_id != client.id {
        return refused("code of another client");
    }
    if grant.redirect_uri != redirect_uri {
        return refused("another redirect_uri");
    }
    if grant.issued_at.is_ahead_of(now) {
        return refused("made after now: the clock was set back");
    }
    pkce::verify(grant.challenge.as_ref(), verifier)
}

/// The scopes of a refreshed access token: those of the family, or fewer where asked for.
//= RFC6749#6
pub fn narrowed(family: &Scopes, sent: Option<&str>) -> Result<Scopes, OAuthError> {
    let Some(sent) = sent else { return Ok(family.clone()) };
    let asked = Scopes::of(sent.split(' '));
    if asked.is_empty() || !family.cover(&asked) {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "a refresh cannot widen the scope"));
    }
    Ok(asked)
}

/// When a family ends by itself: with its session, or after [`OFFLINE_LIFETIME`] where it outlives it.
//= OIDC-CORE#11
pub fn family_end(scopes: &Scopes, session_end: Instant, now: Instant) -> Instant {
    if scopes.has(Scope::OfflineAccess) { now.plus(OFFLINE_LIFETIME) } else { session_end }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
