//! One-time links. Looking at one changes nothing (mail scanners look too); using it is one guarded
//! statement.

use gapura_core::{id::UserId, time::Instant};

use crate::{
    Db, StoreError, Tx,
    columns::word,
    door::{record, values},
};

gapura_core::words! {
    /// What a link is for.
    pub enum LinkPurpose {
        /// Sets the first administrator's password.
        FirstPassword = "first_password",
    }
}

/// A link as it can still be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimeLink {
    /// What for.
    pub purpose: LinkPurpose,
    /// For whose account.
    pub user_id: UserId,
    /// Until when.
    pub expires_at: Instant,
}

record! {
    struct Row {
        purpose: String,
        user_id: String,
        expires_at: i64,
    }
}

impl Row {
    fn read(self) -> Result<OneTimeLink, StoreError> {
        Ok(OneTimeLink {
            purpose: word(&self.purpose, "one_time_links.purpose")?,
            user_id: UserId::new(self.user_id),
            expires_at: Instant::from_millis(self.expires_at),
        })
    }
}

/// Stores a link by the SHA-256 of its token.
pub async fn add(tx: &mut Tx, token_hash: &[u8; 32], link: &OneTimeLink, now: Instant) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO one_time_links (token_hash, purpose, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        values![token_hash, link.purpose.as_str(), &link.user_id, now, link.expires_at],
    )
    .await?;
    Ok(())
}

/// The link with this token, if it can still be used.
pub async fn find(db: &Db, token_hash: &[u8; 32], now: Instant) -> Result<Option<OneTimeLink>, StoreError> {
    let row: Option<Row> = db
        .first(
            "SELECT purpose, user_id, expires_at FROM one_time_links \
             WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2",
            values![token_hash, now],
        )
        .await?;
    row.map(Row::read).transpose()
}

/// Uses a link; `None` where it was used, has ended or never was.
pub async fn use_up(tx: &mut Tx, token_hash: &[u8; 32], now: Instant) -> Result<Option<OneTimeLink>, StoreError> {
    let row: Option<Row> = tx
        .first(
            "UPDATE one_time_links SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 \
             RETURNING purpose, user_id, expires_at",
            values![token_hash, now],
        )
        .await?;
    row.map(Row::read).transpose()
}

/// Ends every link of an account that was not used: its password was set by another way.
pub async fn end_all_of(tx: &mut Tx, user: &UserId, now: Instant) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE one_time_links SET used_at = $2 WHERE user_id = $1 AND used_at IS NULL";
    tx.execute(SQL, values![user, now]).await.map(drop)
}
