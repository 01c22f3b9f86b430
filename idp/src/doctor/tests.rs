use std::{collections::BTreeSet, fs, path::Path};

use super::*;

/// Every word with a hyphen between quotes in the sources of the checks.
fn codes() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/doctor");
    let sources = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let sources = sources.filter(|path| !path.to_str().unwrap().ends_with("tests.rs"));
    let quoted = |path| {
        let text = fs::read_to_string(path).unwrap();
        let words = text.split('"').skip(1).step_by(2);
        words.filter(|word| is_code(word)).map(str::to_owned).collect::<Vec<_>>()
    };
    sources.flat_map(quoted).collect()
}

fn is_code(word: &str) -> bool {
    word.contains('-')
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// Every finding has its cause in both languages, and whatever is not as it should be a remedy; that both
/// catalogues have the same keys is tested where they are read.
#[test]
fn every_finding_has_its_words() {
    let texts = Texts::of_doctor().unwrap();
    let mut written: BTreeSet<String> = include_str!("../../locales/doctor.id.ftl")
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(key, _)| key.to_owned())
        .collect();
    let codes = codes();
    assert!(codes.len() > 60, "{}", codes.len());
    for code in &codes {
        assert!(texts.has(code) && written.remove(code), "{code} has no words");
        let good = code.contains("-ok") || GOOD.contains(&code.as_str());
        assert_eq!(written.remove(&format!("{code}-remedy")), !good, "the remedy of {code}");
    }
    assert!(written.is_empty(), "nobody finds {written:?}");
}

/// What is well without saying ok.
const GOOD: [&str; 7] = [
    "settings-default",
    "redis-none",
    "root-key-none-yet",
    "port-free",
    "port-ours",
    "clock-ahead-of-events",
    "nodes-ok",
];

#[tokio::test]
async fn settings_that_cannot_be_are_said_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gapura.toml");
    fs::write(&file, "[server]\nlisen = \"x\"\n").unwrap();
    let source = Source { file: Some(file), variables: Vec::new() };
    let report = examine(&source, None).await.unwrap();
    assert_eq!(report.findings.iter().map(|found| found.code).collect::<Vec<_>>(), ["settings-invalid"]);
    assert!(report.cause(&report.findings[0], Language::Indonesian).contains("line 2"));
    assert_eq!((report.worst(Side::Environment), report.worst(Side::Content)), (Level::Failure, Level::Ok));
}

/// A check that never ends is a finding, and the others go on.
#[tokio::test]
async fn a_check_that_hangs_is_a_finding() {
    let found = within(Duration::from_millis(1), Check::Redis, std::future::pending()).await;
    assert_eq!((found[0].code, found[0].level), ("timed-out", Level::Failure));
}

/// `UPDATE_DOCS=1 cargo test -p gapura-idp doctor` writes the page anew.
#[test]
fn the_documentation_lists_every_finding() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/doctor.md");
    let page = fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- findings: generated -->\n", "<!-- /findings -->");
    let (before, rest) = page.split_once(begin).unwrap();
    let (written, after) = rest.split_once(end).unwrap();
    let now = findings_in_words();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, format!("{before}{begin}{now}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(written, now, "docs/doctor.md is old: run this test with UPDATE_DOCS=1");
}

/// The English catalogue as tables, a section each.
fn findings_in_words() -> String {
    let catalogue = include_str!("../../locales/doctor.en.ftl");
    let text = |key: &str| {
        let line = catalogue.lines().find_map(|line| line.strip_prefix(&format!("{key} = ")))?;
        Some(line.replace("{ $", "*").replace(" }", "*"))
    };
    let mut tables = String::new();
    for line in catalogue.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            tables.push_str(&format!("\n## {title}\n\n| code | what is found | what to do |\n|---|---|---|\n"));
        }
        let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| !key.ends_with("-remedy")) else { continue };
        if let (Some(cause), Some(remedy)) = (text(key), text(&format!("{key}-remedy"))) {
            tables.push_str(&format!("| `{key}` | {cause} | {remedy} |\n"));
        }
    }
    tables
}
