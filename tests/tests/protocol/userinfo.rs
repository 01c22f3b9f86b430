//! Userinfo (OIDC Core section 5.3): claims by scope, each answer valid by the published schemas.

use axum::body::Body;
use gapura_tests::{
    Pair,
    city::{City, TEACHER, TREASURER},
    on_both_pairs, schemas,
};
use http::{Request, header};
use serde_json::{Value, json};

on_both_pairs!(
    each_scope_gives_its_claims_and_no_others,
    get_and_post_answer_alike,
    a_request_without_right_is_challenged
);

async fn claims(city: &City, scope: &str) -> Value {
    let rp = city.rp("presensi").asking(scope);
    let tokens = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    let page = rp.userinfo(&tokens.access_token()).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let claims: Value = serde_json::from_str(&page.body).unwrap();
    schemas::check(scope, &claims);
    assert_eq!(claims["sub"], tokens.id_token["sub"]);
    claims
}

//= OIDC-CORE#5.4 test
//= OIDC-CORE#5.3.2 test
//= DEV-06 test
//= DOM-03 test
async fn each_scope_gives_its_claims_and_no_others(pair: Pair) {
    let city = City::new(pair).await;
    let bare = claims(&city, "openid").await;
    assert_eq!(bare.as_object().unwrap().keys().collect::<Vec<_>>(), ["sub"]);
    assert_eq!(claims(&city, "openid profile").await["name"], "Siti Aminah");
    assert_eq!(claims(&city, "openid email").await["email"], "siti.aminah@contoh.go.id");
    let opd = claims(&city, "openid opd").await;
    assert_eq!((&opd["opd"], &opd["unit"]), (&json!("Dinas Pendidikan"), &json!("SD Negeri Contoh 1")));
    let position = claims(&city, "openid jabatan").await;
    assert_eq!(position["jabatan"], "Guru Ahli Madya");
    assert_eq!(position["penugasan"][0]["sebagai"], "definitif");
    assert_eq!(claims(&city, "openid nip").await["nip"], TEACHER.login);
    assert_eq!(claims(&city, "openid peran").await["roles"], json!(["pegawai"]));
    let all = claims(&city, "openid profile email opd jabatan peran").await;
    assert!(all.get("nip").is_none(), "an application that did not ask for the NIP does not get it");
    let text = all.to_string();
    assert!(!text.contains("pribadi0@example.net"), "the private e-mail is never given");
    assert!(!text.contains("nik"), "{text}");
}

//= OIDC-CORE#5.3 test
async fn get_and_post_answer_alike(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let tokens = city.tokens(&mut city.browser(), &rp, &TREASURER).await;
    let token = tokens.access_token();
    let got = rp.userinfo(&token).await;
    let posted = Request::post("/userinfo").header(header::AUTHORIZATION, format!("Bearer {token}"));
    let posted = rp.raw(posted.body(Body::empty()).unwrap()).await;
    assert_eq!((posted.status, &posted.body), (got.status, &got.body));
    assert_eq!(got.header("cache-control"), "no-store");
}

//= RFC6750#3 test
//= RFC6750#3.1 test
//= RFC6750#2 test
async fn a_request_without_right_is_challenged(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let tokens = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    let bare = rp.get("/userinfo").await;
    assert_eq!(bare.status, 401);
    assert!(bare.header("www-authenticate").starts_with("Bearer"));
    assert!(!bare.header("www-authenticate").contains("error="), "no error where no token came");
    let wrong = rp.userinfo("salah").await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.header("www-authenticate").contains("error=\"invalid_token\""));
    let query = rp.get(&format!("/userinfo?access_token={}", tokens.access_token())).await;
    assert!(query.status == 401 || query.status == 400, "a token in a query is not read: {}", query.status);
    let narrow = rp.asking("opd");
    let started = narrow.start(&[]);
    let page = city.browser().follow(&narrow.redirect_uri, &started.url).await;
    assert!(page.status.is_client_error() || page.location().is_some() || page.status == 200, "{}", page.status);
}
