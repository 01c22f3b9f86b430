//! Signed-in browsers: begun by a sign-in, entered into clients, ended once, for everybody at once.

use std::time::Duration;

use gapura_core::{
    id::{ApplicationId, ClientId, SessionId, UserId},
    identity::{Session, SessionEnd},
    oauth::FamilyEnd,
    time::Instant,
};

use crate::{
    Db, StoreError, Tx,
    columns::listed,
    door::{record, values},
};

/// Logout messages are given up after this long.
const GIVE_UP: Duration = Duration::from_secs(24 * 3600);

/// Begins a session. Only the SHA-256 of its cookie is kept.
pub async fn start(tx: &mut Tx, session: &Session, cookie_hash: &[u8]) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO sessions (id, cookie_hash, user_id, user_epoch, acr, amr, auth_time, last_seen_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        values![
            &session.id,
            cookie_hash,
            &session.user_id,
            session.user_epoch,
            &session.acr,
            listed(&session.amr),
            session.auth_time,
            session.last_seen_at,
            session.expires_at,
        ],
    )
    .await?;
    tx.execute("UPDATE users SET last_sign_in_at = $2 WHERE id = $1", values![&session.user_id, session.auth_time])
        .await?;
    Ok(())
}

/// The session behind a cookie and its person, unless it has ended.
pub async fn behind(tx: &mut Tx, cookie_hash: &[u8]) -> Result<Option<(SessionId, UserId)>, StoreError> {
    let row: Option<Behind> = tx
        .first("SELECT id, user_id FROM sessions WHERE cookie_hash = $1 AND ended_at IS NULL", values![cookie_hash])
        .await?;
    Ok(row.map(|row| (SessionId::new(row.id), UserId::new(row.user_id))))
}

/// The same person signs in again at the same browser: the session goes on under a new cookie, with
/// what the new sign-in proved, so that no application is told of a sign-out that did not happen.
/// `false` where it has ended, ran out (`idle`), or is another person's.
pub async fn renew(
    tx: &mut Tx,
    session: &Session,
    cookie_hash: &[u8],
    idle: Duration,
    now: Instant,
) -> Result<bool, StoreError> {
    let renewed = tx
        .execute(
            "UPDATE sessions SET cookie_hash = $2, user_epoch = $4, acr = $5, amr = $6, auth_time = $7, \
             last_seen_at = $8, expires_at = $9 WHERE id = $1 AND user_id = $3 AND ended_at IS NULL \
             AND expires_at > $8 AND last_seen_at > $10",
            values![
                &session.id,
                cookie_hash,
                &session.user_id,
                session.user_epoch,
                &session.acr,
                listed(&session.amr),
                session.auth_time,
                now,
                session.expires_at,
                now.minus(idle),
            ],
        )
        .await?;
    if renewed == 0 {
        return Ok(false);
    }
    tx.execute("UPDATE users SET last_sign_in_at = $2 WHERE id = $1", values![&session.user_id, session.auth_time])
        .await?;
    Ok(true)
}

/// A session's first step into a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which session.
    pub session_id: SessionId,
    /// Into which client.
    pub client_id: ClientId,
    /// Of which application.
    pub application_id: ApplicationId,
    /// Whose session.
    pub user_id: UserId,
}

/// Notes an entry; whether it is the session's first into this client. An ended session enters nothing.
pub async fn enter(tx: &mut Tx, entry: &Entry, now: Instant) -> Result<bool, StoreError> {
    let added = tx
        .execute(
            "INSERT INTO session_clients (session_id, client_id, entered_at) \
             SELECT s.id, $2, $3 FROM sessions s WHERE s.id = $1 AND s.ended_at IS NULL \
             ON CONFLICT (session_id, client_id) DO NOTHING",
            values![&entry.session_id, &entry.client_id, now],
        )
        .await?;
    if added == 0 {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO application_entries (user_id, application_id, last_at) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id, application_id) DO UPDATE SET last_at = excluded.last_at",
        values![&entry.user_id, &entry.application_id, now],
    )
    .await?;
    Ok(true)
}

