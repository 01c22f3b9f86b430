//! Starting up: each wrong setting has its own sentence, and a provider that sleeps is waited for.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use gapura_client::{Clock, Error, Gapura, public_keys};
use http::StatusCode;
use serde_json::json;

use crate::browser::{APP, World, builder};
use crate::provider::{CLIENT, Provider, SECRET, pem};

//= OIDC-DISCOVERY#4.3 test
#[tokio::test]
async fn a_wrong_setting_stops_the_start_with_the_sentence_that_mends_it() {
    let provider = Provider::start().await;
    let issuer = provider.issuer.clone();
    let error = builder(&provider).client_secret("salah").build().await.unwrap_err();
    assert!(
        matches!(error, Error::ProofRefused { .. }) && error.for_developer().contains("GAPURA_CLIENT_SECRET"),
        "{error}"
    );
    let error = Gapura::builder(&issuer, "lain", APP).client_secret(SECRET).build().await.unwrap_err();
    assert!(matches!(error, Error::ProofRefused { .. }), "{error}");
    let foreign = "https://tak-terdaftar.kota.go.id";
    let error = Gapura::builder(&issuer, CLIENT, foreign).client_secret(SECRET).build().await.unwrap_err();
    assert!(matches!(error, Error::RedirectNotRegistered { .. }), "{error}");
    assert!(error.for_developer().contains("\"https://tak-terdaftar.kota.go.id/auth/callback\""), "{error}");
    for (name, near) in [("a slash", format!("{issuer}/")), ("case", issuer.replace("sso", "SSO"))] {
        let error = Gapura::builder(near, CLIENT, APP).client_secret(SECRET).build().await.unwrap_err();
        assert!(matches!(error, Error::IssuerMismatch { .. }), "{name}: {error}");
    }
    let error = Gapura::builder(format!("{issuer}/lain"), CLIENT, APP).build().await.unwrap_err();
    assert!(matches!(error, Error::NotAProvider { .. }), "{error}");
    let error = builder(&provider).scopes("openid profile nik").build().await.unwrap_err();
    assert!(error.for_developer().contains("the scopes \"openid profile nik\""), "{error}");
    for (ahead, seconds) in [(90, 90), (-90, -90)] {
        let now = provider.clock.now();
        let clock = Clock::from_fn(move || now + ahead);
        let error = builder(&provider).clock(clock).build().await.unwrap_err();
        assert!(matches!(error, Error::ClockOff { seconds: off } if (off - seconds).abs() <= 2), "{error}");
    }
}

/// Every request of the library proves the client by a statement of its own, signed by the application's key.
//= RFC7523#2.2 test
#[tokio::test]
async fn a_key_takes_the_place_of_a_secret() {
    let random = SystemRandom::new();
    let keys = [
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap().as_ref().to_vec(),
        Ed25519KeyPair::generate_pkcs8v1(&random).unwrap().as_ref().to_vec(),
        RsaKeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap().as_ref().to_vec(),
    ];
    for der in keys {
        let pem = pem(&der);
        let provider = Provider::start().await;
        let set = public_keys(pem.as_bytes()).unwrap();
        assert!(set["keys"][0].get("d").is_none() && set["keys"][0]["use"] == "sig", "{set}");
        provider.inside().client_keys = Some(set);
        let error = builder(&provider).build().await.unwrap_err();
        assert!(matches!(error, Error::ProofRefused { .. }), "{error}");
        let world = World::with(provider, |builder| builder.client_key_pem(pem)).await;
        let mut browser = world.signed_in().await;
        world.provider.clock.advance(301);
        assert_eq!(browser.open("/").await.body, "Siti Aminah", "renewed");
        assert_eq!(world.provider.asked("refresh"), 1);
        assert!(world.gapura.client_token("x").await.is_ok());
    }
    let error = public_keys(b"-----BEGIN CERTIFICATE-----").unwrap_err();
    assert!(error.for_developer().contains("GAPURA_CLIENT_KEY_FILE"), "{error}");
}

#[tokio::test]
async fn settings_that_cannot_be_right_are_named() {
    let table = [
        ("GAPURA_ISSUER", Gapura::builder("http://sso.kota.go.id", CLIENT, APP)),
        ("GAPURA_ISSUER", Gapura::builder("sso.kota.go.id", CLIENT, APP)),
        ("GAPURA_PUBLIC_URL", Gapura::builder("https://sso.kota.go.id", CLIENT, "http://presensi.kota.go.id")),
        ("GAPURA_PUBLIC_URL", Gapura::builder("https://sso.kota.go.id", CLIENT, "https://kota.go.id/presensi")),
        ("GAPURA_INTERNAL_URL", Gapura::builder("https://sso.kota.go.id", CLIENT, APP).internal_url("sso:8080")),
        (
            "GAPURA_CA_FILE",
            Gapura::builder("https://sso.kota.go.id", CLIENT, APP)
                .ca_pem("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"),
        ),
    ];
    for (name, builder) in table {
        let error = builder.build().await.unwrap_err();
        assert!(matches!(&error, Error::BadSetting { name: given, .. } if *given == name), "{name}: {error}");
    }
}

