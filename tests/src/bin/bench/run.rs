//! `make bench` in order: idle memory, one core's loads, latency at half of them, a million tokens, starts.

use std::{cell::Cell, time::Duration};

use gapura_tests::{Pair, provider::Provider};

use crate::{
    bare::{Bare, SERVER_CORE},
    city::{ALL, City},
    core_load::{Bench, lines, machines, persons, token},
    imports, latency,
    line::Line,
    load::until_done,
    process::resident_mib,
    starts::{self, ms},
    table::{Goal, judged},
};

/// Everything of the default run, `seconds` for each load.
pub(crate) async fn run(seconds: Duration) {
    let mut provider = Provider::new(Pair::SqliteMemory).through(&SERVER_CORE);
    let city = City::load(&provider, &ALL);
    provider.serve();
    city.ask_each_endpoint().await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let idle = resident_mib(provider.pid());
    let (bare, _) = Bare::start().await;
    let bare_idle = resident_mib(bare.pid());
    let ours = Bench { server: provider.pid(), seconds };
    let of_bare = Bench::of_bare(&bare, seconds);

    let without_people = machines(&city, (ours, of_bare), bare.port).await;
    let tokens = tokens(&city, ours).await;
    let after_tokens = resident_mib(provider.pid());
    let measured = persons(&city, (ours, of_bare), bare.port, without_people).await;
    latency::at_half(&city, (ours, &bare), measured).await;
    latency::in_a_flood(&city, ours).await;
    let loaded = resident_mib(provider.pid());

    println!("\n| memory, starts, import | | goal | met |\n|---|---:|---|---|");
    fact("the bare server, started (VmRSS)", &mib(bare_idle), &[]);
    let goals = [Goal::below(idle / bare_idle, 3.0, ("×", "3.0 × the bare server")), Goal::at_most(idle, 15.0, "MiB")];
    fact("ten seconds after start, each endpoint asked once", &mib(idle), &goals);
    let goal = Goal::at_most(after_tokens, 40.0, "MiB");
    fact(&format!("after {tokens} tokens, no password yet"), &mib(after_tokens), &[goal]);
    fact("after all these loads, hash arenas (19 MiB a thread) included", &mib(loaded), &[]);
    fact("the bare server, after its loads", &mib(resident_mib(bare.pid())), &[]);
    provider.stop();
    drop(bare);
    restarts(&mut provider, &city, seconds).await;
    drop(provider);
    imports::run().await;
}

/// Draws more tokens for a job, 200,000 for each second of a load: a million in the default run.
async fn tokens(city: &City, ours: Bench) -> u64 {
    let wanted = ours.seconds.as_secs() * 200_000;
    let drawn = &Cell::new(0);
    let ask = async |line: Line| {
        drawn.set(drawn.get() + 1);
        token(line, "/token", &city.job, "grant_type=client_credentials").await
    };
    until_done(ours.server, lines(city.port, "localhost").await, |_| drawn.get() < wanted, ask).await;
    drawn.get()
}

async fn restarts(provider: &mut Provider, city: &City, seconds: Duration) {
    let (bare, again) = (starts::of_bare().await, starts::again(provider).await);
    fact("the bare server, start to first answer", &format!("{:.0} ms", ms(bare)), &[]);
    let goals = [
        Goal::below(ms(again) - ms(bare), 20.0, ("ms more", "the bare server + 20 ms")),
        Goal::at_most(ms(again), 55.0, "ms"),
    ];
    fact("start to first answer, 7,012 people", &format!("{:.0} ms", ms(again)), &goals);
    let first = starts::first_ever().await;
    fact("first start ever, to discovery", &format!("{:.0} ms", ms(first)), &[Goal::at_most(ms(first), 300.0, "ms")]);
    provider.serve();
    let (first, settled) = latency::after_a_restart(city, provider.pid(), seconds * 2).await;
    provider.stop();
    let goals = [
        Goal::at_least(first.rate / settled.rate, 0.95, "of settled"),
        Goal::below(first.p99_ms / settled.p99_ms, 2.0, ("× settled", "2.0 × settled p99")),
    ];
    let shown = format!("{:.0}/s, then {:.0}/s", first.rate, settled.rate);
    fact(&format!("tokens in the first {:.0} s after a restart", (seconds * 2).as_secs_f64()), &shown, &goals);
}

fn fact(name: &str, value: &str, goals: &[Goal]) {
    println!("| {name} | {value} | {} |", judged(goals));
}

fn mib(value: f64) -> String {
    format!("{value:.1} MiB")
}
