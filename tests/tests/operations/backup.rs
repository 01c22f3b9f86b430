//! A copy made while people sign in is whole, and opens with the root key of its time.

use std::fs;

use gapura_tests::{
    Pair,
    office::{OFFICER, Office},
    provider::Provider,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_while_serving_can_be_restored() {
    let mut office = Office::open(Pair::SqliteMemory);
    let mut browser = office.browser(&office.provider);
    let rp = office.rp("presensi", &office.provider);
    office.tokens(&mut browser, &rp).await;
    office.provider.gapura(&["backup", "cadangan.db"]);
    office.provider.gapura(&["user", "disable", OFFICER]);
    office.provider.stop();
    let folder = office.provider.folder().to_owned();
    let copy = fs::read(folder.join("cadangan.db")).unwrap();
    let key = fs::read_to_string(folder.join("gapura.key")).unwrap();
    assert!(!copy.windows(key.trim().len()).any(|part| part == key.trim().as_bytes()), "the key lies apart");

    for name in ["gapura.db", "gapura.db-wal", "gapura.db-shm"] {
        let _ = fs::remove_file(folder.join(name));
    }
    office.provider.gapura(&["restore", "cadangan.db"]);
    office.provider.serve();
    // As it was when it was copied: the officer may sign in, and the session of then goes on.
    assert_eq!(office.provider.gapura_json(&["user", "show", OFFICER])["status"], "active");
    let mut again = office.browser(&office.provider);
    office.tokens(&mut again, &rp).await;
}

#[test]
fn a_copy_without_its_key_opens_nothing() {
    let provider = Provider::new(Pair::SqliteMemory);
    provider.gapura(&["keys", "list"]);
    provider.gapura(&["backup", "cadangan.db"]);
    for name in ["gapura.db", "gapura.db-wal", "gapura.db-shm", "gapura.key"] {
        let _ = fs::remove_file(provider.folder().join(name));
    }
    provider.gapura(&["restore", "cadangan.db"]);
    let refused = provider.try_gapura(&["keys", "list"], "");
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("root key"));
    assert!(!provider.folder().join("gapura.key").exists(), "no new key in its place");
}
