use aws_lc_rs::hmac;
use gapura_core::oauth::SigningKeyState;
use serde_json::json;

use super::*;
use crate::keys::{root::RootKey, signing::generate};

const NOW: Instant = Instant::from_millis(1_795_000_000_000);
const ISSUER: &str = "https://sso.kota-contoh.go.id";

fn verify(set: &SigningSet, token: &str, expected: &Expected<'_>) -> Result<Value, TokenRefused> {
    super::verify(set, token, expected)
}

struct Bench {
    set: SigningSet,
    ec_jwk: Value,
    rsa_jwk: Value,
}

fn bench() -> Bench {
    let root = RootKey::from_bytes([5; 32]);
    let ec = generate(SignatureAlg::Es256, SigningKeyState::Active, &root, NOW).unwrap();
    let rsa = generate(SignatureAlg::Rs256, SigningKeyState::Active, &root, NOW).unwrap();
    let pss = generate(SignatureAlg::Ps256, SigningKeyState::Active, &root, NOW).unwrap();
    let ed = generate(SignatureAlg::EdDsa, SigningKeyState::Active, &root, NOW).unwrap();
    let parse = |text: &str| serde_json::from_str(text).unwrap();
    let (ec_jwk, rsa_jwk) = (parse(&ec.public_jwk), parse(&rsa.public_jwk));
    Bench { set: SigningSet::build(&root, &[ec, rsa, pss, ed], &SigningSet::default()).unwrap(), ec_jwk, rsa_jwk }
}

fn claims() -> Value {
    json!({"iss": ISSUER, "sub": "u", "exp": NOW.seconds() + 300})
}

fn access(alive_at: Option<Instant>) -> Expected<'static> {
    Expected { typ: TokenType::AccessToken, issuer: ISSUER, alive_at }
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn signed(bench: &Bench, alg: SignatureAlg, typ: TokenType, claims: &Value) -> String {
    bench.set.active(alg).unwrap().sign(typ, claims).unwrap()
}

#[test]
fn what_we_signed_we_know() {
    let bench = bench();
    for &alg in SignatureAlg::ALL {
        let token = signed(&bench, alg, TokenType::IdToken, &claims());
        let expected = Expected { typ: TokenType::IdToken, issuer: ISSUER, alive_at: Some(NOW) };
        assert_eq!(verify(&bench.set, &token, &expected).unwrap()["sub"], "u");
    }
    let token = signed(&bench, SignatureAlg::Es256, TokenType::AccessToken, &claims());
    assert!(verify(&bench.set, &token, &access(Some(NOW))).is_ok());
}

//= RFC8725#3.11 test
#[test]
fn no_kind_of_token_passes_for_another() {
    let bench = bench();
    for made in TokenType::ALL {
        let token = signed(&bench, SignatureAlg::Es256, *made, &claims());
        for wanted in TokenType::ALL {
            let expected = Expected { typ: *wanted, issuer: ISSUER, alive_at: Some(NOW) };
            let answer = verify(&bench.set, &token, &expected);
            assert_eq!(answer.is_ok(), made == wanted, "{made} as {wanted}");
        }
    }
}

#[test]
fn issuer_and_end_are_checked() {
    let bench = bench();
    let at = |seconds: i64| Some(Instant::from_millis((NOW.seconds() + seconds) * 1000));
    let token = signed(&bench, SignatureAlg::Es256, TokenType::AccessToken, &claims());
    assert!(verify(&bench.set, &token, &access(at(299))).is_ok());
    assert_eq!(verify(&bench.set, &token, &access(at(300))), Err(TokenRefused::Expired));
    assert!(verify(&bench.set, &token, &access(None)).is_ok());
    for (bad, why) in [
        (json!({"iss": "https://uji.kota-contoh.go.id", "exp": NOW.seconds() + 300}), TokenRefused::Issuer),
        (json!({"exp": NOW.seconds() + 300}), TokenRefused::Issuer),
        (json!({"iss": ISSUER}), TokenRefused::Expired),
        (json!({"iss": ISSUER, "exp": "9999999999"}), TokenRefused::Expired),
    ] {
        let token = signed(&bench, SignatureAlg::Es256, TokenType::AccessToken, &bad);
        assert_eq!(verify(&bench.set, &token, &access(Some(NOW))), Err(why));
    }
}

/// Every algorithm × every way to bring a key along: all fail.
//= T1 test
//= RFC8725#3.1 test
#[test]
fn a_confused_algorithm_is_refused() {
    let bench = bench();
    let (ec_kid, rsa_kid) = (bench.ec_jwk["kid"].as_str().unwrap(), bench.rsa_jwk["kid"].as_str().unwrap());
    let mut headers = Vec::new();
    for alg in
        ["none", "None", "NONE", "", "HS256", "HS384", "HS512", "RS256", "RS384", "PS256", "ES256", "ES384", "EdDSA"]
    {
        for kid in [ec_kid, rsa_kid, "", "other"] {
            headers.push(json!({"alg": alg, "kid": kid, "typ": "at+jwt"}));
        }
        headers.push(json!({"alg": alg, "typ": "at+jwt"}));
        for (name, value) in [
            ("jwk", bench.ec_jwk.clone()),
            ("jku", json!("https://evil.example/jwks")),
            ("x5u", json!("https://evil.example/cert")),
            ("x5c", json!(["MIIB"])),
            ("crit", json!(["b64"])),
            ("b64", json!(false)),
            ("zip", json!("DEF")),
        ] {
            let mut header = json!({"alg": alg, "kid": ec_kid, "typ": "at+jwt"});
            header[name] = value;
            headers.push(header);
        }
    }
    for header in headers {
        let message = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
        for signature in forged(&bench, &message) {
            let token = format!("{message}.{signature}");
            assert!(verify(&bench.set, &token, &access(Some(NOW))).is_err(), "{header}");
        }
    }
}

