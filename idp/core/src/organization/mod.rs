//! The OPD tree, positions, and who holds them when.

mod assignment;
mod tree;

pub use assignment::{Assignment, AssignmentKind, Position, PositionClass};
pub use tree::{Unit, UnitTree};
