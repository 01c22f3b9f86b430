//! People: one account each (S0 Pasal 31A(1)), its kinds and states, and their signed-in browsers.

mod session;
mod user;

pub use session::{Session, SessionEnd};
pub use user::{Gender, PersonName, Status, User, UserKind};
