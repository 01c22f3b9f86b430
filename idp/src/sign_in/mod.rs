//! Signing in with a password.

pub mod pool;

pub use pool::{Busy, Checked, Cost, PasswordPool, PoolError, Size};
