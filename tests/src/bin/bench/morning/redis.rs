//! Scenario 7: PostgreSQL and Redis; Redis is killed at the peak and comes back empty.

use std::time::{Duration, Instant};

use gapura_tests::{own_servers::OwnServer, provider::Provider, servers::postgres};

use super::{
    arrivals::{Chance, morning, within},
    peak::visit,
    staff::Town,
    tally::{Ending, Step, Tally, Verdict, none, shown},
    visit::Visitor,
};
use crate::table::Goal;

/// Minutes after 07:00 that are lived through.
const WINDOW: (u64, u64) = (25, 27);
/// When Redis dies, and when it is back.
const KILLED: Duration = Duration::from_secs(40);
const BACK: Duration = Duration::from_secs(60);
/// People who type a password in the window.
const TYPING: usize = 500;
/// Applications whose people are in already.
const AT_WORK: usize = 20;

pub(super) async fn run() -> Verdict {
    let mut redis = OwnServer::redis();
    let storage = [postgres().database(None), redis.database()];
    let mut town = Town::ready(Provider::on(Some(storage), None, &[]), TYPING);
    town.open();
    let mut chance = Chance::new(7);
    let arrivals = within(&morning(&mut chance), WINDOW);
    let (door, at_work, coming) = (town.door(), Tally::default(), Tally::default());
    let mut working = Vec::new();
    for (name, cookies) in town.signed_in.iter().rev().take(AT_WORK) {
        let mut visitor = Visitor::new(&door, &at_work, name, cookies.clone());
        visitor.enter(0).await.unwrap();
        working.push(visitor);
    }
    let begun = Instant::now();
    let end = begun + Duration::from_secs((WINDOW.1 - WINDOW.0) * 60);
    let (mut typing, mut signed_in) = (town.typing.iter(), town.signed_in.iter());
    let mut visits = Vec::new();
    for due in &arrivals {
        let visitor = if chance.share() < 0.4 {
            Visitor::new(&door, &coming, typing.next().unwrap(), String::new())
        } else {
            let (name, cookies) = signed_in.next().unwrap();
            Visitor::new(&door, &coming, name, cookies.clone())
        };
        visits.push(visit(visitor, begun + *due, Chance::new(visits.len() as u64), &coming));
    }
    let work = futures::future::join_all(working.into_iter().map(|visitor| work(visitor, end)));
    let outage = async {
        tokio::time::sleep_until((begun + KILLED).into()).await;
        redis.kill();
        tokio::time::sleep_until((begun + BACK).into()).await;
        redis.start();
    };
    futures::future::join3(futures::future::join_all(visits), work, outage).await;

    let down = (BACK - KILLED).as_secs();
    let mut verdict = Verdict::new(format!(
        "7. Redis killed at the peak for {down} s (PostgreSQL and Redis, 07:{}-07:{}, {} arrivals)",
        WINDOW.0,
        WINDOW.1,
        arrivals.len()
    ));
    let works = [Step::Token, Step::Userinfo, Step::Introspect].map(|step| at_work.served(Some(step)));
    for (name, figures) in ["refresh", "userinfo", "introspection"].into_iter().zip(works) {
        let name = format!("{name} of people who are in: p50, p95, p99");
        verdict.row(&name, shown(figures), vec![Goal::at_most(figures.p95_ms, 500.0, "ms p95")]);
    }
    verdict.row("of these, ended otherwise", at_work.others(), none(at_work.count(|ending| ending != Ending::Served)));
    let missing = arrivals.len() - coming.people();
    verdict.row("people who came, and are in", format!("{}, {}", arrivals.len(), coming.people()), none(missing));
    let told = coming.count(|ending| ending == Ending::Unavailable);
    verdict.row("told that it is down (503 with a page)", told.to_string(), vec![]);
    verdict.row("ended otherwise", coming.others(), none(coming.count(is_wrong)));
    verdict.row("locked out", String::new(), none(coming.count(|ending| ending == Ending::LockedOut)));
    verdict.row("requests of those who came: p50, p95, p99", shown(coming.served(None)), vec![]);
    town.provider.stop();
    verdict
}

/// What nobody should see, Redis or not. A started sign-in whose request was forgotten says so with 400: it
/// starts again.
fn is_wrong(ending: Ending) -> bool {
    matches!(ending, Ending::Wrong(500..=599) | Ending::TimedOut | Ending::Unreachable)
}

/// Refreshes, asks for claims and introspects, a few times a second.
async fn work(mut visitor: Visitor<'_>, end: Instant) {
    while Instant::now() < end {
        // Each is noted, whatever comes of it.
        let _ = visitor.refresh(0).await;
        let _ = visitor.userinfo().await;
        let _ = visitor.introspect(0).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
