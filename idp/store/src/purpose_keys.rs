//! Purpose keys: random, one a purpose, wrapped by the root key, which is never stored here.

use gapura_core::{id::KeyId, time::Instant};

use crate::{
    Db, StoreError, Tx,
    door::{record, values},
    generations::{self, Copied},
};

record! {
    /// A purpose key as stored.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PurposeKey {
        /// Random id.
        pub id: String,
        /// What for; unique.
        pub purpose: String,
        /// 32 bytes, sealed by the root key.
        pub wrapped: Vec<u8>,
        /// Which root key sealed it.
        pub root_key_id: String,
    }
}

/// Every purpose key.
pub async fn all(db: &Db) -> Result<Vec<PurposeKey>, StoreError> {
    const SQL: &str = "SELECT id, purpose, wrapped, root_key_id FROM purpose_keys ORDER BY purpose";
    db.all(SQL, values![]).await
}

/// Adds a key unless its purpose has one: of several nodes at first start one wins, and all read on.
pub async fn add_first(tx: &mut Tx, key: &PurposeKey, now: Instant) -> Result<bool, StoreError> {
    const SQL: &str = "INSERT INTO purpose_keys (id, purpose, wrapped, root_key_id, created_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (purpose) DO NOTHING";
    Ok(tx.execute(SQL, values![&key.id, &key.purpose, &key.wrapped, &key.root_key_id, now]).await? == 1)
}

/// Every wrapped key, as it was read and as it shall be.
#[derive(Clone, Debug)]
pub struct Rewrapped {
    /// The root key until now.
    pub from: String,
    /// Purpose keys under the new root key.
    pub purposes: Vec<PurposeKey>,
    /// Signing keys that are not gone: wrapped by the old root key, and by the new one.
    pub signing: Vec<(KeyId, Vec<u8>, Vec<u8>)>,
}

record! {
    struct Wrapped {
        id: String,
        wrapped_private: Vec<u8>,
    }
}

/// Wraps every key anew; false, and nothing is changed, where the keys are not those that were read.
pub async fn rewrap(tx: &mut Tx, keys: &Rewrapped) -> Result<bool, StoreError> {
    const PURPOSES: &str = "SELECT id, purpose, wrapped, root_key_id FROM purpose_keys ORDER BY purpose";
    const SIGNING: &str = "SELECT id, wrapped_private FROM signing_keys WHERE state <> 'gone' ORDER BY id";
    const PURPOSE: &str = "UPDATE purpose_keys SET wrapped = $2, root_key_id = $3 WHERE id = $1 AND root_key_id = $4";
    const KEY: &str = "UPDATE signing_keys SET wrapped_private = $2 WHERE id = $1 AND wrapped_private = $3";
    let mut stored: Vec<Wrapped> = tx.all(SIGNING, values![]).await?;
    stored.sort_by(|a, b| a.id.cmp(&b.id));
    let mut read: Vec<(&str, &[u8])> = keys.signing.iter().map(|(id, old, _)| (id.as_str(), old.as_slice())).collect();
    read.sort_unstable();
    let same = stored.iter().map(|key| (key.id.as_str(), key.wrapped_private.as_slice())).eq(read);
    let purposes: Vec<PurposeKey> = tx.all(PURPOSES, values![]).await?;
    let mut named = keys.purposes.iter().map(|key| key.id.as_str());
    let all_named = purposes.iter().all(|key| key.root_key_id == keys.from && named.next() == Some(key.id.as_str()));
    if !same || !all_named || named.next().is_some() {
        return Ok(false);
    }
    for key in &keys.purposes {
        tx.execute(PURPOSE, values![&key.id, &key.wrapped, &key.root_key_id, &keys.from]).await?;
    }
    for (id, old, new) in &keys.signing {
        tx.execute(KEY, values![id, new, old]).await?;
    }
    generations::raise(tx, Copied::Keys).await?;
    Ok(true)
}
