//! OpenID Connect Discovery 1.0 and RFC 8414: the metadata, and the keys it leads to.

use std::time::Duration;

use gapura_core::{audit::Actor, oauth::SignatureAlg};
use gapura_idp::keys::rotation::Mover;
use gapura_tests::{
    Pair,
    city::{City, PUBLIC_URL},
    on_both_pairs,
};
use serde_json::{Value, json};

on_both_pairs!(
    metadata_says_what_is_true,
    both_documents_agree,
    keys_have_no_private_part,
    a_key_made_at_another_node_is_published_within_a_second,
);

async fn document(city: &City, path: &str) -> Value {
    let page = city.rp("presensi").get(path).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("application/json"));
    serde_json::from_str(&page.body).unwrap()
}

//= OIDC-DISCOVERY#3 test
//= RFC8414#2 test
//= RFC9207#3 test
//= OIDC-CORE#15.1 test
//= SSO-03 test
async fn metadata_says_what_is_true(pair: Pair) {
    let city = City::new(pair).await;
    let said = document(&city, "/.well-known/openid-configuration").await;
    assert_eq!(said["issuer"], PUBLIC_URL);
    for (name, path) in [
        ("authorization_endpoint", "/authorize"),
        ("token_endpoint", "/token"),
        ("userinfo_endpoint", "/userinfo"),
        ("jwks_uri", "/jwks"),
        ("introspection_endpoint", "/introspect"),
        ("revocation_endpoint", "/revoke"),
        ("end_session_endpoint", "/logout"),
    ] {
        assert_eq!(said[name], format!("{PUBLIC_URL}{path}"), "{name}");
    }
    assert_eq!(said["response_types_supported"], json!(["code"]));
    assert_eq!(said["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(said["authorization_response_iss_parameter_supported"], true);
    assert_eq!(said["backchannel_logout_supported"], true);
    assert_eq!(said["backchannel_logout_session_supported"], true);
    assert_eq!(said["request_uri_parameter_supported"], false);
    assert_eq!(said["request_parameter_supported"], false);
    let has = |name: &str, word: &str| said[name].as_array().is_some_and(|words| words.iter().any(|have| have == word));
    for alg in ["RS256", "ES256"] {
        assert!(has("id_token_signing_alg_values_supported", alg), "{alg}");
    }
    assert!(!has("id_token_signing_alg_values_supported", "none"));
    for grant in ["authorization_code", "refresh_token", "client_credentials"] {
        assert!(has("grant_types_supported", grant), "{grant}");
    }
    for refused in ["password", "implicit"] {
        assert!(!has("grant_types_supported", refused), "{refused}");
    }
    for method in ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"] {
        assert!(has("token_endpoint_auth_methods_supported", method), "{method}");
    }
    for scope in ["openid", "profile", "email", "opd", "jabatan", "nip", "peran", "offline_access"] {
        assert!(has("scopes_supported", scope), "{scope}");
    }
    assert!(has("subject_types_supported", "public"));
    // The relying party's own library reads it and finds nothing amiss.
    let read: openidconnect::core::CoreProviderMetadata = serde_json::from_value(said).unwrap();
    assert_eq!(read.issuer().as_str(), PUBLIC_URL);
}

//= OIDC-DISCOVERY#4 test
//= RFC8414#3 test
//= RFC8414#3.3 test
async fn both_documents_agree(pair: Pair) {
    let city = City::new(pair).await;
    let openid = document(&city, "/.well-known/openid-configuration").await;
    let oauth = document(&city, "/.well-known/oauth-authorization-server").await;
    for (name, value) in oauth.as_object().unwrap() {
        assert_eq!(&openid[name], value, "{name}");
    }
    assert_eq!(oauth["issuer"], PUBLIC_URL);
}

async fn keys_have_no_private_part(pair: Pair) {
    let city = City::new(pair).await;
    let keys = document(&city, "/jwks").await;
    let keys = keys["keys"].as_array().unwrap();
    assert!(keys.iter().any(|key| key["alg"] == "ES256") && keys.iter().any(|key| key["alg"] == "RS256"));
    for key in keys {
        assert_eq!(key["use"], "sig");
        assert!(key["kid"].is_string());
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private} of {}", key["kid"]);
        }
    }
}

/// Whoever asks because of a key they do not know finds it, though nobody else asks this node and no job runs.
//= OIDC-DISCOVERY#3 test
async fn a_key_made_at_another_node_is_published_within_a_second(pair: Pair) {
    let city = City::new(pair).await;
    let mover = Mover { db: &city.app.db, keys: &city.app.keys, actor: Actor::System, now: city.clock.now() };
    let made = mover.make_next(SignatureAlg::Es256).await.unwrap().expect("a new key");
    tokio::time::sleep(Duration::from_millis(1050)).await;
    let said = document(&city, "/jwks").await;
    assert!(said["keys"].as_array().unwrap().iter().any(|key| key["kid"] == made.id.as_str()), "{said}");
}
