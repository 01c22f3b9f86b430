//! The provider's public keys: fetched, kept, and fetched again when a token names one we do not know.
//!
//! An unknown `kid` is either a rotation or a forgery, and the forger can send as many as he likes: so the keys are
//! asked for at most once a minute. They are also asked for again after ten minutes, so that a key the provider has
//! withdrawn stops counting; if that fails the known ones stay.

use std::sync::{Arc, PoisonError, RwLock};

use jsonwebtoken::jwk::Jwk;
use openidconnect::core::CoreJsonWebKeySet;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::error::Error;
use crate::outbound::Outbound;

/// Two requests for the keys are at least this far apart, in seconds.
const FLOOR: i64 = 60;
/// Keys older than this are asked for again, in seconds.
const FRESH: i64 = 600;

/// One state of the provider's key set.
#[derive(Debug, Default)]
pub(crate) struct KeySet {
    /// For the ID token checks of the openidconnect crate.
    pub(crate) core: CoreJsonWebKeySet,
    /// For access tokens and logout tokens.
    pub(crate) keys: Vec<Jwk>,
}

impl KeySet {
    fn parse(body: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Raw {
            keys: Vec<serde_json::Value>,
        }
        let raw: Raw = serde_json::from_slice(body).map_err(|cause| cause.to_string())?;
        let core = serde_json::from_slice(body).map_err(|cause| cause.to_string())?;
        // A key of a kind we do not know does not make the others unusable.
        let keys = raw.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
        Ok(Self { core, keys })
    }

    fn knows(&self, kid: Option<&str>) -> bool {
        match kid {
            Some(kid) => self.keys.iter().any(|key| key.common.key_id.as_deref() == Some(kid)),
            None => !self.keys.is_empty(),
        }
    }
}

/// The key set with its rules of refetching.
#[derive(Debug)]
pub(crate) struct Keys {
    jwks_uri: String,
    current: RwLock<(Arc<KeySet>, i64)>,
    /// When the keys were last asked for; held while asking, so that one request asks for all.
    asked: Mutex<i64>,
}

impl Keys {
    /// Fetches the keys for the first time.
    pub(crate) async fn fetch(outbound: &Outbound, jwks_uri: &str, now: i64) -> Result<Self, Error> {
        let set = ask(outbound, jwks_uri).await?;
        Ok(Self { jwks_uri: jwks_uri.to_owned(), current: RwLock::new((Arc::new(set), now)), asked: Mutex::new(now) })
    }

    /// The keys, after asking again where `kid` is unknown or the keys are old.
    pub(crate) async fn for_kid(&self, outbound: &Outbound, kid: Option<&str>, now: i64) -> Arc<KeySet> {
        let (set, fetched) = self.current();
        let missing = !set.knows(kid);
        if !missing && now - fetched < FRESH {
            return set;
        }
        let mut asked = self.asked.lock().await;
        let (set, _) = self.current();
        let since = (now - *asked).abs();
        if since < FLOOR || (set.knows(kid) && since < FRESH) {
            return set;
        }
        *asked = now;
        match ask(outbound, &self.jwks_uri).await {
            Ok(fresh) => {
                let fresh = Arc::new(fresh);
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = (Arc::clone(&fresh), now);
                fresh
            }
            Err(error) => {
                tracing::warn!(%error, "the provider's keys could not be fetched again; the known ones stay");
                set
            }
        }
    }

    fn current(&self) -> (Arc<KeySet>, i64) {
        let guard = self.current.read().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&guard.0), guard.1)
    }
}

async fn ask(outbound: &Outbound, jwks_uri: &str) -> Result<KeySet, Error> {
    let answer = outbound.get(jwks_uri).await?;
    if answer.status() != http::StatusCode::OK {
        return Err(Error::NotAProvider { url: jwks_uri.to_owned(), detail: format!("status {}", answer.status()) });
    }
    KeySet::parse(answer.body()).map_err(|detail| Error::NotAProvider { url: jwks_uri.to_owned(), detail })
}
