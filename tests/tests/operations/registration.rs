//! What `gapura client add` says at once, and what an operator finds again in the log.

use gapura_core::oauth::SignatureAlg;
use gapura_tests::{
    Pair,
    client_key::ClientKey,
    office::{OFFICER, Office},
    on_both_pairs,
    provider::Provider,
    servers::wait_until,
};
use serde_json::Value;

on_both_pairs!(what_a_command_ends_is_told_to_applications);

fn sentence(provider: &Provider, arguments: &[&str]) -> String {
    let refused = provider.try_gapura(arguments, "");
    assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(refused.stderr).unwrap()
}

//= T18 test
#[test]
fn an_address_that_would_never_be_called_is_refused_at_once() {
    let provider = Provider::new(Pair::SqliteMemory);
    provider.gapura(&["application", "add", "--name", "e-Presensi", "--identifier", "https://presensi.example"]);
    let add = ["client", "add", "--id", "presensi", "--redirect-uri", "https://presensi.example/cb", "--application"];
    for (logout, why) in [
        ("http://10.0.0.7/logout", "outbound.allow"),
        ("http://169.254.169.254/latest", "outbound.allow"),
        ("http://8.8.8.8/logout", "https"),
        (&format!("http://127.0.0.1:{}/metrics", provider.ops_port()), "our own"),
        ("ftp://presensi.example/logout", "https"),
    ] {
        let said = sentence(&provider, &[&add[..], &["e-Presensi", "--logout-uri", logout]].concat());
        assert!(said.contains(why), "{logout}: {said}");
    }
    let said = sentence(&provider, &[&add[..], &["e-Presnsi"]].concat());
    assert!(said.contains("similar: e-Presensi"), "{said}");
    assert_eq!(provider.gapura_json(&["client", "list"])["clients"], serde_json::json!([]));
}

/// What is wrong with a key is said before anything is stored; what is right is listed, replaced and audited.
//= T18 test
#[test]
fn a_client_is_registered_with_keys_that_can_be_used() {
    let provider = Provider::new(Pair::SqliteMemory);
    provider.gapura(&["application", "add", "--name", "e-Presensi", "--identifier", "https://presensi.example"]);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name).display().to_string();
        std::fs::write(&path, text).unwrap();
        path
    };
    let add = ["client", "add", "--id", "kunci", "--grant", "client_credentials", "--application", "e-Presensi"];
    let by_key = [&add[..], &["--auth", "private_key_jwt"]].concat();
    let key = ClientKey::new(SignatureAlg::EdDsa, "satu");
    let good = file("good", &ClientKey::set(&[&key]));
    let keys = |jwk: Value| serde_json::json!({"keys": [jwk]}).to_string();
    let with = |name: &str, value: &str| {
        let mut jwk = key.jwk.clone();
        jwk[name] = value.into();
        keys(jwk)
    };
    let point = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE";
    let rows = [
        ("none", r#"{"keys":[]}"#.to_owned(), "no key"),
        ("private", with("d", point), "private key material"),
        ("unknown alg", with("alg", "HS256"), "no supported kind"),
        ("twice", ClientKey::set(&[&key, &key]), "two keys have the kid"),
        ("weak", keys(serde_json::json!({"kty": "RSA", "alg": "RS256", "e": "AQAB", "n": point})), "weak RSA"),
        ("beside", keys(serde_json::json!({"kty": "EC", "crv": "P-256", "x": point, "y": point})), "do not fit"),
        ("text", "rahasia".to_owned(), "no JSON Web Key Set"),
    ];
    for (name, text, why) in rows {
        let path = file(name, &text);
        let said = sentence(&provider, &[&by_key[..], &["--jwks", &path]].concat());
        assert!(said.contains(why), "{name}: {said}");
    }
    for (uri, why) in [
        ("http://presensi.example/jwks", "https"),
        ("https://10.0.0.7/jwks", "outbound.allow"),
        ("https://169.254.169.254/jwks", "outbound.allow"),
    ] {
        let said = sentence(&provider, &[&by_key[..], &["--jwks-uri", uri]].concat());
        assert!(said.contains(why), "{uri}: {said}");
    }
    assert!(sentence(&provider, &by_key).contains("public keys"));
    assert!(sentence(&provider, &[&add[..], &["--jwks", &good]].concat()).contains("public keys"));

    let added = provider.gapura_json(&[&by_key[..], &["--jwks", &good]].concat());
    assert!(added.get("client_secret").is_none(), "{added}");
    let listed = provider.gapura_json(&["client", "list"])["clients"][0].clone();
    assert_eq!(listed["token_endpoint_auth_method"], "private_key_jwt");
    assert_eq!(listed["jwks"]["keys"][0]["kid"], "satu");
    assert!(provider.gapura(&["client", "list"]).contains("private_key_jwt"));
    let next = file("next", &ClientKey::set(&[&ClientKey::new(SignatureAlg::Es256, "dua")]));
    let replaced = provider.gapura_json(&["client", "keys", "kunci", "--jwks", &next]);
    assert_eq!(replaced["jwks"]["keys"][0]["kid"], "dua");
    assert_eq!(provider.try_gapura(&["client", "keys", "kunci"], "").status.code(), Some(2));
    provider.gapura(&[&add[..3], &["rahasia"], &add[4..]].concat());
    assert!(sentence(&provider, &["client", "keys", "rahasia", "--jwks", &next]).contains("client_secret_basic"));
}

/// A session that a command in another process ends is told to the applications by the server.
async fn what_a_command_ends_is_told_to_applications(pair: Pair) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://presensi.localhost:{}/logout", listener.local_addr().unwrap().port());
    let office = Office::open_with(pair, &["--logout-uri", &uri]);
    let rp = office.rp("presensi", &office.provider);
    office.tokens(&mut office.browser(&office.provider), &rp).await;
    office.provider.gapura(&["user", "disable", OFFICER]);
    // Nobody answers on this socket: the attempt itself is what is waited for.
    let (_attempt, peer) = tokio::task::spawn_blocking(move || listener.accept()).await.unwrap().unwrap();
    assert!(peer.ip().is_loopback());
    let shown = office.provider.gapura_json(&["logout", "list"]);
    assert_eq!(shown["messages"][0]["client_id"], "presensi");
    assert_eq!(shown["messages"][0]["state"], "pending");
}

/// The reference code of an error page finds its line in the log.
#[tokio::test(flavor = "multi_thread")]
async fn a_reference_code_finds_its_line() {
    let office = Office::open(Pair::SqliteMemory);
    let mut browser = office.browser(&office.provider);
    let page = browser.open("/authorize?client_id=tidak-ada&rahasia=4471-9902").await;
    let code = page.body.split("id=\"reference\"").nth(1).unwrap();
    let code = code.split_once('>').unwrap().1.split_once('<').unwrap().0.to_owned();
    assert!(code.starts_with("GP-"), "{code}");
    wait_until("the line", || office.provider.log().contains(&code), || office.provider.log());
    let log = office.provider.log();
    for line in log.lines().filter(|line| line.contains(&code)) {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["span"]["request_id"], code.as_str());
    }
    assert!(!log.contains("4471-9902"), "no query string");
}
