//! The store's contract: every function, on SQLite and on PostgreSQL alike.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests: an arrangement that fails is a failed test")]

mod arrivals;
mod audit;
mod copies;
mod directory;
mod fixtures;
mod imports;
mod inspection;
mod keys_and_clients;
mod operations;
mod parity;
mod races;
#[expect(dead_code, unreachable_pub, reason = "shared with the protocol tests, which use more of it")]
#[path = "../../../../tests/src/servers.rs"]
mod servers;
mod sessions;
mod standing;
mod statements;
mod support;
mod tokens;
mod write_path;
