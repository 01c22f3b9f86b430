//! Keys that clients publish at an address of their own (`jwks_uri`): fetched by the way out, kept in this process.
//!
//! | age of what we hold | a key we hold | a name we do not hold |
//! |---|---|---|
//! | under [`FRESH`] | used | asked for again, at most once in [`FLOOR`] |
//! | [`FRESH`] to [`KEPT`] | asked for again, at most once in [`FLOOR`]; used if nobody answers | the same |
//! | over [`KEPT`] | no more: what could not be confirmed for so long may have been withdrawn | the same |
//!
//! So a client that begins to sign with a new key loses no request, and whoever sends made-up names makes us ask
//! six times a minute and no more. One request asks for all: the others wait for it or use what is there. The time
//! is read when a request's turn has come, by a clock that runs forward only: how slowly a request came in, or
//! how long it waited, says nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex as Lock, PoisonError},
    time::Duration,
};

use gapura_core::{
    id::ClientId,
    oauth::{KeySet, SignatureAlg},
};
use tokio::sync::Mutex;

use crate::{clock::Clock, outbound::Outbound};

/// Keys younger than this are used as they are.
const FRESH: Duration = Duration::from_secs(600);
/// Keys older than this are used no more, whatever the reason that they could not be fetched.
const KEPT: Duration = Duration::from_secs(3600);
/// One client is asked at most once in this time.
const FLOOR: Duration = Duration::from_secs(10);
/// Longest wait for who asks just now: longer than any question takes.
const PATIENCE: Duration = Duration::from_secs(6);

/// The published keys of all clients that have an address for them.
#[derive(Default)]
pub(super) struct ClientKeyCache(Lock<HashMap<ClientId, Arc<Slot>>>);

/// Those of one client.
struct Slot {
    uri: String,
    held: Lock<Held>,
    /// When the client was last asked; held while asking.
    asked: Mutex<Option<Duration>>,
}

#[derive(Clone, Default)]
struct Held {
    keys: KeySet,
    fetched: Option<Duration>,
}

impl Held {
    fn is_within(&self, time: Duration, now: Duration) -> bool {
        self.fetched.is_some_and(|fetched| now < fetched + time)
    }

    fn has(&self, (kid, alg): (Option<&str>, SignatureAlg)) -> bool {
        self.keys.find(kid, alg).is_some()
    }
}

impl ClientKeyCache {
    /// The keys of a client, asked for again where `wanted` is missing or they are old. None where nobody answers.
    pub(super) async fn at(
        &self,
        outbound: &Outbound,
        (client, uri): (&ClientId, &str),
        wanted: (Option<&str>, SignatureAlg),
        clock: &Clock,
    ) -> KeySet {
        let slot = self.slot(client, uri);
        let (held, now) = (slot.held(), clock.steady());
        if held.is_within(FRESH, now) && held.has(wanted) {
            return held.keys;
        }
        let usable = held.is_within(KEPT, now) && held.has(wanted);
        let turn = match slot.asked.try_lock() {
            Ok(asked) => Some(asked),
            Err(_) if usable => return held.keys,
            Err(_) => tokio::time::timeout(PATIENCE, slot.asked.lock()).await.ok(),
        };
        let now = clock.steady();
        if let Some(mut asked) = turn
            && asked.is_none_or(|at| now >= at + FLOOR)
        {
            *asked = Some(now);
            match fetch(outbound, uri).await {
                Ok(keys) => slot.keep(Held { keys, fetched: Some(now) }),
                Err(why) => tracing::warn!(client_id = %client, %why, "the keys of a client could not be fetched"),
            }
        }
        let held = slot.held();
        if held.is_within(KEPT, now) { held.keys } else { KeySet::default() }
    }

    /// One a client; another address begins anew.
    fn slot(&self, client: &ClientId, uri: &str) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match slots.get(client) {
            Some(slot) if slot.uri == uri => Arc::clone(slot),
            _ => {
                let slot = Arc::new(Slot { uri: uri.to_owned(), held: Lock::default(), asked: Mutex::default() });
                slots.insert(client.clone(), Arc::clone(&slot));
                slot
            }
        }
    }
}

impl Slot {
    fn held(&self) -> Held {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, held: Held) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }
}

/// A sentence for the log where there are none.
async fn fetch(outbound: &Outbound, uri: &str) -> Result<KeySet, String> {
    let answer = outbound.get(uri).await.map_err(|why| why.to_string())?;
    match answer.status {
        200 => KeySet::published(&answer.body).map_err(|why| why.to_string()),
        status => Err(format!("status {status}")),
    }
}
