//! `make bench` and `make load`: what the provider does on one core, beside the ceiling of the same run,
//! and how a morning goes at it.
//!
//! The server is pinned to core 0, this generator to core 1; HTTP/1.1 keep-alive, 32 connections, every
//! answer checked. A ceiling is a bare axum server with one signature of the same library a request, or
//! a loop over the same Argon2id, on the server's core, in the same minute. Compare ratios within a run.
//!
//! | module | what |
//! |---|---|
//! | [`run`], [`core_load`], [`latency`], [`starts`], [`imports`] | `make bench`, part by part |
//! | [`flat`], [`growth`], [`seed`] | the long commands: memory over minutes, growth to a million people |
//! | [`morning`] | `make load` |
//! | [`bare`], [`ceiling`], [`raw`], [`hashing`] | what this machine can do at all |
//! | [`city`], [`person`], [`line`] | the deployment, its people, their connections |
//! | [`load`], [`pace`], [`process`], [`table`] | closed loop, open loop, what a process uses, how it is printed |

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a tool of ours: what goes wrong ends it, and its result is printed"
)]

mod bare;
mod ceiling;
mod city;
mod core_load;
mod flat;
mod growth;
mod hashing;
mod imports;
mod latency;
mod line;
mod load;
mod morning;
mod pace;
mod person;
mod process;
mod raw;
mod run;
mod seed;
mod starts;
mod table;

use std::time::Duration;

const USAGE: &str = "bench run [SECONDS] | only OPERATION SECONDS | flat [MINUTES] | growth [SECONDS [LARGEST]] \
     | seed FILE PEOPLE | morning [1 3 4 7 8]";

fn main() {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let seconds = |text: &str| Duration::from_secs(text.parse().unwrap());
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["run"] => runtime.block_on(run::run(Duration::from_secs(5))),
        ["run", time] => runtime.block_on(run::run(seconds(time))),
        ["only", operation, time] => runtime.block_on(core_load::only(operation, seconds(time))),
        ["flat"] => runtime.block_on(flat::run(10)),
        ["flat", minutes] => runtime.block_on(flat::run(minutes.parse().unwrap())),
        ["growth"] => runtime.block_on(growth::run(Duration::from_secs(4), growth::LARGEST)),
        ["growth", time] => runtime.block_on(growth::run(seconds(time), growth::LARGEST)),
        ["growth", time, largest] => runtime.block_on(growth::run(seconds(time), largest.parse().unwrap())),
        ["seed", file, people] => runtime.block_on(seed::file(file, people.parse().unwrap())),
        ["morning", ref scenarios @ ..] => {
            if !runtime.block_on(morning::run(scenarios)) {
                std::process::exit(1);
            }
        }
        // What this program starts of itself on the server's core.
        ["ceiling", port] => runtime.block_on(ceiling::serve(port.parse().unwrap())),
        ["raw"] => raw::run(),
        ["staff", passwords, sessions] => {
            runtime.block_on(morning::staff::prepare(passwords.parse().unwrap(), sessions.parse().unwrap()));
        }
        _ => panic!("{USAGE}"),
    }
}
