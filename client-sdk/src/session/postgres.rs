//! Sessions in PostgreSQL: shared by the machines of one application, kept over restarts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::{BoxFuture, FutureExt};
use sqlx::{PgPool, Postgres, Row, Transaction, postgres::PgPoolOptions};

use super::{Ended, Session, SessionKey, SessionStore, StoreError};
use crate::clock::Clock;

/// Rows that one clean-up removes.
const SWEEP: i64 = 100;
/// Claims from one clean-up to the next.
const SWEEP_EVERY: u64 = 64;

/// The tables, made where they are missing; every statement may run again.
const SCHEMA: [&str; 8] = [
    "CREATE TABLE IF NOT EXISTS gapura_client_sessions (key TEXT NOT NULL PRIMARY KEY, sub TEXT NOT NULL, sid TEXT, \
     issued_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, session TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS gapura_client_sessions_sub ON gapura_client_sessions (sub)",
    "CREATE INDEX IF NOT EXISTS gapura_client_sessions_sid ON gapura_client_sessions (sid)",
    "CREATE INDEX IF NOT EXISTS gapura_client_sessions_end ON gapura_client_sessions (expires_at)",
    "CREATE TABLE IF NOT EXISTS gapura_client_marks (sid TEXT, sub TEXT, at BIGINT, until BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS gapura_client_claims (id TEXT NOT NULL PRIMARY KEY, until BIGINT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS gapura_client_marks_until ON gapura_client_marks (until)",
    "CREATE INDEX IF NOT EXISTS gapura_client_claims_until ON gapura_client_claims (until)",
];

/// Keeps sessions in PostgreSQL, in three tables of its own whose names begin with `gapura_client_`.
///
/// A row holds the session's tokens: the database is as confidential as the application's memory.
///
/// ```no_run
/// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use gapura_client::{Clock, Gapura, PostgresStore};
///
/// let store = PostgresStore::connect("postgres://presensi@db/presensi", Clock::system()).await?;
/// let gapura = Gapura::builder("https://sso.kota.go.id", "presensi", "https://presensi.kota.go.id")
///     .client_secret("from the registration")
///     .session_store(Arc::new(store))
///     .build()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pool: PgPool,
    clock: Clock,
    /// How many were asked for.
    claims: Arc<AtomicU64>,
}

impl PostgresStore {
    /// Connects to a `postgres://` URL and makes the tables where they are missing.
    ///
    /// # Errors
    /// The database does not answer, or its user may not make tables.
    pub async fn connect(url: &str, clock: Clock) -> Result<Self, StoreError> {
        Self::over(PgPoolOptions::new().connect(url).await?, clock).await
    }

    /// The same over a pool that the application has already.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn over(pool: PgPool, clock: Clock) -> Result<Self, StoreError> {
        let mut tx = pool.begin().await?;
        // Machines that start at the same moment make the tables one after the other.
        lock(&mut tx, "schema", Lock::Alone).await?;
        for sql in SCHEMA {
            sqlx::query(sql).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(Self { pool, clock, claims: Arc::default() })
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<Session>, StoreError> {
        let row = sqlx::query("SELECT session FROM gapura_client_sessions WHERE key = $1 AND expires_at > $2")
            .bind(key.as_str())
            .bind(self.clock.now())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| Session::from_text(row.try_get("session")?)).transpose()
    }

