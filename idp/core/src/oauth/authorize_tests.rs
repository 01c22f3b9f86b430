//! The table of checks, row by row.

use super::*;
use crate::{
    id::ClientId,
    oauth::{PkcePolicy, fixtures::client},
};

const GOOD: &[(&str, &str)] = &[
    ("response_type", "code"),
    ("client_id", "presensi"),
    ("redirect_uri", "https://presensi.kota.go.id/balik"),
    ("scope", "openid profile"),
    ("state", "s"),
    ("nonce", "n"),
    ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
    ("code_challenge_method", "S256"),
];

/// A good request with some parameters replaced, or left out where the value is empty.
fn with(changes: &[(&'static str, &str)]) -> Params {
    let kept = GOOD.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name)).copied();
    let added = changes.iter().filter(|(_, value)| !value.is_empty()).copied();
    Params::from_pairs(kept.chain(added).collect::<Vec<_>>())
}

fn ask(params: &Params) -> Result<AuthorizeRequest, ErrorCode> {
    read(&Candidate { client: &client(), params, hint: None }).map_err(|error| error.code)
}

//= RFC6749#3.1 test
//= RFC6749#4.1.2.1 test
//= RFC6749#3.3 test
//= RFC7636#4.4.1 test
//= RFC9700#2.1.2 test
//= OIDC-CORE#3.1.2.1 test
//= OIDC-CORE#3.1.2.2 test
//= OIDC-CORE#3.1.2.6 test
//= OIDC-CORE#6.1 test
#[test]
fn every_bad_parameter_has_its_error() {
    let long = "a".repeat(100_000);
    let rows: &[(&'static str, &str, ErrorCode)] = &[
        ("response_type", "", ErrorCode::InvalidRequest),
        ("response_type", "token", ErrorCode::UnsupportedResponseType),
        ("response_type", "id_token", ErrorCode::UnsupportedResponseType),
        ("response_type", "code token", ErrorCode::UnsupportedResponseType),
        ("response_type", "CODE", ErrorCode::UnsupportedResponseType),
        ("response_mode", "fragment", ErrorCode::InvalidRequest),
        ("response_mode", "form_post", ErrorCode::InvalidRequest),
        ("scope", "", ErrorCode::InvalidScope),
        ("scope", "openid  profile", ErrorCode::InvalidScope),
        ("scope", "apa_saja", ErrorCode::InvalidScope),
        ("scope", &long, ErrorCode::InvalidRequest),
        ("state", &long, ErrorCode::InvalidRequest),
        ("nonce", &long, ErrorCode::InvalidRequest),
        ("nonce", "a\0b", ErrorCode::InvalidRequest),
        ("state", "a\0b", ErrorCode::InvalidRequest),
        ("code_challenge", "", ErrorCode::InvalidRequest),
        ("code_challenge_method", "", ErrorCode::InvalidRequest),
        ("code_challenge_method", "plain", ErrorCode::InvalidRequest),
        ("prompt", "none login", ErrorCode::InvalidRequest),
        ("prompt", "create", ErrorCode::InvalidRequest),
        ("max_age", "-1", ErrorCode::InvalidRequest),
        ("max_age", "+1", ErrorCode::InvalidRequest),
        ("max_age", "1.5", ErrorCode::InvalidRequest),
        ("max_age", "99999999999", ErrorCode::InvalidRequest),
        ("request", "eyJ", ErrorCode::RequestNotSupported),
        ("request_uri", "https://a", ErrorCode::RequestUriNotSupported),
        ("registration", "{}", ErrorCode::RegistrationNotSupported),
        ("id_token_hint", &long, ErrorCode::InvalidRequest),
        ("ui_locales", &long, ErrorCode::InvalidRequest),
    ];
    assert!(ask(&with(&[])).is_ok());
    for (name, value, expected) in rows {
        assert_eq!(ask(&with(&[(name, value)])), Err(*expected), "{name}={}", value.get(..40).unwrap_or(value));
    }
}

//= RFC6749#3.1 test
#[test]
fn a_doubled_parameter_is_refused_and_an_unknown_one_ignored() {
    for (name, value) in GOOD {
        let doubled = Params::from_pairs(GOOD.iter().copied().chain([(*name, *value)]).collect::<Vec<_>>());
        assert_eq!(ask(&doubled), Err(ErrorCode::InvalidRequest), "{name}");
    }
    let unknown = format!("{}&x=%00&x=%ff&claims=%7B", with(&[]).encode());
    assert!(ask(&Params::parse(unknown.as_bytes())).is_ok());
    let many = format!("{}{}", with(&[]).encode(), "&x=1".repeat(64));
    assert_eq!(ask(&Params::parse(many.as_bytes())), Err(ErrorCode::InvalidRequest));
}

//= OIDC-CORE#3.1.2.1 test
#[test]
fn optional_parameters_are_read() {
    let request = ask(&with(&[
        ("prompt", "login consent"),
        ("max_age", "0"),
        ("login_hint", "siti"),
        ("display", "popup"),
        ("acr_values", "apa"),
        ("response_mode", "query"),
    ]))
    .unwrap();
    assert_eq!(request.prompt, [Prompt::Login, Prompt::Consent]);
    assert_eq!(request.max_age, Some(0));
    assert_eq!(request.login_hint.as_deref(), Some("siti"));
    assert_eq!(request.nonce.as_deref(), Some("n"));
    assert!(request.challenge.is_some());
}

//= OIDC-CORE#3.1.2.1 test
//= T15 test
#[test]
fn a_hint_must_be_ours_and_for_this_client() {
    let params = with(&[]);
    let hint = |audience: &str| IdTokenHint { sub: "sub-1".into(), audience: ClientId::new(audience), session: None };
    let ask = |hint: Option<&Result<IdTokenHint, NotOurs>>| {
        read(&Candidate { client: &client(), params: &params, hint }).map_err(|error| error.code)
    };
    assert_eq!(ask(Some(&Ok(hint("presensi")))).unwrap().hinted_sub.as_deref(), Some("sub-1"));
    assert_eq!(ask(Some(&Ok(hint("kinerja")))), Err(ErrorCode::InvalidRequest));
    assert_eq!(ask(Some(&Err(NotOurs))), Err(ErrorCode::InvalidRequest));
}

//= RFC6749#4.1.2.1 test
#[test]
fn the_client_must_hold_the_grants() {
    let params = with(&[]);
    let bare = Client { grant_types: vec!["client_credentials".into()], ..client() };
    let refused = read(&Candidate { client: &bare, params: &params, hint: None }).unwrap_err();
    assert_eq!(refused.code, ErrorCode::UnauthorizedClient);

    let once = Client { grant_types: vec!["authorization_code".into()], ..client() };
    let offline = with(&[("scope", "openid offline_access")]);
    let refused = read(&Candidate { client: &once, params: &offline, hint: None }).unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidScope);
}

//= RFC7636#4.4.1 test
#[test]
fn a_client_registered_as_weaker_may_leave_the_challenge_out() {
    let weak = Client { pkce: PkcePolicy::WhereSent, ..client() };
    let params = with(&[("code_challenge", ""), ("code_challenge_method", "")]);
    let request = read(&Candidate { client: &weak, params: &params, hint: None }).unwrap();
    assert_eq!(request.challenge, None);
}
