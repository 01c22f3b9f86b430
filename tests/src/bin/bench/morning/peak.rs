//! Scenario 1, the busiest minutes of a normal morning, and scenario 4, everybody behind one address.

use std::time::{Duration, Instant};

use super::{
    arrivals::{Chance, morning, within},
    staff::Town,
    tally::{self, Tally, Verdict},
    visit::{Door, NotYet, Visitor},
};

/// The window that is lived through, in minutes after 07:00: the mode of the arrivals lies at 07:25:48.
const WINDOW: (u64, u64) = (24, 28);
/// Of a hundred people, those who type a password.
const PASSWORDS: f64 = 0.40;
/// Most people who may type one in the window.
pub(super) const TYPING: usize = 1_000;
/// The city's network behind one address.
pub(super) const BEHIND_ONE_ADDRESS: usize = 2_000;
/// Full logins a second of the model's worst second for 7,000.
const WORST_SECOND: f64 = 13.9;

/// The normal peak.
pub(super) async fn normal(town: &mut Town) -> Verdict {
    town.open();
    let mut chance = Chance::new(1);
    let arrivals = within(&morning(&mut chance), WINDOW);
    let door = town.door();
    let tally = Tally::default();
    let begun = Instant::now();
    let (mut typing, mut signed_in) = (town.typing.iter(), town.signed_in.iter());
    let mut visits = Vec::new();
    for due in &arrivals {
        let visitor = if chance.share() < PASSWORDS {
            Visitor::new(&door, &tally, typing.next().unwrap(), String::new())
        } else {
            let (name, cookies) = signed_in.next().unwrap();
            Visitor::new(&door, &tally, name, cookies.clone())
        };
        visits.push(visit(visitor, begun + *due, Chance::new(visits.len() as u64), &tally));
    }
    futures::future::join_all(visits).await;
    let typed = town.typing.len() - typing.len();
    let minutes = WINDOW.1 - WINDOW.0;
    let mut verdict = Verdict::new(format!(
        "1. Normal peak: 07:{}-07:{} of 7,000 staff at true rates, {typed} of {} by password, then two or three \
         applications each",
        WINDOW.0,
        WINDOW.1,
        arrivals.len()
    ));
    tally::normal(&mut verdict, &tally, arrivals.len());
    let rate = tally.requests() as f64 / (minutes * 60) as f64;
    verdict.row("requests, a second", format!("{}, {rate:.0}", tally.requests()), vec![]);
    town.provider.stop();
    verdict
}

/// A city's network as the world sees it: one address, told by the proxy in front.
pub(super) async fn behind_one_address(town: &mut Town) -> Verdict {
    town.provider.set("GAPURA__SERVER__TRUSTED_PROXIES", "127.0.0.1");
    town.open();
    let door = Door { address: Some("203.0.113.7"), ..town.door() };
    let tally = Tally::default();
    let begun = Instant::now();
    let people = town.typing.iter().rev().take(BEHIND_ONE_ADDRESS).enumerate();
    let visits = people.map(|(place, name)| {
        let due = begun + Duration::from_secs_f64(place as f64 / WORST_SECOND);
        visit(Visitor::new(&door, &tally, name, String::new()), due, Chance::new(place as u64), &tally)
    });
    futures::future::join_all(visits).await;
    let mut verdict = Verdict::new(format!(
        "4. {BEHIND_ONE_ADDRESS} people behind one address, all by password, {WORST_SECOND} a second as in the worst \
         second"
    ));
    tally::normal(&mut verdict, &tally, BEHIND_ONE_ADDRESS);
    town.provider.stop();
    verdict
}

/// Comes at a moment, enters the first application, and two or three others a few seconds apart. Whoever is
/// put off by a page comes back when it says.
pub(super) async fn visit(mut visitor: Visitor<'_>, due: Instant, mut chance: Chance, tally: &Tally) {
    tokio::time::sleep_until(due.into()).await;
    if !tried(&mut visitor, 0, &mut chance).await {
        return;
    }
    tally.is_in(due.elapsed());
    let others = if chance.share() < 0.5 { 2 } else { 3 };
    for application in 1..=others {
        tokio::time::sleep(chance.between(2, 6)).await;
        tried(&mut visitor, application, &mut chance).await;
    }
}

/// Up to ten times; whether it succeeded.
async fn tried(visitor: &mut Visitor<'_>, application: usize, chance: &mut Chance) -> bool {
    for _ in 0..10 {
        match visitor.enter(application).await {
            Ok(()) => return true,
            Err(NotYet { after }) => tokio::time::sleep(after.max(chance.between(5, 10))).await,
        }
    }
    false
}
