//! The marks: comment lines `//= ID` and `//= ID test` in the sources of the workspace.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{LedgerError, workspace};

/// Folders whose sources may carry marks.
const FOLDERS: [&str; 4] = ["idp", "client-sdk", "tests", "conformance"];

/// What a mark stands above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The code that fulfils the requirement.
    Code,
    /// A test that proves it.
    Test,
}

/// One mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The requirement.
    pub id: String,
    /// Code or test.
    pub side: Side,
    /// File, relative to the workspace.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
}

/// All marks of the workspace's Rust sources.
pub fn marks() -> Result<Vec<Mark>, LedgerError> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        collect(&workspace().join(folder), &mut files)?;
    }
    files.sort();
    let mut marks = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).map_err(|error| LedgerError(format!("{}: {error}", path.display())))?;
        let shown = path.strip_prefix(workspace()).unwrap_or(&path).display().to_string();
        marks.extend(marks_in(&shown, &text));
    }
    Ok(marks)
}

/// The marks of one source text. A mark is a whole line, so that a string that speaks of marks is none.
pub(crate) fn marks_in(file: &str, text: &str) -> Vec<Mark> {
    let mut marks = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some(rest) = line.trim().strip_prefix("//= ") else { continue };
        let mut words = rest.split_whitespace();
        let Some(id) = words.next() else { continue };
        let side = if words.next() == Some("test") { Side::Test } else { Side::Code };
        marks.push(Mark { id: id.to_owned(), side, file: file.to_owned(), line: index + 1 });
    }
    marks
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), LedgerError> {
    let named = |error: std::io::Error| LedgerError(format!("{}: {error}", folder.display()));
    for entry in fs::read_dir(folder).map_err(named)? {
        let path = entry.map_err(named)?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_requirement_side_and_line() {
        let marks = marks_in("a.rs", "fn a() {}\n    //= RFC7636#4.6\n//= SSO-02 test\nlet s = \"//= T1\";\n");
        let seen = marks.iter().map(|mark| (mark.id.as_str(), mark.side, mark.line)).collect::<Vec<_>>();
        assert_eq!(seen, [("RFC7636#4.6", Side::Code, 2), ("SSO-02", Side::Test, 3)]);
    }
}
