//! What an application learns about a person, and what the pages of the library look like.

use http::StatusCode;

use crate::browser::World;
use crate::provider::Provider;

#[tokio::test]
async fn cookies_of_an_https_application_are_bound_to_its_host() {
    let world = World::with(Provider::start().await, |_| {
        let builder =
            gapura_client::Gapura::builder("https://sso.kota.go.id", "presensi", "https://presensi.kota.go.id");
        builder.internal_url("http://127.0.0.1:9")
    })
    .await;
    let mut browser = world.browser();
    browser.cookies.insert("__Host-gapura_presensi_session".to_owned(), "a".to_owned());
    let page = browser.send(http::Method::POST, "/auth/logout", &[("origin", "https://presensi.kota.go.id")], "").await;
    assert_eq!(
        page.header("set-cookie"),
        "__Host-gapura_presensi_session=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"
    );
}

#[tokio::test]
async fn the_refusal_names_the_role_and_leads_to_the_explanation() {
    let provider = Provider::start().await;
    provider.lie(|lies| {
        lies.discovery =
            Box::new(|document| document["gapura_explanation_endpoint"] = "https://sso.kota.go.id/mengapa".into());
    });
    let world = World::with(provider, |builder| builder).await;
    let mut browser = world.signed_in().await;
    let page = browser.get("/bayar").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("Bendahara &lt;pembantu&gt;") && !page.body.contains("<pembantu>"));
    assert!(
        page.body.contains("href=\"https://sso.kota.go.id/mengapa?client_id=presensi&amp;role=bendahara\""),
        "{}",
        page.body
    );
    let page = browser.send(http::Method::GET, "/bayar", &[("accept", "application/json")], "").await;
    assert_eq!((page.status, page.body.contains("\"role_missing\"")), (StatusCode::FORBIDDEN, true));
}

#[tokio::test]
async fn roles_of_another_shape_are_no_roles() {
    for claim in [
        serde_json::json!("bendahara"),
        serde_json::json!({ "bendahara": true }),
        serde_json::json!([["bendahara"], 7]),
    ] {
        let world = World::new().await;
        world.provider.lie(|lies| lies.id_token = Box::new(move |claims| claims["roles"] = claim.clone()));
        let mut browser = world.signed_in().await;
        assert_eq!(browser.get("/bayar").await.status, StatusCode::FORBIDDEN);
        assert_eq!(browser.get("/siapa").await.body, "orang-1 []");
    }
}

#[tokio::test]
async fn claims_nobody_gave_are_absent() {
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    let facts = browser.get("/fakta").await.body;
    assert_eq!(
        facts,
        "Some(\"Siti Aminah\") Some(\"Dinas Pendidikan\") Some(\"Guru Ahli Muda\") None [Some(\"SMP Negeri 1\")]"
    );
    world.provider.lie(|lies| {
        lies.userinfo =
            Box::new(|claims| *claims = serde_json::json!({ "sub": "orang-1", "name": "", "penugasan": "salah" }));
    });
    world.provider.clock.advance(301);
    assert_eq!(browser.get("/fakta").await.body, "None None None None []");
}

#[tokio::test]
async fn typed_data_is_kept_where_the_application_asks_for_it() {
    let world = World::new().await;
    let page = world.browser().post("/laporan?bulan=3", "isi=%3Cb%3Epanjang%3C%2Fb%3E&nomor=7").await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(page.body.contains("<form method=\"post\" action=\"/laporan?bulan=3\">"), "{}", page.body);
    assert!(
        page.body.contains("name=\"isi\" value=\"&lt;b&gt;panjang&lt;/b&gt;\"")
            && page.body.contains("name=\"nomor\" value=\"7\"")
    );
    let mut browser = world.signed_in().await;
    assert_eq!(browser.post("/laporan", "isi=a").await.body, "isi=a");
    // A neighbour's form is not kept, or its page would carry the neighbour's words under our button.
    let foreign = [
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-site", "same-site"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let page = world.browser().send(http::Method::POST, "/laporan", &foreign, "isi=jahat").await;
    assert!(!page.body.contains("jahat"), "{}", page.body);
}
