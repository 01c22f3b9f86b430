//! What can be typed about applications, their roles, and what gives them.

use clap::{Args, Subcommand};
use gapura_core::time::Date;

use super::Name;

/// Applications of the city.
#[derive(Subcommand)]
pub enum Application {
    /// Register an application.
    Add(ApplicationAdd),
    /// List applications.
    List,
}

/// A new application.
#[derive(Args)]
pub struct ApplicationAdd {
    /// Name as shown.
    #[arg(long)]
    pub name: String,
    /// Audience of its access tokens, such as https://presensi.kota-contoh.go.id.
    #[arg(long, value_name = "URI")]
    pub identifier: String,
    /// Roles it knows.
    #[arg(long = "role", value_name = "CODE")]
    pub roles: Vec<String>,
    /// All staff may enter without a role.
    #[arg(long)]
    pub open_to_all: bool,
}

/// Roles that applications know.
#[derive(Subcommand)]
pub enum Role {
    /// Add a role to an application.
    Add(RoleName),
    /// Close a role: nobody has it any more from today.
    Close(RoleName),
}

/// A role of an application.
#[derive(Args)]
pub struct RoleName {
    /// Application, by name or identifier.
    pub application: String,
    /// Role, as the application gets it.
    pub role: String,
}

/// Rules that give roles by position.
#[derive(Subcommand)]
pub enum Rule {
    /// List the rules in force.
    List {
        /// Of this application only.
        #[arg(long)]
        application: Option<String>,
    },
    /// Close a rule: it gives nothing any more from today.
    Close {
        /// The rule's number, as `rule list` and `explain` print it.
        number: i64,
        /// Of which application, where the number stands in several.
        #[arg(long)]
        application: Option<String>,
    },
}

/// Roles given directly to a person.
#[derive(Subcommand)]
pub enum Grant {
    /// Give a role.
    Add(GrantAdd),
    /// Take it back from today.
    Close(GrantClose),
    /// List a person's direct roles.
    List(Name),
}

/// A new direct role.
#[derive(Args)]
pub struct GrantAdd {
    /// NIP, official e-mail or account name.
    pub user: String,
    /// Application, by name or identifier.
    pub application: String,
    /// Role.
    pub role: String,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// Who approved it; whoever types this where it is not said.
    #[arg(long)]
    pub approved_by: Option<String>,
    /// Last day.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub until: Option<Date>,
}

/// A direct role to take back.
#[derive(Args)]
pub struct GrantClose {
    /// NIP, official e-mail or account name.
    pub user: String,
    /// Application, by name or identifier.
    pub application: String,
    /// Role.
    pub role: String,
    /// Why.
    #[arg(long)]
    pub reason: Option<String>,
}
