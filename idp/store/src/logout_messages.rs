//! The outbox of back-channel logout (OpenID Connect Back-Channel Logout 1.0).
//!
//! ```text
//! pending ──claim──▶ leased ──delivered──▶ delivered
//!    ▲                 │
//!    └──failed: later──┴──failed, past its time──▶ given_up
//! ```
//! A message is stored in the transaction that ends its session, claimed with a lease (a node that
//! dies gives it back by dying), signed at each attempt, and given up after its time.

use std::time::Duration;

use gapura_core::{
    id::{ClientId, MessageId, SessionId},
    time::{CLOCK_LEEWAY, Instant},
};

use crate::{
    Db, StoreError, Tx,
    columns::{instant, word},
    door::{record, values},
};

/// The longest pause between two attempts, and the longest lease. A message that is due later, or leased for
/// longer, got its time from a clock that was wrong: it is due now.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
const LONGEST_LEASE: Duration = Duration::from_secs(300);

/// Messages to one application that may be on their way at once, over all nodes, so that a slow one
/// delays no other.
const IN_FLIGHT: i64 = 2;

gapura_core::words! {
    /// Where a message stands.
    pub enum MessageState {
        /// Waits or is on its way.
        Pending = "pending",
        /// The application said yes.
        Delivered = "delivered",
        /// Its time ran out.
        GivenUp = "given_up",
    }
}

/// A message to deliver, or its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutMessage {
    /// Key.
    pub id: MessageId,
    /// To whom.
    pub client_id: ClientId,
    /// `sid`.
    pub session_id: SessionId,
    /// `sub`.
    pub sub: String,
    /// Where it stands.
    pub state: MessageState,
    /// Attempts so far, a running one included.
    pub attempts: i64,
    /// Next attempt.
    pub due_at: Instant,
    /// Why the last one failed.
    pub last_error: Option<String>,
    /// When the session ended.
    pub created_at: Instant,
    /// When it is given up.
    pub give_up_at: Instant,
    /// When it was delivered or given up.
    pub ended_at: Option<Instant>,
}

record! {
    struct Row {
        id: String,
        client_id: String,
        session_id: String,
        sub: String,
        state: String,
        attempts: i64,
        due_at: i64,
        last_error: Option<String>,
        created_at: i64,
        give_up_at: i64,
        ended_at: Option<i64>,
    }
}

impl TryFrom<Row> for LogoutMessage {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: MessageId::new(row.id),
            client_id: ClientId::new(row.client_id),
            session_id: SessionId::new(row.session_id),
            sub: row.sub,
            state: word(&row.state, "logout_messages.state")?,
            attempts: row.attempts,
            due_at: Instant::from_millis(row.due_at),
            last_error: row.last_error,
            created_at: Instant::from_millis(row.created_at),
            give_up_at: Instant::from_millis(row.give_up_at),
            ended_at: instant(row.ended_at),
        })
    }
}

record! {
    struct Count {
        number: i64,
    }
}

/// Whether anything waits to be claimed; cheap enough to ask four times a second.
pub async fn any_due(db: &Db, now: Instant) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT id, client_id, session_id, sub, state, attempts, due_at, last_error, created_at, \
         give_up_at, ended_at FROM logout_messages WHERE state = 'pending' AND (due_at <= $1 OR due_at > $2) \
         AND (lease_until <= $1 OR lease_until > $3) LIMIT 1";
    let [due, lease] = latest(now);
    Ok(db.first::<Row>(SQL, values![now, due, lease]).await?.is_some())
}

/// The latest times that a clock which is right gives a message and its lease.
fn latest(now: Instant) -> [Instant; 2] {
    [LONGEST_PAUSE, LONGEST_LEASE].map(|longest| now.plus(longest).plus(CLOCK_LEEWAY))
}

/// How many messages wait or are on their way.
pub async fn pending(db: &Db) -> Result<i64, StoreError> {
    const SQL: &str = "SELECT COUNT(*) AS number FROM logout_messages WHERE state = 'pending'";
    Ok(db.first::<Count>(SQL, values![]).await?.map_or(0, |row| row.number))
}

