//! What holds for the whole workspace: the ledger has no hole, the borders between the crates stand,
//! sources keep their size, and the files that documents name exist.

#[cfg(test)]
#[path = "workspace/borders.rs"]
mod borders;
#[cfg(test)]
#[path = "workspace/ledger.rs"]
mod ledger;
#[cfg(test)]
#[path = "workspace/safety.rs"]
mod safety;
#[cfg(test)]
#[path = "workspace/shape.rs"]
mod shape;
