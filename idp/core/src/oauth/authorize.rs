//! The authorization request (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2.1): is it valid?
//!
//! [`CHECKS`] is the whole answer, in order. A check sees the request and says which error goes back to
//! the checked redirect URI; none changes anything. What passes all of them becomes an
//! [`AuthorizeRequest`], which only [`read`] can make.

use crate::{
    oauth::{
        Challenge, Client, ErrorCode, IdTokenHint, MAX_TOKEN, NotOurs, OAuthError, Params, Scope, Scopes, pkce, scope,
    },
    words,
};

/// Longest `state`, in bytes: it is repeated in an address.
const MAX_STATE: usize = 4096;
/// Longest `nonce`, in bytes: it is kept with the code and repeated in ID tokens.
const MAX_NONCE: usize = 512;
/// Longest list of scopes, in bytes.
const MAX_SCOPE: usize = 1024;

/// Every parameter that somebody reads, with its longest value in bytes.
const LIMITS: &[(&str, usize)] = &[
    ("client_id", 256),
    ("response_type", 64),
    ("redirect_uri", 2048),
    ("scope", MAX_SCOPE),
    ("state", MAX_STATE),
    ("nonce", MAX_NONCE),
    ("code_challenge", 128),
    ("code_challenge_method", 16),
    ("response_mode", 64),
    ("prompt", 64),
    ("max_age", 16),
    ("id_token_hint", MAX_TOKEN),
    ("login_hint", 256),
    ("display", 64),
    ("ui_locales", 256),
    ("acr_values", 256),
    ("request", MAX_TOKEN),
    ("request_uri", 2048),
    ("registration", 4096),
];

/// The request without what nobody reads: what is kept of it while a person signs in.
pub fn kept(params: &Params) -> Params {
    let names: Vec<&str> = LIMITS.iter().map(|(name, _)| *name).collect();
    params.only(&names)
}

words! {
    /// `prompt` (OpenID Connect Core section 3.1.2.1).
    pub enum Prompt {
        /// Show no page.
        None = "none",
        /// Ask for the password again.
        Login = "login",
        /// Ask for consent. The city's own applications have it by their registration.
        Consent = "consent",
        /// Let the person choose an account: signing in is the choice.
        SelectAccount = "select_account",
    }
}

/// A request that passed every check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizeRequest {
    /// Granted, should the person be let in.
    pub scopes: Scopes,
    /// Repeated in the ID token.
    pub nonce: Option<String>,
    /// To be met at the token endpoint.
    pub challenge: Option<Challenge>,
    /// What to show.
    pub prompt: Vec<Prompt>,
    /// Oldest acceptable sign-in, in seconds.
    pub max_age: Option<u32>,
    /// The `sub` somebody must be signed in as.
    pub hinted_sub: Option<String>,
    /// Filled into the sign-in form.
    pub login_hint: Option<String>,
}

impl AuthorizeRequest {
    /// Whether `prompt` holds a word.
    pub fn prompts(&self, prompt: Prompt) -> bool {
        self.prompt.contains(&prompt)
    }
}

/// What the checks look at. The hint's signature and issuer were verified before, its expiry was not.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// Who asks.
    pub client: &'a Client,
    /// What was sent.
    pub params: &'a Params,
    /// What `id_token_hint` turned out to be, where one was sent.
    pub hint: Option<&'a Result<IdTokenHint, NotOurs>>,
}

