//! Refresh families: one for every code redeemed. Creating one is `ON CONFLICT DO NOTHING`, revoking one
//! an upsert, so that a family revoked before it was born is never born.

use std::time::Duration;

use gapura_core::{
    id::FamilyId,
    oauth::{Family, FamilyEnd},
    time::Instant,
};

use crate::{StoreError, Tx, columns::listed, door::values};

/// Gives birth to a family, if its session lives, its person is unchanged since, and it was not revoked
/// before.
pub async fn create(tx: &mut Tx, family: &Family, now: Instant) -> Result<bool, StoreError> {
    let born = tx
        .execute(
            "INSERT INTO refresh_families (id, user_id, client_id, session_id, offline, scopes, user_epoch, acr, amr, \
             auth_time, nonce, created_at, last_used_at, expires_at) \
             SELECT $1, u.id, $3, s.id, $5, $6, u.epoch, $8, $9, $10, $11, $12, $12, $13 \
             FROM sessions s JOIN users u ON u.id = s.user_id \
             WHERE s.id = $4 AND s.ended_at IS NULL AND u.id = $2 AND u.epoch = $7 \
             ON CONFLICT (id) DO NOTHING",
            values![
                &family.id,
                &family.user_id,
                &family.client_id,
                family.session_id.as_ref(),
                family.offline,
                listed(&family.scopes),
                family.user_epoch,
                &family.acr,
                listed(&family.amr),
                family.auth_time,
                family.nonce.as_deref(),
                now,
                family.expires_at,
            ],
        )
        .await?;
    Ok(born == 1)
}

/// How a family ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Why.
    pub reason: FamilyEnd,
    /// Until when the mark is kept where no family was born yet.
    pub keep_until: Instant,
}

/// Ends a family, born or not; whether it was this call that did.
pub async fn revoke(tx: &mut Tx, family: &FamilyId, revocation: Revocation, now: Instant) -> Result<bool, StoreError> {
    let ended = tx
        .execute(
            "INSERT INTO refresh_families (id, offline, created_at, last_used_at, expires_at, revoked_at, \
             revoke_reason) VALUES ($1, FALSE, $2, $2, $3, $2, $4) \
             ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at, revoke_reason = excluded.revoke_reason \
             WHERE refresh_families.revoked_at IS NULL",
            values![family, now, revocation.keep_until, revocation.reason.as_str()],
        )
        .await?;
    Ok(ended == 1)
}

/// Moves `last_used_at`, unless it moved within `floor` already.
pub async fn touch(tx: &mut Tx, family: &FamilyId, floor: Duration, now: Instant) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE refresh_families SET last_used_at = $2 WHERE id = $1 AND last_used_at <= $3",
        values![family, now, now.minus(floor)],
    )
    .await?;
    Ok(())
}
