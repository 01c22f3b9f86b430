//! `gapura keys rewrap`: every key wrapped by another root key, while servers serve.
//!
//! The story: the new root key lies in a file of its own before anything else, then beside the old one in
//! `keys.root_file`, which all nodes share. Then one change puts it into use: all keys or none. Nodes go on with
//! the keys they have open and find the new root key in the file when they meet a key that it wrapped. A crash in
//! between leaves a file with two root keys and a database that names one of them, which is a sound state.

use std::{path::Path, time::Duration};

use gapura_core::{audit::EventKind, oauth::SigningKeyState};
use gapura_store::{
    audit, leases,
    purpose_keys::{self, PurposeKey, Rewrapped},
    signing_keys,
};
use serde_json::json;

use super::super::{Done, Failed, Outcome, desk::Desk, note};
use crate::{
    foundation::wrapped_keys,
    keys::{purpose::PurposeKeys, root::RootKey, signing},
};

/// Of two commands at the same time one goes on.
const LEASE: Duration = Duration::from_secs(60);

/// How often the keys are read again because one moved meanwhile: a first start still makes its RSA keys.
const TRIES: u8 = 5;

pub(super) async fn run(desk: &Desk, file: &Path) -> Outcome {
    let (old, path) = (desk.base.keys.root(), &desk.base.settings.root_key);
    let new = match RootKey::read(file)? {
        Some(new) => new,
        None => RootKey::create(file, desk.base.entropy)?,
    };
    if new.id() == old.id() {
        return Err(Failed::refused(format!("root key {} is in use already", new.id())));
    }
    let (holder, now) = (desk.key()?, desk.now);
    let mine = desk.base.db.write(async move |tx| leases::hold(tx, "rewrap", &holder, now, LEASE).await);
    if !mine.await? {
        return Err(Failed::refused(
            "keys are being wrapped anew by another command, or one was cut off: try again in a minute",
        ));
    }
    new.put_beside(path, desk.base.entropy)?;
    let count = put_into_use(desk, &old, &new).await?;
    note(&format!("{} holds both root keys; {} opens only backups made before now", path.display(), old.id()));
    note("when no such backup matters any more, take its line, the older one, out of the file");
    let text = format!("{count} keys are wrapped by root key {} now", new.id());
    Ok(Done::new(text, json!({"root_key": new.id(), "former_root_key": old.id(), "keys": count})))
}

/// Wraps all keys anew in one change; how many they are.
async fn put_into_use(desk: &Desk, old: &RootKey, new: &RootKey) -> Result<usize, Failed> {
    for _ in 0..TRIES {
        let keys = rewrapped(desk, old, new).await?;
        let mut event = desk.event(EventKind::KeyChanged)?;
        event.object = Some("root".to_owned());
        event.before = Some(json!({"root_key": old.id()}));
        event.after = Some(json!({"root_key": new.id()}));
        let count = keys.purposes.len() + keys.signing.len();
        let done = desk.base.db.write(async move |tx| {
            let done = purpose_keys::rewrap(tx, &keys).await?;
            if done {
                audit::record(tx, &event).await?;
            }
            Ok(done)
        });
        if done.await? {
            return Ok(count);
        }
    }
    Err(Failed::refused("keys moved in the same moments, and nothing was changed: try again"))
}

async fn rewrapped(desk: &Desk, old: &RootKey, new: &RootKey) -> Result<Rewrapped, Failed> {
    let stored = purpose_keys::all(&desk.base.db).await?;
    let wrapped = PurposeKeys::rewrap(&wrapped_keys(&stored)?, old, new)?;
    let purposes = stored.iter().zip(wrapped).map(|(row, key)| PurposeKey {
        id: row.id.clone(),
        purpose: row.purpose.clone(),
        wrapped: key.wrapped,
        root_key_id: key.root_key_id,
    });
    let mut signing = Vec::new();
    for key in signing_keys::all(&desk.base.db).await? {
        if key.state != SigningKeyState::Gone {
            let wrapped = signing::rewrap(&key, old, new)?;
            signing.push((key.id, key.wrapped_private, wrapped));
        }
    }
    Ok(Rewrapped { from: old.id().to_owned(), purposes: purposes.collect(), signing })
}
