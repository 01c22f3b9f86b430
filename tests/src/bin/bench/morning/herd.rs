//! Scenario 3, the thundering herd: the provider could not be reached, then 6,500 people try every ten to
//! thirty seconds until they are in. The outage is shorter than that of the model: what it leaves behind, the
//! herd and its rhythm, is the same.

use std::time::{Duration, Instant};

use super::{
    arrivals::Chance,
    staff::Town,
    tally::{Ending, Step, Tally, Verdict, none, shown},
    visit::Visitor,
};
use crate::table::Goal;

/// Everybody who wants in.
pub(super) const PEOPLE: usize = 6_500;
/// Nobody answers so long; by its end everybody has tried.
const OUTAGE: Duration = Duration::from_secs(45);
/// Everybody is in by then.
const WITHIN: Duration = Duration::from_secs(600);

/// Nobody, then everybody.
pub(super) async fn run(town: &mut Town) -> Verdict {
    let (outage, herd) = (Tally::default(), Tally::default());
    let begun = Instant::now();
    let back = begun + OUTAGE;
    let door = town.door();
    let people = town.typing[..PEOPLE].to_vec();
    let tries = people.iter().enumerate().map(|(place, name)| {
        let mut chance = Chance::new(place as u64);
        let (door, outage, herd) = (&door, &outage, &herd);
        async move {
            tokio::time::sleep(chance.between(0, OUTAGE.as_secs())).await;
            loop {
                let tally = if Instant::now() < back { outage } else { herd };
                let tried = Visitor::new(door, tally, name, String::new()).enter(0).await;
                match tried {
                    Ok(()) => return herd.is_in(back.elapsed()),
                    Err(_) if begun.elapsed() > OUTAGE + 2 * WITHIN => return,
                    Err(not_yet) => tokio::time::sleep(not_yet.after.max(chance.between(10, 30))).await,
                }
            }
        }
    });
    let served = async {
        tokio::time::sleep_until(back.into()).await;
        town.provider.serve();
    };
    futures::future::join(futures::future::join_all(tries), served).await;

    let mut verdict = Verdict::new(format!(
        "3. Thundering herd: unreachable for {} s, then {PEOPLE} people by password, each again after 10 to 30 s",
        OUTAGE.as_secs()
    ));
    let (all, passwords) = (herd.served(None), herd.served(Some(Step::Password)));
    let queued = herd.count(|ending| ending == Ending::Queued);
    verdict.row("attempts during the outage", outage.requests().to_string(), vec![]);
    verdict.row("people who are in", herd.people().to_string(), none(PEOPLE - herd.people()));
    let last = herd.last().as_secs_f64();
    let goal = Goal::at_most(last, WITHIN.as_secs_f64(), "s");
    verdict.row("the last of them, after it was back", format!("{last:.0} s"), vec![goal]);
    let goal = Goal::at_most(all.p95_ms, 1_000.0, "ms p95");
    verdict.row("admitted requests: p50, p95, p99", shown(all), vec![goal]);
    let goal = Goal::at_most(passwords.p95_ms, 1_000.0, "ms p95");
    verdict.row("of these the password form: p50, p95, p99", shown(passwords), vec![goal]);
    verdict.row(
        "put off by the queue page",
        queued.to_string(),
        vec![Goal::at_least(queued.min(1) as f64, 1.0, "of runs")],
    );
    verdict.row("requests that ended otherwise", herd.others(), vec![Goal::at_most(herd.errors() * 100.0, 0.1, "%")]);
    verdict.row("time-outs", String::new(), none(herd.count(|ending| ending == Ending::TimedOut)));
    verdict.row("locked out", String::new(), none(herd.count(|ending| ending == Ending::LockedOut)));
    town.provider.stop();
    verdict
}
