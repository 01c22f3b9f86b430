//! The browser's signed-in state.

use crate::{
    id::{SessionId, UserId},
    time::Instant,
    words,
};

words! {
    /// Why a session ended.
    pub enum SessionEnd {
        /// The person signed out.
        SignedOut = "signed_out",
        /// Absolute or idle time ran out.
        Expired = "expired",
        /// Another sign-in took this browser over.
        Replaced = "replaced",
        /// The account was disabled, suspended or closed.
        AccountEnded = "account_ended",
        /// An officer set a new password.
        PasswordReset = "password_reset",
    }
}

/// A session as stored. Its cookie holds another secret, kept only as SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The `sid` of tokens.
    pub id: SessionId,
    /// Whose session.
    pub user_id: UserId,
    /// `users.epoch` when the person signed in; another value now ends the session.
    pub user_epoch: i64,
    /// Authentication context class reference (OIDC Core section 2).
    pub acr: String,
    /// Authentication methods (RFC 8176).
    pub amr: Vec<String>,
    /// When the person last proved who they are.
    pub auth_time: Instant,
    /// Moves with authorize, at most once in five minutes.
    pub last_seen_at: Instant,
    /// Absolute end.
    pub expires_at: Instant,
    /// When and why it ended.
    pub ended: Option<(Instant, SessionEnd)>,
}
