//! The requirements, read from `clauses/*.toml`.

use std::{collections::HashSet, fs};

use serde::Deserialize;

use crate::{LedgerError, workspace};

/// How strong a requirement is, and what it must be followed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A MUST of a specification: code and test.
    Must,
    /// A SHOULD that we keep: code and test.
    Should,
    /// A row of the traceability table or a user story: a test.
    Row,
    /// A known incident of a peer: a test.
    Incident,
}

impl Level {
    /// Whether a code mark is demanded beside the test mark.
    pub const fn wants_code(self) -> bool {
        matches!(self, Self::Must | Self::Should)
    }
}

/// One requirement.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// `RFC7636#4.6`, `OIDC-CORE#3.1.2.1`, `SSO-02`, `T6`.
    pub id: String,
    /// How strong.
    pub level: Level,
    /// What it asks, in our words.
    pub text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    clause: Vec<Clause>,
}

/// All requirements of all files; one listed twice is an error.
pub fn clauses() -> Result<Vec<Clause>, LedgerError> {
    let folder = workspace().join("conformance/clauses");
    let entries = fs::read_dir(&folder).map_err(|error| LedgerError(format!("{}: {error}", folder.display())))?;
    let mut paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect::<Vec<_>>();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    let mut all = Vec::new();
    let mut seen = HashSet::new();
    for path in paths {
        let named = |error: &dyn std::fmt::Display| LedgerError(format!("{}: {error}", path.display()));
        let text = fs::read_to_string(&path).map_err(|error| named(&error))?;
        let file: File = toml::from_str(&text).map_err(|error| named(&error))?;
        for clause in file.clause {
            if !seen.insert(clause.id.clone()) {
                return Err(named(&format!("{} is listed twice", clause.id)));
            }
            all.push(clause);
        }
    }
    Ok(all)
}
