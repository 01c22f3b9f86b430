//! An import that is killed in the middle goes on, and ends in the same state as one that was not.

use std::{process::Stdio, time::Duration};

use gapura_store::{Db, DbConfig, assignments, users};
use gapura_tests::{
    Pair, on_both_pairs,
    provider::{Provider, samples},
};

on_both_pairs!(a_killed_import_goes_on);

/// What matters of the directory, without keys and ciphertexts that are random in each deployment.
async fn state(provider: &Provider) -> Vec<String> {
    let config = match &provider.database {
        Some(url) => DbConfig::postgres(url.clone()),
        None => DbConfig::sqlite(provider.folder().join("gapura.db")),
    };
    let db = Db::open(&config).await.unwrap();
    let held = assignments::current(&db).await.unwrap();
    let mut lines = Vec::new();
    for listed in users::directory(&db).await.unwrap() {
        let profile = &listed.profile;
        let mut posts = held
            .iter()
            .filter(|assignment| assignment.user_id == listed.id)
            .map(|post| format!("{} {} {:?} {:?}", post.position.name, post.unit_id, post.kind, post.period))
            .collect::<Vec<_>>();
        posts.sort_unstable();
        lines.push(format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {} {} {posts:?}",
            listed.employee_number,
            profile.name,
            profile.kind,
            profile.status,
            profile.official_email,
            profile.golongan,
            profile.nik_index.is_some(),
            profile.phone_sealed.is_some(),
        ));
    }
    lines.sort_unstable();
    db.close().await;
    lines
}

async fn a_killed_import_goes_on(pair: Pair) {
    let staff = samples().join("siasn_data_utama.xlsx").display().to_string();
    let units = samples().join("opd.csv").display().to_string();
    let whole = Provider::new(pair);
    whole.gapura(&["import", "opd", &units]);
    whole.gapura(&["import", "pegawai", &staff]);

    let cut = Provider::new(pair);
    cut.gapura(&["import", "opd", &units]);
    let mut command = cut.command(&["import", "pegawai", &staff]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Killed as soon as the first people are there: somewhere in the middle of 7,012.
    let config = match &cut.database {
        Some(url) => DbConfig::postgres(url.clone()),
        None => DbConfig::sqlite(cut.folder().join("gapura.db")),
    };
    let db = Db::open(&config).await.unwrap();
    let mut seen = 0;
    while seen == 0 {
        assert!(child.try_wait().unwrap().is_none(), "the import ended before anybody was seen");
        seen = users::directory(&db).await.unwrap().len();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let seen = users::directory(&db).await.unwrap().len();
    db.close().await;
    assert!(seen < 7012, "killed too late: all {seen} are there");

    cut.gapura(&["import", "resume"]);
    let [wanted, found] = [state(&whole).await, state(&cut).await];
    assert_eq!(wanted.len(), found.len());
    for (wanted, found) in wanted.iter().zip(&found) {
        assert_eq!(wanted, found);
    }
    let again = cut.gapura_json(&["import", "pegawai", &staff]);
    assert_eq!((&again["unchanged"], &again["applied"]), (&7012.into(), &0.into()), "{again}");
}
