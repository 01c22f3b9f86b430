//! The errors of the library: one enum, each arm with a sentence for the developer that mends it and one for the
//! person who stands in front of the page.
//!
//! The `Display` form is the developer's sentence. It goes to the log and to the caller of [`crate::Gapura::from_env`],
//! never to a page. Neither sentence ever holds a secret, a token or personal data.

use crate::text::Text;

/// Everything that can go wrong between an application and its OpenID provider.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is not there.
    #[error("setting {0} is missing: set the environment variable of this name")]
    MissingSetting(&'static str),
    /// A setting is there but cannot be used.
    #[error("setting {name} cannot be used: {why}")]
    BadSetting {
        /// Name of the environment variable.
        name: &'static str,
        /// What is wrong and what would be right.
        why: String,
    },
    /// The provider does not answer. It may come up later; the library tries again at the next request.
    #[error("the provider at {url} does not answer ({cause}): is it running, and does this machine resolve its name?")]
    Unreachable {
        /// Address that was asked.
        url: String,
        /// What the network said.
        cause: String,
    },
    /// Something answers, but it does not speak OpenID Connect.
    #[error(
        "{url} does not answer like an OpenID provider ({detail}): GAPURA_ISSUER must be its issuer address, exactly"
    )]
    NotAProvider {
        /// Address that was asked.
        url: String,
        /// What was unexpected.
        detail: String,
    },
    /// The provider calls itself by another name than the one set.
    #[error(
        "the provider calls itself {found:?}, GAPURA_ISSUER says {expected:?}: set GAPURA_ISSUER to the first, character by character (if the application reaches the provider by another address, put that one into GAPURA_INTERNAL_URL)"
    )]
    IssuerMismatch {
        /// The issuer of the settings.
        expected: String,
        /// The issuer in the discovery document.
        found: String,
    },
    /// The clocks of this machine and of the provider differ by more than a minute.
    #[error(
        "the clock of this machine differs from the provider's by {seconds} s (positive: this machine is ahead): synchronise it (timedatectl set-ntp true), else every token looks expired or not yet valid"
    )]
    ClockOff {
        /// Seconds this machine is ahead.
        seconds: i64,
    },
    /// The provider does not accept the client's secret, or its key.
    #[error(
        "the provider does not accept how client {client_id:?} proves itself: GAPURA_CLIENT_SECRET is wrong, was rotated, or belongs to another client; or, where GAPURA_CLIENT_KEY_FILE is set, its public key is not registered there"
    )]
    ProofRefused {
        /// Client of the settings.
        client_id: String,
    },
    /// The provider does not know the client, or not with this redirect address.
    #[error(
        "the provider does not know client {client_id:?} with the redirect address {redirect_uri:?}: register exactly this address there, or correct GAPURA_PUBLIC_URL"
    )]
    RedirectNotRegistered {
        /// Client of the settings.
        client_id: String,
        /// The fixed callback of this application.
        redirect_uri: String,
    },
    /// The provider does not give the client the scopes it asks for.
    #[error(
        "the provider refuses the scopes {scopes:?} to client {client_id:?}: register them there, or set GAPURA_SCOPES to those it has"
    )]
    ScopesNotRegistered {
        /// Client of the settings.
        client_id: String,
        /// The scopes asked for.
        scopes: String,
    },
    /// The provider answered a request with an OAuth error.
    #[error("the provider refused with {code:?} ({description:?})")]
    Refused {
        /// Error code of the protocol.
        code: String,
        /// What the provider says about it.
        description: String,
    },
    /// An answer came to a browser that did not start the sign-in, or too late, or twice.
    #[error("a sign-in answer without its beginning in this browser: {0}")]
    NotBegunHere(&'static str),
    /// An answer names another provider than the one that was asked (RFC 9207).
    #[error("a sign-in answer from another provider than {expected:?}: refused as a mix-up")]
    MixedUp {
        /// The issuer of the settings.
        expected: String,
    },
    /// A token failed one of its checks.
    #[error("a token was refused: {0}")]
    Token(String),
    /// The session store failed.
    #[error("the session store failed: {0}")]
    Store(String),
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness: {0}")]
    Randomness(String),
    /// The provider offers no such endpoint.
    #[error("the provider names no {0} in its discovery document")]
    NotOffered(&'static str),
    /// A task of the library was cut off, usually because the process is ending.
    #[error("the work was cut off")]
    Interrupted,
}

/// The developer's sentence too: it is what a `main` that returns the error prints.
impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl Error {
    /// A word for the error that never changes; stands on the page as `data-code`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingSetting(_) | Self::BadSetting { .. } => "setting",
            Self::Unreachable { .. } => "provider_unreachable",
            Self::NotAProvider { .. } => "not_a_provider",
            Self::IssuerMismatch { .. } => "issuer_mismatch",
            Self::ClockOff { .. } => "clock_off",
            Self::ProofRefused { .. } => "proof_refused",
            Self::RedirectNotRegistered { .. } => "redirect_not_registered",
            Self::ScopesNotRegistered { .. } => "scopes_not_registered",
            Self::Refused { .. } => "refused",
            Self::NotBegunHere(_) => "not_begun_here",
            Self::MixedUp { .. } => "mixed_up",
            Self::Token(_) => "token_refused",
            Self::Store(_) => "store",
            Self::Randomness(_) => "randomness",
            Self::NotOffered(_) => "not_offered",
            Self::Interrupted => "interrupted",
        }
    }

    /// The sentence for the developer: what is wrong and what mends it.
    #[must_use]
    pub fn for_developer(&self) -> String {
        self.to_string()
    }

    /// The sentence for the person, in both languages.
    #[must_use]
    pub fn for_person(&self) -> Text {
        match self {
            Self::Unreachable { .. } | Self::Interrupted | Self::Store(_) => Text::UNREACHABLE,
            Self::NotBegunHere(_) => Text::NOT_BEGUN_HERE,
            Self::Refused { code, .. } if code == "access_denied" => Text::ACCESS_DENIED,
            Self::Refused { .. } | Self::MixedUp { .. } | Self::Token(_) => Text::SIGN_IN_FAILED,
            _ => Text::MISCONFIGURED,
        }
    }

    /// Whether the same request may succeed a moment later, with nothing changed.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::NotAProvider { .. } | Self::Interrupted | Self::Store(_) => true,
            Self::Refused { code, .. } => {
                matches!(code.as_str(), "temporarily_unavailable" | "server_error" | "slow_down")
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_in_an_address_forges_no_log_line() {
        let refused = Error::Refused { code: "x\ny".to_owned(), description: "a\r\n2026 ERROR\u{2028}b".to_owned() };
        let said = refused.to_string();
        assert!(!said.contains(|c: char| c.is_control() || c == '\u{2028}'), "{said}");
    }
}
