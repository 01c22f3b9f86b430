//! Sources keep their size, and documents name only files that exist.

use std::{
    fs,
    path::{Path, PathBuf},
};

use gapura_conformance::workspace;

const LONGEST: usize = 400;

#[test]
fn no_file_is_longer_than_400_lines_without_its_tests() {
    let mut long = Vec::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        // By the house rule unit tests stand last in a file, so what follows their attribute is tests.
        let lines = text.lines().take_while(|line| *line != "#[cfg(test)]").count();
        let is_test = path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
        if lines > LONGEST && !is_test {
            long.push(format!("{}: {lines} lines", shown(&path)));
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_file_that_a_document_names_exists() {
    let mut named = 0;
    let mut missing = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for path in text.split('`').skip(1).step_by(2).filter_map(as_path) {
            named += 1;
            if !workspace().join(path).exists() {
                missing.push(format!("{} names {path}", shown(&document)));
            }
        }
    }
    assert!(named > 50, "only {named} files are named");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// What is written for people, at the top and under `docs/`.
fn documents() -> Vec<PathBuf> {
    let folders = [workspace(), workspace().join("docs")];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect()
}

/// Text in backquotes that is a path: it begins with a folder of the workspace, or has a slash and an ending that a
/// source can have, and no character of a command, address or pattern.
fn as_path(quoted: &str) -> Option<&str> {
    let endings = [".rs", ".toml", ".md", ".sql", ".json", ".html", ".css", ".ftl"];
    let tops =
        ["idp/", "client-sdk/", "tests/", "conformance/", "migrations/", "docs/", "samples/", "admin-ui/", ".ci/"];
    let plain = quoted.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    let is_top = tops.iter().any(|top| quoted.starts_with(top));
    let is_file = quoted.contains('/') && !quoted.starts_with('/') && endings.iter().any(|end| quoted.ends_with(end));
    (plain && (is_top || is_file)).then_some(quoted)
}

fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = ["idp", "client-sdk", "tests", "conformance"].map(|top| workspace().join(top)).to_vec();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    files
}

fn shown(path: &Path) -> String {
    path.strip_prefix(workspace()).unwrap().display().to_string()
}
