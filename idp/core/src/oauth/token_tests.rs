//! Grants as requested, and the matrix of wrong redemptions.

use std::{sync::Arc, time::Duration};

use super::*;
use crate::oauth::{AuthMethod, PkcePolicy, authenticate, fixtures::client, presented};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The caller of a public client with these grants.
fn caller(grants: &[&str]) -> Caller {
    let grant_types = grants.iter().map(|grant| (*grant).to_owned()).collect();
    let client = Arc::new(Client { auth_method: AuthMethod::None, grant_types, ..client() });
    let proof = presented([], &Params::from_pairs([("client_id", client.id.as_str())])).unwrap();
    authenticate(Some(&client), &proof, Instant::from_millis(0)).unwrap()
}

//= RFC6749#3.2 test
//= RFC6749#5.2 test
//= RFC6749#4.4 test
//= RFC9700#2.4 test
#[test]
fn every_bad_request_has_its_error() {
    let all = caller(&["authorization_code", "refresh_token", "client_credentials"]);
    let rows: &[(&str, ErrorCode)] = &[
        ("", ErrorCode::InvalidRequest),
        ("grant_type=", ErrorCode::InvalidRequest),
        ("grant_type=password&username=a&password=b", ErrorCode::UnsupportedGrantType),
        ("grant_type=implicit", ErrorCode::UnsupportedGrantType),
        ("grant_type=authorization_code&grant_type=authorization_code", ErrorCode::InvalidRequest),
        ("grant_type=%00", ErrorCode::InvalidRequest),
        ("grant_type=%ff", ErrorCode::InvalidRequest),
        ("grant_type=authorization_code&redirect_uri=x", ErrorCode::InvalidRequest),
        ("grant_type=authorization_code&code=x", ErrorCode::InvalidRequest),
        ("grant_type=authorization_code&code=x&code=x&redirect_uri=y", ErrorCode::InvalidRequest),
        ("grant_type=refresh_token", ErrorCode::InvalidRequest),
        ("grant_type=refresh_token&refresh_token=a&refresh_token=a", ErrorCode::InvalidRequest),
        ("grant_type=client_credentials", ErrorCode::UnauthorizedClient),
    ];
    for (body, expected) in rows {
        let code = read(&all, &Params::parse(body.as_bytes())).err().map(|error| error.code);
        assert_eq!(code, Some(*expected), "{body}");
    }
    let none = caller(&[]);
    for grant in GrantType::ALL {
        let code = read(&none, &Params::from_pairs([("grant_type", grant.as_str())])).err().map(|error| error.code);
        assert_eq!(code, Some(ErrorCode::UnauthorizedClient), "{grant}");
    }
}

const MADE: Instant = Instant::from_millis(1_795_000_000_000);

//= T4 test
//= RFC6749#4.1.2 test
//= RFC6749#4.1.3 test
#[test]
fn a_code_opens_for_its_client_redirect_and_verifier_only() {
    let client = client();
    let grant = CodeGrant {
        client_id: client.id.clone(),
        redirect_uri: "https://presensi.kota.go.id/balik".into(),
        challenge: pkce::challenge(PkcePolicy::Required, Some(CHALLENGE), Some("S256")).unwrap(),
        user_id: UserId::new("u"),
        sub: "sub-1".into(),
        session_id: SessionId::new("s"),
        family_id: FamilyId::new("f"),
        scopes: Scopes::of(["openid"]),
        nonce: None,
        issued_at: MADE,
    };
    let redeem = |client: &Client, uri: &str, verifier| redeem(client, &grant, uri, verifier, MADE);
    let other = Client { id: ClientId::new("kinerja"), ..client.clone() };
    let uri = grant.redirect_uri.clone();
    let near = format!("{uri}/");
    assert_eq!(redeem(&client, &uri, Some(VERIFIER)), Ok(()));
    let wrong: [(&Client, &str, Option<&str>); 5] = [
        (&other, &uri, Some(VERIFIER)),
        (&client, &near, Some(VERIFIER)),
        (&client, "", Some(VERIFIER)),
        (&client, &uri, None),
        (&client, &uri, Some(CHALLENGE)),
    ];
    for (client, uri, verifier) in wrong {
        let error = redeem(client, uri, verifier).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidGrant, "{} {uri} {verifier:?}", client.id);
    }
    // A clock set back by more than clocks may differ gives it no second life.
    let back = |seconds| super::redeem(&client, &grant, &uri, Some(VERIFIER), MADE.minus(Duration::from_secs(seconds)));
    assert_eq!(back(60), Ok(()));
    assert_eq!(back(61).unwrap_err().code, ErrorCode::InvalidGrant);
    let stored = serde_json::to_vec(&grant).unwrap();
    assert_eq!(serde_json::from_slice::<CodeGrant>(&stored).unwrap(), grant);
}

//= RFC6749#6 test
#[test]
fn a_refresh_narrows_and_never_widens() {
    let family = Scopes::of(["openid", "profile"]);
    assert_eq!(narrowed(&family, None), Ok(family.clone()));
    assert_eq!(narrowed(&family, Some("openid")), Ok(Scopes::of(["openid"])));
    for wide in ["openid email", "email", "apa_saja"] {
        assert_eq!(narrowed(&family, Some(wide)).unwrap_err().code, ErrorCode::InvalidScope, "{wide}");
    }
}

//= OIDC-CORE#11 test
#[test]
fn a_family_ends_with_its_session_unless_offline() {
    let (now, end) = (Instant::from_millis(0), Instant::from_millis(1000));
    assert_eq!(family_end(&Scopes::of(["openid"]), end, now), end);
    assert_eq!(family_end(&Scopes::of(["openid", "offline_access"]), end, now), now.plus(OFFLINE_LIFETIME));
}
