//! The database is gone, or says nothing: everybody is told to come later, in words, and later everything works
//! again by itself.

use std::time::Duration;

use gapura_tests::{relying_party::pairs, wire};

use super::{
    crowd::Crowd,
    scene::{
        ENGLISH, Fault, INDONESIAN, Scene, answered, is_our_json, is_our_page, logged, until, until_ready,
        until_waiting_for,
    },
};

/// What needs the database. The form alone needs none.
const NEEDS_IT: [&str; 5] = ["userinfo", "introspection", "refresh", "entry", "sign-in"];

//= BSSN4-2021#6.b test
#[tokio::test(flavor = "multi_thread")]
async fn gone() {
    outage(Fault::Gone).await;
}

//= BSSN4-2021#6.b test
#[tokio::test(flavor = "multi_thread")]
async fn silent() {
    outage(Fault::Silent).await;
}

async fn outage(fault: Fault) {
    let mut scene = Scene::open().await;
    let mut browser = scene.office.browser(scene.provider());
    let rp = scene.office.rp("presensi", scene.provider());
    let ours = scene.office.tokens(&mut browser, &rp).await;
    let mut another = scene.office.browser(scene.provider());
    let asks = scene.office.tokens(&mut another, &rp).await;
    let refreshes = scene.office.tokens(&mut scene.office.browser(scene.provider()), &rp).await;
    let mut crowd = Crowd::start(&scene.office, &another, (&asks, &refreshes));
    crowd.works(&NEEDS_IT).await;

    let silent = if fault == Fault::Gone {
        scene.postgres.kill();
        None
    } else {
        Some(scene.postgres.silence())
    };
    until_waiting_for(scene.provider(), "database").await;
    crowd.is_put_off(&NEEDS_IT).await;
    // Pages, in both languages.
    let entry = rp.start(&[]).url;
    is_our_page(&answered("entry", browser.follow(&rp.redirect_uri, &entry)).await, INDONESIAN);
    let english = format!("{}?{}&bahasa=en", entry.path(), entry.query().unwrap());
    is_our_page(&answered("entry", browser.open(&english)).await, ENGLISH);
    is_our_page(&answered("home", browser.clone().open("/?bahasa=id")).await, INDONESIAN);
    let mut stranger = scene.office.browser(scene.provider());
    assert_eq!(stranger.open("/masuk").await.status, 200, "a form needs no database");
    let typed = [("username", "siapa.saja"), ("password", "salah")];
    is_our_page(&answered("sign-in", stranger.submit("password", &typed)).await, INDONESIAN);
    // Endpoints of programs.
    is_our_json(&answered("refresh", rp.refresh(&ours.refresh_token())).await);
    is_our_json(&answered("userinfo", rp.userinfo(&ours.access_token())).await);
    is_our_json(&answered("introspection", rp.call("/introspect", &pairs(&[("token", &ours.access_token())]))).await);
    is_our_json(&answered("revocation", rp.call("/revoke", &pairs(&[("token", &ours.refresh_token())]))).await);
    let public = wire::router(scene.provider().port());
    assert_eq!(wire::get(&public, "/healthz").await.0, 200, "the process lives");

    drop(silent);
    if fault == Fault::Gone {
        scene.postgres.start();
    }
    // Changed before the server looks again.
    scene.provider().gapura(&["client", "disable", "kinerja"]);
    let kinerja = scene.office.rp("kinerja", scene.provider());
    let form = pairs(&[("token", "x")]);
    until("the change to be seen", async || {
        answered("kinerja", kinerja.call("/introspect", &form)).await.status == 401
    })
    .await;
    until_ready(scene.provider()).await;
    crowd.works(&NEEDS_IT).await;
    // Nothing was used up by what was refused.
    assert_eq!(rp.refresh(&ours.refresh_token()).await.status, 200);
    assert_eq!(rp.userinfo(&ours.access_token()).await.status, 200);
    scene.office.tokens(&mut scene.office.browser(scene.provider()), &rp).await;
    println!("database {fault:?}: {}", crowd.end().await);

    // Each job says once that it fails and once that it works.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let (fails, works) =
        (logged(scene.provider(), "a job fails", "job"), logged(scene.provider(), "the job works again", "job"));
    for job in ["follow", "outbox"] {
        let times = |all: &[String]| all.iter().filter(|said| *said == job).count();
        assert_eq!((times(&fails), times(&works)), (1, 1), "{job}: {fails:?} {works:?}");
    }
    assert!(!scene.provider().log().contains("a panic"));
}
