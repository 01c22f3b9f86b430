//! Short-lived state in a Redis that several nodes share.
//!
//! An entry is a hash `{s: shape, b: body, e: end}` under `<prefix>:<kind>:<key>`; an operation is one
//! Lua script on that one key. Redis' own expiry only collects garbage, a margin after the end: after the
//! time that was left by the caller's clock, and not before the end has come by Redis' own. So a mark that
//! was made while clocks ran ahead is still there when its end comes again.
//!
//! *When Redis is away.* An operation answers within two seconds, by [`EphemeralError::Unavailable`]
//! at worst. The connection manager connects again by itself; it would keep a connection whose other
//! end silently vanished (it takes a late answer for a slow one), so after a late answer we begin a new
//! one. Only an operation that was certainly never sent is repeated.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use gapura_core::time::Instant;
use redis::{
    Client, FromRedisValue, IntoConnectionInfo, ProtocolVersion, RedisError, RedisResult, Script, ScriptInvocation,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::{Consumed, Entry, EphemeralError, GARBAGE_MARGIN, Kind, Put, Swap, Use, inspect::field};

/// The longest an operation may take, with connecting and one repetition.
const ANSWER_WITHIN: Duration = Duration::from_millis(1_500);
const CONNECT_WITHIN: Duration = Duration::from_millis(500);

/// The longest Redis is asked to keep anything: `PEXPIRE` refuses numbers near the end of time.
const LONGEST_LIFE: Duration = Duration::from_secs(400 * 24 * 3600);

/// Every script begins with these, after `margin` and `longest`. `ARGV[1]` is the caller's now. The first write of
/// a script is the one that Redis refuses when memory is full, so a refused script has changed nothing.
const PRELUDE: &str = "
local function live()
  local entry = redis.call('HMGET', KEYS[1], 's', 'b', 'e')
  if entry[1] and tonumber(ARGV[1]) < tonumber(entry[3]) then return entry[1], entry[2] end
end
local function lay(shape, body, ends, life)
  redis.call('HSET', KEYS[1], 's', shape, 'b', body, 'e', ends)
  local time = redis.call('TIME')
  local here = time[1] * 1000 + math.floor(time[2] / 1000)
  local collected = math.max(here + life, math.min(ends + margin, here + longest))
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', collected))
end
local shape, body = live()
";

/// now, shape, body, end, life
const LAY_NEW: &str = "
if shape then return 0 end
lay(ARGV[2], ARGV[3], ARGV[4], ARGV[5])
return 1";

/// now
const GET: &str = "
if shape == 'value' then return body end
return false";

/// now, seen, new, end, life
const SWAP: &str = "
if shape ~= 'value' or body ~= ARGV[2] then return 0 end
lay('value', ARGV[3], ARGV[4], ARGV[5])
return 1";

/// now, mark, end, life
const CONSUME: &str = "
if shape == 'value' then lay('spent', ARGV[2], ARGV[3], ARGV[4]) end
return {shape or '', body or ''}";

/// Without prelude: `ARGV` is empty, and garbage may go too.
const REMOVE: &str = "
local shape = redis.call('HGET', KEYS[1], 's')
if shape == 'value' then redis.call('DEL', KEYS[1]) end
return 1";

/// now. The run id changes when Redis restarts and when another server takes over; both may have
/// lost marks, whatever was written to disk or copied.
const MARKS_SINCE: &str = "
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
local known = redis.call('HMGET', KEYS[1], 'run', 'since')
if known[1] == run then return known[2] end
redis.call('HSET', KEYS[1], 'run', run, 'since', ARGV[1])
return ARGV[1]";

/// One Redis, as one node sees it.
pub(super) struct Redis {
    client: Client,
    line: ArcSwap<ConnectionManager>,
    prefix: String,
    scripts: Scripts,
}

struct Scripts {
    lay_new: Script,
    get: Script,
    swap: Script,
    consume: Script,
    remove: Script,
    marks_since: Script,
}

impl Redis {
    /// Connects and refuses a Redis that could evict.
    pub(super) async fn open(url: &str, prefix: &str) -> Result<Self, EphemeralError> {
        let client = client(url).map_err(|error| EphemeralError::Unfit(format!("no usable Redis URL: {error}")))?;
        let connecting = ConnectionManager::new_with_config(client.clone(), manner());
        let line = connecting.await.map_err(unavailable)?;
        let (margin, longest) = (GARBAGE_MARGIN.as_millis(), LONGEST_LIFE.as_millis());
        let known = format!("local margin, longest = {margin}, {longest}\n");
        let prelude = |body: &str| Script::new(&format!("{known}{PRELUDE}{body}"));
        let this = Self {
            client,
            line: ArcSwap::from_pointee(line),
            prefix: prefix.to_owned(),
            scripts: Scripts {
                lay_new: prelude(LAY_NEW),
                get: prelude(GET),
                swap: prelude(SWAP),
                consume: prelude(CONSUME),
                remove: Script::new(REMOVE),
                marks_since: Script::new(MARKS_SINCE),
            },
        };
        this.check().await?;
        Ok(this)
    }

    /// Asks `INFO` for the policy, which is answered where `CONFIG` is closed.
    pub(super) async fn check(&self) -> Result<(), EphemeralError> {
        let line = self.line.load_full();
        let info = async {
            let mut connection = ConnectionManager::clone(&line);
            redis::cmd("INFO").arg("memory").query_async::<String>(&mut connection).await
        };
        let info = self.within(&line, info).await?.map_err(unavailable)?;
        match field(&info, "maxmemory_policy:") {
            Some("noeviction") => Ok(()),
            policy => Err(EphemeralError::Unfit(format!(
                "Redis has maxmemory-policy {}, under which it may drop the mark of a used code or assertion and \
                 so allow its replay: set maxmemory-policy to noeviction",
                policy.unwrap_or("unknown")
            ))),
        }
    }

    pub(super) async fn put(
        &self,
        kind: Kind,
        key: &str,
        entry: Entry<'_>,
        now: Instant,
    ) -> Result<Put, EphemeralError> {
        let mut call = self.scripts.lay_new.key(self.key(kind, key));
        call.arg(now.millis()).arg("value").arg(entry.value);
        let stored: bool = self.run(kind, ends(&mut call, entry.expires_at, now)).await?;
        Ok(if stored { Put::Stored } else { Put::Exists })
    }

    pub(super) async fn get(&self, kind: Kind, key: &str, now: Instant) -> Result<Option<Vec<u8>>, EphemeralError> {
        self.run(kind, self.scripts.get.key(self.key(kind, key)).arg(now.millis())).await
    }

    pub(super) async fn swap(
        &self,
        kind: Kind,
        key: &str,
        swap: Swap<'_>,
        now: Instant,
    ) -> Result<bool, EphemeralError> {
        let mut call = self.scripts.swap.key(self.key(kind, key));
        call.arg(now.millis()).arg(swap.seen).arg(swap.new);
        self.run(kind, ends(&mut call, swap.expires_at, now)).await
    }

    pub(super) async fn consume(
        &self,
        kind: Kind,
        key: &str,
        by: Use<'_>,
        now: Instant,
    ) -> Result<Consumed, EphemeralError> {
        let mut call = self.scripts.consume.key(self.key(kind, key));
        call.arg(now.millis()).arg(by.mark);
        let (shape, body): (String, Vec<u8>) = self.run(kind, ends(&mut call, by.until, now)).await?;
        Ok(match shape.as_str() {
            "value" => Consumed::Fresh(body),
            "spent" => Consumed::Spent(String::from_utf8_lossy(&body).into_owned()),
            _ => Consumed::Unknown,
        })
    }

    pub(super) async fn claim(
        &self,
        kind: Kind,
        key: &str,
        expires_at: Instant,
        now: Instant,
    ) -> Result<bool, EphemeralError> {
        let mut call = self.scripts.lay_new.key(self.key(kind, key));
        call.arg(now.millis()).arg("mark").arg("");
        self.run(kind, ends(&mut call, expires_at, now)).await
    }

    pub(super) async fn remove(&self, kind: Kind, key: &str) -> Result<(), EphemeralError> {
        let _removed: i64 = self.run(kind, &self.scripts.remove.key(self.key(kind, key))).await?;
        Ok(())
    }

    pub(super) async fn marks_since(&self, now: Instant) -> Result<Instant, EphemeralError> {
        let mut call = self.scripts.marks_since.key(format!("{}:marks-since", self.prefix));
        self.run(Kind::JtiMark, call.arg(now.millis())).await.map(Instant::from_millis)
    }

    fn key(&self, kind: Kind, key: &str) -> String {
        format!("{}:{}:{key}", self.prefix, kind.word())
    }

    async fn run<T: FromRedisValue>(&self, kind: Kind, call: &ScriptInvocation<'_>) -> Result<T, EphemeralError> {
        let line = self.line.load_full();
        let tried = async {
            let mut connection = ConnectionManager::clone(&line);
            match call.invoke_async(&mut connection).await {
                // Nobody listened when the manager last tried, so nothing was sent; it tries again now.
                Err(error) if error.is_connection_refusal() => call.invoke_async(&mut connection).await,
                other => other,
            }
        };
        self.within(&line, tried).await?.map_err(|error| match error.code() {
            Some("OOM") => EphemeralError::Full(kind),
            _ => unavailable(error),
        })
    }

    /// Bounds the wait, and leaves a line on which an answer came late.
    async fn within<T>(
        &self,
        line: &Arc<ConnectionManager>,
        answer: impl Future<Output = RedisResult<T>>,
    ) -> Result<RedisResult<T>, EphemeralError> {
        let answer = tokio::time::timeout(ANSWER_WITHIN, answer).await;
        if answer.is_err() {
            let fresh = ConnectionManager::new_lazy_with_config(self.client.clone(), manner()).map_err(unavailable)?;
            self.line.compare_and_swap(line, Arc::new(fresh));
        }
        answer.map_err(|_| EphemeralError::Unavailable("no answer from Redis in time".to_owned()))
    }
}

/// RESP3, because only then the manager hears of a closed connection before the next operation does.
pub(super) fn client(url: &str) -> RedisResult<Client> {
    let info = url.into_connection_info()?;
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Client::open(info.set_redis_settings(settings))
}

/// Answers are bounded by [`ANSWER_WITHIN`], not by the library, which would keep the connection.
fn manner() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_number_of_retries(1)
        .set_min_delay(Duration::from_millis(20))
        .set_max_delay(Duration::from_millis(50))
        .set_connection_timeout(Some(CONNECT_WITHIN))
        .set_response_timeout(None)
}

/// Adds the end of an entry and how long Redis keeps it.
fn ends<'a, 'b>(call: &'b mut ScriptInvocation<'a>, end: Instant, now: Instant) -> &'b mut ScriptInvocation<'a>
where
    'a: 'b,
{
    let life = end.since(now).saturating_add(GARBAGE_MARGIN).min(LONGEST_LIFE);
    call.arg(end.millis()).arg(u64::try_from(life.as_millis()).unwrap_or(u64::MAX))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
fn unavailable(error: RedisError) -> EphemeralError {
    EphemeralError::Unavailable(error.to_string())
}
