//! OAuth 2.0 and OpenID Connect: the rules of the protocol, as functions from values to decisions.

mod client;
mod family;
mod signing_key;

pub use client::{AuthMethod, Client, IdTokenAlg, PkcePolicy, RefreshPolicy};
pub use family::{Family, FamilyEnd};
pub use signing_key::{KeyProvider, SigningKeyState, StoredSigningKey, TokenType};
