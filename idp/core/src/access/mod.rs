//! Access follows the position: applications, their roles, the rules and grants that give them,
//! and the one function that decides (deny by default) and explains.

mod application;
mod catalog;
pub mod door;
mod entitlement;
#[cfg(test)]
pub(crate) mod fixtures;
mod offer;
mod standing;

pub use application::{AppRole, Application, ApplicationKind, Predicate, RoleGrant, RoleRule};
pub use catalog::{ApplicationAccess, Catalog};
pub use entitlement::{
    Entitlement, Entry, EntryRefusal, Explanation, HeldRole, Post, RoleSource, entitlement, matches, posts,
};
pub use offer::{Offer, OfferedRole, OfferedRule, offer};
pub use standing::Standing;
