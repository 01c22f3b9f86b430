//! The command line (docs/operations.md).
//!
//! Every command works on a fresh directory and beside a serving server, takes `--json` (one object
//! on standard output, notes on standard error), and ends with 0 done, 1 refused by content, 2 wrong
//! usage, 3 environment.

mod access;
mod admin;
mod application;
pub mod arguments;
mod audit;
mod backup;
mod calibrate;
mod client;
mod desk;
mod doctor;
mod explain;
mod import;
mod keys;
mod logout;
mod migrate;
mod outcome;
mod serve;
mod settings;
mod user;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Command};
pub use outcome::{Done, Failed, Outcome, note};

use crate::{
    clock::Clock,
    foundation::Foundation,
    settings::{Settings, Source},
};

/// Runs the command named by the process's arguments.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let json = arguments.json;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(run(arguments));
            // A name that is still being looked up, which nobody waits for any more, keeps no command alive.
            runtime.shutdown_background();
            outcome
        }
        Err(why) => Err(Failed::environment(format!("no threads: {why}"))),
    };
    outcome::print(&outcome, json)
}

async fn run(arguments: Arguments) -> Outcome {
    let source = Source::of_process(arguments.config);
    let settings = Settings::load(&source).map_err(|why| Failed::environment(why.to_string()));
    match arguments.command {
        Command::Calibrate(typed) => calibrate::run(&typed),
        Command::Serve => serve::run(settings?, source).await,
        Command::Settings => settings::run(&source),
        Command::Migrate => migrate::run(&settings?).await,
        Command::User(command) => user::run(command, settings?).await,
        Command::Application(command) => application::run(command, settings?).await,
        Command::Client(command) => client::run(command, settings?).await,
        Command::Role(command) => application::role(command, settings?).await,
        Command::Rule(command) => access::rule(command, settings?).await,
        Command::Grant(command) => access::grant(command, settings?).await,
        Command::Keys(command) => keys::run(command, settings?).await,
        Command::Logout(command) => logout::run(command, settings?).await,
        Command::Doctor(typed) => doctor::run(typed, &source).await,
        Command::Backup { file } => backup::make(&file, &settings?).await,
        Command::Restore { file } => backup::restore(&file, &settings?).await,
        Command::Admin(command) => admin::run(command, settings?, arguments.json).await,
        Command::Audit(command) => audit::run(command, &settings?).await,
        Command::Import(typed) => import::run(typed, settings?).await,
        Command::Explain(typed) => explain::run(typed, settings?).await,
    }
}

/// Opens what every command needs, beside a server or alone.
async fn open(settings: Settings) -> Result<Foundation, Failed> {
    Foundation::open_for_command(settings, Clock::System).await.map_err(|why| Failed::environment(why.to_string()))
}
