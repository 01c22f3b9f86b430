#![doc = include_str!("../README.md")]

mod api;
mod backchannel;
mod client_key;
mod clock;
mod cookies;
mod entropy;
mod error;
mod gapura;
mod id_token;
mod keep_typed;
mod keys;
mod machine;
mod outbound;
mod own_page;
mod pages;
mod params;
mod person;
mod provider;
mod refusal;
mod renew;
mod return_to;
mod role;
mod routes;
mod session;
mod settings;
mod sign_in;
mod signed;
mod start;
mod text;
mod user;

pub use api::{Api, ApiCaller, ApiGate};
pub use client_key::public_keys;
pub use clock::Clock;
pub use error::Error;
pub use gapura::{Builder, Gapura};
pub use keep_typed::keep_typed;
pub use role::{RequireRole, Role};
#[cfg(feature = "postgres")]
pub use session::PostgresStore;
#[cfg(feature = "redis")]
pub use session::RedisStore;
pub use session::{Ended, MemoryStore, Session, SessionKey, SessionStore, StoreError};
pub use text::Text;
pub use user::{Penugasan, User};
