//! Keys: one root key in a file, purpose keys and signing keys wrapped by it in the database.
//!
//! The story: [`root`] reads or makes the root key's file; [`purpose`] opens the keys that
//! encrypt columns, index what is encrypted, pepper passwords and mark forms; [`signing`] holds the
//! key pairs that sign tokens, parsed once, and the JWKS document; [`public`] compares signatures, ours
//! and those of clients; [`verify`] takes apart tokens of our own that come back, and [`verified`]
//! remembers which were looked at; [`rotation`] moves signing keys along their life. Losing the root
//! key loses them all, which is why it never lies in the database or in a backup of it.

mod public;
pub mod purpose;
pub mod root;
pub mod rotation;
mod sealer;
pub mod signing;
mod verified;
mod verify;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use gapura_core::{
    oauth::{SignatureAlg, StoredSigningKey, TokenType},
    secret::Secret,
};
use gapura_store::copies::Snapshot;
use serde::Serialize;
use thiserror::Error;
use tokio::sync::Notify;

pub use public::{Verifier, verifies};
pub use sealer::Sealer;
use signing::SigningSet;
pub use verified::VerifiedTokens;
pub use verify::{Claims, Expected, TokenRefused};

use crate::entropy::NoEntropy;
use purpose::PurposeKeys;
use root::RootKey;

