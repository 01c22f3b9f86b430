//! `gapura migrate`: brings the database to this version's schema.

use gapura_store::Db;
use serde_json::json;

use super::{Done, Outcome};
use crate::{foundation, settings::Settings};

pub(super) async fn run(settings: &Settings) -> Outcome {
    let applied = Db::migrate(&foundation::config(settings)).await?;
    let text = match applied.as_slice() {
        [] => "the schema is that of this version".to_owned(),
        names => format!("applied {}", names.join(", ")),
    };
    Ok(Done::new(text, json!({"applied": applied})))
}