/// Moves `last_seen_at`, unless it moved within `floor` already.
pub async fn touch(tx: &mut Tx, session: &SessionId, floor: Duration, now: Instant) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND ended_at IS NULL AND last_seen_at <= $3",
        values![session, now, now.minus(floor)],
    )
    .await?;
    Ok(())
}

/// Ends a session: its families die with it, its clients hear of it. Whose it was; `None` where it had
/// ended before or never was.
//= OIDC-BACKCHANNEL#2.7
pub async fn end(
    tx: &mut Tx,
    session: &SessionId,
    reason: SessionEnd,
    now: Instant,
) -> Result<Option<UserId>, StoreError> {
    let ended: Option<Ended> = tx
        .first(
            "UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE id = $1 AND ended_at IS NULL RETURNING user_id",
            values![session, now, reason.as_str()],
        )
        .await?;
    let Some(ended) = ended else { return Ok(None) };
    tx.execute(
        "UPDATE refresh_families SET revoked_at = $2, revoke_reason = $3 \
         WHERE session_id = $1 AND revoked_at IS NULL AND offline = FALSE",
        values![session, now, FamilyEnd::SessionEnded.as_str()],
    )
    .await?;
    tx.execute(
        "INSERT INTO logout_messages (id, client_id, session_id, sub, state, attempts, due_at, lease_until, \
         created_at, give_up_at) \
         SELECT e.session_id || ':' || c.id, c.id, e.session_id, u.sub, 'pending', 0, $2, 0, $2, $3 \
         FROM session_clients e JOIN clients c ON c.id = e.client_id JOIN sessions s ON s.id = e.session_id \
         JOIN users u ON u.id = s.user_id \
         WHERE e.session_id = $1 AND c.backchannel_logout_uri IS NOT NULL \
         ON CONFLICT (session_id, client_id) DO NOTHING",
        values![session, now, now.plus(GIVE_UP)],
    )
    .await?;
    Ok(Some(UserId::new(ended.user_id)))
}

/// Ends every session of a person, and every family, those that outlive sessions included.
pub async fn end_all_of(tx: &mut Tx, user: &UserId, reason: SessionEnd, now: Instant) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO logout_messages (id, client_id, session_id, sub, state, attempts, due_at, lease_until, \
         created_at, give_up_at) \
         SELECT e.session_id || ':' || c.id, c.id, e.session_id, u.sub, 'pending', 0, $2, 0, $2, $3 \
         FROM sessions s JOIN session_clients e ON e.session_id = s.id JOIN clients c ON c.id = e.client_id \
         JOIN users u ON u.id = s.user_id \
         WHERE s.user_id = $1 AND s.ended_at IS NULL AND c.backchannel_logout_uri IS NOT NULL \
         ON CONFLICT (session_id, client_id) DO NOTHING",
        values![user, now, now.plus(GIVE_UP)],
    )
    .await?;
    tx.execute(
        "UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE user_id = $1 AND ended_at IS NULL",
        values![user, now, reason.as_str()],
    )
    .await?;
    tx.execute(
        "UPDATE refresh_families SET revoked_at = $2, revoke_reason = $3 WHERE user_id = $1 AND revoked_at IS NULL",
        values![user, now, FamilyEnd::SessionEnded.as_str()],
    )
    .await?;
    Ok(())
}

/// Sessions whose absolute or idle time ran out and which nobody ended yet, at most `limit`.
pub async fn run_out(db: &Db, idle: Duration, limit: i64, now: Instant) -> Result<Vec<SessionId>, StoreError> {
    let rows: Vec<Id> = db
        .all(
            "SELECT id FROM sessions WHERE ended_at IS NULL AND expires_at <= $1 \
             UNION SELECT id FROM sessions WHERE ended_at IS NULL AND last_seen_at <= $2 LIMIT $3",
            values![now, now.minus(idle), limit],
        )
        .await?;
    Ok(rows.into_iter().map(|row| SessionId::new(row.id)).collect())
}

record! {
    struct Behind {
        id: String,
        user_id: String,
    }
}

record! {
    struct Ended {
        user_id: String,
    }
}

record! {
    struct Id {
        id: String,
    }
}
