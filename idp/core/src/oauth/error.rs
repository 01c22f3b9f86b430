//! Errors of the protocol: a code for machines, a sentence for developers, a detail for our log.

use crate::{
    oauth::{BadParam, Flaw},
    words,
};

words! {
    /// Error codes we answer with, each from the specification that registers it.
    pub enum ErrorCode {
        /// RFC 6749 section 4.1.2.1, section 5.2.
        InvalidRequest = "invalid_request",
        /// RFC 6749 section 5.2.
        InvalidClient = "invalid_client",
        /// RFC 6749 section 5.2.
        InvalidGrant = "invalid_grant",
        /// RFC 6749 section 4.1.2.1, section 5.2.
        UnauthorizedClient = "unauthorized_client",
        /// RFC 6749 section 5.2.
        UnsupportedGrantType = "unsupported_grant_type",
        /// RFC 6749 section 4.1.2.1, section 5.2.
        InvalidScope = "invalid_scope",
        /// RFC 6749 section 4.1.2.1.
        AccessDenied = "access_denied",
        /// RFC 6749 section 4.1.2.1.
        UnsupportedResponseType = "unsupported_response_type",
        /// RFC 6749 section 4.1.2.1.
        ServerError = "server_error",
        /// RFC 6749 section 4.1.2.1.
        TemporarilyUnavailable = "temporarily_unavailable",
        /// OpenID Connect Core section 3.1.2.6.
        LoginRequired = "login_required",
        /// OpenID Connect Core section 3.1.2.6.
        ConsentRequired = "consent_required",
        /// OpenID Connect Core section 3.1.2.6.
        RequestNotSupported = "request_not_supported",
        /// OpenID Connect Core section 3.1.2.6.
        RequestUriNotSupported = "request_uri_not_supported",
        /// OpenID Connect Core section 3.1.2.6.
        RegistrationNotSupported = "registration_not_supported",
        /// RFC 6750 section 3.1.
        InvalidToken = "invalid_token",
        /// RFC 6750 section 3.1.
        InsufficientScope = "insufficient_scope",
        /// RFC 7009 section 2.2.1.
        UnsupportedTokenType = "unsupported_token_type",
    }
}

impl ErrorCode {
    /// The HTTP status of an answer with this code in its body. The one table; redirects carry 303.
    pub const fn status(self) -> u16 {
        match self {
            //= RFC6749#5.2
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::InvalidScope => 400,
            // Always 401, with a challenge: a client that tried Basic must get one, others may.
            //= RFC6749#5.2
            Self::InvalidClient => 401,
            //= RFC6750#3.1
            Self::InvalidToken => 401,
            //= RFC6750#3.1
            Self::InsufficientScope | Self::AccessDenied => 403,
            //= RFC7009#2.2.1
            Self::UnsupportedTokenType => 400,
            //= OIDC-CORE#3.1.2.6
            Self::UnsupportedResponseType
            | Self::LoginRequired
            | Self::ConsentRequired
            | Self::RequestNotSupported
            | Self::RequestUriNotSupported
            | Self::RegistrationNotSupported => 400,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
        }
    }
}

/// An error of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthError {
    /// For machines.
    pub code: ErrorCode,
    /// `error_description`: for the developer of the client; never what somebody typed.
    pub public: &'static str,
    /// For our log only.
    pub private: String,
}

impl OAuthError {
    /// An error whose public sentence says everything.
    pub fn new(code: ErrorCode, public: &'static str) -> Self {
        Self { code, public, private: String::new() }
    }

    /// Adds what only our log may know.
    #[must_use]
    pub fn because(mut self, private: impl Into<String>) -> Self {
        self.private = private.into();
        self
    }

    /// `invalid_request`.
    pub fn invalid_request(public: &'static str) -> Self {
        Self::new(ErrorCode::InvalidRequest, public)
    }

    /// `invalid_grant`.
    pub fn invalid_grant(public: &'static str) -> Self {
        Self::new(ErrorCode::InvalidGrant, public)
    }
}

impl From<BadParam> for OAuthError {
    //= RFC6749#4.1.2.1
    fn from(bad: BadParam) -> Self {
        let public = match bad.flaw {
            Flaw::Repeated => "a parameter is included more than once",
            Flaw::NotUtf8 => "a parameter is not UTF-8",
            Flaw::HasNul => "a parameter holds U+0000",
            Flaw::TooLong => "a parameter is too long",
        };
        Self::invalid_request(public).because(bad.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    //= RFC6749#5.2 test
    //= RFC6750#3.1 test
    //= RFC7009#2.2.1 test
    //= OIDC-CORE#3.1.2.6 test
    #[test]
    fn every_code_has_a_status_of_its_clause() {
        for code in ErrorCode::ALL {
            let expected = match code.as_str() {
                "invalid_client" | "invalid_token" => 401,
                "insufficient_scope" | "access_denied" => 403,
                "server_error" => 500,
                "temporarily_unavailable" => 503,
                _ => 400,
            };
            assert_eq!(code.status(), expected, "{code}");
        }
    }

    //= RFC6749#4.1.2.1 test
    #[test]
    fn descriptions_stay_within_the_charset() {
        for flaw in [Flaw::Repeated, Flaw::NotUtf8, Flaw::HasNul, Flaw::TooLong] {
            let error = OAuthError::from(BadParam { name: "state", flaw });
            assert!(error.public.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)));
            assert!(!error.public.contains(error.private.as_str()), "names stay in the log");
        }
    }
}