/// A key is missing, cannot be opened or cannot be used.
#[derive(Clone, Debug, Error)]
pub enum KeyError {
    /// The root key's file.
    #[error("{0}")]
    Root(String),
    /// A wrapped key does not open: another root key made it, or it was altered.
    #[error("the key {0} does not open with this root key")]
    Unopened(String),
    /// A stored key is no key.
    #[error("the stored key {0} is no key")]
    Malformed(String),
    /// No active key of this algorithm yet: it is being made in the background.
    #[error("no active {0} key yet")]
    NotYet(SignatureAlg),
    /// The library refused.
    #[error("the key library refused")]
    Refused,
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

/// How long a flow waits for a key that is being made at first start.
const PATIENCE: Duration = Duration::from_secs(20);
/// A list of keys that could not be taken over is tried again this much later, not by every request.
const AGAIN: Duration = Duration::from_secs(1);

/// All keys of this deployment.
pub struct Keys {
    /// The one in use, which wraps new keys.
    root: ArcSwap<RootKey>,
    /// Its file, which is read again when the database was wrapped anew.
    file: Option<PathBuf>,
    purposes: PurposeKeys,
    sealer: Sealer,
    signing: ArcSwap<SigningSet>,
    /// Locked while taking over, so that set and list never differ.
    followed: Mutex<Followed>,
    changed: Notify,
}

/// The list taken over last.
#[derive(Default)]
struct Followed {
    list: Arc<Vec<StoredSigningKey>>,
    /// The reading it was seen in.
    reading: u64,
    failed: Option<Failed>,
}

/// A list that could not be taken over.
struct Failed {
    list: Arc<Vec<StoredSigningKey>>,
    why: KeyError,
    at: Instant,
}

impl Keys {
    /// From opened purpose keys; signing keys come by [`Keys::follow`].
    pub fn new(root: RootKey, purposes: PurposeKeys, file: Option<PathBuf>) -> Self {
        let sealer = Sealer::new(&purposes);
        Self {
            root: ArcSwap::from_pointee(root),
            file,
            purposes,
            sealer,
            signing: ArcSwap::default(),
            followed: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Takes over the signing keys as stored. Key pairs already parsed are kept.
    pub fn follow(&self, stored: &[StoredSigningKey]) -> Result<(), KeyError> {
        let set = self.build(stored)?;
        self.signing.store(Arc::new(set));
        self.changed.notify_waiters();
        Ok(())
    }

    /// The same for those of a snapshot, unless they are the very ones taken over last, or came before them.
    pub fn follow_if_moved(&self, snapshot: &Snapshot) -> Result<(), KeyError> {
        let stored = &snapshot.signing_keys;
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&followed.list, stored) || snapshot.reading < followed.reading {
            return Ok(());
        }
        if let Some(failed) = &followed.failed
            && Arc::ptr_eq(&failed.list, stored)
            && failed.at.elapsed() < AGAIN
        {
            return Err(failed.why.clone());
        }
        match self.follow(stored) {
            Ok(()) => {
                *followed = Followed { list: Arc::clone(stored), reading: snapshot.reading, failed: None };
                Ok(())
            }
            Err(why) => {
                followed.failed = Some(Failed { list: Arc::clone(stored), why: why.clone(), at: Instant::now() });
                Err(why)
            }
        }
    }

    /// A key made after the root key was changed opens with the new one only: the file has it by then.
    fn build(&self, stored: &[StoredSigningKey]) -> Result<SigningSet, KeyError> {
        let before = self.signing.load();
        let mut best = SigningSet::build(&self.root.load(), stored, &before);
        if !is_whole(&best) {
            let others = match self.in_file() {
                Err(why) if best.is_err() => return Err(why),
                others => others.unwrap_or_default(),
            };
            for root in others {
                let built = SigningSet::build(&root, stored, &before);
                if is_whole(&built) || (best.is_err() && built.is_ok()) {
                    self.root.store(Arc::new(root));
                    best = built;
                }
            }
        }
        let set = best?;
        for kid in set.shut() {
            tracing::error!(%kid, "the private half of a signing key does not open: it is published and cannot sign here");
        }
        Ok(set)
    }

    fn in_file(&self) -> Result<Vec<RootKey>, KeyError> {
        self.file.as_deref().map_or_else(|| Ok(Vec::new()), RootKey::read_all)
    }

    /// The root key in use as far as this process knows.
    pub fn root(&self) -> Arc<RootKey> {
        self.root.load_full()
    }

    /// The root key of this id, for making new keys: the database says which is in use.
    pub fn root_named(&self, id: &str) -> Result<Arc<RootKey>, KeyError> {
        if self.root.load().id() != id {
            let named = self.in_file()?.into_iter().find(|root| root.id() == id);
            let named = named.ok_or_else(|| KeyError::Root(root::lacks(id)))?;
            self.root.store(Arc::new(named));
        }
        Ok(self.root())
    }

    /// Encrypts columns and indexes what is encrypted.
    pub const fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// The secret mixed into every password hash.
    pub const fn pepper(&self) -> &Secret<[u8; 32]> {
        &self.purposes.pepper
    }

    /// The key of form tokens and of hashed names in throttles.
    pub const fn form_key(&self) -> &Secret<[u8; 32]> {
        &self.purposes.form
    }

    /// The JWKS document (RFC 7517 section 5), ready to send.
    pub fn jwks(&self) -> Bytes {
        self.signing.load().jwks()
    }

    /// The keys of this moment, for who asks them twice.
    pub fn now(&self) -> Arc<SigningSet> {
        self.signing.load_full()
    }

    /// Whether a key of every algorithm we announce is there.
    pub fn complete(&self) -> bool {
        let set = self.signing.load();
        SignatureAlg::ALL.iter().all(|alg| set.active(*alg).is_some())
    }

    /// Signs claims into a compact JWS (RFC 7515 section 3.1); waits where the key is still being
    /// made.
    pub async fn sign<C: Serialize + Sync>(
        &self,
        alg: SignatureAlg,
        typ: TokenType,
        claims: &C,
    ) -> Result<String, KeyError> {
        let key = match self.signing.load().active(alg) {
            Some(key) => Arc::clone(key),
            None => self.awaited(alg).await?,
        };
        key.sign(typ, claims)
    }

    async fn awaited(&self, alg: SignatureAlg) -> Result<Arc<signing::SigningKey>, KeyError> {
        let appears = async {
            loop {
                let mut changed = std::pin::pin!(self.changed.notified());
                changed.as_mut().enable();
                if let Some(key) = self.signing.load().active(alg) {
                    return Arc::clone(key);
                }
                changed.await;
            }
        };
        tokio::time::timeout(PATIENCE, appears).await.map_err(|_| KeyError::NotYet(alg))
    }

    /// The claims of a token we signed ourselves, if it is one of the expected kind and alive.
    pub fn verify<C: Claims>(&self, token: &str, expected: &Expected<'_>) -> Result<C, TokenRefused> {
        self.signing.load().verify(token, expected)
    }
}

fn is_whole(built: &Result<SigningSet, KeyError>) -> bool {
    built.as_ref().is_ok_and(|set| set.shut().next().is_none())
}

#[cfg(test)]
mod tests;
