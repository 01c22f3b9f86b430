//! Signing in with a password.
//!
//! `GET /masuk` shows the form, `POST /masuk` takes it. With an interaction (a parked authorization
//! request) the way leads on to the application; without one it ends on the home page. The story of
//! a post: [`posts`](crate::edge::posts) lets our own pages through, the interaction or token must
//! belong to this browser, then [`attempt`] decides, [`session`] records, and the parked request is
//! taken up again where every authorization request is decided.

pub mod argon2id;
pub mod attempt;
mod line;
pub mod page;
pub mod pool;
pub mod session;
mod stored;
pub mod turns;

pub use argon2id::Cost;
pub use pool::{Busy, Checked, PasswordPool, PoolError, Size};
