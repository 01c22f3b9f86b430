//! Purpose keys: random, one a purpose, wrapped by the root key, which is never stored here.

use gapura_core::time::Instant;

use crate::{
    Db, StoreError, Tx,
    door::{record, values},
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
