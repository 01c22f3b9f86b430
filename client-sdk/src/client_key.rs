//! A private key of the application's own in the place of a secret: `private_key_jwt` (RFC 7523 section 2.2, OpenID
//! Connect Core section 9). The key never leaves this machine; each request carries a statement that works once.

use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use crate::entropy;
use crate::error::Error;
use crate::settings::Settings;

/// A statement is accepted for this time, in seconds.
const LIFETIME: i64 = 60;

/// The private key and what it is called at the provider.
pub(crate) struct ClientKey {
    key: EncodingKey,
    header: Header,
    /// The public half, as it is registered.
    public: Jwk,
}

/// The public half of a private key (PEM, PKCS #8) as a JSON Web Key Set, ready to be registered at the provider:
/// `gapura client add --auth private_key_jwt --jwks FILE`.
///
/// # Errors
/// The text holds no private key of a kind that [`Builder::client_key_pem`](crate::Builder::client_key_pem) takes.
pub fn public_keys(pem: &[u8]) -> Result<serde_json::Value, Error> {
    Ok(json!({ "keys": [ClientKey::from_pem(pem)?.public] }))
}

impl ClientKey {
    /// From PEM (PKCS #8): P-256 signs with ES256, Ed25519 with EdDSA, RSA with RS256. The key is called by its
    /// thumbprint (RFC 7638).
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        let kinds = [
            (Algorithm::ES256, EncodingKey::from_ec_pem(pem)),
            (Algorithm::EdDSA, EncodingKey::from_ed_pem(pem)),
            (Algorithm::RS256, EncodingKey::from_rsa_pem(pem)),
        ];
        let made = kinds.into_iter().find_map(|(alg, key)| Self::of(key.ok()?, alg));
        let why = "it must hold one private key as PEM (PKCS #8): EC P-256, Ed25519 or RSA of at least 2048 bits";
        made.ok_or_else(|| Error::BadSetting { name: "GAPURA_CLIENT_KEY_FILE", why: why.to_owned() })
    }

    fn of(key: EncodingKey, alg: Algorithm) -> Option<Self> {
        let mut public = Jwk::from_encoding_key(&key, alg).ok()?;
        let kid = public.thumbprint(ThumbprintHash::SHA256).ok()?;
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        let header = Header { kid: Some(kid), ..Header::new(alg) };
        Some(Self { key, header, public })
    }

    /// The parameters that prove the client to the provider, for one request.
    //= RFC7523#2.2
    pub(crate) fn proof(&self, settings: &Settings, now: i64) -> Result<[(&'static str, String); 2], Error> {
        let claims = json!({
            "iss": settings.client_id, "sub": settings.client_id, "aud": settings.issuer.as_str(),
            "iat": now, "exp": now + LIFETIME, "jti": entropy::token()?,
        });
        let assertion = jsonwebtoken::encode(&self.header, &claims, &self.key)
            .map_err(|cause| Error::BadSetting { name: "GAPURA_CLIENT_KEY_FILE", why: cause.to_string() })?;
        Ok([
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
            ("client_assertion", assertion),
        ])
    }
}
