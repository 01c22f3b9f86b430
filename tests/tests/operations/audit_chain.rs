//! The chain over audit events, as an inspector checks it: with the command, and an anchor kept elsewhere.

use std::{fs, process::Command};

use gapura_tests::{Pair, on_both_pairs, provider::Provider, servers::wait_until};
use serde_json::Value;

on_both_pairs!(events_come_into_the_chain_while_serving);

async fn events_come_into_the_chain_while_serving(pair: Pair) {
    let mut provider = Provider::new(pair);
    provider.serve();
    add(&provider, "Siti Aminah", "siti");
    let noted = sealed(&provider);
    add(&provider, "Budi Santoso", "budi");
    let later = sealed(&provider);
    assert!(later["events"].as_i64() > noted["events"].as_i64(), "{noted} then {later}");
    let anchor = noted["anchor"].as_str().unwrap();
    let checked = provider.gapura_json(&["audit", "verify", "--anchor", anchor]);
    assert_eq!(checked["intact"], true, "{checked}");
    let (number, hash) = anchor.split_once(':').unwrap();
    let forged = format!("{number}:{}", hash.chars().rev().collect::<String>());
    let refused = provider.try_gapura(&["audit", "verify", "--anchor", &forged], "");
    assert_eq!(refused.status.code(), Some(1), "an anchor the chain does not hold");
}

//= SEC-03 test
#[test]
fn an_event_altered_on_the_disk_is_named() {
    let mut provider = Provider::new(Pair::SqliteMemory);
    provider.serve();
    add(&provider, "Siti Aminah", "siti");
    sealed(&provider);
    provider.stop();
    let file = provider.folder().join("gapura.db");
    let mut bytes = fs::read(&file).unwrap();
    let kind = br#""kind":"user_added""#;
    let at = bytes.windows(kind.len()).position(|part| part == kind).unwrap();
    bytes[at + kind.len() - 2] = b'D';
    fs::write(&file, bytes).unwrap();
    let verdict = provider.try_gapura(&["audit", "verify"], "");
    let said = String::from_utf8_lossy(&verdict.stdout);
    assert_eq!(verdict.status.code(), Some(1), "{said}");
    assert!(said.contains("PUTUS") && said.contains("isi peristiwanya berubah"), "{said}");
}

/// What the sealer never saw, or what was taken out of the chain, is not passed over.
//= SEC-03 test
#[test]
fn an_old_event_outside_the_chain_is_refused() {
    let mut provider = Provider::new(Pair::SqliteMemory);
    provider.serve();
    add(&provider, "Siti Aminah", "siti");
    sealed(&provider);
    provider.stop();
    add(&provider, "Budi Santoso", "budi");
    let verdict = provider.gapura_json(&["audit", "verify"]);
    assert_eq!((&verdict["intact"], &verdict["unsealed"], &verdict["left_out"]), (&true.into(), &1.into(), &0.into()));
    let old = "UPDATE audit_events SET id = '0000' || substr(id, 5) WHERE id NOT IN (SELECT event_id FROM audit_chain)";
    for change in [old, "DELETE FROM audit_chain"] {
        sqlite(&provider, change);
        let refused = provider.try_gapura(&["audit", "verify"], "");
        let said = String::from_utf8_lossy(&refused.stdout);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains("TIDAK memuat 1 peristiwa lama") && !said.contains("utuh"), "{said}");
    }
}

fn sqlite(provider: &Provider, change: &str) {
    let done = Command::new("sqlite3").arg(provider.folder().join("gapura.db")).arg(change).status().unwrap();
    assert!(done.success(), "{change}");
}

fn add(provider: &Provider, name: &str, account: &str) {
    provider.gapura(&["user", "add", "--name", name, "--account-name", account, "--kind", "pejabat_negara"]);
}

/// Waits until every event has its place; what the verifier says then.
fn sealed(provider: &Provider) -> Value {
    let verify = || provider.gapura_json(&["audit", "verify"]);
    wait_until("the sealer", || verify()["unsealed"] == 0, || provider.log());
    let verdict = verify();
    assert_eq!(verdict["intact"], true, "{verdict}");
    verdict
}
