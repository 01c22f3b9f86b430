//! Audit events: who did what, on behalf of whom, why, with what before and after.
//!
//! An event is written in the transaction of its change as the exact canonical bytes that will be
//! hashed into the [`chain`] later, beside a random salt.

mod canonical;
pub mod chain;
mod event;

pub use event::{Actor, AuditEvent, EventKind};
