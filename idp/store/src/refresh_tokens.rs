//! Refresh tokens: used once, each use making a successor (RFC 9700 section 4.14.2).
//!
//! Core decides what a use means from what [`standing`] read; the writes here are guarded by what it
//! read, so that of any number of parallel uses one wins and the others learn that they lost.

use gapura_core::{
    access::Standing,
    id::{FamilyId, RefreshTokenId},
    oauth::RefreshToken,
    time::Instant,
};

use crate::{Db, StoreError, Tx, door::values};

/// A token about to be born.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefreshToken {
    /// Time-ordered key, the public part on the wire.
    pub id: RefreshTokenId,
    /// The family it belongs to.
    pub family_id: FamilyId,
    /// SHA-256 of the secret part.
    pub hash: Vec<u8>,
    /// Its end.
    pub expires_at: Instant,
}

/// The token as it stands and the person behind it; none where id and secret do not belong together.
pub async fn standing(
    db: &Db,
    id: &RefreshTokenId,
    hash: &[u8],
) -> Result<Option<(RefreshToken, Standing)>, StoreError> {
    crate::standing::by_refresh_token(db, id.as_str(), hash).await
}

/// Stores a token, unless its family was revoked or is not there; whether it was stored.
pub async fn insert(tx: &mut Tx, token: &NewRefreshToken, now: Instant) -> Result<bool, StoreError> {
    const SQL: &str = "INSERT INTO refresh_tokens (id, family_id, token_hash, issued_at, expires_at) \
         SELECT $1, f.id, $3, $4, $5 FROM refresh_families f WHERE f.id = $2 AND f.revoked_at IS NULL";
    let values = values![&token.id, &token.family_id, &token.hash, now, token.expires_at];
    Ok(tx.execute(SQL, values).await? == 1)
}

/// Uses a token for the first time and stores its successor; false where another use was first, or
/// the family was revoked. The caller then revokes the family.
pub async fn rotate(
    tx: &mut Tx,
    used: &RefreshTokenId,
    successor: &NewRefreshToken,
    now: Instant,
) -> Result<bool, StoreError> {
    const CONSUME: &str = "UPDATE refresh_tokens SET consumed_at = $2, successor_id = $3 \
         WHERE id = $1 AND family_id = $4 AND consumed_at IS NULL \
         AND EXISTS (SELECT 1 FROM refresh_families f WHERE f.id = $4 AND f.revoked_at IS NULL)";
    let values = values![used, now, &successor.id, &successor.family_id];
    if tx.execute(CONSUME, values).await? == 0 {
        return Ok(false);
    }
    insert(tx, successor, now).await
}

/// The answer to a use was lost: gives `used` another successor in place of `lost`, which counts as
/// used from now on and has none: whoever presents it later is not the client. False where `lost` was
/// used or replaced meanwhile, or the family was revoked.
pub async fn replace(
    tx: &mut Tx,
    used: &RefreshTokenId,
    lost: &RefreshTokenId,
    successor: &NewRefreshToken,
    now: Instant,
) -> Result<bool, StoreError> {
    const DISCARD: &str = "UPDATE refresh_tokens SET consumed_at = $2 \
         WHERE id = $1 AND family_id = $3 AND consumed_at IS NULL \
         AND EXISTS (SELECT 1 FROM refresh_families f WHERE f.id = $3 AND f.revoked_at IS NULL)";
    const REPOINT: &str = "UPDATE refresh_tokens SET successor_id = $3 \
         WHERE id = $1 AND successor_id = $2 AND family_id = $4";
    if tx.execute(DISCARD, values![lost, now, &successor.family_id]).await? == 0 {
        return Ok(false);
    }
    tx.execute(REPOINT, values![used, lost, &successor.id, &successor.family_id]).await?;
    insert(tx, successor, now).await
}
