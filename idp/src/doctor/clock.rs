//! This machine's clock, beside every other clock there is: PostgreSQL's, Redis's, that of a server named on
//! the command line, and the newest event in the database, which cannot lie ahead.
//!
//! Tokens, sessions and links end by the clock; nodes believe each other by it; the audit trail is worth as
//! much as its times.

use std::time::Duration;

use gapura_core::time::Instant;
use gapura_store::{audit, ephemeral};

use super::{Check, Finding, Findings, Level, Visit, unread};

/// From here on a clock is worth a look: one-time codes and the audit trail suffer first.
const OFF: Duration = Duration::from_secs(2);
/// From here on nodes and applications misjudge what has ended.
const FAR: Duration = Duration::from_secs(10);

/// Another clock, as it was read between two looks at ours.
#[derive(Clone, Copy, Debug)]
struct Reading {
    before: Instant,
    theirs: Instant,
    after: Instant,
    /// What the other clock leaves out of its answer.
    grain: Duration,
}

impl Reading {
    /// How far apart the clocks are for certain: the answer's way and the grain are in our favour.
    fn apart(self) -> Duration {
        let latest = self.theirs.plus(self.grain);
        self.before.since(latest).max(self.theirs.since(self.after))
    }

    fn judge(self, source: &str) -> Finding {
        let apart = self.apart();
        let (level, code) = match apart {
            apart if apart >= FAR => (Level::Failure, "clock-far"),
            apart if apart >= OFF => (Level::Warning, "clock-off"),
            _ => (Level::Ok, "clock-ok"),
        };
        let seconds = apart.as_secs();
        let way = if self.theirs.since(self.after) > Duration::ZERO { "-" } else { "+" };
        let off = if apart >= OFF { format!("{way}{seconds}") } else { "0".to_owned() };
        Finding::new(level, Check::Clock, code).with("source", source).with("seconds", off)
    }
}

//= BSSN4-2021#6.g
pub(super) async fn check(visit: &Visit<'_>, clock_from: Option<&str>) -> Findings {
    let (database, redis, server) = tokio::join!(of_database(visit), of_redis(visit), async {
        match clock_from {
            Some(url) => Some(of_server(visit, url).await),
            None => None,
        }
    });
    let mut findings: Findings = database.into_iter().chain(redis).chain(server).collect();
    let Some(db) = visit.db else { return findings };
    match audit::newest(db).await {
        Ok(Some(newest)) => findings.push(judge_newest(visit.clock.now(), newest)),
        Ok(None) => {}
        Err(why) => findings.extend(unread(Check::Clock, &why)),
    }
    findings
}

async fn of_database(visit: &Visit<'_>) -> Option<Finding> {
    let before = visit.clock.now();
    match visit.db?.clock().await {
        Ok(theirs) => {
            let reading = Reading { before, theirs: theirs?, after: visit.clock.now(), grain: Duration::ZERO };
            Some(reading.judge("PostgreSQL"))
        }
        Err(why) => unread(Check::Clock, &why).pop(),
    }
}

/// Silence is the affair of another check.
async fn of_redis(visit: &Visit<'_>) -> Option<Finding> {
    let before = visit.clock.now();
    let seen = ephemeral::look(visit.settings.redis.as_ref()?.expose()).await.ok()?;
    let reading = Reading { before, theirs: seen.clock, after: visit.clock.now(), grain: Duration::ZERO };
    Some(reading.judge("Redis"))
}

async fn of_server(visit: &Visit<'_>, url: &str) -> Finding {
    let before = visit.clock.now();
    match visit.probe.get(url, None, before).await.map(|probed| probed.date) {
        Ok(Some(theirs)) => {
            Reading { before, theirs, after: visit.clock.now(), grain: Duration::from_secs(1) }.judge(url)
        }
        _ => Finding::failure(Check::Clock, "clock-unknown").with("source", url),
    }
}

/// What has happened lies behind us.
fn judge_newest(now: Instant, newest: Instant) -> Finding {
    let ahead = newest.since(now);
    if ahead >= OFF {
        return Finding::failure(Check::Clock, "clock-behind").with("seconds", ahead.as_secs());
    }
    Finding::ok(Check::Clock, "clock-ahead-of-events")
}

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;
