//! The harness: a test reads *browser starts sign-in at an application → signs in → the application
//! receives tokens → what a relying party could see*.
//!
//! | module | what |
//! |---|---|
//! | [`browser`], [`html`] | a browser without a screen, with the headers a real one sends |
//! | [`relying_party`] | an application: what it sends and what it checks |
//! | [`Pair`], [`on_both_pairs`] | the two storage pairs |
//! | [`city`] | a small city in process, with a clock that a test moves |
//! | [`client_key`] | a key with which an application proves itself |
//! | [`front`] | TLS in front of a server |
//! | [`nginx`] | nginx in front of two nodes |
//! | [`office`] | a few people and two applications, as real processes |
//! | [`own_servers`] | PostgreSQL and Redis that one test kills |
//! | [`provider`] | the real program and its commands |
//! | [`sample`] | people and applications of the sample city |
//! | [`schemas`] | the published shape of claims |
//! | [`servers`] | PostgreSQL and Redis of the tests' own |
//! | [`verifier`] | an application that keeps our keys and checks tokens by them |
//! | [`wire`] | the same browser and application against a real process |
//! | [`chromium`] | a real browser |

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a harness: an arrangement that fails is a failed test"
)]

pub mod browser;
pub mod chromium;
pub mod city;
pub mod client_key;
pub mod front;
pub mod html;
pub mod nginx;
pub mod office;
pub mod own_servers;
mod pair;
pub mod provider;
pub mod relying_party;
pub mod sample;
pub mod schemas;
pub mod servers;
pub mod verifier;
pub mod wire;

pub use pair::{Pair, run};
