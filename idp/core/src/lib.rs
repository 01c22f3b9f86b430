//! The rules of Gapura: pure functions from values to decisions.
//!
//! No async, no I/O, no clock, no randomness: `now`, `today` and generated secrets come in as values.
//!
//! | module | noun |
//! |---|---|
//! | [`oauth`], [`oidc`] | the protocol |
//! | [`identity`] | people, their numbers and sessions |
//! | [`organization`] | OPD tree, positions, assignments |
//! | [`access`] | applications, roles, rules, entitlement |
//! | [`audit`] | events |
//! | [`morning`] | how many people sign in at once |

pub mod access;
pub mod audit;
mod hex;
pub mod id;
pub mod identity;
pub mod morning;
pub mod oauth;
pub mod oidc;
pub mod organization;
pub mod secret;
pub mod time;
mod words;

pub use hex::hex;
pub use words::UnknownWord;
