//! Access follows the position: applications, their roles, the rules and grants that give them,
//! and the one function that decides (deny by default) and explains.

mod application;
mod standing;

pub use application::{AppRole, Application, ApplicationKind, Predicate, RoleGrant, RoleRule};
pub use standing::Standing;
