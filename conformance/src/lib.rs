//! The ledger: each requirement once, and where its code and its test stand.
//!
//! `clauses/*.toml` lists requirements. A comment line `//= RFC7636#4.6` stands above the code that
//! fulfils one, `//= RFC7636#4.6 test` above the test that proves it. A requirement without its
//! marks is a hole; a mark that names no requirement is a stray. Both fail `tests/workspace.rs`.

mod clause;
mod mark;

pub use clause::{Clause, Level, clauses};
pub use mark::{Mark, Side, marks};

use std::path::PathBuf;

/// Why the ledger could not be read.
#[derive(Debug)]
pub struct LedgerError(String);

impl std::fmt::Display for LedgerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LedgerError {}

/// The folder of the workspace.
pub fn workspace() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// What is wrong between `clauses` and `marks`: one sentence a hole or stray, sorted.
pub fn holes(clauses: &[Clause], marks: &[Mark]) -> Vec<String> {
    let has = |id: &str, side: Side| marks.iter().any(|mark| mark.id == id && mark.side == side);
    let mut holes = Vec::new();
    for clause in clauses {
        if clause.level.wants_code() && !has(&clause.id, Side::Code) {
            holes.push(format!("{} has no code mark ({})", clause.id, clause.text));
        }
        if !has(&clause.id, Side::Test) {
            holes.push(format!("{} has no test mark ({})", clause.id, clause.text));
        }
    }
    for mark in marks {
        if !clauses.iter().any(|clause| clause.id == mark.id) {
            holes.push(format!("{}:{} marks {}, which no clause file lists", mark.file, mark.line, mark.id));
        }
    }
    holes.sort();
    holes
}
