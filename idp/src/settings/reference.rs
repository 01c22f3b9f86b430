//! Every key with its meaning, its default, and the value that holds here and where it comes from.

use serde_json::Value;

use super::{
    SettingsError,
    source::{PREFIX, Source, raw},
    table::{KEYS, Key, Raw},
};

/// Who set a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// Nobody.
    Default,
    /// The settings file.
    File,
    /// A variable, by its name.
    Variable(String),
}

/// One key as it holds here.
#[derive(Clone, Debug)]
pub struct Setting {
    /// `section.key`.
    pub name: String,
    /// What it is for, in Markdown.
    pub meaning: &'static str,
    /// What holds where nobody sets it, in Markdown.
    pub default: String,
    /// What was set; null where nothing was and the default is no fixed value. Never a secret.
    pub value: Value,
    /// Who set it.
    pub from: From,
}

impl Source {
    /// Every key, in the order of the documentation.
    pub fn settings(&self) -> Result<Vec<Setting>, SettingsError> {
        let (file, all) = self.tables()?;
        let (defaults, values) = (shown(&Raw::default())?, shown(&raw(all)?)?);
        let setting = |key: &Key| {
            let variable = format!("{PREFIX}{}__{}", key.section, key.name).to_uppercase();
            let from = if self.variables.iter().any(|(name, _)| name.eq_ignore_ascii_case(&variable)) {
                From::Variable(variable)
            } else if file.get(key.section).is_some_and(|section| section.get(key.name).is_some()) {
                From::File
            } else {
                From::Default
            };
            Setting {
                name: format!("{}.{}", key.section, key.name),
                meaning: key.meaning.trim(),
                default: default(key, &defaults),
                value: of(&values, key).clone(),
                from,
            }
        };
        Ok(KEYS.iter().map(setting).collect())
    }
}

fn shown(raw: &Raw) -> Result<Value, SettingsError> {
    serde_json::to_value(raw).map_err(|why| SettingsError(format!("settings: {why}")))
}

fn of<'v>(values: &'v Value, key: &Key) -> &'v Value {
    values.get(key.section).and_then(|section| section.get(key.name)).unwrap_or(&Value::Null)
}

fn default(key: &Key, defaults: &Value) -> String {
    if let Some(words) = key.otherwise {
        return words.to_owned();
    }
    match of(defaults, key) {
        Value::Null => "none".to_owned(),
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) => format!("`{text}`"),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => {
            items.iter().filter_map(Value::as_str).map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
