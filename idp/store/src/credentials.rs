//! Password hashes: one a person, in the encoded form of Argon2id (PHC string).

use gapura_core::{id::UserId, time::Instant};

use crate::{
    Db, StoreError, Tx,
    door::{record, values},
};

const SET_PASSWORD: &str = "INSERT INTO passwords (user_id, hash, changed_at) VALUES ($1, $2, $3) \
     ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at";

const REHASH: &str = "UPDATE passwords SET hash = $3 WHERE user_id = $1 AND hash = $2";

const ANY: &str = "SELECT hash FROM passwords LIMIT 1";

const PASSWORD: &str = "SELECT hash FROM passwords WHERE user_id = $1";

/// Sets or replaces the password's hash.
pub async fn set_password(tx: &mut Tx, user: &UserId, hash: &str, now: Instant) -> Result<(), StoreError> {
    tx.execute(SET_PASSWORD, values![user, hash, now]).await?;
    Ok(())
}

/// Replaces a hash by one of the same password with present costs, unless it changed meanwhile.
pub async fn rehash(tx: &mut Tx, user: &UserId, seen: &str, hash: &str) -> Result<bool, StoreError> {
    Ok(tx.execute(REHASH, values![user, seen, hash]).await? == 1)
}

/// The password's hash, where one is set.
pub async fn password(db: &Db, user: &UserId) -> Result<Option<String>, StoreError> {
    let row: Option<HashRow> = db.first(PASSWORD, values![user]).await?;
    Ok(row.map(|row| row.hash))
}

/// Whether anybody has a password.
pub async fn any(db: &Db) -> Result<bool, StoreError> {
    Ok(db.first::<HashRow>(ANY, values![]).await?.is_some())
}

record! {
    struct HashRow {
        hash: String,
    }
}
