use serde_json::{Value, json};

use super::*;
use crate::{id::ClientId, oauth::fixtures::client};

const NOW: Instant = Instant::from_millis(1_795_000_000_000);
const ISSUER: &str = "https://sso.kota-contoh.go.id";
const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn b64(text: &impl ToString) -> String {
    URL_SAFE_NO_PAD.encode(text.to_string())
}

fn claims() -> Value {
    let now = NOW.seconds();
    json!({"iss": "presensi", "sub": "presensi", "aud": ISSUER, "exp": now + 60, "iat": now, "jti": "satu"})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn sent(claims: &Value) -> String {
    format!("{}.{}.{}", b64(&json!({"alg": "EdDSA", "kid": "a"})), b64(claims), b64(&"signature"))
}

fn checked(claims: &Value) -> bool {
    Assertion::parse(&sent(claims)).and_then(|assertion| assertion.check(ISSUER, NOW)).is_ok()
}

fn keys() -> KeySet {
    let set = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "a"}]});
    KeySet::registered(set.to_string().as_bytes()).unwrap()
}

fn registered() -> Arc<Client> {
    Arc::new(Client { auth_method: AuthMethod::PrivateKeyJwt, keys: Some(ClientKeys::Inline(keys())), ..client() })
}

fn signed(claims: &Value) -> Signed {
    Assertion::parse(&sent(claims)).unwrap().prove(&registered(), &keys(), |_, _, _| true).unwrap()
}

//= RFC7523#3 test
//= OIDC-CORE#9 test
//= T15 test
#[test]
fn what_an_assertion_must_say() {
    let now = NOW.seconds();
    let longest = now + 310;
    let rows = [
        ("as it should be", claims(), true),
        ("aud in a list of one", with("aud", json!([ISSUER])), true),
        ("the token endpoint, alone", with("aud", json!(format!("{ISSUER}/token"))), true),
        ("without iat", without("iat"), true),
        ("with more claims", with("roles", json!(["x"])), true),
        ("broken seconds", with("exp", json!(now as f64 + 59.5)), true),
        ("no iss", without("iss"), false),
        ("another iss", with("iss", json!("kinerja")), false),
        ("iss is us", with("iss", json!(ISSUER)), false),
        ("no sub", without("sub"), false),
        ("sub is a person", with("sub", json!("orang-1")), false),
        ("no aud", without("aud"), false),
        ("another aud", with("aud", json!("https://lain.example")), false),
        ("a slash more", with("aud", json!(format!("{ISSUER}/"))), false),
        ("another endpoint", with("aud", json!(format!("{ISSUER}/introspect"))), false),
        ("a list with another", with("aud", json!([ISSUER, "https://lain.example"])), false),
        ("a list with the token endpoint", with("aud", json!([ISSUER, format!("{ISSUER}/token")])), false),
        ("the token endpoint in a list", with("aud", json!([format!("{ISSUER}/token")])), false),
        ("an empty list", with("aud", json!([])), false),
        ("aud is an object", with("aud", json!({ISSUER: 1})), false),
        ("no exp", without("exp"), false),
        ("exp is a text", with("exp", json!("9999999999")), false),
        ("exp is null", with("exp", Value::Null), false),
        ("exp is negative", with("exp", json!(-1)), false),
        ("exp is endless", with("exp", json!(1e300)), false),
        ("just within the leeway", with("exp", json!(now - 29)), true),
        ("expired", with("exp", json!(now - 30)), false),
        ("as long as may be", with("exp", json!(longest)), true),
        ("too long", with("exp", json!(longest + 1)), false),
        ("a little ahead", with("iat", json!(now + 10)), true),
        ("issued in the future", with("iat", json!(now + 11)), false),
        ("nbf a little ahead", with("nbf", json!(now + 10)), true),
        ("nbf in the future", with("nbf", json!(now + 11)), false),
        ("iat is a text", with("iat", json!("now")), false),
        ("no jti", without("jti"), false),
        ("an empty jti", with("jti", json!("")), false),
        ("a jti of another kind", with("jti", json!(7)), false),
        ("the longest jti", with("jti", json!("j".repeat(256))), true),
        ("too long a jti", with("jti", json!("j".repeat(257))), false),
    ];
    for (name, claims, good) in rows {
        assert_eq!(checked(&claims), good, "{name}");
    }
}

