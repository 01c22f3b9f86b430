//! Moves signing keys along their life, each step in one change with its audit events. When a step is due
//! is a rule of core ([`gapura_core::oauth::rotation`]); a job asks it, commands may say otherwise.

use std::sync::Arc;

use gapura_core::{
    audit::{Actor, AuditEvent, EventKind},
    id::{EventId, KeyId},
    oauth::{SignatureAlg, SigningKeyState, StoredSigningKey},
    time::Instant,
};
use gapura_store::{Db, audit, purpose_keys, signing_keys};
use serde_json::json;

use super::{KeyError, Keys, signing};
use crate::{entropy::Entropy, state::StartError};

/// Somebody who moves keys, and when.
pub struct Mover<'a> {
    /// Where they are kept.
    pub db: &'a Db,
    /// What wraps new ones.
    pub keys: &'a Arc<Keys>,
    /// The job, or who typed a command.
    pub actor: Actor,
    /// The moment.
    pub now: Instant,
}

impl Mover<'_> {
    /// Makes the key that will follow the active one of its algorithm; `None` where there is one already.
    pub async fn make_next(&self, alg: SignatureAlg) -> Result<Option<StoredSigningKey>, StartError> {
        self.make(alg, SigningKeyState::Next).await
    }

    /// Makes the first key of an algorithm; `None` where one is active already.
    pub async fn make_first(&self, alg: SignatureAlg) -> Result<Option<StoredSigningKey>, StartError> {
        self.make(alg, SigningKeyState::Active).await
    }

    async fn make(&self, alg: SignatureAlg, state: SigningKeyState) -> Result<Option<StoredSigningKey>, StartError> {
        let taken = |key: &StoredSigningKey| key.algorithm == alg && key.state == state;
        if signing_keys::all(self.db).await?.iter().any(taken) {
            return Ok(None);
        }
        let in_use = purpose_keys::all(self.db).await?.into_iter().next().map(|key| key.root_key_id);
        let in_use = in_use.ok_or_else(|| KeyError::Malformed("purpose".to_owned()))?;
        let (root, now) = (self.keys.root_named(&in_use)?, self.now);
        // An RSA key takes up to a second of a core.
        let made = tokio::task::spawn_blocking(move || signing::generate(alg, state, &root, now)).await;
        let key = made.map_err(|_| KeyError::Refused)??;
        let event = self.event(&key, None, state)?;
        let stored = key.clone();
        let won = self.db.write(async move |tx| {
            let added = signing_keys::add(tx, &stored, &in_use).await?;
            if added {
                audit::record(tx, &event).await?;
            }
            Ok(added)
        });
        Ok(won.await?.then_some(key))
    }

    /// A next key signs, and the active one retires. False where it is next no longer.
    pub async fn activate(&self, next: &StoredSigningKey) -> Result<bool, StartError> {
        let mut events = vec![self.event(next, Some(next.state), SigningKeyState::Active)?];
        if let Some(active) = self.active(next.algorithm).await? {
            events.push(self.event(&active, Some(SigningKeyState::Active), SigningKeyState::Retiring)?);
        }
        let (id, now) = (next.id.clone(), self.now);
        let moved = self.db.write(async move |tx| {
            let moved = signing_keys::activate(tx, &id, now).await?;
            if moved {
                for event in &events {
                    audit::record(tx, event).await?;
                }
            }
            Ok(moved)
        });
        Ok(moved.await?)
    }

    /// A key is gone. False where it stands elsewhere by now.
    pub async fn withdraw(&self, key: &StoredSigningKey) -> Result<bool, StartError> {
        let event = self.event(key, Some(key.state), SigningKeyState::Gone)?;
        let (id, from, now) = (key.id.clone(), key.state, self.now);
        let moved = self.db.write(async move |tx| {
            let moved = signing_keys::withdraw(tx, &id, from, now).await?;
            if moved {
                audit::record(tx, &event).await?;
            }
            Ok(moved)
        });
        Ok(moved.await?)
    }

    /// An active key is gone and a next one signs in its place, in one change.
    pub async fn replace(&self, active: &StoredSigningKey, next: &StoredSigningKey) -> Result<bool, StartError> {
        let gone = self.event(active, Some(active.state), SigningKeyState::Gone)?;
        let follows = self.event(next, Some(next.state), SigningKeyState::Active)?;
        let (old, from, new, now) = (active.id.clone(), active.state, next.id.clone(), self.now);
        let moved = self.db.write(async move |tx| {
            let moved = signing_keys::withdraw(tx, &old, from, now).await?;
            if moved {
                audit::record(tx, &gone).await?;
                // Where the next key was withdrawn meanwhile, the algorithm has no key until one is made;
                // a compromised key signs no more all the same.
                if signing_keys::activate(tx, &new, now).await? {
                    audit::record(tx, &follows).await?;
                }
            }
            Ok(moved)
        });
        Ok(moved.await?)
    }

    async fn active(&self, alg: SignatureAlg) -> Result<Option<StoredSigningKey>, StartError> {
        let all = signing_keys::all(self.db).await?;
        Ok(all.into_iter().find(|key| key.algorithm == alg && key.state == SigningKeyState::Active))
    }

    fn event(
        &self,
        key: &StoredSigningKey,
        from: Option<SigningKeyState>,
        to: SigningKeyState,
    ) -> Result<AuditEvent, StartError> {
        let id = EventId::new(Entropy.ordered_id(self.now)?);
        let mut event = AuditEvent::new(id, Entropy.bytes()?, self.now, EventKind::KeyChanged, self.actor.clone());
        event.object = Some(key.id.to_string());
        event.before = from.map(|state| json!({"state": state}));
        event.after = Some(json!({"algorithm": key.algorithm, "state": to}));
        Ok(event)
    }
}

/// The key of an id.
pub fn find<'k>(keys: &'k [StoredSigningKey], id: &KeyId) -> Option<&'k StoredSigningKey> {
    keys.iter().find(|key| key.id == *id)
}
