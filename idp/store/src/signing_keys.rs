//! Signing keys. The private half is wrapped by the root key, which is never stored here. Nodes keep
//! copies; every change raises the generation of [`Copied::Keys`].

use gapura_core::{
    id::KeyId,
    oauth::{SigningKeyState, StoredSigningKey},
    time::Instant,
};

use crate::{
    Db, StoreError, Tx,
    columns::{instant, word},
    door::{record, values},
    generations::{self, Copied},
};

record! {
    struct Row {
        id: String,
        algorithm: String,
        provider: String,
        state: String,
        public_jwk: String,
        wrapped_private: Vec<u8>,
        created_at: i64,
        activated_at: Option<i64>,
        retired_at: Option<i64>,
    }
}

impl TryFrom<Row> for StoredSigningKey {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: KeyId::new(row.id),
            algorithm: word(&row.algorithm, "signing_keys.algorithm")?,
            provider: word(&row.provider, "signing_keys.provider")?,
            state: word(&row.state, "signing_keys.state")?,
            public_jwk: row.public_jwk,
            wrapped_private: row.wrapped_private,
            created_at: Instant::from_millis(row.created_at),
            activated_at: instant(row.activated_at),
            retired_at: instant(row.retired_at),
        })
    }
}

/// Every signing key, oldest first.
pub async fn all(db: &Db) -> Result<Vec<StoredSigningKey>, StoreError> {
    const SQL: &str = "SELECT id, algorithm, provider, state, public_jwk, wrapped_private, created_at, \
         activated_at, retired_at FROM signing_keys ORDER BY created_at, id";
    db.all::<Row>(SQL, values![]).await?.into_iter().map(TryInto::try_into).collect()
}

/// Adds a key, unless one of its algorithm stands where it stands: of several nodes that make the first
/// key, or the one that will follow, one wins. Nor is it added where it was wrapped by another root key than the
/// one in use: keys were wrapped anew while it was made.
pub async fn add(tx: &mut Tx, key: &StoredSigningKey, root_key_id: &str) -> Result<bool, StoreError> {
    const SQL: &str = "INSERT INTO signing_keys (id, algorithm, provider, state, public_jwk, wrapped_private, \
         created_at, activated_at, retired_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 \
         WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE algorithm = $2 AND state = $4) \
         AND NOT EXISTS (SELECT 1 FROM purpose_keys WHERE root_key_id <> $10)";
    let values = values![
        &key.id,
        key.algorithm.as_str(),
        key.provider.as_str(),
        key.state.as_str(),
        &key.public_jwk,
        &key.wrapped_private,
        key.created_at,
        key.activated_at,
        key.retired_at,
        root_key_id,
    ];
    if tx.execute(SQL, values).await? == 0 {
        return Ok(false);
    }
    generations::raise(tx, Copied::Keys).await?;
    Ok(true)
}

/// A next key signs from now on, and the one of its algorithm that did retires; false where it is not next.
pub async fn activate(tx: &mut Tx, key: &KeyId, now: Instant) -> Result<bool, StoreError> {
    const RETIRE: &str = "UPDATE signing_keys SET state = 'retiring', retired_at = $2 WHERE state = 'active' \
         AND algorithm = (SELECT next.algorithm FROM signing_keys next WHERE next.id = $1 AND next.state = 'next')";
    const ACTIVATE: &str =
        "UPDATE signing_keys SET state = 'active', activated_at = $2 WHERE id = $1 AND state = 'next'";
    tx.execute(RETIRE, values![key, now]).await?;
    if tx.execute(ACTIVATE, values![key, now]).await? == 0 {
        return Ok(false);
    }
    generations::raise(tx, Copied::Keys).await?;
    Ok(true)
}

/// A key is gone: no longer published, its private half erased; false where it does not stand where
/// `from` says.
pub async fn withdraw(tx: &mut Tx, key: &KeyId, from: SigningKeyState, now: Instant) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE signing_keys SET state = 'gone', wrapped_private = $3, \
         retired_at = COALESCE(retired_at, $4) WHERE id = $1 AND state = $2 AND state <> 'gone'";
    if tx.execute(SQL, values![key, from.as_str(), &Vec::<u8>::new(), now]).await? == 0 {
        return Ok(false);
    }
    generations::raise(tx, Copied::Keys).await?;
    Ok(true)
}
