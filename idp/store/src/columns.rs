//! From stored columns to core types. A value that cannot be is `Corrupt`, never a panic.

use std::str::FromStr;

use gapura_core::time::{Date, Instant, Period};

use crate::StoreError;

/// A word of a closed set.
pub(crate) fn word<T: FromStr>(text: &str, column: &'static str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Corrupt(column.to_owned()))
}

/// A calendar day.
pub(crate) fn date(text: &str, column: &'static str) -> Result<Date, StoreError> {
    word(text, column)
}

/// A half-open period from its two columns.
pub(crate) fn period(from: &str, until: Option<&str>, column: &'static str) -> Result<Period, StoreError> {
    Ok(Period { from: date(from, column)?, until: until.map(|day| date(day, column)).transpose()? })
}

/// An instant, where there is one.
pub(crate) fn instant(millis: Option<i64>) -> Option<Instant> {
    millis.map(Instant::from_millis)
}

/// A JSON array of text.
pub(crate) fn list(text: &str, column: &'static str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt(column.to_owned()))
}

/// A list as it is stored: a JSON array of text.
pub(crate) fn listed(items: &[String]) -> String {
    serde_json::Value::from(items.to_vec()).to_string()
}

/// A column that this row must have.
pub(crate) fn must<T>(value: Option<T>, column: &'static str) -> Result<T, StoreError> {
    value.ok_or_else(|| StoreError::Corrupt(column.to_owned()))
}
