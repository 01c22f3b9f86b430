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
fn every_file_that_architecture_names_exists() {
    let missing = missing_in("ARCHITECTURE.md");
    assert!(missing.is_empty(), "ARCHITECTURE.md names {missing:?}");
}

#[test]
fn every_file_that_readme_names_exists() {
    let missing = missing_in("README.md");
    assert!(missing.is_empty(), "README.md names {missing:?}");
}

/// Paths in backquotes that do not exist. A path has a slash or an ending that a source can have, and no
/// character of a command, address or pattern.
fn missing_in(document: &str) -> Vec<String> {
    let text = fs::read_to_string(workspace().join(document)).unwrap();
    let mut named = 0;
    let mut missing = Vec::new();
    for quoted in text.split('`').skip(1).step_by(2) {
        let Some(path) = as_path(quoted) else { continue };
        named += 1;
        if !workspace().join(path).exists() {
            missing.push(path.to_owned());
        }
    }
    assert!(named > 0, "{document} names no file at all");
    missing
}

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
