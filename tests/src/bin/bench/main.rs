//! `make bench`: what the provider does on one core, beside the ceiling of the same run.
//!
//! The server is pinned to core 0, this generator to core 1; HTTP/1.1 keep-alive, 32 connections, every
//! answer checked. A ceiling is a bare axum server with one signature of the same library a request, or
//! a loop over the same Argon2id, on the server's core, in the same minute. Compare ratios within a run.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a tool of ours: what goes wrong ends it, and its result is printed"
)]

mod ceiling;
mod city;
mod line;
mod load;
mod scenarios;

use std::time::Duration;

fn main() {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["ceiling", port] => runtime.block_on(ceiling::serve(port.parse().unwrap())),
        ["hashes"] => ceiling::hashes(),
        ["run"] => runtime.block_on(scenarios::run(Duration::from_secs(5))),
        ["run", seconds] => runtime.block_on(scenarios::run(Duration::from_secs(seconds.parse().unwrap()))),
        _ => panic!("bench run [SECONDS] | ceiling PORT | hashes"),
    }
}
