//! OpenID Connect: ID tokens, access tokens, logout tokens, claims. Header and signature are put
//! around these values by the server's keys.

pub mod access_token;
pub mod claims;
pub mod id_token;
pub mod logout_token;

pub use access_token::AccessClaims;
pub use id_token::{IdTokenHint, NotOurs};

/// The issuer and the moment a token is made.
#[derive(Clone, Copy, Debug)]
pub struct Issuing<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `iat`.
    pub now: crate::time::Instant,
}
