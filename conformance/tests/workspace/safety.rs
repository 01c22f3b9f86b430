//! What keeps whole kinds of mistakes out: lints that every crate inherits, no code from data, one source of randomness,
//! dependencies pinned and from one place, and that the one command of CI looks at all of it.

use std::{fs, path::Path};

use gapura_conformance::workspace;

fn read(name: &str) -> String {
    fs::read_to_string(workspace().join(name)).unwrap()
}

/// Files of the members, with one of these endings, by their path from the workspace's folder.
fn files(endings: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for member in members() {
        collect(&workspace().join(member), endings, &mut found);
    }
    found.sort();
    found.dedup();
    assert!(!found.is_empty(), "none of {endings:?} found: the finder is blind");
    found
}

fn collect(folder: &Path, endings: &[&str], found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("node_modules") {
            continue;
        }
        if path.is_dir() {
            collect(&path, endings, found);
        } else if path.extension().is_some_and(|ext| endings.iter().any(|ending| ext == *ending)) {
            let name = path.strip_prefix(workspace()).unwrap().display().to_string();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

fn members() -> Vec<String> {
    let root: toml::Table = read("Cargo.toml").parse().unwrap();
    let members = root["workspace"]["members"].as_array().unwrap();
    members.iter().map(|member| member.as_str().unwrap().to_owned()).collect()
}

//= BSSN4-2021#4.c test
#[test]
fn every_crate_inherits_the_lints_and_none_may_be_unsafe() {
    let root: toml::Table = read("Cargo.toml").parse().unwrap();
    let lints = &root["workspace"]["lints"];
    assert_eq!(lints["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for denied in ["unwrap_used", "expect_used", "panic", "indexing_slicing", "string_slice"] {
        assert_eq!(lints["clippy"][denied].as_str(), Some("deny"), "{denied}");
    }
    for member in members() {
        let manifest: toml::Table = read(&format!("{member}/Cargo.toml")).parse().unwrap();
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{member}");
    }
}

//= BSSN4-2021#4.f test
#[test]
fn nothing_of_ours_turns_text_into_code() {
    for (name, text) in files(&["js", "html"]) {
        for maker in [
            "eval(",
            "new Function",
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "srcdoc",
            "javascript:",
            "setTimeout(\"",
            "setTimeout('",
        ] {
            assert!(!text.contains(maker), "{name} uses {maker}");
        }
    }
    for (name, text) in files(&["html"]) {
        // Pages are compiled; a script stands in a file of its own, an event handler in no attribute.
        let inline = text.split("<script").skip(1).any(|rest| !rest.split('>').next().unwrap().contains("src="));
        assert!(!inline, "{name} holds an inline script");
        assert!(!text.contains(" onclick=") && !text.contains(" onload="), "{name} holds an event handler");
    }
}

//= BSSN4-2021#5.d test
#[test]
fn randomness_comes_from_the_operating_system_by_one_door() {
    let doors = ["idp/src/entropy.rs", "client-sdk/src/entropy.rs"];
    for (name, text) in files(&["rs"]) {
        let of_tests = name.starts_with("tests/") || name.starts_with("conformance/") || name.contains("/tests/");
        let draws = text.contains("getrandom::") || text.contains("rand::rng") || text.contains("thread_rng");
        assert!(!draws || of_tests || doors.contains(&name.as_str()), "{name} draws randomness by itself");
    }
    for member in ["idp", "idp/core", "idp/store", "client-sdk"] {
        let manifest: toml::Table = read(&format!("{member}/Cargo.toml")).parse().unwrap();
        assert!(manifest["dependencies"].get("rand").is_none(), "{member} depends on a generator of its own");
    }
}

//= BSSN4-2021#9.a test
#[test]
fn the_command_of_ci_lints_everything_and_allows_no_warning() {
    assert!(read(".ci/run").contains("exec make test"));
    let makefile = read("Makefile");
    let test = makefile.split("\ntest:").nth(1).unwrap().split("\n\n").next().unwrap();
    for step in [
        "fmt --all -- --check",
        "clippy --workspace --all-targets --locked -- -D warnings",
        "test --workspace --locked",
    ] {
        assert!(test.contains(step), "make test lacks {step}");
    }
}

//= BSSN4-2021#9.b test
#[test]
fn dependencies_are_pinned_checked_and_from_one_registry() {
    let lock: toml::Table = read("Cargo.lock").parse().unwrap();
    let mut registries = Vec::new();
    for package in lock["package"].as_array().unwrap() {
        let Some(source) = package.get("source").and_then(toml::Value::as_str) else { continue };
        assert!(source.starts_with("registry+"), "{source}");
        assert_eq!(package["checksum"].as_str().map(str::len), Some(64), "{package}");
        registries.push(source.to_owned());
    }
    registries.dedup();
    assert_eq!(registries.len(), 1, "{registries:?}");
    let rules: toml::Table = read("deny.toml").parse().unwrap();
    assert_eq!(rules["sources"]["unknown-registry"].as_str(), Some("deny"));
    assert_eq!(rules["sources"]["unknown-git"].as_str(), Some("deny"));
    for exception in rules["advisories"]["ignore"].as_array().unwrap() {
        assert!(exception["reason"].as_str().is_some_and(|reason| reason.len() > 40), "{exception}");
    }
}
