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

/// Adds a key, unless one of its algorithm is active already: of several nodes at first start one wins.
pub async fn add_first(tx: &mut Tx, key: &StoredSigningKey) -> Result<bool, StoreError> {
    const SQL: &str = "INSERT INTO signing_keys (id, algorithm, provider, state, public_jwk, wrapped_private, \
         created_at, activated_at, retired_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 \
         WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE algorithm = $2 AND state = 'active')";
    insert(tx, SQL, key).await
}

/// Adds a key beside those that are there.
pub async fn add(tx: &mut Tx, key: &StoredSigningKey) -> Result<bool, StoreError> {
    const SQL: &str = "INSERT INTO signing_keys (id, algorithm, provider, state, public_jwk, wrapped_private, \
         created_at, activated_at, retired_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    insert(tx, SQL, key).await
}

async fn insert(tx: &mut Tx, sql: &'static str, key: &StoredSigningKey) -> Result<bool, StoreError> {
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
    ];
    if tx.execute(sql, values).await? == 0 {
        return Ok(false);
    }
    generations::raise(tx, Copied::Keys).await?;
    Ok(true)
}

/// Moves a key on in its life; false where it does not stand where `from` says.
pub async fn advance(
    tx: &mut Tx,
    key: &KeyId,
    from: SigningKeyState,
    to: SigningKeyState,
    now: Instant,
) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE signing_keys SET state = $3, \
         activated_at = CASE WHEN $3 = 'active' THEN $4 ELSE activated_at END, \
         retired_at = CASE WHEN $3 = 'retiring' THEN $4 ELSE retired_at END \
         WHERE id = $1 AND state = $2";
    if tx.execute(SQL, values![key, from.as_str(), to.as_str(), now]).await? == 0 {
        return Ok(false);
    }
    generations::raise(tx, Copied::Keys).await?;
    Ok(true)
}
