//! Redis is gone, or says nothing: nobody new comes in and is told so by a page; whoever is signed in at an
//! application goes on there. A Redis that came back empty costs people a new start and lets nothing pass twice.

use gapura_core::time::Instant;
use gapura_store::ephemeral::{Ephemeral, Kind};
use gapura_tests::{
    browser::parameter,
    office::{OFFICER, PASSWORD},
};

use super::{
    crowd::Crowd,
    scene::{ENGLISH, Fault, INDONESIAN, Scene, answered, is_our_json, is_our_page, until_ready, until_waiting_for},
};

/// What goes on without Redis, and what does not.
const GOES_ON: [&str; 4] = ["userinfo", "introspection", "refresh", "form"];
const WAITS: [&str; 2] = ["entry", "sign-in"];

#[tokio::test(flavor = "multi_thread")]
async fn gone() {
    outage(Fault::Gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent() {
    outage(Fault::Silent).await;
}

async fn outage(fault: Fault) {
    let mut scene = Scene::open().await;
    let mut browser = scene.office.browser(scene.provider());
    let rp = scene.office.rp("presensi", scene.provider());
    let tokens = scene.office.tokens(&mut browser, &rp).await;
    let refreshes = scene.office.tokens(&mut scene.office.browser(scene.provider()), &rp).await;
    let mut crowd = Crowd::start(&scene.office, &browser, (&tokens, &refreshes));
    crowd.works(&GOES_ON).await;
    // A code not redeemed yet, and a form waiting for somebody.
    let started = rp.start(&[]);
    let code = rp.code(&started, &browser.follow(&rp.redirect_uri, &started.url).await);
    let mut late = scene.office.browser(scene.provider());
    let waiting = late.follow(&rp.redirect_uri, &rp.start(&[]).url).await;
    assert_eq!(waiting.status, 200);
    let marks = marks_since(&scene).await;

    let silent = if fault == Fault::Gone {
        scene.redis.kill();
        None
    } else {
        Some(scene.redis.silence())
    };
    until_waiting_for(scene.provider(), "short-lived state").await;
    crowd.is_put_off(&WAITS).await;
    crowd.works(&GOES_ON).await;
    assert!(crowd.nobody_was_put_off(&GOES_ON), "whoever is signed in goes on");
    let typed = [("username", OFFICER), ("password", PASSWORD)];
    is_our_page(&answered("sign-in", late.clone().submit("password", &typed)).await, INDONESIAN);
    let entry = rp.start(&[]).url;
    let english = format!("{}?{}&bahasa=en", entry.path(), entry.query().unwrap());
    is_our_page(&answered("entry", browser.clone().open(&english)).await, ENGLISH);
    // An application that asks behind the person's back is answered, since nobody would see a page.
    let quiet = rp.start(&[("prompt", "none")]);
    let answer = answered("quiet entry", browser.follow(&rp.redirect_uri, &quiet.url)).await;
    assert_eq!(rp.error(&quiet, &answer), "temporarily_unavailable");
    is_our_json(&answered("redemption", rp.token(&rp.redemption(&started, &code))).await);
    guessing_is_slowed_down(&scene).await;

    drop(silent);
    if fault == Fault::Gone {
        scene.redis.start();
    }
    until_ready(scene.provider()).await;
    crowd.works(&WAITS).await;
    if fault == Fault::Gone {
        came_back_empty(&scene, marks).await;
        // What was in it is gone: a new start, said with a way to it; a code opens nothing.
        let page = late.submit("password", &typed).await;
        assert_eq!(page.error_code().as_deref(), Some("interaction_expired"), "{}", page.text());
        assert!(page.text().contains("Mulai lagi"), "{}", page.text());
        let refused = rp.token(&rp.redemption(&started, &code)).await;
        assert_eq!((refused.status.as_u16(), refused.body.contains("invalid_grant")), (400, true), "{}", refused.body);
    } else {
        // Nothing was lost: the form goes on where it stood.
        let page = late.submit("password", &typed).await;
        assert!(page.location().is_some_and(|next| parameter(&next, "code").is_some()), "{}", page.text());
    }
    scene.office.tokens(&mut scene.office.browser(scene.provider()), &rp).await;
    println!("Redis {fault:?}: {}", crowd.end().await);
}

/// The account's own throttle lies in the database: without Redis nobody guesses faster.
//= T13 test
async fn guessing_is_slowed_down(scene: &Scene) {
    let mut guesser = scene.office.browser(scene.provider());
    for tries in 1..=10 {
        guesser.open("/masuk").await;
        let page = guesser.submit("password", &[("username", "siapa.saja@contoh.go.id"), ("password", "salah")]).await;
        if page.status == 429 {
            return;
        }
        assert!(tries < 6 && page.status == 400, "try {tries}: {} {}", page.status, page.text());
    }
}

async fn state(scene: &Scene) -> Ephemeral {
    let settings = std::fs::read_to_string(scene.provider().folder().join("satu.toml")).unwrap();
    let url = settings.split('"').find(|text| text.starts_with("redis://")).unwrap().to_owned();
    Ephemeral::redis(&url, "gapura").await.unwrap()
}

fn now() -> Instant {
    gapura_idp::clock::Clock::System.now()
}

async fn marks_since(scene: &Scene) -> Instant {
    state(scene).await.marks_since(now()).await.unwrap()
}

/// Marks of used assertions are gone, so those issued before are refused (their issue lies before this instant).
async fn came_back_empty(scene: &Scene, before: Instant) {
    let (state, now) = (state(scene).await, now());
    let since = state.marks_since(now).await.unwrap();
    assert!(since > before && since <= now, "{before:?} {since:?} {now:?}");
    assert!(state.claim(Kind::JtiMark, "uji", now.plus(super::scene::PATIENCE), now).await.unwrap());
}
