//! What server and commands open alike: the database, the root key and the keys it wraps.
//!
//! The story of a first start: the database is made (0600), the zone is written into it, the root
//! key's file is made beside it, purpose keys and the first elliptic keys are made and wrapped. Two
//! processes that start first at the same time end with the same keys, because each row is
//! inserted where it is missing and then read back.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt as _, path::Path, sync::Arc};

use gapura_core::{audit::Actor, oauth::SignatureAlg, time::Instant};
use gapura_store::{
    Db, DbConfig,
    deployment::{self, Property},
    purpose_keys::{self, PurposeKey},
    signing_keys,
};

use crate::{
    clock::Clock,
    entropy::Entropy,
    keys::{
        KeyError, Keys,
        purpose::{Purpose, PurposeKeys, WrappedKey},
        root::RootKey,
        rotation::Mover,
    },
    settings::{Database, Settings},
    state::StartError,
};

/// The opened base of a server or a command.
pub struct Foundation {
    /// What the deployment decided.
    pub settings: Arc<Settings>,
    /// The database.
    pub db: Db,
    /// Every key.
    pub keys: Arc<Keys>,
    /// Where `now` comes from.
    pub clock: Clock,
    /// Where secrets come from.
    pub entropy: Entropy,
}

impl Foundation {
    /// For a server: the only one at its SQLite file.
    pub async fn open_for_server(settings: Settings, clock: Clock) -> Result<Self, StartError> {
        let config = config(&settings).for_server();
        Self::open(settings, clock, config).await
    }

    /// For a command, beside a server or alone.
    pub async fn open_for_command(settings: Settings, clock: Clock) -> Result<Self, StartError> {
        let config = config(&settings);
        Self::open(settings, clock, config).await
    }

    async fn open(settings: Settings, clock: Clock, config: DbConfig) -> Result<Self, StartError> {
        if let Database::Sqlite(path) = &settings.database {
            make_private(path)?;
        }
        let entropy = Entropy;
        let now = clock.now();
        let db = Db::open(&config).await?;
        let zone = settings.city.zone;
        db.write(async move |tx| deployment::insist(tx, Property::Zone, zone.name()).await).await?;
        let (root, purposes) = match opened(&db, &settings.root_key, now).await {
            // Keys were wrapped anew between the look at the file and the look at the database.
            Err(StartError::Keys(KeyError::Root(_))) => opened(&db, &settings.root_key, now).await?,
            opened => opened?,
        };
        let keys = Arc::new(Keys::new(root, purposes, Some(settings.root_key.clone())));
        for alg in QUICKLY_MADE {
            ensure_signing_key(&db, &keys, alg, now).await?;
        }
        keys.follow(&signing_keys::all(&db).await?)?;
        Ok(Self { settings: Arc::new(settings), db, keys, clock, entropy })
    }
}

/// Algorithms whose keys are made in less than a millisecond: at once, the others in the background.
const QUICKLY_MADE: [SignatureAlg; 2] = [SignatureAlg::Es256, SignatureAlg::EdDsa];

/// How the store opens what the settings name.
pub fn config(settings: &Settings) -> DbConfig {
    match &settings.database {
        Database::Sqlite(path) => DbConfig::sqlite(path),
        Database::Postgres(url) => DbConfig::postgres(url.expose()),
    }
}

/// The file holds personal data: made for its owner alone before SQLite would make it for all.
fn make_private(path: &Path) -> Result<(), StartError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(why) if why.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(why) => Err(StartError::Environment(format!("database {} cannot be made: {why}", path.display()))),
    }
}

async fn opened(db: &Db, path: &Path, now: Instant) -> Result<(RootKey, PurposeKeys), StartError> {
    let root = root_key(db, path, Entropy).await?;
    let purposes = purposes(db, &root, Entropy, now).await?;
    Ok((root, purposes))
}

/// The root key in use. A new one only where nothing was wrapped yet: otherwise its loss would go unnoticed.
async fn root_key(db: &Db, path: &Path, entropy: Entropy) -> Result<RootKey, StartError> {
    let mut there = RootKey::read_all(path)?;
    let stored = purpose_keys::all(db).await?.into_iter().next();
    if let Some(stored) = &stored
        && let Some(in_use) = there.iter().position(|root| root.id() == stored.root_key_id)
    {
        return Ok(there.swap_remove(in_use));
    }
    match (stored, there.into_iter().next()) {
        (None, None) => Ok(RootKey::create(path, entropy)?),
        // Another than the one needed is refused, by name, when purpose keys are opened.
        (_, Some(first)) => Ok(first),
        (Some(stored), None) => Err(KeyError::Root(format!(
            "root key {} is missing, and this database needs the one named {}: put the file back, or name it by \
             keys.root_file",
            path.display(),
            stored.root_key_id
        ))
        .into()),
    }
}

async fn purposes(db: &Db, root: &RootKey, entropy: Entropy, now: Instant) -> Result<PurposeKeys, StartError> {
    let stored = wrapped(db).await?;
    if !stored.is_empty() {
        return Ok(PurposeKeys::open(root, &stored)?);
    }
    let mut rows = Vec::new();
    for purpose in Purpose::ALL {
        let made = WrappedKey::generate(*purpose, root, entropy)?;
        rows.push(PurposeKey {
            id: entropy.ordered_id(now)?,
            purpose: made.purpose.to_string(),
            wrapped: made.wrapped,
            root_key_id: made.root_key_id,
        });
    }
    db.write(async move |tx| {
        for row in &rows {
            purpose_keys::add_first(tx, row, now).await?;
        }
        Ok(())
    })
    .await?;
    Ok(PurposeKeys::open(root, &wrapped(db).await?)?)
}

async fn wrapped(db: &Db) -> Result<Vec<WrappedKey>, StartError> {
    Ok(wrapped_keys(&purpose_keys::all(db).await?)?)
}

/// Purpose keys as stored, by their purposes.
pub fn wrapped_keys(stored: &[PurposeKey]) -> Result<Vec<WrappedKey>, KeyError> {
    let key = |row: &PurposeKey| {
        let purpose = row.purpose.parse().map_err(|_| KeyError::Malformed(row.purpose.clone()))?;
        Ok(WrappedKey { purpose, wrapped: row.wrapped.clone(), root_key_id: row.root_key_id.clone() })
    };
    stored.iter().map(key).collect()
}

/// Makes the first key of an algorithm where there is none yet; of several that try, one wins.
/// Whether a key was made here.
pub async fn ensure_signing_key(
    db: &Db,
    keys: &Arc<Keys>,
    alg: SignatureAlg,
    now: Instant,
) -> Result<bool, StartError> {
    let mover = Mover { db, keys, actor: Actor::System, now };
    Ok(mover.make_first(alg).await?.is_some())
}

#[cfg(test)]
mod tests;
