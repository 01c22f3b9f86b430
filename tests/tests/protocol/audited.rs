//! What is written into the audit, once and no more often: sign-ins, first entries, refusals and reuse. What
//! happens all day long (later entries, refreshes, questions about tokens) is counted in metrics instead.

use std::collections::BTreeMap;

use gapura_core::audit::EventKind;
use gapura_store::audit;
use gapura_tests::{
    Pair,
    city::{City, TEACHER},
    on_both_pairs,
    relying_party::pairs,
};

on_both_pairs!(
    what_happens_is_noted_once,
    an_event_says_who_what_when_where_and_how_it_ended,
    reuse_and_refusal_are_noted
);

/// How often each kind was recorded of what people and applications did.
async fn noted(city: &City) -> BTreeMap<EventKind, usize> {
    let mut counted = BTreeMap::new();
    for event in audit::older(&city.app.db, None, 1000).await.unwrap() {
        let body: serde_json::Value = serde_json::from_slice(&event.body).unwrap();
        assert_eq!(body["kind"], event.kind.as_str());
        if body["actor"]["type"] == "system" {
            continue;
        }
        assert!(body["request_id"].as_str().is_some_and(|id| id.starts_with("GP-")), "{body}");
        *counted.entry(event.kind).or_default() += 1;
    }
    counted
}

async fn what_happens_is_noted_once(pair: Pair) {
    let city = City::new(pair).await;
    let (mut browser, rp) = (city.browser(), city.rp("presensi"));
    let tokens = city.tokens(&mut browser, &rp, &TEACHER).await;
    let after_sign_in = noted(&city).await;
    assert_eq!(after_sign_in, BTreeMap::from([(EventKind::SignedIn, 1), (EventKind::Entered, 1)]));
    // Counted in metrics instead.
    city.enter(&mut browser, &rp).await;
    rp.userinfo(&tokens.access_token()).await;
    rp.introspect(&tokens.access_token()).await;
    assert_eq!(rp.refresh(&tokens.refresh_token()).await.status, 200);
    let job = city.rp("direktori");
    job.token(&pairs(&[("grant_type", "client_credentials")])).await;
    assert_eq!(noted(&city).await, after_sign_in);
    city.enter(&mut browser, &city.rp("kinerja")).await;
    assert_eq!(noted(&city).await[&EventKind::Entered], 2);
    let sent = pairs(&[("token", &tokens.access_token())]);
    for _ in 0..2 {
        assert_eq!(rp.call("/revoke", &sent).await.status, 200);
    }
    assert_eq!(noted(&city).await[&EventKind::TokenRevoked], 1);
}

//= BSSN4-2021#6.d test
async fn an_event_says_who_what_when_where_and_how_it_ended(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let mut browser = city.browser();
    city.begin(&mut browser, &rp, &[]).await;
    browser.submit("password", &[("username", TEACHER.login), ("password", "bukan ini")]).await;
    city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    let mut seen = Vec::new();
    for event in audit::older(&city.app.db, None, 1000).await.unwrap() {
        let body: serde_json::Value = serde_json::from_slice(&event.body).unwrap();
        if !matches!(event.kind, EventKind::SignedIn | EventKind::SignInFailed | EventKind::Entered) {
            continue;
        }
        seen.push(event.kind);
        assert!(body["user_id"].is_string() && body["actor"]["type"].is_string(), "who: {body}");
        assert_eq!(body["at"], city.clock.now().millis(), "when: {body}");
        assert!(body["request_id"].is_string(), "in which request: {body}");
        let entered = body["client_id"] == "presensi" && body["session_id"].is_string();
        assert_eq!(entered, event.kind == EventKind::Entered, "into what: {body}");
        assert_eq!(body["after"]["address"].is_string(), event.kind != EventKind::Entered, "from where: {body}");
        assert_eq!(body["reason"].is_string(), event.kind == EventKind::SignInFailed, "why it failed: {body}");
    }
    seen.sort();
    assert_eq!(seen, [EventKind::SignedIn, EventKind::SignInFailed, EventKind::Entered]);
}

//= T4 test
//= T6 test
async fn reuse_and_refusal_are_noted(pair: Pair) {
    let city = City::new(pair).await;
    let (mut browser, rp) = (city.browser(), city.rp("presensi"));
    let (started, page) = city.sign_in(&mut browser, &rp, &TEACHER, &[]).await;
    let form = rp.redemption(&started, &rp.code(&started, &page));
    for _ in 0..3 {
        rp.token(&form).await;
    }
    assert_eq!(noted(&city).await[&EventKind::CodeReused], 1);

    let public = city.rp("ponsel");
    let tokens = city.enter(&mut browser, &public).await;
    for _ in 0..3 {
        public.refresh(&tokens.refresh_token()).await;
    }
    assert_eq!(noted(&city).await[&EventKind::RefreshTokenReused], 1);

    let closed = city.rp("keuangan");
    city.begin(&mut browser, &closed, &[]).await;
    city.begin(&mut browser, &closed, &[("prompt", "none")]).await;
    assert_eq!(noted(&city).await[&EventKind::EntryRefused], 2);
}
