//! Latency when requests come at their own pace: at half of what the server could do, and beside a flood
//! of sign-ins.

use std::{cell::Cell, time::Duration};

use crate::{
    bare::Bare,
    city::City,
    core_load::{Bench, Measured, code_flow, lines, sign_in, strangers, token},
    line::Line,
    load::{Figures, until_done},
    pace::at_rate,
    table::{Goal, judged},
};

const CREDENTIALS: &str = "grant_type=client_credentials";

/// Half of the measured capacity, and the bare server at half of its own.
pub(crate) async fn at_half(city: &City, (ours, bare): (Bench, &Bare), measured: Measured) {
    println!(
        "\n| open loop at half of capacity | a second | p50 ms | p99 ms | max ms | goal | met |\n\
         |---|---:|---:|---:|---:|---|---|"
    );
    let half = |figures: Figures| (figures.rate / 2.0, ours.seconds);
    let ask = async |line: Line| token(line, "/es256", "", CREDENTIALS).await;
    let lines_of_bare = lines(bare.port, "localhost").await;
    let (figures, _) = at_rate(bare.pid(), half(measured.signed), lines_of_bare, ask).await;
    row("ceiling: one ES256 signature", figures, &[]);
    let ask = async |line: Line| token(line, "/token", &city.job, CREDENTIALS).await;
    let (figures, _) = at_rate(ours.server, half(measured.credentials), lines(city.port, "localhost").await, ask).await;
    row("client_credentials, ES256", figures, &steady(figures));
    let (figures, _) = at_rate(ours.server, half(measured.flow), measured.people, code_flow).await;
    row("code flow with a live session, ES256", figures, &steady(figures));
}

fn steady(figures: Figures) -> [Goal; 3] {
    [
        Goal::at_most(figures.p99_ms, 5.0, "ms p99"),
        Goal::at_most(figures.p99_ms / figures.p50_ms, 4.0, "× p50"),
        Goal::at_most(figures.max_ms, 50.0, "ms max"),
    ]
}

/// Tokens at 300 a second, quiet and while eight browsers sign in as fast as they are answered.
pub(crate) async fn in_a_flood(city: &City, ours: Bench) {
    println!(
        "\n| tokens at 300/s (open loop) | a second | p50 ms | p99 ms | max ms | goal | met |\n\
         |---|---:|---:|---:|---:|---|---|"
    );
    let pace = (300.0, ours.seconds * 2);
    let ask = async |line: Line| token(line, "/token", &city.job, CREDENTIALS).await;
    let (quiet, _) = at_rate(ours.server, pace, lines(city.port, "localhost").await, ask).await;
    row("quiet", quiet, &[]);
    let lines = lines(city.port, "localhost").await;
    let is_over = &Cell::new(false);
    let flood = until_done(ours.server, strangers(city).await, |_| !is_over.get(), sign_in);
    let asking = async {
        let (figures, _) = at_rate(ours.server, pace, lines, ask).await;
        is_over.set(true);
        figures
    };
    let (flooded, (sign_ins, _)) = futures::future::join(asking, flood).await;
    let goals = [
        Goal::below(flooded.p99_ms / quiet.p99_ms, 2.0, ("× quiet", "2.0 × quiet p99")),
        Goal::at_most(flooded.p99_ms, 8.0, "ms p99"),
    ];
    row(&format!("beside {:.0} password sign-ins a second", sign_ins.rate), flooded, &goals);
}

/// The settled rate and the first ten seconds after a restart.
pub(crate) async fn after_a_restart(city: &City, server: u32, how_long: Duration) -> (Figures, Figures) {
    let ask = async |line: Line| token(line, "/token", &city.job, CREDENTIALS).await;
    let (first, lines) = crate::load::cold(server, how_long, lines(city.port, "localhost").await, ask).await;
    let (settled, _) = crate::load::cold(server, how_long, lines, ask).await;
    (first, settled)
}

fn row(name: &str, figures: Figures, goals: &[Goal]) {
    println!(
        "| {name} | {:.0} | {:.2} | {:.2} | {:.1} | {} |",
        figures.rate,
        figures.p50_ms,
        figures.p99_ms,
        figures.max_ms,
        judged(goals)
    );
}
