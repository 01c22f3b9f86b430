//! The root key is changed while the city works.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::atomic::{AtomicBool, Ordering},
};

use gapura_tests::{Pair, office::Office, on_both_pairs, provider::Provider, relying_party::RelyingParty};
use serde_json::Value;

on_both_pairs!(keys_are_wrapped_anew_under_load_and_across_a_restart);

/// Refreshes and asks userinfo until it is told to stop; how often.
async fn work(rps: &[RelyingParty], refresh: &mut String, stop: &AtomicBool) -> usize {
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        let (rp, other) = (&rps[done % rps.len()], &rps[(done + 1) % rps.len()]);
        let answer = rp.refresh(refresh).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let tokens: Value = serde_json::from_str(&answer.body).unwrap();
        *refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
        assert_eq!(other.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 200);
        done += 1;
    }
    done
}

async fn run(provider: &Provider, arguments: &[&str]) {
    let done = tokio::process::Command::from(provider.command(arguments)).output().await.unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

//= BSSN4-2021#5.c test
async fn keys_are_wrapped_anew_under_load_and_across_a_restart(pair: Pair) {
    let mut office = Office::open(pair);
    let mut others = Vec::new();
    if pair == Pair::PostgresRedis {
        let mut second = office.provider.another_node();
        second.serve();
        others.push(second);
    }
    let mut rps = vec![office.rp("presensi", &office.provider)];
    rps.extend(others.iter().map(|node| office.rp("presensi", node)));
    let tokens = office.tokens(&mut office.browser(&office.provider), &rps[0]).await;
    let (mut refresh, stop) = (tokens.refresh_token(), AtomicBool::new(false));
    let before = office.provider.gapura_json(&["keys", "list"])["root_key"].clone();
    // A key made after the change is wrapped by the new root key, and every running node signs with it.
    let changed = async {
        run(&office.provider, &["keys", "rewrap", "--new-root", "baru.key"]).await;
        run(&office.provider, &["keys", "rotate", "--now"]).await;
        stop.store(true, Ordering::Relaxed);
    };
    let ((), done) = tokio::join!(changed, work(&rps, &mut refresh, &stop));
    assert!(done >= 3, "{done}");
    let listed = office.provider.gapura_json(&["keys", "list"]);
    assert_ne!(listed["root_key"], before);
    let again = office.provider.try_gapura(&["keys", "rewrap", "--new-root", "baru.key"], "");
    assert_eq!(again.status.code(), Some(1), "in use already");

    office.provider.stop();
    for node in &mut others {
        node.stop();
    }
    let (file, kept) = (office.provider.folder().join("gapura.key"), office.provider.folder().join("gapura.old"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let both = fs::read_to_string(&file).unwrap();
    assert_eq!(both.lines().count(), 2);
    fs::write(&kept, &both).unwrap();
    // The old one alone opens nothing any more, and says so in one sentence.
    fs::write(&file, both.lines().next().unwrap()).unwrap();
    let refused = office.provider.try_gapura(&["serve"], "");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!([&before, &listed["root_key"]].iter().all(|id| said.contains(id.as_str().unwrap())), "{said}");
    // The new one alone opens everything.
    fs::write(&file, both.lines().nth(1).unwrap()).unwrap();
    office.provider.serve();
    for node in &mut others {
        node.serve();
    }
    let answer = rps[0].refresh(&refresh).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut browser = office.browser(&office.provider);
    office.tokens(&mut browser, &rps[0]).await;
}
