//! `gapura settings`: every key, what holds here, who set it, and what it is for. Secrets are not shown.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Done, Failed, Outcome};
use crate::settings::{From, Setting, Source};

//= BSSN4-2021#13.b
pub(super) fn run(source: &Source) -> Outcome {
    let settings = source.settings().map_err(|why| Failed::environment(why.to_string()))?;
    let mut text = String::new();
    for setting in &settings {
        let _ = writeln!(text, "{} = {}", setting.name, value(setting));
        let _ = writeln!(text, "    {} (default: {}; {})", setting.meaning, setting.default, from(&setting.from));
    }
    let list: Vec<Value> = settings
        .iter()
        .map(|setting| {
            json!({
                "key": setting.name,
                "value": setting.value,
                "from": from(&setting.from),
                "default": setting.default,
                "meaning": setting.meaning,
            })
        })
        .collect();
    Ok(Done::new(text, json!({"file": source.file, "settings": list})))
}

fn value(setting: &Setting) -> String {
    match &setting.value {
        Value::Null => format!("({})", setting.default),
        value => value.to_string(),
    }
}

fn from(from: &From) -> &str {
    match from {
        From::Default => "default",
        From::File => "file",
        From::Variable(name) => name,
    }
}
