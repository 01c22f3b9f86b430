//! Keys that sign our tokens, and the three kinds of token they sign.

use crate::{id::KeyId, oauth::SignatureAlg, time::Instant, words};

words! {
    /// The life of a signing key: it is published before it signs, and stays published until the
    /// last token it signed has ended.
    pub enum SigningKeyState {
        /// Published, does not sign yet.
        Next = "next",
        /// Signs.
        Active = "active",
        /// Published, signs no more.
        Retiring = "retiring",
        /// No longer published; nothing it signed is accepted.
        Gone = "gone",
    }
}

words! {
    /// Where the private key lives.
    pub enum KeyProvider {
        /// In the database, wrapped by the root key.
        Software = "software",
    }
}

words! {
    /// The `typ` of a token's header, checked everywhere, so that no token passes for another
    /// (RFC 8725 section 3.11).
    pub enum TokenType {
        /// RFC 9068 section 2.1.
        AccessToken = "at+jwt",
        /// An ID token.
        IdToken = "JWT",
        /// OpenID Connect Back-Channel Logout 1.0 section 2.4.
        LogoutToken = "logout+jwt",
    }
}

/// A signing key as stored. The private half is wrapped; only the holder of the root key opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSigningKey {
    /// `kid`: the thumbprint of the public key (RFC 7638).
    pub id: KeyId,
    /// What it signs with.
    pub algorithm: SignatureAlg,
    /// Where the private key lives.
    pub provider: KeyProvider,
    /// Where it stands in its life.
    pub state: SigningKeyState,
    /// The public key as a JSON Web Key (RFC 7517).
    pub public_jwk: String,
    /// PKCS#8, sealed.
    pub wrapped_private: Vec<u8>,
    /// When it was made.
    pub created_at: Instant,
    /// When it began to sign.
    pub activated_at: Option<Instant>,
    /// When it ceased to sign.
    pub retired_at: Option<Instant>,
}
