use gapura_core::{
    id::{ApplicationId, ClientId},
    oauth::{RefreshPolicy, SignatureAlg},
};

use super::*;

const NOW: Instant = Instant::from_millis(1_800_000_000_000);

/// A client without a weakness.
fn client() -> Client {
    Client {
        id: ClientId::new("presensi"),
        application_id: ApplicationId::new("a"),
        name: "e-Presensi".to_owned(),
        enabled: true,
        auth_method: AuthMethod::Basic,
        secrets: vec![(vec![1], None)],
        keys: None,
        grant_types: vec!["authorization_code".to_owned()],
        redirect_uris: vec!["https://presensi.kota.go.id/callback".to_owned()],
        post_logout_redirect_uris: Vec::new(),
        scopes: vec!["openid".to_owned()],
        home_uri: "https://presensi.kota.go.id".to_owned(),
        backchannel_logout_uri: Some("https://presensi.kota.go.id/logout".to_owned()),
        id_token_alg: SignatureAlg::Es256,
        pkce: PkcePolicy::Required,
        refresh: RefreshPolicy::Rotate,
        asks_consent: false,
    }
}

fn codes(client: &Client, is_public: bool) -> Vec<&'static str> {
    weaknesses(client, is_public, NOW).iter().map(|finding| finding.code).collect()
}

#[test]
fn every_weakness_of_a_client_is_said() {
    assert!(codes(&client(), true).is_empty());
    let mut weak = client();
    weak.pkce = PkcePolicy::WhereSent;
    weak.backchannel_logout_uri = None;
    weak.scopes = Scope::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(codes(&weak, true), ["client-pkce", "client-no-logout", "client-scopes"]);
    let mut machine = client();
    machine.grant_types = vec!["client_credentials".to_owned()];
    machine.backchannel_logout_uri = None;
    assert!(codes(&machine, true).is_empty(), "nobody signs in at a machine");
    for (uri, in_production, at_home) in [
        ("http://presensi.kota.go.id/callback", Some("client-redirect-http"), Some("client-redirect-http")),
        ("http://localhost:3000/callback", Some("client-redirect-local"), None),
        ("http://[::1]:3000/callback", Some("client-redirect-local"), None),
        ("id.go.kota.presensi:/callback", None, None),
    ] {
        let mut client = client();
        client.redirect_uris = vec![uri.to_owned()];
        assert_eq!(codes(&client, true), in_production.into_iter().collect::<Vec<_>>(), "{uri}");
        assert_eq!(codes(&client, false), at_home.into_iter().collect::<Vec<_>>(), "{uri}");
    }
}

#[test]
fn the_secret_that_works_longest_decides() {
    let with = |ends: &[Option<Instant>]| {
        let mut client = client();
        client.secrets = ends.iter().map(|ends| (vec![1], *ends)).collect();
        codes(&client, true)
    };
    let (past, soon, later) = (Some(NOW), Some(NOW.plus(SOON - DAY)), Some(NOW.plus(SOON)));
    assert_eq!(with(&[]), ["client-secret-none"]);
    assert_eq!(with(&[past]), ["client-secret-ended"]);
    assert_eq!(with(&[past, soon]), ["client-secret-ends"]);
    assert!(with(&[past, soon, later]).is_empty());
    assert!(with(&[soon, None]).is_empty());
    let mut public = client();
    (public.auth_method, public.secrets) = (AuthMethod::None, Vec::new());
    assert!(codes(&public, true).is_empty());
}

#[test]
fn hashes_below_the_recommendation_are_said() {
    let mut settings = Settings::defaults(std::path::Path::new("/nowhere")).unwrap();
    for (memory_kib, iterations, code) in [
        (19_456, 2, "passwords-ok"),
        (47_104, 1, "passwords-ok"),
        (12_288, 3, "passwords-ok"),
        (9_216, 4, "passwords-ok"),
        (7_168, 5, "passwords-ok"),
        (19_456, 1, "passwords-cheap"),
        (4_096, 20, "passwords-cheap"),
        (8, 1, "passwords-cheap"),
    ] {
        (settings.passwords.cost.memory_kib, settings.passwords.cost.iterations) = (memory_kib, iterations);
        assert_eq!(passwords(&settings)[0].code, code, "{memory_kib} {iterations}");
    }
}