#[tokio::test]
async fn the_application_starts_before_the_provider() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let provider = Provider::named(&format!("http://sso.localhost:{}", address.port()));
    let world = World::with(provider.clone(), |builder| builder).await;
    assert_eq!(world.browser().get("/siapa").await.body, "tamu");
    let page = world.browser().get("/auth/login").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.body.contains("data-code=\"provider_unreachable\""));
    let (listener, router) = (tokio::net::TcpListener::bind(address).await.unwrap(), provider.router());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let page = world.browser().get("/auth/login").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "a failed attempt counts for two seconds");
    world.provider.clock.advance(2);
    world.signed_in().await;
    assert_eq!(world.provider.asked("discovery"), 1);
}

/// The provider calls itself `https://sso.test`, and this machine reaches it by another name.
//= DEV-10 test
#[tokio::test]
async fn internal_and_public_address_of_the_provider_may_differ() {
    let provider = Provider::named("https://sso.test");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let inside = format!("http://penyedia.localhost:{}", listener.local_addr().unwrap().port());
    let router = provider.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let world = World::with(provider.clone(), |builder| builder.internal_url(&inside)).await;
    let mut browser = world.browser();
    let to_provider = browser.get("/auth/login").await.location();
    assert!(to_provider.starts_with("https://sso.test/authorize?"), "the browser goes to the public address");
    browser.open("/").await;
    assert!(browser.session_cookie().is_some());
    world
        .provider
        .lie(|lies| lies.id_token = Box::new(move |claims| claims["iss"] = json!("http://penyedia.localhost")));
    assert!(world.browser().open("/").await.body.contains("data-code=\"token_refused\""));
    let error = Gapura::builder(&inside, CLIENT, APP).client_secret(SECRET).build().await.unwrap_err();
    assert!(matches!(error, Error::IssuerMismatch { .. }), "{error}");
    assert!(error.for_developer().contains("GAPURA_INTERNAL_URL"));
}

#[tokio::test]
async fn a_provider_without_scopes_userinfo_and_sign_out_is_enough() {
    let provider = Provider::start().await;
    provider.lie(|lies| {
        lies.discovery = Box::new(|document| {
            for member in [
                "userinfo_endpoint",
                "introspection_endpoint",
                "end_session_endpoint",
                "scopes_supported",
                "authorization_response_iss_parameter_supported",
            ] {
                document.as_object_mut().unwrap().remove(member);
            }
        });
        lies.callback = Box::new(|answer| answer.retain(|(name, _)| name != "iss"));
        lies.id_token = Box::new(|claims| claims["name"] = json!("Siti Aminah"));
    });
    let world = World::with(provider, |builder| builder).await;
    let mut browser = world.signed_in().await;
    assert_eq!(world.provider.asked("userinfo"), 0);
    assert_eq!(browser.post("/auth/logout", "").await.location(), "/");
    world.provider.lie(|lies| {
        lies.callback = Box::new(|answer| answer.push(("iss".to_owned(), "https://jahat.example".to_owned())));
    });
    assert!(world.browser().open("/").await.body.contains("data-code=\"mixed_up\""), "no promise, but two issuers");
}

#[tokio::test]
async fn an_https_provider_with_plain_endpoints_is_refused() {
    for endpoint in ["token_endpoint", "jwks_uri", "userinfo_endpoint", "authorization_endpoint"] {
        let provider = Provider::named("https://sso.test");
        provider.lie(|lies| lies.discovery = Box::new(move |document| document[endpoint] = json!("http://sso.test/x")));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inside = format!("http://{}", listener.local_addr().unwrap());
        let router = provider.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let error = builder(&provider).internal_url(inside).build().await.unwrap_err();
        assert!(matches!(&error, Error::NotAProvider { url, .. } if url == "http://sso.test/x"), "{endpoint}: {error}");
    }
}

#[tokio::test]
async fn no_redirect_is_followed_with_the_secret() {
    let provider = Provider::start().await;
    let detour = format!("{}/pindah", provider.issuer);
    provider.lie(|lies| lies.discovery = Box::new(move |document| document["token_endpoint"] = json!(detour)));
    let world = World::with(provider, |builder| builder).await;
    assert!(world.browser().open("/").await.status.is_server_error());
    assert!(world.store.is_empty());
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let provider = Provider::start().await;
    provider.lie(|lies| lies.discovery = Box::new(|document| document["panjang"] = json!("a".repeat(300_000))));
    let world = World::with(provider, |builder| builder).await;
    assert_eq!(world.browser().get("/auth/login").await.status, StatusCode::SERVICE_UNAVAILABLE);
}
