//! Redis: does it answer, and does it keep what it promised.

use gapura_store::ephemeral::{self, RedisFault};

use super::{Check, Finding, Findings, Visit};

pub(super) async fn check(visit: &Visit<'_>) -> Findings {
    let Some(url) = &visit.settings.redis else {
        return Finding::ok(Check::Redis, "redis-none").alone();
    };
    let found = match ephemeral::look(url.expose()).await {
        Ok(seen) if !seen.keeps_promises() => {
            Finding::failure(Check::Redis, "redis-evicts").with("policy", seen.policy)
        }
        Ok(seen) if seen.appends => Finding::ok(Check::Redis, "redis-ok"),
        Ok(_) => Finding::ok(Check::Redis, "redis-ok-forgets"),
        Err(RedisFault::Url) => Finding::failure(Check::Redis, "redis-url"),
        Err(RedisFault::Login) => Finding::failure(Check::Redis, "redis-login"),
        Err(RedisFault::Unreachable(why)) => Finding::failure(Check::Redis, "redis-unreachable").with("why", why),
    };
    found.alone()
}
