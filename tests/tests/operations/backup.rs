//! A copy made while people sign in is whole, and opens with the root key of its time.

use std::{fs, process::Command};

use gapura_tests::{
    Pair,
    office::{OFFICER, Office},
    provider::Provider,
    servers::{postgres, psql},
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

/// The commands of docs/operations.md, as they stand there.
#[test]
fn a_postgres_database_comes_back_by_its_own_tools() {
    let page = include_str!("../../../docs/operations.md");
    let block = page.split("<!-- postgres: tried by a test -->\n```\n").nth(1).unwrap().split("```").next().unwrap();
    let provider = Provider::sample_city(Pair::PostgresRedis);
    let database = provider.database.clone().unwrap();
    let restored = postgres().url("gapura_restored");
    let mut shell = Command::new("sh");
    shell.args(["-eu", "-c", block]).current_dir(provider.folder());
    shell.envs([("GAPURA_DATABASE", &database), ("RESTORED_DATABASE", &restored)]);
    let done = shell.envs(postgres().for_clients()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let settings = provider.folder().join("satu.toml");
    let text = fs::read_to_string(&settings).unwrap().replace(&database, &restored);
    fs::write(&settings, text).unwrap();
    let found: serde_json::Value =
        serde_json::from_slice(&provider.try_gapura(&["doctor", "--json"], "").stdout).unwrap();
    let codes: Vec<_> = found["findings"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect();
    for code in ["schema-ok", "collation-ok", "zone-ok", "root-key-ok"] {
        assert!(codes.contains(&code), "{code} is not in {codes:?}");
    }
    let count = "SELECT count(*) FROM users";
    assert_eq!(psql(&restored, count), psql(&database, count));
}
