//! Sessions over time: renewed once, ended by a refusal, kept through an outage.

use http::StatusCode;
use serde_json::json;

use crate::browser::World;

#[tokio::test]
async fn many_requests_at_once_renew_once() {
    let world = World::new().await;
    let browser = world.signed_in().await;
    world.provider.clock.advance(301);
    let requests = (0..20).map(|_| {
        let mut tab = world.browser();
        tab.cookies.clone_from(&browser.cookies);
        tokio::spawn(async move { tab.get("/").await.status })
    });
    for answer in futures::future::join_all(requests).await {
        assert_eq!(answer.unwrap(), StatusCode::OK);
    }
    assert_eq!(world.provider.asked("refresh"), 1);
}

#[tokio::test]
async fn a_browser_that_hangs_up_does_not_lose_the_new_refresh_token() {
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    world.provider.clock.advance(301);
    let mut tab = world.browser();
    tab.cookies.clone_from(&browser.cookies);
    let request = tokio::spawn(async move { tab.get("/").await });
    while world.provider.asked("refresh") == 0 {
        tokio::task::yield_now().await;
    }
    request.abort();
    // Nobody waits any more, and still the renewal goes on to its end.
    let finished = async {
        while world.provider.asked("userinfo") < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), finished).await.unwrap();
    assert_eq!(browser.get("/").await.status, StatusCode::OK);
    assert_eq!(world.provider.asked("refresh"), 1);
}

#[tokio::test]
async fn roles_are_at_most_five_minutes_old() {
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    assert_eq!(browser.get("/bayar").await.status, StatusCode::FORBIDDEN);
    world.provider.inside().roles = vec!["pegawai", "bendahara"];
    world.provider.clock.advance(200);
    assert_eq!(browser.get("/bayar").await.status, StatusCode::FORBIDDEN);
    world.provider.clock.advance(100);
    assert_eq!(browser.get("/bayar").await.body, "bayar oleh orang-1");
    world.provider.inside().roles = vec![];
    world.provider.clock.advance(300);
    assert_eq!(browser.get("/bayar").await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get("/siapa").await.body, "orang-1 []");
}

#[tokio::test]
async fn a_refused_renewal_ends_the_session() {
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    world.provider.lie(|lies| lies.refresh = Some((StatusCode::BAD_REQUEST, "invalid_grant")));
    world.provider.clock.advance(301);
    assert_eq!(browser.get("/").await.status, StatusCode::SEE_OTHER);
    assert!(world.store.is_empty());
}

#[tokio::test]
async fn an_outage_of_the_provider_ends_no_session_and_decides_nothing() {
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    world.provider.lie(|lies| lies.refresh = Some((StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")));
    world.provider.clock.advance(301);
    let page = browser.get("/bayar").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.get("/siapa").await.body, "tamu");
    world.provider.lie(|lies| lies.refresh = None);
    assert_eq!(browser.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_renewal_about_somebody_else_ends_the_session() {
    type Lie = fn(&mut serde_json::Value);
    let lies: [(&str, Lie); 4] = [
        ("another person", |claims| claims["sub"] = json!("orang-2")),
        ("another session", |claims| claims["sid"] = json!("sesi-2")),
        ("another nonce", |claims| claims["nonce"] = json!("lain")),
        ("another audience", |claims| claims["aud"] = json!("kinerja")),
    ];
    for (name, lie) in lies {
        let world = World::new().await;
        let mut browser = world.signed_in().await;
        world.provider.lie(|lies| lies.id_token = Box::new(lie));
        world.provider.clock.advance(301);
        assert_eq!(browser.get("/").await.status, StatusCode::SEE_OTHER, "{name}");
        assert!(world.store.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_session_ends_after_a_working_day() {
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    world.provider.clock.advance(12 * 3600);
    assert_eq!(browser.get("/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.provider.asked("refresh"), 0);
}