    async fn add(&self, key: &SessionKey, session: &Session) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut tx = self.pool.begin().await?;
        // Either the end of a session sees this row, or this sees the mark of the end.
        lock(&mut tx, session.sub(), Lock::Shared).await?;
        if let Some(sid) = session.sid() {
            lock(&mut tx, sid, Lock::Shared).await?;
        }
        let kept = sqlx::query(
            "INSERT INTO gapura_client_sessions (key, sub, sid, issued_at, expires_at, session) \
             SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT 1 FROM gapura_client_marks m WHERE m.until > $7 \
             AND ((m.at IS NULL AND m.sid = $3 AND (m.sub IS NULL OR m.sub = $2)) OR (m.sub = $2 AND m.at >= $4))) \
             ON CONFLICT (key) DO UPDATE SET sub = excluded.sub, sid = excluded.sid, issued_at = excluded.issued_at, \
             expires_at = excluded.expires_at, session = excluded.session",
        )
        .bind(key.as_str())
        .bind(session.sub())
        .bind(session.sid())
        .bind(session.issued_at())
        .bind(session.expires_at())
        .bind(session.to_text()?)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        self.sweep(now).await;
        Ok(kept.rows_affected() == 1)
    }

    async fn replace(&self, key: &SessionKey, read: &Session, session: &Session) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE gapura_client_sessions SET sub = $2, sid = $3, issued_at = $4, expires_at = $5, session = $6 \
             WHERE key = $1 AND expires_at > $7 AND session::json #>> '{tokens,access}' = $8 \
             AND session::json #>> '{tokens,refresh}' IS NOT DISTINCT FROM $9",
        )
        .bind(key.as_str())
        .bind(session.sub())
        .bind(session.sid())
        .bind(session.issued_at())
        .bind(session.expires_at())
        .bind(session.to_text()?)
        .bind(self.clock.now())
        .bind(&read.tokens.access)
        .bind(&read.tokens.refresh)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn take(&self, key: &SessionKey) -> Result<Option<Session>, StoreError> {
        let row = sqlx::query("DELETE FROM gapura_client_sessions WHERE key = $1 RETURNING session")
            .bind(key.as_str())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| Session::from_text(row.try_get("session")?)).transpose()
    }

    async fn end_all(&self, ended: &Ended, mark_until: i64) -> Result<usize, StoreError> {
        let (sid, sub, at) = match ended {
            Ended::Sid { sid, sub } => (Some(sid), sub.as_ref(), None),
            Ended::Sub { sub, at } => (None, Some(sub), Some(*at)),
        };
        let mut tx = self.pool.begin().await?;
        lock(&mut tx, sid.or(sub).map_or("", String::as_str), Lock::Alone).await?;
        sqlx::query("INSERT INTO gapura_client_marks (sid, sub, at, until) VALUES ($1, $2, $3, $4)")
            .bind(sid)
            .bind(sub)
            .bind(at)
            .bind(mark_until)
            .execute(&mut *tx)
            .await?;
        let sql = match ended {
            Ended::Sid { .. } => {
                "DELETE FROM gapura_client_sessions WHERE sid = $1 AND ($2::TEXT IS NULL OR sub = $2) \
                 AND $3::BIGINT IS NULL"
            }
            Ended::Sub { .. } => {
                "DELETE FROM gapura_client_sessions WHERE sub = $2 AND issued_at <= $3 AND $1::TEXT IS NULL"
            }
        };
        let gone = sqlx::query(sql).bind(sid).bind(sub).bind(at).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(usize::try_from(gone.rows_affected()).unwrap_or(usize::MAX))
    }

    async fn claimed(&self, id: &str, until: i64) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let done = sqlx::query(
            "INSERT INTO gapura_client_claims (id, until) VALUES ($1, $2) \
             ON CONFLICT (id) DO UPDATE SET until = excluded.until WHERE gapura_client_claims.until <= $3",
        )
        .bind(id)
        .bind(until)
        .bind(now)
        .execute(&self.pool)
        .await?;
        // Where nobody signs in, nobody else sweeps.
        if self.claims.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP_EVERY) {
            self.sweep(now).await;
        }
        Ok(done.rows_affected() == 1)
    }

    async fn given_back(&self, id: &str, until: i64) -> Result<(), StoreError> {
        let sql = "DELETE FROM gapura_client_claims WHERE id = $1 AND until = $2";
        sqlx::query(sql).bind(id).bind(until).execute(&self.pool).await?;
        Ok(())
    }

    /// Removes some of what has ended. What asked for it is done already: a failure is only said.
    async fn sweep(&self, now: i64) {
        for sql in [
            "DELETE FROM gapura_client_sessions WHERE key IN (SELECT key FROM gapura_client_sessions \
             WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
            "DELETE FROM gapura_client_marks WHERE ctid IN (SELECT ctid FROM gapura_client_marks \
             WHERE until <= $1 ORDER BY until LIMIT $2 FOR UPDATE SKIP LOCKED)",
            "DELETE FROM gapura_client_claims WHERE id IN (SELECT id FROM gapura_client_claims \
             WHERE until <= $1 ORDER BY until LIMIT $2 FOR UPDATE SKIP LOCKED)",
        ] {
            if let Err(error) = sqlx::query(sql).bind(now).bind(SWEEP).execute(&self.pool).await {
                tracing::warn!(%error, "ended sessions could not be cleaned up");
            }
        }
    }
}

enum Lock {
    Shared,
    Alone,
}

/// Holds a name until the transaction ends. Two names with one number wait for each other needlessly, and nothing else.
async fn lock(tx: &mut Transaction<'_, Postgres>, name: &str, how: Lock) -> Result<(), StoreError> {
    let sql = match how {
        Lock::Shared => "SELECT pg_advisory_xact_lock_shared(hashtext('gapura_client'), hashtext($1))",
        Lock::Alone => "SELECT pg_advisory_xact_lock(hashtext('gapura_client'), hashtext($1))",
    };
    sqlx::query(sql).bind(name).execute(&mut **tx).await?;
    Ok(())
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self(format!("PostgreSQL: {error}"))
    }
}

impl SessionStore for PostgresStore {
    fn load<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Session>, StoreError>> {
        self.read(key).boxed()
    }

    fn insert<'a>(&'a self, key: &'a SessionKey, session: Session) -> BoxFuture<'a, Result<bool, StoreError>> {
        async move { self.add(key, &session).await }.boxed()
    }

    fn update<'a>(
        &'a self,
        key: &'a SessionKey,
        read: &'a Session,
        session: Session,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        async move { self.replace(key, read, &session).await }.boxed()
    }

    fn remove<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Session>, StoreError>> {
        self.take(key).boxed()
    }

    fn end<'a>(&'a self, ended: &'a Ended, mark_until: i64) -> BoxFuture<'a, Result<usize, StoreError>> {
        self.end_all(ended, mark_until).boxed()
    }

    fn claim<'a>(&'a self, id: &'a str, until: i64) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.claimed(id, until).boxed()
    }

    fn release<'a>(&'a self, id: &'a str, until: i64) -> BoxFuture<'a, Result<(), StoreError>> {
        self.given_back(id, until).boxed()
    }

    fn shared(&self) -> bool {
        true
    }
}
