//! What can be typed.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Gapura, the single sign-on provider of a local government.
#[derive(Parser)]
#[command(name = "gapura", version, about, propagate_version = true)]
pub struct Arguments {
    /// Settings file; without it gapura.toml in the working directory, if there is one.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One JSON object on standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Every command.
#[derive(Subcommand)]
pub enum Command {
    /// Serve browsers and applications.
    Serve,
    /// Bring the database to this version's schema (PostgreSQL; SQLite does it by itself).
    Migrate,
    /// Signing keys.
    #[command(subcommand)]
    Keys(Keys),
    /// Back-channel logout messages.
    #[command(subcommand)]
    Logout(Logout),
}

/// Signing keys.
#[derive(Subcommand)]
pub enum Keys {
    /// List signing keys and their states.
    List,
}

/// Back-channel logout messages.
#[derive(Subcommand)]
pub enum Logout {
    /// List messages: waiting, delivered, given up.
    List,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        Arguments::command().debug_assert();
    }
}