/// Signatures somebody without our keys can make: none, by a public key as HMAC secret, by a key
/// of their own.
fn forged(bench: &Bench, message: &str) -> Vec<String> {
    let mac = |key: &[u8]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        b64(hmac::sign(&key, message.as_bytes()))
    };
    let part = |jwk: &Value, name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let root = RootKey::from_bytes([6; 32]);
    let own = generate(SignatureAlg::Es256, SigningKeyState::Active, &root, NOW).unwrap();
    let own = SigningSet::build(&root, &[own], &SigningSet::default()).unwrap();
    let own = own.active(SignatureAlg::Es256).unwrap().sign(TokenType::AccessToken, &claims()).unwrap();
    vec![
        String::new(),
        b64([0; 64]),
        mac(bench.ec_jwk.to_string().as_bytes()),
        mac(bench.rsa_jwk.to_string().as_bytes()),
        mac(&part(&bench.rsa_jwk, "n")),
        mac(&[part(&bench.ec_jwk, "x"), part(&bench.ec_jwk, "y")].concat()),
        own.rsplit_once('.').unwrap().1.to_owned(),
    ]
}

/// Even rightly signed by our key: a header says `alg`, `kid` and `typ`, each once, and nothing else.
//= T1 test
#[test]
fn a_header_that_brings_anything_along_is_refused() {
    let bench = bench();
    let key = bench.set.active(SignatureAlg::Es256).unwrap();
    let kid = bench.ec_jwk["kid"].as_str().unwrap();
    let token = |header: &str| {
        let message = format!("{}.{}", b64(header), b64(claims().to_string()));
        format!("{message}.{}", b64(key.signature(message.as_bytes()).unwrap()))
    };
    let plain = format!(r#""alg":"ES256","kid":"{kid}","typ":"at+jwt""#);
    assert!(verify(&bench.set, &token(&format!("{{{plain}}}")), &access(Some(NOW))).is_ok());
    for more in [
        format!(r#""jwk":{}"#, bench.ec_jwk),
        r#""jku":"https://evil.example/jwks""#.into(),
        r#""x5u":"https://evil.example/cert""#.into(),
        r#""x5c":["MIIB"]"#.into(),
        r#""crit":["b64"],"b64":false"#.into(),
        r#""zip":"DEF""#.into(),
        r#""cty":"JWT""#.into(),
        r#""alg":"ES256""#.into(),
        format!(r#""kid":"{kid}""#),
    ] {
        let made = token(&format!("{{{plain},{more}}}"));
        assert_eq!(verify(&bench.set, &made, &access(Some(NOW))), Err(TokenRefused::Malformed), "{more}");
    }
    for header in [
        format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#),
        r#"{"alg":"ES256","typ":"at+jwt"}"#.into(),
        format!(r#"{{"alg":"RS256","kid":"{kid}","typ":"at+jwt"}}"#),
        format!(r#"{{"alg":"none","kid":"{kid}","typ":"at+jwt"}}"#),
        format!(r#"{{"alg":"ES256","kid":"{kid}","typ":"AT+JWT"}}"#),
        format!(r#"{{"alg":"ES256","kid":"{kid}","typ":"application/at+jwt"}}"#),
        "[]".into(),
        String::new(),
    ] {
        assert!(verify(&bench.set, &token(&header), &access(Some(NOW))).is_err(), "{header}");
    }
}

#[test]
fn only_one_algorithm_signs_access_tokens() {
    let bench = bench();
    for alg in [SignatureAlg::Rs256, SignatureAlg::Ps256, SignatureAlg::EdDsa] {
        let token = signed(&bench, alg, TokenType::AccessToken, &claims());
        assert_eq!(verify(&bench.set, &token, &access(Some(NOW))), Err(TokenRefused::Algorithm), "{alg}");
    }
}

/// An RSA key for PKCS #1 verifies no PSS signature, whatever the header says, nor the reverse.
//= RFC8725#3.1 test
#[test]
fn one_key_has_one_algorithm() {
    let bench = bench();
    let expected = Expected { typ: TokenType::IdToken, issuer: ISSUER, alive_at: Some(NOW) };
    for made in SignatureAlg::ALL {
        for named in SignatureAlg::ALL {
            let key = bench.set.active(*made).unwrap();
            let other = bench.set.active(*named).unwrap();
            let token = signed(&bench, *made, TokenType::IdToken, &claims());
            let (head, rest) = token.split_once('.').unwrap();
            let mut header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap();
            header["alg"] = named.as_str().into();
            let claims = rest.split_once('.').unwrap().0;
            let message = format!("{}.{claims}", b64(header.to_string()));
            for signer in [key, other] {
                let token = format!("{message}.{}", b64(signer.signature(message.as_bytes()).unwrap()));
                let answer = verify(&bench.set, &token, &expected);
                assert_eq!(answer.is_ok(), made == named, "{made} named {named}");
            }
        }
    }
}

#[test]
fn a_cut_or_altered_token_is_refused() {
    let bench = bench();
    let token = signed(&bench, SignatureAlg::Es256, TokenType::AccessToken, &claims());
    for end in 0..token.len() {
        assert!(verify(&bench.set, token.get(..end).unwrap(), &access(Some(NOW))).is_err(), "cut at {end}");
    }
    for at in 0..token.len() {
        let mut altered = token.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        assert!(verify(&bench.set, &altered, &access(Some(NOW))).is_err(), "altered at {at}");
    }
    for more in
        [format!("{token}."), format!("{token}="), format!(" {token}"), format!("{token}\n"), format!("{token}.x")]
    {
        assert!(verify(&bench.set, &more, &access(Some(NOW))).is_err());
    }
}
