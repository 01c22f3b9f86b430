//! File and environment as one table of optional keys. A variable overrides its key in the file.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::{SettingsError, table::Raw};

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The file, which must exist when given.
    pub file: Option<PathBuf>,
    /// Variables whose name begins with `GAPURA__`.
    pub variables: Vec<(String, String)>,
}

/// The name of the file looked for in the working directory.
const FILE: &str = "gapura.toml";
pub(super) const PREFIX: &str = "GAPURA__";

impl Source {
    /// The environment of this process, and `file` or, where there is one, `gapura.toml` in the
    /// working directory.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        let file = file.or_else(|| Path::new(FILE).exists().then(|| PathBuf::from(FILE)));
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
            .collect();
        Self { file, variables }
    }

    pub(super) fn read(&self) -> Result<Raw, SettingsError> {
        raw(self.tables()?.1)
    }

    /// What the file says, and what holds once the variables have overridden it.
    pub(super) fn tables(&self) -> Result<(Table, Table), SettingsError> {
        let file = match &self.file {
            Some(file) => read_file(file)?,
            None => Table::new(),
        };
        let mut table = file.clone();
        for (name, value) in &self.variables {
            set(&mut table, name, value)?;
        }
        Ok((file, table))
    }
}

/// The known keys of a table.
pub(super) fn raw(table: Table) -> Result<Raw, SettingsError> {
    table.try_into().map_err(|why| SettingsError(format!("settings: {}", one_line(&why))))
}

fn read_file(file: &Path) -> Result<Table, SettingsError> {
    let text = std::fs::read_to_string(file)
        .map_err(|why| SettingsError(format!("settings file {} cannot be read: {why}", file.display())))?;
    // Read into the known keys first: only this pass knows the line of a key nobody knows.
    let known = toml::from_str::<Raw>(&text).map(drop).and_then(|()| text.parse::<Table>());
    known.map_err(|why| {
        let line = why.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
        SettingsError(format!("{} line {line}: {}", file.display(), one_line(&why)))
    })
}

/// One variable: `GAPURA__SERVER__PUBLIC_URL`. Its text is read as TOML where that fits the key
/// (numbers, lists), else as plain text, else as a list with commas.
fn set(table: &mut Table, name: &str, text: &str) -> Result<(), SettingsError> {
    let path = name.strip_prefix(PREFIX).unwrap_or_default().to_ascii_lowercase();
    let Some((section, key)) = path.split_once("__").filter(|(section, key)| !section.is_empty() && !key.is_empty())
    else {
        return Err(SettingsError(format!("variable {name}: must be {PREFIX}SECTION__KEY")));
    };
    let list = text.split(',').map(|item| Value::String(item.trim().to_owned())).collect();
    let readings = [as_toml(text), Some(Value::String(text.to_owned())), Some(Value::Array(list))];
    let mut complaint = String::new();
    for value in readings.into_iter().flatten() {
        let one =
            Table::from_iter([(section.to_owned(), Value::Table(Table::from_iter([(key.to_owned(), value.clone())])))]);
        match one.try_into::<Raw>() {
            Ok(_) => {
                let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
                if let Value::Table(section) = section {
                    section.insert(key.to_owned(), value);
                }
                return Ok(());
            }
            Err(why) if complaint.is_empty() => complaint = one_line(&why),
            Err(_) => {}
        }
    }
    Err(SettingsError(format!("variable {name}: {complaint}")))
}

fn as_toml(text: &str) -> Option<Value> {
    let mut table = format!("value = {text}").parse::<Table>().ok()?;
    table.remove("value").filter(|_| table.is_empty())
}

fn one_line(why: &toml::de::Error) -> String {
    let mut line = String::new();
    for word in why.message().split_whitespace() {
        let _ = write!(line, "{}{word}", if line.is_empty() { "" } else { " " });
    }
    line
}
