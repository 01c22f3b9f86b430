//! `gapura keys`: signing keys, their states, and what moves them out of turn.

mod rewrap;

use std::fmt::Write as _;

use gapura_core::{
    id::KeyId,
    oauth::{
        SignatureAlg, SigningKeyState, StoredSigningKey,
        rotation::{KNOWN_AT_EVERY_NODE, PUBLISHED_BEFORE},
    },
    time::{Instant, Zone},
};
use gapura_store::signing_keys;
use serde_json::{Value, json};

use super::{Done, Failed, Outcome, arguments, desk::Desk, note};
use crate::{
    keys::rotation::{Mover, find},
    settings::Settings,
};

pub(super) async fn run(command: arguments::Keys, settings: Settings) -> Outcome {
    let desk = Desk::open(settings).await?;
    match command {
        arguments::Keys::List => list(&desk).await,
        arguments::Keys::Rotate { alg, now: false } => rotate(&desk, alg).await,
        arguments::Keys::Rotate { alg, now: true } => rotate_now(&desk, alg).await,
        arguments::Keys::Rewrap { new_root } => rewrap::run(&desk, &new_root).await,
        arguments::Keys::Retire { kid } => retire(&desk, &KeyId::new(kid)).await,
    }
}

async fn list(desk: &Desk) -> Outcome {
    let keys = signing_keys::all(&desk.base.db).await?;
    let (zone, policy) = (desk.base.settings.city.zone, desk.base.settings.rotation());
    let mut text = String::new();
    for key in &keys {
        let until =
            policy.moves_at(key).map_or_else(String::new, |at| format!(" {} {}", then(key.state), day(zone, at)));
        let since = zone.today(key.created_at);
        let _ = writeln!(text, "{:<6} {:<9} {since} {}{until}", key.algorithm, key.state, key.id);
    }
    let list: Vec<Value> = keys.iter().map(|key| shown(key, policy.moves_at(key))).collect();
    Ok(Done::new(text, json!({"keys": list, "root_key": desk.base.keys.root().id()})))
}

const fn then(state: SigningKeyState) -> &'static str {
    match state {
        SigningKeyState::Next => "signs from",
        SigningKeyState::Active => "signs until",
        SigningKeyState::Retiring | SigningKeyState::Gone => "gone from",
    }
}

fn day(zone: Zone, at: Instant) -> String {
    zone.today(at).to_string()
}

fn shown(key: &StoredSigningKey, moves_at: Option<Instant>) -> Value {
    json!({
        "id": key.id,
        "algorithm": key.algorithm,
        "provider": key.provider,
        "state": key.state,
        "created_at": key.created_at,
        "activated_at": key.activated_at,
        "retired_at": key.retired_at,
        "moves_at": moves_at,
    })
}

/// The next key, made now or there already.
async fn next(desk: &Desk, mover: &Mover<'_>, alg: SignatureAlg) -> Result<(StoredSigningKey, Made), Failed> {
    if let Some(made) = mover.make_next(alg).await? {
        return Ok((made, Made::Now));
    }
    let is_next = |key: &StoredSigningKey| key.algorithm == alg && key.state == SigningKeyState::Next;
    let there = signing_keys::all(&desk.base.db).await?.into_iter().find(is_next);
    let moved =
        || Failed::refused("another node moved this key in the same moment: gapura keys list shows how it stands");
    there.map(|key| (key, Made::Before)).ok_or_else(moved)
}

#[derive(PartialEq, Eq)]
enum Made {
    Now,
    Before,
}

fn mover(desk: &Desk, now: Instant) -> Mover<'_> {
    Mover { db: &desk.base.db, keys: &desk.base.keys, actor: desk.actor.clone(), now }
}

/// In turn: published now, signing a day later, which the job of a serving node does.
async fn rotate(desk: &Desk, alg: SignatureAlg) -> Outcome {
    let (key, made) = next(desk, &mover(desk, desk.now), alg).await?;
    let at = key.created_at.plus(PUBLISHED_BEFORE);
    if made == Made::Before {
        return Err(Failed::refused(format!(
            "the next {alg} key is published already and signs from {}: --now lets it sign at once",
            day(desk.base.settings.city.zone, at)
        )));
    }
    let text = format!("next {alg} key {}, signs from {}", key.id, day(desk.base.settings.city.zone, at));
    Ok(Done::new(text, shown(&key, Some(at))))
}

/// Out of turn: signing as soon as every node knows it. A relying party meets a key it does not know and asks
/// for our keys again, as OpenID Connect Core section 10.1.1 tells it to.
async fn rotate_now(desk: &Desk, alg: SignatureAlg) -> Outcome {
    let (key, _) = next(desk, &mover(desk, desk.now), alg).await?;
    let now = known_at_every_node(desk).await;
    if !mover(desk, now).activate(&key).await? {
        return Err(Failed::refused(format!("key {} is next no longer: gapura keys list shows how it stands", key.id)));
    }
    let all = signing_keys::all(&desk.base.db).await?;
    let key = find(&all, &key.id).unwrap_or(&key);
    Ok(Done::new(format!("{alg} key {} signs", key.id), shown(key, desk.base.settings.rotation().moves_at(key))))
}

/// Waits until nobody signs with a key that another node does not publish yet; the moment then. Counted from
/// here, where the key is stored for certain: when it was begun says nothing, since making one takes its time.
async fn known_at_every_node(desk: &Desk) -> Instant {
    tokio::time::sleep(KNOWN_AT_EVERY_NODE).await;
    desk.base.clock.now()
}

/// A compromised key: nothing it signed is accepted any more. An active one is replaced by the next.
async fn retire(desk: &Desk, kid: &KeyId) -> Outcome {
    let all = signing_keys::all(&desk.base.db).await?;
    let Some(key) = find(&all, kid) else {
        return Err(Failed::refused(format!("no signing key is called \"{kid}\"; gapura keys list shows all")));
    };
    let (gone, follows) = match key.state {
        SigningKeyState::Gone => return Err(Failed::refused(format!("key {kid} is gone already"))),
        SigningKeyState::Next | SigningKeyState::Retiring => (mover(desk, desk.now).withdraw(key).await?, None),
        SigningKeyState::Active => {
            let (next, _) = next(desk, &mover(desk, desk.now), key.algorithm).await?;
            let now = known_at_every_node(desk).await;
            (mover(desk, now).replace(key, &next).await?, Some(next.id))
        }
    };
    if !gone {
        return Err(Failed::refused(format!(
            "key {kid} moved in the same moment: gapura keys list shows how it stands"
        )));
    }
    note("every token it signed is refused within one second; its applications sign people in again");
    let text =
        follows.as_ref().map_or_else(String::new, |id| format!("; {} key {id} signs in its place", key.algorithm));
    Ok(Done::new(
        format!("key {kid} is gone{text}"),
        json!({"id": kid, "state": SigningKeyState::Gone, "follows": follows}),
    ))
}
