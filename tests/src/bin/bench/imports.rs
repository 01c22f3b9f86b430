//! The personnel file on both cores, beside a server at which people sign in all the while.

use std::{process::Stdio, time::Instant};

use gapura_tests::{
    Pair,
    provider::{Provider, sample_file},
};

use crate::{city::City, load::Figures};

/// Imports it twice and prints three rows.
pub(crate) async fn run() {
    let mut provider = Provider::new(Pair::SqliteMemory).through(&["taskset", "-c", "0,1"]);
    let city = City::load(&provider, &["opd", "akun", "aplikasi", "peran"]);
    provider.serve();
    let mut person = city.browser(0, "ES256").await;
    person.sign_in().await;
    let began = Instant::now();
    let file = sample_file("pegawai");
    let mut child =
        provider.command(&["import", "pegawai", &file]).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let mut latencies = Vec::new();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        let asked = Instant::now();
        person.sign_in().await;
        latencies.push(asked.elapsed());
    };
    let took = began.elapsed();
    assert!(status.success());
    let sign_ins = Figures::of(latencies, took, 0.0);
    println!("| import of 7,012 rows, people signing in meanwhile | {:.1} s | | |", took.as_secs_f64());
    println!("| sign-in during that import: p50, p99 | {:.0} ms, {:.0} ms | | |", sign_ins.p50_ms, sign_ins.p99_ms);
    let began = Instant::now();
    let again = provider.gapura_json(&["import", "pegawai", &file]);
    assert_eq!(again["unchanged"], 7012);
    println!("| the same file again, all unchanged | {:.1} s | | |", began.elapsed().as_secs_f64());
}
