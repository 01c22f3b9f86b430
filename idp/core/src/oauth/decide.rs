//! A valid authorization request meets the person at the browser: what next?
//!
//! ```text
//!             nobody signed in, too long ago, asked again,         not let in
//!             somebody else meant                                  to the application
//! request ──────────────────┬──────────────────────────┬──────────────────────────▶ Issue
//!                           ▼                          ▼
//!                         Login                     NoEntry
//!             (prompt none: login_required)   (prompt none: access_denied)
//! ```
//! The page that asked somebody to sign in calls [`decide`] again with the time at which it began to ask: a
//! sign-in since then is fresh, whatever `prompt` and `max_age` say.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    access::{
        Entitlement, Standing,
        door::{Admitted, Rule, Turned},
    },
    identity::Session,
    oauth::{AuthorizeRequest, Client, ErrorCode, OAuthError, Prompt},
    time::Instant,
};

/// Why somebody must sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginReason {
    /// Nobody is signed in.
    NoSession,
    /// The application asks for it (`prompt=login`).
    Asked,
    /// The application lets people choose (`prompt=select_account`).
    SelectAccount,
    /// The last sign-in is older than `max_age`.
    TooOld,
    /// Somebody else is meant (`id_token_hint`).
    OtherPerson,
}

/// What the door said about the person at the browser; `None`: the browser holds no session.
pub type AtTheDoor<'a> = Option<(&'a Standing, &'a Result<Admitted, Turned>)>;

/// What next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Ask for a sign-in.
    Login(LoginReason),
    /// Give a code.
    Issue(Approved),
    /// Back to the application with an error.
    Refuse(OAuthError),
    /// This application is not open to the person: noted, and told to whoever asked.
    NoEntry(Box<Entitlement>, Told),
}

/// Who is told that an application is not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The person, on a page that says why.
    Person,
    /// The application, by a redirect: it asked that no page be shown.
    Application,
}

/// Everything was asked and answered; only [`decide`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    first_entry: bool,
}

impl Approved {
    /// Whether this session enters this client for the first time: that is written down.
    pub fn is_first_entry(&self) -> bool {
        self.first_entry
    }
}

/// Decides. `asked_at`: when the request was parked to ask for a sign-in, where it was.
//= OIDC-CORE#3.1.2.1
//= OIDC-CORE#3.1.2.6
pub fn decide(
    request: &AuthorizeRequest,
    client: &Client,
    at_the_door: AtTheDoor<'_>,
    asked_at: Option<Instant>,
    now: Instant,
) -> Decision {
    if client.asks_consent {
        // No page asks for consent yet: such a client is not let through without.
        return Decision::Refuse(OAuthError::new(ErrorCode::ConsentRequired, "consent cannot be asked for yet"));
    }
    let Some((standing, answer)) = at_the_door else { return login(request, LoginReason::NoSession, false) };
    let Some(session) = signed_in(standing, answer) else { return login(request, LoginReason::NoSession, false) };
    let fresh = asked_at.is_some_and(|asked_at| session.auth_time >= asked_at);
    if let Some(reason) = must_sign_in(request, session, standing, (fresh, now)) {
        return login(request, reason, fresh);
    }
    match answer {
        Ok(_) => Decision::Issue(Approved { first_entry: !standing.entered.contains(&client.id) }),
        Err(turned) => no_entry(request, turned),
    }
}

/// The session, unless a rule about account or session turned it away.
fn signed_in<'a>(standing: &'a Standing, answer: &Result<Admitted, Turned>) -> Option<&'a Session> {
    match answer {
        Ok(_) => standing.session.as_ref(),
        Err(turned) => match turned.rule {
            Rule::UserEnabled | Rule::SessionAlive | Rule::EpochCurrent | Rule::FamilyAlive => None,
            Rule::ClientEnabled | Rule::GrantRegistered | Rule::MayEnter => standing.session.as_ref(),
        },
    }
}

fn must_sign_in(
    request: &AuthorizeRequest,
    session: &Session,
    standing: &Standing,
    (fresh, now): (bool, Instant),
) -> Option<LoginReason> {
    let too_old = |max_age: u32| now.since(session.auth_time) > Duration::from_secs(u64::from(max_age));
    if request.hinted_sub.as_ref().is_some_and(|sub| *sub != standing.user.sub) {
        return Some(LoginReason::OtherPerson);
    }
    match () {
        () if fresh => None,
        () if request.prompts(Prompt::Login) => Some(LoginReason::Asked),
        () if request.prompts(Prompt::SelectAccount) => Some(LoginReason::SelectAccount),
        // Zero means the same as prompt=login.
        () if request.max_age == Some(0) => Some(LoginReason::TooOld),
        () if request.max_age.is_some_and(too_old) => Some(LoginReason::TooOld),
        () => None,
    }
}

/// Asks, unless no page may be shown, or the person just signed in and is still not who was meant.
fn login(request: &AuthorizeRequest, reason: LoginReason, fresh: bool) -> Decision {
    if request.prompts(Prompt::None) {
        return Decision::Refuse(OAuthError::new(ErrorCode::LoginRequired, "nobody suitable is signed in"));
    }
    if fresh {
        return Decision::Refuse(OAuthError::new(ErrorCode::LoginRequired, "another person signed in"));
    }
    Decision::Login(reason)
}

fn no_entry(request: &AuthorizeRequest, turned: &Turned) -> Decision {
    let told = if request.prompts(Prompt::None) { Told::Application } else { Told::Person };
    match &turned.entitlement {
        Some(entitlement) => Decision::NoEntry(Box::new(entitlement.clone()), told),
        None => Decision::Refuse(denied().because(turned.rule.as_str())),
    }
}

/// What an application learns of a person it is not open to.
pub fn denied() -> OAuthError {
    OAuthError::new(ErrorCode::AccessDenied, "the person may not enter this application")
}

#[cfg(test)]
mod tests;
