//! `gapura import` and `gapura explain` as an officer runs them: the real program, on both pairs.

use std::{process::Stdio, time::Duration};

use gapura_store::{
    Db, DbConfig,
    imports::{self, BatchState},
};
use gapura_tests::{
    Pair, on_both_pairs,
    provider::{Provider, samples},
    sample::{MAYOR, TEACHER, TREASURER, VENDOR},
};
use serde_json::Value;

fn sample(name: &str) -> String {
    samples().join(name).display().to_string()
}

fn count(report: &Value, field: &str) -> u64 {
    report[field].as_u64().unwrap_or_else(|| panic!("{field}: {report}"))
}

async fn database(provider: &Provider) -> Db {
    let config = match &provider.database {
        Some(url) => DbConfig::postgres(url.clone()),
        None => DbConfig::sqlite(provider.folder().join("gapura.db")),
    };
    Db::open(&config).await.unwrap()
}

on_both_pairs!(
    an_import_survives_kill_9,
    a_faulty_file_leaves_nothing_behind,
    explain_says_which_rule_through_which_post,
);

/// The acceptance of the issue, whole: cut off in the middle, visible, gone on with, then unchanged.
async fn an_import_survives_kill_9(pair: Pair) {
    let provider = Provider::new(pair);
    provider.gapura(&["import", "opd", &sample("opd.csv")]);
    let file = sample("siasn_data_utama.xlsx");
    let mut running = provider.command(&["import", "pegawai", &file]);
    let mut child = running.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let db = database(&provider).await;
    let left = loop {
        let batches = imports::unfinished(&db).await.unwrap();
        if let Some(batch) = batches.iter().find(|batch| batch.state == BatchState::Applying) {
            let left = imports::items(&db, &batch.id).await.unwrap().len();
            if left + 20 < usize::try_from(batch.total).unwrap() {
                break left;
            }
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be cut");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(left > 0);
    assert_eq!(imports::unfinished(&db).await.unwrap().len(), 1, "visible as cut off");

    let again = provider.try_gapura(&["import", "pegawai", &file], "");
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("gapura import resume"));

    let resumed = provider.gapura_json(&["import", "resume"]);
    let report = &resumed["resumed"][0]["report"];
    assert_eq!((count(report, "rows"), count(report, "applied")), (7012, 7012));
    assert!(imports::unfinished(&db).await.unwrap().is_empty());
    assert_eq!(provider.gapura_json(&["import", "resume"])["resumed"], Value::Array(Vec::new()));

    let repeated = provider.gapura_json(&["import", "pegawai", &file]);
    assert_eq!((count(&repeated, "applied"), count(&repeated, "unchanged")), (0, 7012));
    db.close().await;
}

/// Row, column and remedy for exactly the faulty rows; exit 1; nothing applied.
async fn a_faulty_file_leaves_nothing_behind(pair: Pair) {
    let provider = Provider::new(pair);
    provider.gapura(&["import", "opd", &sample("opd.csv")]);
    let refused = provider.try_gapura(&["import", "pegawai", &sample("siasn_bermasalah.xlsx"), "--json"], "");
    assert_eq!(refused.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&refused.stdout).unwrap();
    let errors = report["errors"].as_array().unwrap();
    let rows: Vec<u64> = errors.iter().map(|error| count(error, "row")).collect();
    assert_eq!(rows, [5, 8, 17, 18]);
    assert!(errors.iter().all(|error| !error["column"].as_str().unwrap().is_empty()));
    assert!(errors.iter().all(|error| !error["text"].as_str().unwrap().is_empty()));
    assert_eq!((count(&report, "applied"), count(&report["diff"], "missing")), (0, 0));

    let skipped =
        provider.try_gapura(&["import", "pegawai", &sample("siasn_bermasalah.xlsx"), "--skip-errors", "--json"], "");
    assert_eq!(skipped.status.code(), Some(1), "refused rows are said by the exit code, too");
    let report: Value = serde_json::from_slice(&skipped.stdout).unwrap();
    assert_eq!((count(&report, "applied"), report["queued"].as_array().unwrap().len()), (16, 3));
    assert_eq!(provider.try_gapura(&["import", "gaji", "x"], "").status.code(), Some(2));
    assert_eq!(provider.try_gapura(&["import", "opd", "/nowhere.csv"], "").status.code(), Some(3));
}

//= APP-01 test
//= ASN-02 test
async fn explain_says_which_rule_through_which_post(pair: Pair) {
    let provider = Provider::new(pair);
    provider.import_sample_city();
    let explain = |who: &str, application: &str| provider.gapura_json(&["explain", who, application]);

    let teacher = explain(TEACHER.login, "SIPD Keuangan");
    assert_eq!((&teacher["may_enter"], &teacher["entry"]), (&Value::Bool(false), &Value::from("no_role")));
    assert_eq!(teacher["ask"], "Badan Keuangan dan Aset Daerah");
    let offered = teacher["offered"].as_array().unwrap();
    let bendahara = offered.iter().find(|role| role["role"] == "bendahara").unwrap();
    assert!(bendahara["rules"][0]["text"].as_str().unwrap().contains("Bendahara Pengeluaran"), "{bendahara}");
    assert_eq!(teacher["posts"][0]["unit"], TEACHER.unit);
    let words = provider.gapura(&["explain", TEACHER.login, "sipd-keuangan"]);
    assert!(words.contains("tidak dapat masuk") && words.contains("Hubungi: Badan Keuangan"), "{words}");

    let treasurer = explain(TREASURER.login, "SIPD Keuangan");
    assert_eq!(treasurer["roles"], serde_json::json!(["bendahara"]));
    assert_eq!(treasurer["held"][0]["source"]["assignment"]["position"], TREASURER.position);
    for application in ["e-Presensi", "e-Kinerja"] {
        assert_eq!(explain(TEACHER.login, application)["may_enter"], true);
        assert_eq!(explain(MAYOR.login, application)["may_enter"], true);
        assert_eq!(explain(VENDOR.login, application)["may_enter"], false);
    }
    let before = provider.gapura_json(&["explain", TREASURER.login, "SIPD Keuangan", "--date", "2020-01-01"]);
    assert_eq!(before["may_enter"], false, "neither post nor rule had begun");
    assert_eq!(provider.try_gapura(&["explain", "siapa", "SIPD Keuangan"], "").status.code(), Some(1));
    assert_eq!(provider.try_gapura(&["explain", TEACHER.login, "Tiada"], "").status.code(), Some(1));
}
