//! Figures as Markdown, each beside its ceiling and its goal.

use crate::load::Figures;

/// What performance asks of a figure, and whether it is so.
pub(crate) struct Goal {
    text: String,
    shown: String,
    is_met: bool,
}

impl Goal {
    /// So much of a ceiling measured in the same run. The lower of two shares decides: of the rate, and of
    /// the processor time, which is the truer one where the generator and not the server is the limit.
    pub(crate) fn share(of: Figures, ceiling: Figures, at_least: f64) -> Self {
        let share = rate_share(of, ceiling).min(cpu_share(of, ceiling));
        Self::at_least(share, at_least, "of it")
    }

    /// So much of what the library does in a loop.
    pub(crate) fn of_raw(of: Figures, loops: f64, (at_least, what): (f64, &str)) -> Self {
        Self::at_least(of.rate / loops, at_least, &format!("of raw {what}"))
    }

    /// At least this share.
    pub(crate) fn at_least(share: f64, at_least: f64, of_what: &str) -> Self {
        Self { text: format!("≥ {} {of_what}", percent(at_least)), shown: percent(share), is_met: share >= at_least }
    }

    /// At most so many of a unit.
    pub(crate) fn at_most(value: f64, most: f64, unit: &str) -> Self {
        Self {
            text: format!("≤ {} {unit}", short(most)),
            shown: format!("{} {unit}", short(value)),
            is_met: value <= most,
        }
    }

    /// The same, said with what the bound is made of.
    pub(crate) fn below(value: f64, most: f64, (unit, bound): (&str, &str)) -> Self {
        Self { text: format!("≤ {bound}"), ..Self::at_most(value, most, unit) }
    }
}

impl Goal {
    pub(crate) const fn is_met(&self) -> bool {
        self.is_met
    }
}

/// The two last columns: what is asked, and whether it is met, with the figure where it is not.
pub(crate) fn judged(goals: &[Goal]) -> String {
    let asked = goals.iter().map(|goal| goal.text.as_str()).collect::<Vec<_>>().join("; ");
    let met = goals.iter().map(|goal| match (goal.is_met, goal.shown.as_str()) {
        (true, shown) => format!("yes ({shown})"),
        (false, shown) => format!("**no** ({shown})"),
    });
    format!("{asked} | {}", met.collect::<Vec<_>>().join("; "))
}

/// The head of a table of loads.
pub(crate) fn heading() {
    println!(
        "| | a second | p50 ms | p99 ms | cpu us | of its ceiling: rate, cpu | goal | met |\n\
         |---|---:|---:|---:|---:|---:|---|---|"
    );
}

/// One load.
pub(crate) fn row(name: &str, figures: Figures, ceiling: Option<Figures>, goals: &[Goal]) {
    let of_ceiling = ceiling.map_or(String::new(), |ceiling| shares(figures, ceiling));
    println!(
        "| {name} | {} | {:.2} | {:.2} | {:.0} | {of_ceiling} | {} |",
        rate(figures),
        figures.p50_ms,
        figures.p99_ms,
        figures.cpu_us,
        judged(goals)
    );
}

/// The two shares of a ceiling.
pub(crate) fn shares(figures: Figures, ceiling: Figures) -> String {
    format!("{}, {}", percent(rate_share(figures, ceiling)), percent(cpu_share(figures, ceiling)))
}

pub(crate) fn rate_share(figures: Figures, ceiling: Figures) -> f64 {
    figures.rate / ceiling.rate
}

pub(crate) fn cpu_share(figures: Figures, ceiling: Figures) -> f64 {
    ceiling.cpu_us / figures.cpu_us
}

pub(crate) fn rate(figures: Figures) -> String {
    if figures.rate < 1000.0 { format!("{:.1}", figures.rate) } else { format!("{:.0}", figures.rate) }
}

pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn short(value: f64) -> String {
    if value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}
