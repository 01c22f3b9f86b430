//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use gapura_core::time::Date;

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
    /// Read a file of units, people, accounts, assignments, applications or roles.
    Import(Import),
    /// Say why a person may or may not enter an application.
    Explain(Explain),
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

/// A file to read.
#[derive(Args)]
pub struct Import {
    /// opd, pegawai, akun, penugasan, aplikasi or peran; or `resume`, to go on with a batch that was
    /// cut off.
    pub kind: String,
    /// CSV or XLSX.
    pub file: Option<PathBuf>,
    /// Say what would happen; change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Apply the rows without errors.
    #[arg(long)]
    pub skip_errors: bool,
}

/// A question about access.
#[derive(Args)]
pub struct Explain {
    /// NIP, official e-mail or account name.
    pub user: String,
    /// Application, by name or identifier.
    pub application: String,
    /// On which day; today where it is not said.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date: Option<Date>,
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
