//! Sessions in Redis: shared by the machines of one application.

use futures::future::{BoxFuture, FutureExt};
use redis::{AsyncCommands, Client, Script, aio::ConnectionManager};

use super::{Ended, Session, SessionKey, SessionStore, StoreError};
use crate::clock::Clock;

/// Keeps a session unless a mark covers it. Keys: session, its sub's set, its sid's set, marks of the sub, marks of the
/// sid. A set is ordered by when its sessions end, so that those which ended by themselves leave it. A mark is a member of a hash: by `sub`, the moment and its end; by `sid`, the sub (or `*`) and its end.
const INSERT: &str = r"
local now = tonumber(ARGV[1])
local function covered(key, test)
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    if tonumber(all[i + 1]) > now and test(all[i]) then return true end
  end
  return false
end
if covered(KEYS[4], function(at) return tonumber(ARGV[5]) <= tonumber(at) end) then return 0 end
if ARGV[4] ~= '' and covered(KEYS[5], function(sub) return sub == '*' or sub == '=' .. ARGV[3] end) then return 0 end
redis.call('HSET', KEYS[1], 'session', ARGV[7], 'sub', ARGV[3], 'sid', ARGV[4], 'at', ARGV[5], 'end', ARGV[6])
local live = math.max(1, tonumber(ARGV[6]) - now)
redis.call('EXPIRE', KEYS[1], live)
for i = 2, 3 do
  if i == 2 or ARGV[4] ~= '' then
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now)
    redis.call('ZADD', KEYS[i], ARGV[6], ARGV[2])
    if redis.call('TTL', KEYS[i]) < live then redis.call('EXPIRE', KEYS[i], live) end
  end
end
return 1";

/// Replaces a session that is still there and has the tokens that were read; a renewal changes neither its sub nor its
/// sid.
const UPDATE: &str = r"
local kept = redis.call('HMGET', KEYS[1], 'end', 'session')
if not kept[1] or tonumber(kept[1]) <= tonumber(ARGV[1]) then return 0 end
local tokens = cjson.decode(kept[2])['tokens']
local refresh = tokens['refresh']
if refresh == nil or refresh == cjson.null then refresh = '' end
if tokens['access'] ~= ARGV[3] or refresh ~= ARGV[4] then return 0 end
redis.call('HSET', KEYS[1], 'session', ARGV[2])
return 1";

/// Takes a session away; its text. Keys: the session, then the beginnings of sets by sub and by sid.
const REMOVE: &str = r"
local found = redis.call('HMGET', KEYS[1], 'session', 'sub', 'sid')
redis.call('DEL', KEYS[1])
for i = 2, 3 do
  if found[i] and found[i] ~= '' then redis.call('ZREM', KEYS[i] .. found[i], ARGV[1]) end
end
return found[1]";

/// Sets the mark and removes what it covers. Keys: the set, the marks, then the beginning of session keys.
const END: &str = r"
local now = tonumber(ARGV[1])
local old = redis.call('HGETALL', KEYS[2])
for i = 1, #old, 2 do
  if tonumber(old[i + 1]) <= now then redis.call('HDEL', KEYS[2], old[i]) end
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
local live = math.max(1, tonumber(ARGV[3]) - now)
if redis.call('TTL', KEYS[2]) < live then redis.call('EXPIRE', KEYS[2], live) end
local gone = 0
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local key = KEYS[3] .. name
  local found = redis.call('HMGET', key, 'sub', 'at')
  if not found[1] then
    redis.call('ZREM', KEYS[1], name)
  elseif (ARGV[4] == 'sid' and (ARGV[2] == '*' or ARGV[2] == '=' .. found[1]))
      or (ARGV[4] == 'sub' and tonumber(found[2]) <= tonumber(ARGV[2])) then
    redis.call('DEL', key)
    redis.call('ZREM', KEYS[1], name)
    gone = gone + 1
  end
end
return gone";

/// Takes an identifier once.
const CLAIM: &str = r"
local till = redis.call('GET', KEYS[1])
if till and tonumber(till) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', math.max(1, tonumber(ARGV[2]) - tonumber(ARGV[1])))
return 1";

/// Gives back what was taken until exactly then.
const RELEASE: &str = r"
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1";

/// Keeps sessions in one Redis (not a cluster), under keys that begin with a prefix of the application's.
///
/// Redis must run `maxmemory-policy noeviction`: an evicted mark is a sign-out forgotten. A Redis that loses its memory
/// signs people out of this application; the provider's session brings them back without a question.
///
/// ```no_run
/// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use gapura_client::{Clock, Gapura, RedisStore};
///
/// let store = RedisStore::connect("redis://cache", "presensi", Clock::system()).await?;
/// let gapura = Gapura::builder("https://sso.kota.go.id", "presensi", "https://presensi.kota.go.id")
///     .client_secret("from the registration")
///     .session_store(Arc::new(store))
///     .build()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    connection: ConnectionManager,
    prefix: String,
    clock: Clock,
}

