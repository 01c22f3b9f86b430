//! `gapura logout`: what became of the messages that tell applications of a sign-out.

use std::fmt::Write as _;

use gapura_store::logout_messages;
use serde_json::{Value, json};

use super::{Done, Outcome, arguments, desk::Desk};
use crate::settings::Settings;

/// The newest so many.
const SHOWN: i64 = 200;

pub(super) async fn run(command: arguments::Logout, settings: Settings) -> Outcome {
    let arguments::Logout::List = command;
    let base = Desk::open(settings).await?.base;
    let messages = logout_messages::list(&base.db, SHOWN).await?;
    let mut text = String::new();
    for message in &messages {
        let _ = writeln!(
            text,
            "{:<9} {:<20} {} attempts {}",
            message.state,
            message.client_id,
            message.attempts,
            message.last_error.as_deref().unwrap_or_default()
        );
    }
    let list: Vec<Value> = messages
        .iter()
        .map(|message| {
            json!({
                "id": message.id,
                "client_id": message.client_id,
                "session_id": message.session_id,
                "state": message.state,
                "attempts": message.attempts,
                "due_at": message.due_at,
                "last_error": message.last_error,
                "created_at": message.created_at,
                "ended_at": message.ended_at,
            })
        })
        .collect();
    Ok(Done::new(text, json!({"messages": list})))
}
