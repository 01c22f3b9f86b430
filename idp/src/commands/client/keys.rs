//! Public keys of clients, as typed: what is wrong with them is said before anything is stored.

use gapura_core::{
    audit::EventKind,
    id::ClientId,
    oauth::{AuthMethod, ClientKeys, KeySet, registration},
};
use gapura_store::{audit, clients};
use serde_json::{Value, json};

use super::{
    super::{Done, Failed, Outcome, arguments::TypedKeys, desk::Desk, note},
    find,
};
use crate::{
    keys::Verifier,
    outbound::{Outbound, OutboundError},
};

/// The keys that were typed, if any.
pub(super) fn typed(keys: TypedKeys) -> Result<Option<ClientKeys>, Failed> {
    let Some(path) = keys.jwks else { return Ok(keys.jwks_uri.map(ClientKeys::At)) };
    let text =
        std::fs::read(&path).map_err(|why| Failed::environment(format!("{} cannot be read: {why}", path.display())))?;
    let set = KeySet::registered(&text).map_err(|why| Failed::refused(format!("{}: {why}", path.display())))?;
    if let Some(key) = set.keys().iter().find(|key| Verifier::new(key).is_none()) {
        let kid = key.id.as_deref().unwrap_or_default();
        return Err(Failed::refused(format!(
            "{}: key \"{kid}\" is no key: its numbers do not fit its algorithm",
            path.display()
        )));
    }
    Ok(Some(ClientKeys::Inline(set)))
}

/// An address that the server would refuse to ask is said now; one that does not answer yet is a note.
pub(super) async fn check_address(desk: &Desk, keys: Option<&ClientKeys>) -> Result<(), Failed> {
    let Some(ClientKeys::At(uri)) = keys else { return Ok(()) };
    let outbound = Outbound::new(&desk.base.settings).map_err(|why| Failed::environment(why.to_string()))?;
    let answer = match outbound.get(uri).await {
        Err(OutboundError::Refused(why)) => return Err(Failed::refused(format!("jwks_uri {uri}: {why}"))),
        Err(why) => Err(why.to_string()),
        Ok(answer) if answer.status != 200 => Err(format!("status {}", answer.status)),
        Ok(answer) => KeySet::published(&answer.body).map_err(|why| why.to_string()),
    };
    match answer {
        Ok(set) if !set.keys().is_empty() => {}
        Ok(_) => note(&format!(
            "jwks_uri {uri}: no key there is for signatures; the client cannot prove itself until one is"
        )),
        Err(why) => note(&format!("jwks_uri {uri}: {why}; the client cannot prove itself until it answers")),
    }
    Ok(())
}

/// `gapura client keys`.
pub(super) async fn replace(desk: &Desk, id: &str, keys: TypedKeys) -> Outcome {
    let keys = typed(keys)?.ok_or_else(|| Failed::usage("give the new keys by --jwks FILE or --jwks-uri URI"))?;
    let id = ClientId::new(id);
    let client = find(desk, &id).await?;
    if client.auth_method != AuthMethod::PrivateKeyJwt {
        return Err(Failed::refused(format!("\"{id}\" is registered for {}, which needs no keys", client.auth_method)));
    }
    registration::check_keys(&keys).map_err(|why| Failed::refused(why.to_string()))?;
    check_address(desk, Some(&keys)).await?;
    let named = |keys: Option<&ClientKeys>| {
        let (jwks, jwks_uri) = shown(keys);
        json!({"client_id": id, "jwks": jwks, "jwks_uri": jwks_uri})
    };
    let (before, after) = (named(client.keys.as_ref()), named(Some(&keys)));
    let mut event = desk.event(EventKind::ClientChanged)?;
    event.client_id = Some(id.clone());
    event.application_id = Some(client.application_id.clone());
    event.before = Some(before);
    event.after = Some(after.clone());
    let (key, now) = (id.clone(), desk.now);
    let changed = desk.base.db.write(async move |tx| {
        let changed = clients::set_keys(tx, &key, &keys, now).await?;
        if changed {
            audit::record(tx, &event).await?;
        }
        Ok(changed)
    });
    if !changed.await? {
        return Err(Failed::refused(format!("\"{id}\" was changed meanwhile; try again")));
    }
    Ok(Done::new("replaced", after))
}

/// Both members, one of them null.
pub(super) fn shown(keys: Option<&ClientKeys>) -> (Value, Value) {
    match keys {
        Some(ClientKeys::Inline(set)) => (set.to_json(), Value::Null),
        Some(ClientKeys::At(uri)) => (Value::Null, uri.as_str().into()),
        None => (Value::Null, Value::Null),
    }
}
