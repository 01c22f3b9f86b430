//! A refresh token family: one grant's refresh token and all its successors (RFC 9700 section 4.14).

use crate::{
    id::{ClientId, FamilyId, SessionId, UserId},
    time::Instant,
    words,
};

words! {
    /// Why a family ended.
    pub enum FamilyEnd {
        /// A code or refresh token was used twice.
        Reuse = "reuse",
        /// RFC 7009 revocation by the client.
        Revoked = "revoked",
        /// Its session ended.
        SessionEnded = "session_ended",
    }
}

/// A family as stored; it exists for every code flow, with or without a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Key; chosen when the code is made.
    pub id: FamilyId,
    /// Whose.
    pub user_id: UserId,
    /// To whom.
    pub client_id: ClientId,
    /// Dies with this session, unless `offline_access` was granted.
    pub session_id: Option<SessionId>,
    /// Whether it outlives its session.
    pub offline: bool,
    /// Granted scopes.
    pub scopes: Vec<String>,
    /// `users.epoch` when granted.
    pub user_epoch: i64,
    /// From the sign-in behind it.
    pub acr: String,
    /// From the sign-in behind it.
    pub amr: Vec<String>,
    /// From the sign-in behind it.
    pub auth_time: Instant,
    /// The request's `nonce`, repeated in ID tokens.
    pub nonce: Option<String>,
    /// When it last gave a token, within five minutes.
    pub last_used_at: Instant,
    /// Absolute end.
    pub expires_at: Instant,
    /// When and why it ended.
    pub revoked: Option<(Instant, FamilyEnd)>,
}
