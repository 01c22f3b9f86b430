//! What Gapura remembers: the only SQL and the only Redis.
//!
//! [`Db`] is the door to SQLite or PostgreSQL; every noun has one file of static, portable SQL.
//! Writing functions take `&mut Tx` and run inside [`Db::write`]; reading ones take `&Db`.
//!
//! | module | what it is |
//! |---|---|
//! | [`door`] | the door: opening, reading, the one way to write |
//! | [`ephemeral`] | authoritative short-lived state |
//! | [`migrations`] | numbered schema changes, embedded |
//! | [`generations`], [`copies`] | what nodes copy into their process, and which of it has moved |
//! | [`deployment`], [`nodes`], [`leases`] | what one deployment is, and how its nodes agree |
//! | [`expiry`], [`backup`] | what has ended leaves; a copy while serving |
//! | [`audit`], [`audit_chain`] | who did what, and that nobody changed it afterwards |
//! | [`clients`], [`signing_keys`], [`purpose_keys`] | registration and keys |
//! | [`logout_messages`] | the outbox of back-channel logout |
//! | [`throttles`], [`one_time_links`] | failed sign-ins; links used once |
//! | [`sessions`], [`grants`], [`refresh_tokens`] | signed-in browsers, token families and their tokens |
//! | [`users`], [`login_names`], [`credentials`] | people, what they sign in with, their password hashes |
//! | [`arrivals`] | eight new people at once |
//! | [`organization`], [`assignments`] | the OPD tree, positions, and who holds them when |
//! | [`applications`], [`roles`], [`rules`] | the register, its roles, and what gives them |
//! | [`imports`] | imports in progress and what they left to decide |
//! | [`recording`] | the second time of every row that gives access |
//! | [`standing`] | all that a request must know of a person, in one statement |

pub mod applications;
pub mod arrivals;
pub mod assignments;
pub mod audit;
pub mod audit_chain;
pub mod backup;
pub mod clients;
mod columns;
pub mod copies;
pub mod credentials;
pub mod deployment;
pub mod door;
pub mod ephemeral;
pub mod expiry;
pub mod generations;
pub mod grants;
pub mod imports;
pub mod leases;
pub mod login_names;
pub mod logout_messages;
pub mod migrations;
pub mod nodes;
pub mod one_time_links;
pub mod organization;
pub mod purpose_keys;
pub mod recording;
pub mod refresh_tokens;
pub mod roles;
pub mod rules;
pub mod sessions;
pub mod signing_keys;
pub mod standing;
pub mod throttles;
pub mod users;

pub use door::{Collation, Counts, Db, DbConfig, Fault, StoreError, Tx};
