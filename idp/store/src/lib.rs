//! What Gapura remembers: the only SQL and the only Redis.

pub mod ephemeral;