//= RFC8725#3.1 test
//= RFC8725#3.11 test
//= T19 test
#[test]
fn a_header_names_a_key_and_brings_nothing_along() {
    let read = |header: &Value| Assertion::parse(&format!("{}.{}.AAAA", b64(header), b64(&claims()))).is_ok();
    for alg in SignatureAlg::ALL {
        assert!(read(&json!({"alg": alg})), "{alg}");
    }
    for alg in ["none", "None", "", "HS256", "HS512", "RS384", "ES384", "PS512", "es256", "dir", "RSA-OAEP"] {
        assert!(!read(&json!({"alg": alg, "kid": "a"})), "{alg}");
    }
    for typ in ["JWT", "jwt", "application/jwt", "client-authentication+jwt"] {
        assert!(read(&json!({"alg": "ES256", "typ": typ})), "{typ}");
    }
    for typ in ["at+jwt", "logout+jwt", "application/at+jwt", "dpop+jwt", ""] {
        assert!(!read(&json!({"alg": "ES256", "typ": typ})), "{typ}");
    }
    for more in ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "cty", "enc"] {
        assert!(!read(&json!({"alg": "ES256", more: "x"})), "{more}");
    }
    let good = sent(&claims());
    for cut in ["", ".", "..", "a.b", "....", &format!("{good}."), &format!("{good}="), &good.replace('.', "..")] {
        assert!(Assertion::parse(cut).is_err(), "{cut}");
    }
    let twice = claims().to_string().replacen('{', "{\"jti\":\"lain\",", 1);
    assert!(Assertion::parse(&format!("{}.{}.AAAA", b64(&json!({"alg": "ES256"})), b64(&twice))).is_err());
}

#[test]
fn only_a_client_with_keys_is_proved_and_only_by_its_key() {
    let assertion = Assertion::parse(&sent(&claims())).unwrap();
    let known = registered();
    let secret = Arc::new(client());
    assert!(assertion.addressee(Some(&known)).is_ok());
    assert_eq!(assertion.addressee(None).unwrap_err().code, ErrorCode::InvalidClient);
    assert_eq!(assertion.addressee(Some(&secret)).unwrap_err().code, ErrorCode::InvalidClient);
    let asked = |good: bool| {
        assertion.prove(&known, &keys(), move |key, message, signature| {
            assert_eq!((key.alg, signature), (SignatureAlg::EdDsa, &b"signature"[..]));
            assert_eq!(message, sent(&claims()).rsplit_once('.').unwrap().0.as_bytes());
            good
        })
    };
    assert!(asked(true).is_ok());
    assert_eq!(asked(false).unwrap_err().code, ErrorCode::InvalidClient);
    let other = sent(&claims()).replacen(
        &b64(&json!({"alg": "EdDSA", "kid": "a"})),
        &b64(&json!({"alg": "ES256", "kid": "a"})),
        1,
    );
    let other = Assertion::parse(&other).unwrap();
    assert!(other.prove(&known, &keys(), |_, _, _| true).is_err(), "the key is for another algorithm");
}

//= T7 test
#[test]
fn a_disabled_client_proves_nothing_by_a_key() {
    let off = Arc::new(Client { enabled: false, ..(*registered()).clone() });
    let proved = Assertion::parse(&sent(&claims())).unwrap().prove(&off, &keys(), |_, _, _| true);
    assert_eq!(proved.unwrap_err().code, ErrorCode::InvalidClient);
}

/// Each client has marks of its own, of one size, that outlive the assertion's acceptance.
#[test]
fn the_mark_is_the_clients_own() {
    let first = signed(&claims());
    assert_eq!(first.mark().1, NOW.plus(Duration::from_secs(90)));
    assert_eq!(first.mark().0, signed(&with("exp", json!(NOW.seconds() + 1))).mark().0);
    assert_ne!(first.mark().0, signed(&with("jti", json!("dua"))).mark().0);
    assert_eq!(signed(&with("jti", json!("j".repeat(256)))).mark().0.len(), 43);
    let other = Arc::new(Client { id: ClientId::new("lain"), ..(*registered()).clone() });
    let other = Assertion::parse(&sent(&claims())).unwrap().prove(&other, &keys(), |_, _, _| true).unwrap();
    assert_ne!(first.mark().0, other.mark().0);
}

//= RFC7523#3 test
//= T19 test
#[test]
fn an_assertion_is_used_once_and_never_across_a_lost_memory() {
    let begun = |seconds: i64| Instant::from_millis((NOW.seconds() + seconds) * 1000);
    let code = |claims: &Value, first, since| signed(claims).once(first, since).map(|_| ()).map_err(|error| error.code);
    assert_eq!(code(&claims(), true, begun(-10)), Ok(()));
    assert_eq!(code(&claims(), false, begun(-10)), Err(ErrorCode::InvalidClient));
    for since in [-9, 0, 5] {
        assert_eq!(code(&claims(), true, begun(since)), Err(ErrorCode::TemporarilyUnavailable), "{since}");
    }
    // Without iat, its end tells: nobody can have accepted one that ended so late.
    assert_eq!(code(&without("iat"), true, begun(-10)), Err(ErrorCode::TemporarilyUnavailable));
    assert_eq!(code(&without("iat"), true, begun(-251)), Ok(()));
    assert_eq!(code(&without("iat"), true, begun(-250)), Err(ErrorCode::TemporarilyUnavailable));
}
