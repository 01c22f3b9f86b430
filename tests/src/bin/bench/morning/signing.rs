//! Scenario 8: what it costs to sign ID tokens by RSA for old libraries.

use std::time::Duration;

use gapura_tests::{Pair, provider::Provider};

use super::tally::Verdict;
use crate::{
    bare::SERVER_CORE,
    city::City,
    core_load::code_flow,
    load::{CONNECTIONS, run as load},
    person::Person,
    table::{Goal, rate},
};

const SECONDS: Duration = Duration::from_secs(5);

pub(super) async fn run() -> Verdict {
    let mut provider = Provider::new(Pair::SqliteMemory).through(&SERVER_CORE);
    let city = City::load(&provider, &["opd", "akun", "aplikasi", "peran"]);
    provider.serve();
    let mut verdict = Verdict::new("8. ID tokens by RS256 beside ES256, one core saturated".to_owned());
    let mut costs = Vec::new();
    for alg in ["ES256", "RS256"] {
        let people = city.signed_in(CONNECTIONS, alg).await;
        let refresh = async |mut person: Person| {
            person.refresh().await;
            person
        };
        let (refreshed, people) = load(provider.pid(), SECONDS, people, refresh).await;
        let (entered, _) = load(provider.pid(), SECONDS, people, code_flow).await;
        for (name, figures) in [("refresh", refreshed), ("code flow", entered)] {
            let shown = format!("{}/s, {:.0} us of processor", rate(figures), figures.cpu_us);
            verdict.row(&format!("{name}, {alg}"), shown, vec![]);
        }
        costs.push(entered.cpu_us);
    }
    let dearer = costs[1] - costs[0];
    // ES256 is the default because of this; whoever finds it untrue should know.
    let goal = Goal::at_least(costs[1] / costs[0], 1.0, "of ES256");
    verdict.row("an RS256 ID token costs more by", format!("{dearer:.0} us"), vec![goal]);
    verdict
}
