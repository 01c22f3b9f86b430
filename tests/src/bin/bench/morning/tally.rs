//! What people met, and whether it is what a city may expect.

use std::{cell::RefCell, time::Duration};

use crate::{
    load::Figures,
    table::{Goal, judged},
};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// As it should.
    Served,
    /// The queue page: come back in a moment.
    Queued,
    /// A page or answer that says so: 503 with a reference code or an OAuth error.
    Unavailable,
    /// 429: slowed down or locked out.
    LockedOut,
    /// Any other status, 500 among them.
    Wrong(u16),
    /// No answer in half a minute.
    TimedOut,
    /// Nobody listened, or the connection broke.
    Unreachable,
}

/// What kind of request it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `/authorize`.
    Authorize,
    /// The sign-in page.
    Page,
    /// Its form, with a password.
    Password,
    /// `/token`.
    Token,
    /// `/userinfo`.
    Userinfo,
    /// `/introspect`.
    Introspect,
}

/// Every request of a scenario.
#[derive(Default)]
pub(super) struct Tally {
    requests: RefCell<Vec<(Step, Ending, Duration)>>,
    /// From when a person first came to when they were in, for everybody who was.
    served: RefCell<Vec<Duration>>,
}

impl Tally {
    pub(super) fn note(&self, step: Step, ending: Ending, took: Duration) {
        self.requests.borrow_mut().push((step, ending, took));
    }

    pub(super) fn is_in(&self, after: Duration) {
        self.served.borrow_mut().push(after);
    }

    /// How many people are in.
    pub(super) fn people(&self) -> usize {
        self.served.borrow().len()
    }

    /// When the last of them was.
    pub(super) fn last(&self) -> Duration {
        self.served.borrow().iter().max().copied().unwrap_or_default()
    }

    pub(super) fn count(&self, is: impl Fn(Ending) -> bool) -> usize {
        self.requests.borrow().iter().filter(|(_, ending, _)| is(*ending)).count()
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.borrow().len()
    }

    /// Latencies of the requests that were served, of one step or of all.
    pub(super) fn served(&self, of: Option<Step>) -> Figures {
        let requests = self.requests.borrow();
        let served = requests
            .iter()
            .filter(|(step, ending, _)| *ending == Ending::Served && of.is_none_or(|wanted| wanted == *step));
        Figures::of(served.map(|(_, _, took)| *took).collect(), Duration::from_secs(1), 0.0)
    }

    /// The share of requests that ended as nobody should see it; an outage that is announced is not counted.
    pub(super) fn errors(&self) -> f64 {
        let bad = self.count(|ending| {
            matches!(ending, Ending::Wrong(_) | Ending::TimedOut | Ending::Unreachable | Ending::Unavailable)
        });
        bad as f64 / self.requests().max(1) as f64
    }

    /// Endings that are not `Served`, with how often.
    pub(super) fn others(&self) -> String {
        let requests = self.requests.borrow();
        let mut seen: Vec<(Ending, usize)> = Vec::new();
        for (_, ending, _) in requests.iter().filter(|(_, ending, _)| *ending != Ending::Served) {
            match seen.iter_mut().find(|(known, _)| known == ending) {
                Some((_, count)) => *count += 1,
                None => seen.push((*ending, 1)),
            }
        }
        let shown = seen.iter().map(|(ending, count)| format!("{count} {ending:?}")).collect::<Vec<_>>();
        if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
    }
}

/// The rows of one scenario.
pub(super) struct Verdict {
    title: String,
    rows: Vec<(String, String, Vec<Goal>)>,
}

impl Verdict {
    pub(super) fn new(title: String) -> Self {
        Self { title, rows: Vec::new() }
    }

    pub(super) fn row(&mut self, name: &str, value: String, goals: Vec<Goal>) {
        self.rows.push((name.to_owned(), value, goals));
    }

    pub(super) fn is_met(&self) -> bool {
        self.rows.iter().all(|(_, _, goals)| goals.iter().all(Goal::is_met))
    }

    pub(super) fn print(&self) {
        println!("\n### {}\n\n| | | asked | met |\n|---|---:|---|---|", self.title);
        for (name, value, goals) in &self.rows {
            println!("| {name} | {value} | {} |", judged(goals));
        }
    }
}

/// A count that must be nothing.
pub(super) fn none(count: usize) -> Vec<Goal> {
    vec![Goal::at_most(count as f64, 0.0, "of them")]
}

/// The figures asked of a normal morning.
pub(super) fn normal(verdict: &mut Verdict, tally: &Tally, expected: usize) {
    let (all, passwords) = (tally.served(None), tally.served(Some(Step::Password)));
    let people = tally.people();
    verdict.row("people who came, and are in", format!("{expected}, {people}"), none(expected - people));
    let goals = vec![Goal::at_most(all.p95_ms, 500.0, "ms p95"), Goal::at_most(all.p99_ms, 1_500.0, "ms p99")];
    verdict.row("requests: p50, p95, p99", shown(all), goals);
    verdict.row("the password form alone: p50, p95, p99", shown(passwords), vec![]);
    let errors = vec![Goal::at_most(tally.errors() * 100.0, 0.1, "% of requests")];
    verdict.row("requests that ended otherwise", tally.others(), errors);
    verdict.row("locked out", String::new(), none(tally.count(|ending| ending == Ending::LockedOut)));
}

pub(super) fn shown(figures: Figures) -> String {
    format!("{:.0}, {:.0}, {:.0} ms", figures.p50_ms, figures.p95_ms, figures.p99_ms)
}
