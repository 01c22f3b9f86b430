//! Audit events of the command line name the account that ran it, by the operating system's word.

use std::{fs, process::Stdio};

use gapura_tests::{
    Pair,
    provider::{Provider, samples},
};

#[test]
fn an_import_over_sqlite_is_nobody_else_s_by_a_variable() {
    let provider = Provider::new(Pair::SqliteMemory);
    let units = samples().join("opd.csv").display().to_string();
    let mut command = provider.command(&["import", "opd", &units]);
    let named = command.env("USER", "walikota").env("LOGNAME", "walikota").stdin(Stdio::null());
    assert!(named.output().unwrap().status.success());
    let mut kept = String::new();
    for file in ["gapura.db", "gapura.db-wal"] {
        kept.push_str(&String::from_utf8_lossy(&fs::read(provider.folder().join(file)).unwrap_or_default()));
    }
    assert!(kept.contains("\"type\":\"command_line\""), "the import left no event");
    assert!(!kept.contains("walikota"), "the import names whom its environment names");
}
