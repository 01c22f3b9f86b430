//! Whether memory stays flat: a mixed load at a steady pace for minutes, looked at every ten seconds.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use gapura_tests::{Pair, provider::Provider};

use crate::{
    bare::SERVER_CORE,
    city::{ALL, City},
    core_load::{code_flow, lines, sign_in, strangers, token},
    line::Line,
    load::CONNECTIONS,
    pace::at_rate,
    person::Person,
    process::resident_mib,
    table::{Goal, judged},
};

const EVERY: Duration = Duration::from_secs(10);

/// Loads for so many minutes and compares the second with the last.
pub(crate) async fn run(minutes: u64) {
    let mut provider = Provider::new(Pair::SqliteMemory).through(&SERVER_CORE);
    let city = City::load(&provider, &ALL);
    provider.serve();
    let server = provider.pid();
    let how_long = Duration::from_secs(minutes * 60);
    let [jobs, people, strangers] = [2_000.0, 600.0, 5.0].map(|rate| (rate, how_long));
    println!("{} jobs' tokens, {} requests for people, {} sign-ins a second", jobs.0, people.0, strangers.0);

    let ask = async |line: Line| token(line, "/token", &city.job, "grant_type=client_credentials").await;
    let tokens = at_rate(server, jobs, lines(city.port, "localhost").await, ask);
    let turn = &Cell::new(0_u64);
    let mixed = async |person: Person| one_of(person, turn.replace(turn.get() + 1) % 30).await;
    let mixed = at_rate(server, people, city.signed_in(CONNECTIONS, "ES256").await, mixed);
    let signing_in = at_rate(server, strangers, self::strangers(&city).await, sign_in);
    let (samples, (tokens, _), (mixed, _), (signed_in, _)) =
        futures::future::join4(watch(server, how_long), tokens, mixed, signing_in).await;

    println!("\n| | a second | p99 ms |\n|---|---:|---:|");
    for (name, figures) in [("tokens", tokens), ("for people", mixed), ("password sign-ins", signed_in)] {
        println!("| {name} | {:.0} | {:.1} |", figures.rate, figures.p99_ms);
    }
    let in_minute = |minute: u64| {
        let inside = |(at, _): &&(Duration, f64)| at.as_secs() / 60 == minute;
        let inside = samples.iter().filter(inside).map(|(_, mib)| *mib).collect::<Vec<_>>();
        inside.iter().sum::<f64>() / inside.len().max(1) as f64
    };
    println!("\n| minute | VmRSS |\n|---:|---:|");
    for minute in 0..minutes {
        println!("| {} | {:.1} MiB |", minute + 1, in_minute(minute));
    }
    let early = in_minute(1);
    let furthest =
        samples.iter().filter(|(at, _)| at.as_secs() >= 60).map(|(_, mib)| (mib / early - 1.0).abs() * 100.0);
    let goal = Goal::at_most(furthest.fold(0.0, f64::max), 5.0, "% from minute 2");
    println!("\n| | goal | met |\n|---|---|---|\n| furthest from the mean of minute 2 | {} |", judged(&[goal]));
}

/// In thirty: a code flow, three refreshes, the rest introspections and claims. At 600 a second that is twenty
/// flows, as many as a city of 7,000 makes in its busiest minutes: each leaves a tombstone for a quarter of an hour.
async fn one_of(mut person: Person, turn: u64) -> Person {
    let token = person.access_token.clone();
    match turn {
        0 => person = code_flow(person).await,
        1 | 11 | 21 => person.refresh().await,
        _ if turn.is_multiple_of(2) => person.introspect(&token).await,
        _ => person.userinfo(&token).await,
    }
    person
}

async fn watch(server: u32, how_long: Duration) -> Vec<(Duration, f64)> {
    let begun = Instant::now();
    let mut samples = Vec::new();
    while begun.elapsed() < how_long {
        tokio::time::sleep(EVERY).await;
        samples.push((begun.elapsed(), resident_mib(server)));
    }
    samples
}
