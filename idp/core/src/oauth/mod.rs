//! OAuth 2.0 and OpenID Connect: the rules of the protocol, as functions from values to decisions.

pub mod authorize;
mod client;
mod client_auth;
mod client_keys;
pub mod decide;
mod error;
mod family;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod logout;
mod metadata;
mod params;
mod pkce;
pub mod refresh;
pub mod registration;
mod reply_to;
pub mod rotation;
mod scope;
mod signing_key;
pub mod token;

pub use authorize::{AuthorizeRequest, Prompt};
pub use client::{AuthMethod, Client, PkcePolicy, RefreshPolicy, SignatureAlg};
pub use client_auth::{
    Caller, Presented, Proof,
    assertion::{self, Assertion, Signed},
    authenticate, presented,
};
pub use client_keys::{ClientKeys, KeyFlaw, KeySet, KeySetFlaw, Material, PublicKey};
pub use decide::LoginReason;
pub use error::{ErrorCode, OAuthError};
pub use family::{Family, FamilyEnd};
pub use logout::LogoutRequest;
pub use metadata::metadata;
pub use params::{BadParam, Flaw, MAX_PARAMS, MAX_TOKEN, MAX_VALUE, Params};
pub use pkce::Challenge;
pub use refresh::{PresentedToken, RefreshStep, RefreshToken, Successor};
pub use reply_to::{PageError, ReplyTo, reply_to};
pub use rotation::RotationPolicy;
pub use scope::{Scope, Scopes};
pub use signing_key::{KeyProvider, SigningKeyState, StoredSigningKey, TokenType};
pub use token::{CodeGrant, GrantType, TokenRequest};

pub use crate::oidc::{IdTokenHint, NotOurs};
