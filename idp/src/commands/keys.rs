//! `gapura keys`: signing keys and their states.

use std::fmt::Write as _;

use gapura_store::signing_keys;
use serde_json::{Value, json};

use super::{Done, Outcome, arguments, desk::Desk};
use crate::settings::Settings;

pub(super) async fn run(command: arguments::Keys, settings: Settings) -> Outcome {
    let arguments::Keys::List = command;
    let base = Desk::open(settings).await?.base;
    let keys = signing_keys::all(&base.db).await?;
    let zone = base.settings.city.zone;
    let mut text = String::new();
    for key in &keys {
        let since = zone.today(key.created_at);
        let _ = writeln!(text, "{:<6} {:<9} {since} {}", key.algorithm, key.state, key.id);
    }
    let list: Vec<Value> = keys
        .iter()
        .map(|key| {
            json!({
                "id": key.id,
                "algorithm": key.algorithm,
                "provider": key.provider,
                "state": key.state,
                "created_at": key.created_at,
                "activated_at": key.activated_at,
                "retired_at": key.retired_at,
            })
        })
        .collect();
    Ok(Done::new(text, json!({"keys": list, "root_key": base.keys.root().id()})))
}