/// Claims up to `limit` due messages for `lease`, at most two in flight an application.
pub async fn claim(
    tx: &mut Tx,
    holder: &str,
    now: Instant,
    lease: Duration,
    limit: i64,
) -> Result<Vec<LogoutMessage>, StoreError> {
    const SQL: &str = "UPDATE logout_messages SET lease_until = $3, lease_holder = $2, attempts = attempts + 1 \
         WHERE id IN (SELECT id FROM ( \
           SELECT id, due_at, lease_until, row_number() OVER (PARTITION BY client_id \
             ORDER BY CASE WHEN lease_until > $1 AND lease_until <= $7 THEN 0 ELSE 1 END, due_at, id) AS place \
           FROM logout_messages WHERE state = 'pending' AND (due_at <= $1 OR due_at > $6)) AS ranked \
         WHERE place <= $5 AND (lease_until <= $1 OR lease_until > $7) ORDER BY due_at, id LIMIT $4) \
         RETURNING id, client_id, session_id, sub, state, attempts, due_at, last_error, created_at, \
         give_up_at, ended_at";
    let [due, leased] = latest(now);
    let values = values![now, holder, now.plus(lease), limit, IN_FLIGHT, due, leased];
    let rows: Vec<Row> = tx.all(SQL, values).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The application took the message; false where the lease went to another node meanwhile.
pub async fn delivered(tx: &mut Tx, id: &MessageId, holder: &str, now: Instant) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE logout_messages SET state = 'delivered', ended_at = $3, lease_until = 0, \
         lease_holder = NULL, last_error = NULL WHERE id = $1 AND lease_holder = $2 AND state = 'pending'";
    Ok(tx.execute(SQL, values![id, holder, now]).await? == 1)
}

/// How an attempt failed, and when to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedAttempt<'a> {
    /// Why, for the list of messages; without anything the application said.
    pub error: &'a str,
    /// Next attempt; past the message's end it is given up.
    pub due_at: Instant,
}

/// The attempt failed: later again, or given up; false where the lease went to another node meanwhile.
pub async fn failed(
    tx: &mut Tx,
    id: &MessageId,
    holder: &str,
    attempt: FailedAttempt<'_>,
    now: Instant,
) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE logout_messages SET last_error = $3, due_at = $4, lease_until = 0, lease_holder = NULL, \
         state = CASE WHEN give_up_at <= $4 THEN 'given_up' ELSE state END, \
         ended_at = CASE WHEN give_up_at <= $4 THEN $5 ELSE ended_at END \
         WHERE id = $1 AND lease_holder = $2 AND state = 'pending'";
    Ok(tx.execute(SQL, values![id, holder, attempt.error, attempt.due_at, now]).await? == 1)
}

/// The newest messages, for people to look at.
pub async fn list(db: &Db, limit: i64) -> Result<Vec<LogoutMessage>, StoreError> {
    const SQL: &str = "SELECT id, client_id, session_id, sub, state, attempts, due_at, last_error, created_at, \
         give_up_at, ended_at FROM logout_messages ORDER BY id DESC LIMIT $1";
    let rows: Vec<Row> = db.all(SQL, values![limit]).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

record! {
    /// What one client has not taken.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Undelivered {
        /// To whom.
        pub client_id: String,
        /// Messages that failed before and wait for another attempt.
        pub waiting: i64,
        /// Messages given up.
        pub given_up: i64,
        /// Why one of the attempts failed.
        pub last_error: String,
    }
}

/// By client, the messages that failed and wait, and those given up after `since`.
pub async fn undelivered(db: &Db, since: Instant) -> Result<Vec<Undelivered>, StoreError> {
    const SQL: &str = "SELECT client_id, \
         CAST(SUM(CASE WHEN state = 'pending' THEN 1 ELSE 0 END) AS BIGINT) AS waiting, \
         CAST(SUM(CASE WHEN state = 'given_up' THEN 1 ELSE 0 END) AS BIGINT) AS given_up, \
         MAX(last_error) AS last_error FROM logout_messages WHERE last_error IS NOT NULL AND (state = 'pending' \
         OR (state = 'given_up' AND ended_at > $1)) GROUP BY client_id ORDER BY client_id";
    db.all(SQL, values![since]).await
}
