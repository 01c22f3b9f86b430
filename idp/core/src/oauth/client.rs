//! A registered client (RFC 6749 section 2, RFC 7591 section 2).

use crate::{
    id::{ApplicationId, ClientId},
    oauth::ClientKeys,
    time::Instant,
    words,
};

words! {
    /// How a client proves itself at the token endpoint (OIDC Core section 9).
    pub enum AuthMethod {
        /// `client_secret_basic`.
        Basic = "client_secret_basic",
        /// `client_secret_post`.
        Post = "client_secret_post",
        /// `private_key_jwt`.
        PrivateKeyJwt = "private_key_jwt",
        /// Public client.
        None = "none",
    }
}

words! {
    /// Signature of tokens (RFC 7518 section 3.1): ours, and what clients prove themselves by.
    pub enum SignatureAlg {
        /// ECDSA P-256.
        Es256 = "ES256",
        /// RSASSA-PKCS1-v1_5.
        Rs256 = "RS256",
        /// RSASSA-PSS.
        Ps256 = "PS256",
        /// Ed25519 (RFC 8037 section 3.1).
        EdDsa = "EdDSA",
    }
}

words! {
    /// Whether a code challenge is demanded (RFC 7636).
    pub enum PkcePolicy {
        /// S256 on every request.
        Required = "required",
        /// Checked where sent; a shown weakness.
        WhereSent = "where_sent",
    }
}

words! {
    /// What a refresh does with its token.
    pub enum RefreshPolicy {
        /// Every use makes a new one; a second use ends the family (RFC 9700 section 4.14).
        Rotate = "rotate",
        /// As `rotate`, but the same authenticated client may repeat a lost answer for 30 s.
        RotateWithRetry = "rotate_with_retry",
    }
}

/// A client: the properties fixed at registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// `client_id`.
    pub id: ClientId,
    /// The application it belongs to.
    pub application_id: ApplicationId,
    /// Name as shown; the application's, unless it has several clients.
    pub name: String,
    /// Off: every door refuses.
    pub enabled: bool,
    /// How it proves itself.
    pub auth_method: AuthMethod,
    /// SHA-256 of each live secret, with its end.
    pub secrets: Vec<(Vec<u8>, Option<Instant>)>,
    /// Its public keys, where it proves itself by one.
    pub keys: Option<ClientKeys>,
    /// Grant types, wire words (`authorization_code`, `refresh_token`, `client_credentials`).
    pub grant_types: Vec<String>,
    /// Exact redirect URIs, byte for byte.
    pub redirect_uris: Vec<String>,
    /// Exact addresses after sign-out.
    pub post_logout_redirect_uris: Vec<String>,
    /// Scopes it may ask for.
    pub scopes: Vec<String>,
    /// Where "Mulai lagi" leads; mandatory.
    pub home_uri: String,
    /// Back-channel logout receiver.
    pub backchannel_logout_uri: Option<String>,
    /// Signature of its ID tokens.
    pub id_token_alg: SignatureAlg,
    /// Code challenge policy.
    pub pkce: PkcePolicy,
    /// Refresh policy.
    pub refresh: RefreshPolicy,
    /// Ask the person before the first entry.
    pub asks_consent: bool,
}

impl Client {
    /// Whether it is registered for a grant type.
    pub fn has_grant(&self, grant: &str) -> bool {
        self.grant_types.iter().any(|registered| registered == grant)
    }
}