impl RedisStore {
    /// Connects to a `redis://` or `rediss://` URL. Two applications in one Redis have two prefixes.
    ///
    /// # Errors
    /// Redis does not answer, or may throw keys away when its memory is full.
    pub async fn connect(url: &str, prefix: &str, clock: Clock) -> Result<Self, StoreError> {
        let mut connection = Client::open(url)?.get_connection_manager().await?;
        let info: String = redis::cmd("INFO").arg("memory").query_async(&mut connection).await?;
        let policy = info.lines().find_map(|line| line.strip_prefix("maxmemory_policy:")).map(str::trim);
        if policy != Some("noeviction") {
            let found = policy.unwrap_or("unknown");
            return Err(StoreError(format!("Redis: maxmemory-policy is {found}; set it to noeviction")));
        }
        Ok(Self { connection, prefix: prefix.to_owned(), clock })
    }

    fn name(&self, kind: &str, name: &str) -> String {
        format!("{}:{kind}:{name}", self.prefix)
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<Session>, StoreError> {
        let mut connection = self.connection.clone();
        let session: Option<String> = connection.hget(self.name("session", key.as_str()), "session").await?;
        let session = session.map(|text| Session::from_text(&text)).transpose()?;
        Ok(session.filter(|session| session.expires_at() > self.clock.now()))
    }

    async fn add(&self, key: &SessionKey, session: &Session) -> Result<bool, StoreError> {
        let sid = session.sid().unwrap_or_default();
        let kept: i64 = Script::new(INSERT)
            .key(self.name("session", key.as_str()))
            .key(self.name("all-of-sub", session.sub()))
            .key(self.name("all-of-sid", sid))
            .key(self.name("ended-sub", session.sub()))
            .key(self.name("ended-sid", sid))
            .arg(self.clock.now())
            .arg(key.as_str())
            .arg(session.sub())
            .arg(sid)
            .arg(session.issued_at())
            .arg(session.expires_at())
            .arg(session.to_text()?)
            .invoke_async(&mut self.connection.clone())
            .await?;
        Ok(kept == 1)
    }

    async fn replace(&self, key: &SessionKey, read: &Session, session: &Session) -> Result<bool, StoreError> {
        let there: i64 = Script::new(UPDATE)
            .key(self.name("session", key.as_str()))
            .arg(self.clock.now())
            .arg(session.to_text()?)
            .arg(&read.tokens.access)
            .arg(read.tokens.refresh.as_deref().unwrap_or_default())
            .invoke_async(&mut self.connection.clone())
            .await?;
        Ok(there == 1)
    }

    async fn take(&self, key: &SessionKey) -> Result<Option<Session>, StoreError> {
        let session: Option<String> = Script::new(REMOVE)
            .key(self.name("session", key.as_str()))
            .key(self.name("all-of-sub", ""))
            .key(self.name("all-of-sid", ""))
            .arg(key.as_str())
            .invoke_async(&mut self.connection.clone())
            .await?;
        session.map(|text| Session::from_text(&text)).transpose()
    }

    async fn end_all(&self, ended: &Ended, mark_until: i64) -> Result<usize, StoreError> {
        let (by, name, mark) = match ended {
            Ended::Sid { sid, sub: None } => ("sid", sid, "*".to_owned()),
            Ended::Sid { sid, sub: Some(sub) } => ("sid", sid, format!("={sub}")),
            Ended::Sub { sub, at } => ("sub", sub, at.to_string()),
        };
        let gone: usize = Script::new(END)
            .key(self.name(&format!("all-of-{by}"), name))
            .key(self.name(&format!("ended-{by}"), name))
            .key(self.name("session", ""))
            .arg(self.clock.now())
            .arg(mark)
            .arg(mark_until)
            .arg(by)
            .invoke_async(&mut self.connection.clone())
            .await?;
        Ok(gone)
    }

    async fn claimed(&self, id: &str, until: i64) -> Result<bool, StoreError> {
        let fresh: i64 = Script::new(CLAIM)
            .key(self.name("claim", id))
            .arg(self.clock.now())
            .arg(until)
            .invoke_async(&mut self.connection.clone())
            .await?;
        Ok(fresh == 1)
    }

    async fn given_back(&self, id: &str, until: i64) -> Result<(), StoreError> {
        let _: i64 = Script::new(RELEASE)
            .key(self.name("claim", id))
            .arg(until)
            .invoke_async(&mut self.connection.clone())
            .await?;
        Ok(())
    }
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl From<redis::RedisError> for StoreError {
    fn from(error: redis::RedisError) -> Self {
        Self(format!("Redis: {error}"))
    }
}

impl SessionStore for RedisStore {
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