/// One row of the table.
pub type Check = fn(&Candidate<'_>) -> Result<(), OAuthError>;

/// Every check of an authorization request, in order.
pub const CHECKS: &[(&str, Check)] = &[
    ("parameters once and well formed", parameters_well_formed),
    ("no request object", no_request_object),
    ("response_type is code", response_type_is_code),
    ("response_mode is query", response_mode_is_query),
    ("grant registered", grant_registered),
    ("scope", scope_granted),
    ("code challenge", code_challenge),
    ("prompt", prompt_known),
    ("max_age", max_age_number),
    ("id_token_hint", hint_of_this_client),
];

/// Runs the table and reads what passed.
pub fn read(candidate: &Candidate<'_>) -> Result<AuthorizeRequest, OAuthError> {
    for (_, check) in CHECKS {
        check(candidate)?;
    }
    let Candidate { client, params, hint } = candidate;
    Ok(AuthorizeRequest {
        scopes: scope::requested(client, params.one_within("scope", MAX_SCOPE)?)?,
        nonce: params.one_within("nonce", MAX_NONCE)?.map(str::to_owned),
        challenge: challenge(candidate)?,
        prompt: prompt(params)?,
        max_age: max_age(params)?,
        hinted_sub: hint.and_then(|hint| hint.as_ref().ok()).map(|hint| hint.sub.clone()),
        login_hint: params.one_within("login_hint", 256).ok().flatten().map(str::to_owned),
    })
}

//= RFC6749#3.1
//= RFC6749#4.1.2.1
fn parameters_well_formed(candidate: &Candidate<'_>) -> Result<(), OAuthError> {
    if candidate.params.count() > super::MAX_PARAMS {
        return Err(OAuthError::invalid_request("too many parameters"));
    }
    for (name, limit) in LIMITS {
        candidate.params.one_within(name, *limit)?;
    }
    Ok(())
}

//= OIDC-CORE#6.1
//= OIDC-CORE#3.1.2.6
fn no_request_object(candidate: &Candidate<'_>) -> Result<(), OAuthError> {
    for (name, code) in [
        ("request", ErrorCode::RequestNotSupported),
        ("request_uri", ErrorCode::RequestUriNotSupported),
        ("registration", ErrorCode::RegistrationNotSupported),
    ] {
        if candidate.params.has(name) {
            return Err(OAuthError::new(code, "this parameter is not supported"));
        }
    }
    Ok(())
}

//= RFC6749#4.1.2.1
//= RFC9700#2.1.2
//= OIDC-CORE#3.1.2.2
fn response_type_is_code(candidate: &Candidate<'_>) -> Result<(), OAuthError> {
    match candidate.params.one("response_type")? {
        Some("code") => Ok(()),
        Some(_) => Err(OAuthError::new(ErrorCode::UnsupportedResponseType, "response_type must be code")),
        None => Err(OAuthError::invalid_request("response_type is missing")),
    }
}

fn response_mode_is_query(candidate: &Candidate<'_>) -> Result<(), OAuthError> {
    match candidate.params.one("response_mode")? {
        None | Some("query") => Ok(()),
        Some(_) => Err(OAuthError::invalid_request("response_mode must be query")),
    }
}

//= RFC6749#4.1.2.1
fn grant_registered(candidate: &Candidate<'_>) -> Result<(), OAuthError> {
    if candidate.client.has_grant("authorization_code") {
        return Ok(());
    }
    Err(OAuthError::new(ErrorCode::UnauthorizedClient, "the client is not registered for the code flow"))
}

//= RFC6749#3.3
fn scope_granted(candidate: &Candidate<'_>) -> Result<(), OAuthError> {
    let scopes = scope::requested(candidate.client, candidate.params.one("scope")?)?;
    if scopes.has(Scope::OfflineAccess) && !candidate.client.has_grant("refresh_token") {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "offline_access needs the refresh_token grant"));
    }
    Ok(())
}

//= RFC7636#4.4.1
fn code_challenge(candidate: &Candidate<'_>) -> Result<(), OAuthError> {
    challenge(candidate).map(|_| ())
}

//= OIDC-CORE#3.1.2.1
fn prompt_known(candidate: &Candidate<'_>) -> Result<(), OAuthError> {
    let prompt = prompt(candidate.params)?;
    if prompt.contains(&Prompt::None) && prompt.len() > 1 {
        return Err(OAuthError::invalid_request("prompt none stands alone"));
    }
    Ok(())
}

fn max_age_number(candidate: &Candidate<'_>) -> Result<(), OAuthError> {
    max_age(candidate.params).map(|_| ())
}

// An expired hint still says who was meant; one of another client or issuer says nothing.
//= OIDC-CORE#3.1.2.1
fn hint_of_this_client(candidate: &Candidate<'_>) -> Result<(), OAuthError> {
    let refused = || OAuthError::invalid_request("id_token_hint is not an ID token for this client");
    match candidate.hint {
        None => Ok(()),
        Some(Ok(hint)) if hint.audience == candidate.client.id => Ok(()),
        Some(_) => Err(refused()),
    }
}

fn challenge(candidate: &Candidate<'_>) -> Result<Option<Challenge>, OAuthError> {
    let params = candidate.params;
    pkce::challenge(candidate.client.pkce, params.one("code_challenge")?, params.one("code_challenge_method")?)
}

fn prompt(params: &Params) -> Result<Vec<Prompt>, OAuthError> {
    let words = params.one("prompt")?.unwrap_or_default().split(' ').filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|_| OAuthError::invalid_request("prompt holds an unknown word"))).collect()
}

fn max_age(params: &Params) -> Result<Option<u32>, OAuthError> {
    let Some(text) = params.one("max_age")? else { return Ok(None) };
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits).map(Some).ok_or_else(|| OAuthError::invalid_request("max_age is not a number"))
}

#[cfg(test)]
#[path = "authorize_tests.rs"]
mod tests;
