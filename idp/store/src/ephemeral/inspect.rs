//! Looking at a Redis without using it: what a start would refuse, told apart.

use std::time::Duration;

use gapura_core::time::Instant;
use redis::{ErrorKind, RedisError, aio::MultiplexedConnection};
use tokio::time::timeout;

use super::redis::client;

/// The longest a look may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// Why a Redis cannot be looked at. Never holds the URL, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisFault {
    /// The URL is no Redis URL.
    Url,
    /// User or password refused, or one is needed.
    Login,
    /// No answer, or not as it should be: why.
    Unreachable(String),
}

/// A Redis as it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisSeen {
    /// `maxmemory-policy`.
    pub policy: String,
    /// Whether it writes every change to a log of its own (`appendonly`).
    pub appends: bool,
    /// Its clock.
    pub clock: Instant,
}

impl RedisSeen {
    /// It refuses new entries when memory is full, and so forgets no promise.
    pub fn keeps_promises(&self) -> bool {
        self.policy == "noeviction"
    }
}

/// Asks a Redis what it is like.
pub async fn look(url: &str) -> Result<RedisSeen, RedisFault> {
    let client = client(url).map_err(|_| RedisFault::Url)?;
    let looked = timeout(PATIENCE, async {
        let mut line = client.get_multiplexed_async_connection().await?;
        ask(&mut line).await
    });
    looked.await.map_err(|_| RedisFault::Unreachable("no answer in time".to_owned()))?.map_err(|why| fault(&why))
}

async fn ask(line: &mut MultiplexedConnection) -> Result<RedisSeen, RedisError> {
    let memory: String = redis::cmd("INFO").arg("memory").query_async(line).await?;
    let persistence: String = redis::cmd("INFO").arg("persistence").query_async(line).await?;
    let (seconds, micros): (i64, i64) = redis::cmd("TIME").query_async(line).await?;
    Ok(RedisSeen {
        policy: field(&memory, "maxmemory_policy:").unwrap_or("unknown").to_owned(),
        appends: field(&persistence, "aof_enabled:") == Some("1"),
        clock: Instant::from_millis(seconds.saturating_mul(1000).saturating_add(micros / 1000)),
    })
}

/// The value of a line of `INFO`.
pub(super) fn field<'i>(info: &'i str, name: &str) -> Option<&'i str> {
    info.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

fn fault(why: &RedisError) -> RedisFault {
    let login = why.kind() == ErrorKind::AuthenticationFailed || matches!(why.code(), Some("NOAUTH" | "WRONGPASS"));
    if login { RedisFault::Login } else { RedisFault::Unreachable(why.to_string()) }
}
