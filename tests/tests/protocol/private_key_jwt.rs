//! Client authentication by a signed assertion (RFC 7523 sections 2.2 and 3, OIDC Core section 9).

mod published;

use std::time::Duration;

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gapura_core::{
    id::ClientId,
    oauth::{AuthMethod, ClientKeys, SignatureAlg},
};
use gapura_tests::{
    Pair,
    browser::{Page, encoded},
    city::{City, PUBLIC_URL, TEACHER},
    client_key::{ClientKey, asserted, assertion_claims},
    on_both_pairs,
    relying_party::{RelyingParty, basic, pairs},
};
use http::{Request, header};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

on_both_pairs!(
    every_algorithm_is_taken_at_the_three_doors,
    an_assertion_for_another_or_another_time_is_refused,
    an_assertion_by_another_key_is_refused,
    no_other_token_and_no_other_method_passes,
    an_assertion_is_used_once,
    what_was_issued_before_a_restart_is_refused,
    a_disabled_client_is_refused,
);

/// After a restart nobody knows for ten seconds what was used before it.
const SETTLED: Duration = Duration::from_secs(10);

/// A city that has settled, with a client that proves itself by a key and acts for itself.
async fn city(pair: Pair, keys: ClientKeys) -> (City, RelyingParty) {
    let city = City::new(pair).await;
    let rp = by_key(&city, "direktori", "kunci", keys).await;
    city.advance(SETTLED);
    (city, rp)
}

async fn by_key(city: &City, like: &str, id: &str, keys: ClientKeys) -> RelyingParty {
    let change = |client: &mut gapura_core::oauth::Client| {
        client.id = ClientId::new(id);
        client.auth_method = AuthMethod::PrivateKeyJwt;
        client.secrets = Vec::new();
        client.keys = Some(keys);
    };
    city.register(like, change).await
}

fn claims(city: &City) -> Value {
    assertion_claims("kunci", PUBLIC_URL, city.clock.now().seconds())
}

async fn post(rp: &RelyingParty, path: &str, parts: &[&[(String, String)]]) -> Page {
    let all = parts.concat();
    let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    rp.raw(request.body(Body::from(encoded(&all))).unwrap()).await
}

/// Asks for a token of the client's own.
async fn token(rp: &RelyingParty, more: &[(String, String)]) -> Page {
    post(rp, "/token", &[&pairs(&[("grant_type", "client_credentials")]), more]).await
}

fn error(page: &Page) -> String {
    let body: Value = serde_json::from_str(&page.body).unwrap_or_else(|_| panic!("{} {}", page.status, page.body));
    body["error"].as_str().unwrap_or("none").to_owned()
}

//= RFC7523#2.2 test
//= RFC7523#3 test
//= OIDC-CORE#9 test
async fn every_algorithm_is_taken_at_the_three_doors(pair: Pair) {
    let keys: Vec<ClientKey> = SignatureAlg::ALL.iter().map(|alg| ClientKey::new(*alg, alg.as_str())).collect();
    let (city, rp) = city(pair, ClientKey::registered(&keys.iter().collect::<Vec<_>>())).await;
    let web = by_key(&city, "kinerja", "kunci-web", ClientKey::registered(&[&keys[0]])).await;
    let mut browser = city.browser();
    for key in &keys {
        let fresh = || asserted(&key.sign(&key.header(), &claims(&city)));
        let before = city.app.db.counts();
        let page = token(&rp, &fresh()).await;
        assert_eq!(page.status, 200, "{}: {}", key.alg, page.body);
        let after = city.app.db.counts();
        assert_eq!((after.reads, after.writes), (before.reads, before.writes), "it costs no statement");
        let tokens = rp.checked(&page).await;
        assert_eq!((&tokens.access["sub"], &tokens.access["client_id"]), (&json!("kunci"), &json!("kunci")));
        let about = pairs(&[("token", &tokens.access_token()), ("client_id", "kunci")]);
        let page = post(&rp, "/introspect", &[&about, &fresh()]).await;
        assert_eq!(serde_json::from_str::<Value>(&page.body).unwrap()["active"], true, "{}", key.alg);
        let page = post(&rp, "/revoke", &[&pairs(&[("token", "tidak-ada")]), &fresh()]).await;
        assert_eq!(page.status, 200, "{}: {}", key.alg, page.body);
    }
    // A person's sign-in, redeemed by the same proof.
    let (started, page) = city.sign_in(&mut browser, &web, &TEACHER, &[]).await;
    let code = web.code(&started, &page);
    let mut own = claims(&city);
    (own["iss"], own["sub"]) = ("kunci-web".into(), "kunci-web".into());
    own["aud"] = format!("{PUBLIC_URL}/token").into();
    let proof = asserted(&keys[0].sign(&keys[0].header(), &own));
    let page = post(&web, "/token", &[&web.redemption(&started, &code), &proof]).await;
    assert_eq!(web.checked(&page).await.id_token["aud"], "kunci-web");
}

/// Each is refused at the three doors, with a challenge, and uses nothing up: the good one passes afterwards.
async fn refused_everywhere(rp: &RelyingParty, rows: Vec<(&str, String)>, good: &str) {
    for (name, assertion) in rows {
        for path in ["/token", "/introspect", "/revoke"] {
            let about = pairs(&[("grant_type", "client_credentials"), ("token", "x")]);
            let page = post(rp, path, &[&about, &asserted(&assertion)]).await;
            assert_eq!((page.status.as_u16(), error(&page).as_str()), (401, "invalid_client"), "{name} at {path}");
            assert!(page.header("www-authenticate").starts_with("Basic"), "{name} at {path}");
        }
    }
    assert_eq!(token(rp, &asserted(good)).await.status, 200);
}

//= RFC7523#3 test
//= T15 test
async fn an_assertion_for_another_or_another_time_is_refused(pair: Pair) {
    let key = ClientKey::new(SignatureAlg::Es256, "a");
    let (city, rp) = city(pair, ClientKey::registered(&[&key])).await;
    let now = city.clock.now().seconds();
    let with = |name: &str, value: Value| {
        let mut claims = claims(&city);
        claims[name] = value;
        key.sign(&key.header(), &claims)
    };
    let without = |name: &str| {
        let mut claims = claims(&city);
        claims.as_object_mut().unwrap().remove(name);
        key.sign(&key.header(), &claims)
    };
    let rows = vec![
        ("another audience", with("aud", json!("https://lain.example"))),
        ("audiences", with("aud", json!([PUBLIC_URL, "https://lain.example"]))),
        ("another endpoint", with("aud", json!(format!("{PUBLIC_URL}/introspect")))),
        ("no audience", without("aud")),
        ("another issuer", with("iss", json!("tetangga"))),
        ("no issuer", without("iss")),
        ("another subject", with("sub", json!("tetangga"))),
        ("no subject", without("sub")),
        ("a subject nobody has", key.sign(&key.header(), &assertion_claims("siapa", PUBLIC_URL, now))),
        ("expired", with("exp", json!(now - 31))),
        ("too long", with("exp", json!(now + 311))),
        ("no end", without("exp")),
        ("issued in the future", with("iat", json!(now + 11))),
        ("not valid yet", with("nbf", json!(now + 11))),
        ("no jti", without("jti")),
        ("too long a jti", with("jti", json!("j".repeat(257)))),
    ];
    refused_everywhere(&rp, rows, &key.sign(&key.header(), &claims(&city))).await;
}

//= RFC7523#3 test
//= T19 test
async fn an_assertion_by_another_key_is_refused(pair: Pair) {
    let (key, other) = (ClientKey::new(SignatureAlg::Es256, "a"), ClientKey::new(SignatureAlg::Es256, "a"));
    let rsa = ClientKey::new(SignatureAlg::Rs256, "r");
    let (city, rp) = city(pair, ClientKey::registered(&[&key, &rsa])).await;
    let neighbour = ClientKey::new(SignatureAlg::EdDsa, "n");
    by_key(&city, "direktori", "tetangga", ClientKey::registered(&[&neighbour])).await;
    let headed = |header: Value| key.sign(&header, &claims(&city));
    let hmac = |secret: &[u8]| {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("r".into());
        jsonwebtoken::encode(&header, &claims(&city), &EncodingKey::from_secret(secret)).unwrap()
    };
    let good = key.sign(&key.header(), &claims(&city));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let body = message.split_once('.').unwrap().1;
    let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"a"}"#);
    let other_first = if signature.starts_with('A') { 'B' } else { 'A' };
    let rows = vec![
        ("alg none", format!("{unsigned}.{body}.")),
        ("alg none with a signature", format!("{unsigned}.{body}.{signature}")),
        ("HS256 with the public key", hmac(rsa.jwk["n"].as_str().unwrap().as_bytes())),
        ("HS256 with the public key as text", hmac(rsa.jwk.to_string().as_bytes())),
        ("an unknown kid", headed(json!({"alg": "ES256", "kid": "z"}))),
        ("no kid, and another algorithm", headed(json!({"alg": "RS256"}))),
        ("the key's name, another algorithm", headed(json!({"alg": "PS256", "kid": "r"}))),
        ("a key in the header", headed(json!({"alg": "ES256", "kid": "a", "jwk": other.jwk}))),
        ("an address in the header", headed(json!({"alg": "ES256", "kid": "a", "jku": "https://lain.example/"}))),
        ("crit", headed(json!({"alg": "ES256", "kid": "a", "crit": ["exp"]}))),
        ("typ at+jwt", headed(json!({"alg": "ES256", "kid": "a", "typ": "at+jwt"}))),
        ("another key of the same name", other.sign(&other.header(), &claims(&city))),
        ("the key of another client", neighbour.sign(&neighbour.header(), &claims(&city))),
        ("a broken signature", format!("{message}.{other_first}{}", signature.get(1..).unwrap())),
        ("a cut signature", format!("{message}.{}", signature.get(..40).unwrap())),
        ("no signature", format!("{message}.")),
        ("two parts", message.to_owned()),
        ("five parts", format!("{good}.AAAA.AAAA")),
        ("nothing at all", ".".to_owned()),
    ];
    refused_everywhere(&rp, rows, &good).await;
}

//= RFC7523#2.2 test
//= T15 test
//= T19 test
async fn no_other_token_and_no_other_method_passes(pair: Pair) {
    let key = ClientKey::new(SignatureAlg::Es256, "a");
    let (city, rp) = city(pair, ClientKey::registered(&[&key])).await;
    let fresh = || asserted(&key.sign(&key.header(), &claims(&city)));
    // Tokens of our own and a foreign deployment's assertion.
    let presensi = city.rp("presensi");
    let tokens = city.tokens(&mut city.browser(), &presensi, &TEACHER).await;
    let sandbox = assertion_claims("kunci", "https://uji.kota-contoh.go.id", city.clock.now().seconds());
    for taken in [tokens.id_token_sent(), tokens.access_token(), key.sign(&key.header(), &sandbox)] {
        assert_eq!(error(&token(&rp, &asserted(&taken)).await), "invalid_client");
    }
    // A client with a key has no secret, one with a secret no key.
    let secret = city.rp("direktori").secret.unwrap();
    let in_body = pairs(&[("client_id", "kunci"), ("client_secret", &secret)]);
    assert_eq!(error(&token(&rp, &in_body).await), "invalid_client");
    assert_eq!(error(&token(&rp, &pairs(&[("client_id", "kunci")])).await), "invalid_client");
    let foreign = assertion_claims("direktori", PUBLIC_URL, city.clock.now().seconds());
    assert_eq!(error(&token(&rp, &asserted(&key.sign(&key.header(), &foreign))).await), "invalid_client");
    let request = Request::post("/token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::AUTHORIZATION, basic("kunci", &secret));
    let page = rp.raw(request.body(Body::from("grant_type=client_credentials")).unwrap()).await;
    assert_eq!(error(&page), "invalid_client");
    // Two methods, two values, another client's name, another type, too much.
    let [kind, assertion] = <[(String, String); 2]>::try_from(fresh()).unwrap();
    for (name, more, code) in [
        ("with a secret", [fresh(), pairs(&[("client_secret", "x")])].concat(), "invalid_request"),
        ("another client_id", [fresh(), pairs(&[("client_id", "direktori")])].concat(), "invalid_request"),
        ("doubled", vec![kind.clone(), assertion.clone(), assertion.clone()], "invalid_request"),
        ("a doubled type", vec![kind.clone(), kind.clone(), assertion.clone()], "invalid_request"),
        ("no type", vec![assertion.clone()], "invalid_client"),
        ("no assertion", vec![kind.clone()], "invalid_client"),
        ("oversized", asserted(&"x".repeat(5000)), "invalid_request"),
    ] {
        assert_eq!(error(&token(&rp, &more).await), code, "{name}");
    }
    let saml = ("client_assertion_type".to_owned(), kind.1.replace("jwt-bearer", "saml2-bearer"));
    assert_eq!(error(&token(&rp, &[saml, assertion]).await), "invalid_client");
    assert_eq!(token(&rp, &fresh()).await.status, 200);
}

//= RFC7523#3 test
//= T19 test
async fn an_assertion_is_used_once(pair: Pair) {
    let key = ClientKey::new(SignatureAlg::EdDsa, "a");
    let (city, rp) = city(pair, ClientKey::registered(&[&key])).await;
    let own = claims(&city);
    let sent = asserted(&key.sign(&key.header(), &own));
    // Of many at once one passes.
    let racing = futures::future::join_all((0..8).map(|_| token(&rp, &sent))).await;
    assert_eq!(racing.iter().filter(|page| page.status == 200).count(), 1);
    // The same jti in another assertion is the same use, at every door, until it can be accepted no more.
    let mut later = claims(&city);
    later["jti"] = own["jti"].clone();
    for path in ["/token", "/introspect", "/revoke"] {
        let again = asserted(&key.sign(&key.header(), &later));
        let page = post(&rp, path, &[&pairs(&[("grant_type", "client_credentials"), ("token", "x")]), &again]).await;
        assert_eq!(error(&page), "invalid_client", "{path}");
    }
    for pause in [59, 30] {
        assert_eq!(error(&token(&rp, &sent).await), "invalid_client", "before {pause} s more");
        city.advance(Duration::from_secs(pause));
    }
    if pair == Pair::PostgresRedis {
        let fresh = asserted(&key.sign(&key.header(), &claims(&city)));
        let node = city.another_node().await;
        let there = RelyingParty::new(node.router.clone(), PUBLIC_URL.parse().unwrap(), "kunci", None, "");
        assert_eq!(token(&there, &fresh).await.status, 200);
        assert_eq!(error(&token(&rp, &fresh).await), "invalid_client", "used on the other node");
    }
}

/// One node forgets its marks with its memory; several keep them in Redis, which remembers when it began.
//= T19 test
async fn what_was_issued_before_a_restart_is_refused(pair: Pair) {
    let key = ClientKey::new(SignatureAlg::Es256, "a");
    let (mut city, _) = city(pair, ClientKey::registered(&[&key])).await;
    let used = asserted(&key.sign(&key.header(), &claims(&city)));
    let at = |city: &City| RelyingParty::new(city.router.clone(), PUBLIC_URL.parse().unwrap(), "kunci", None, "");
    assert_eq!(token(&at(&city), &used).await.status, 200);
    let unused = asserted(&key.sign(&key.header(), &claims(&city)));
    city.restart().await;
    let (refused, after) = match pair {
        Pair::SqliteMemory => ("temporarily_unavailable", 503),
        Pair::PostgresRedis => ("invalid_client", 200),
    };
    assert_eq!(error(&token(&at(&city), &used).await), refused);
    assert_eq!(token(&at(&city), &unused).await.status, after);
    let just_after = asserted(&key.sign(&key.header(), &claims(&city)));
    assert_eq!(token(&at(&city), &just_after).await.status, after);
    city.advance(SETTLED);
    assert_eq!(error(&token(&at(&city), &used).await), "invalid_client", "marked meanwhile");
    let fresh = asserted(&key.sign(&key.header(), &claims(&city)));
    assert_eq!(token(&at(&city), &fresh).await.status, 200);
}

//= T7 test
async fn a_disabled_client_is_refused(pair: Pair) {
    let key = ClientKey::new(SignatureAlg::Es256, "a");
    let (city, rp) = city(pair, ClientKey::registered(&[&key])).await;
    let now = city.clock.now();
    let off = gapura_store::clients::Enabled::Off;
    let switched = city
        .app
        .db
        .write(async move |tx| gapura_store::clients::set_enabled(tx, &ClientId::new("kunci"), off, now).await);
    assert!(switched.await.unwrap());
    city.app.copies.refresh().await.unwrap();
    let fresh = asserted(&key.sign(&key.header(), &claims(&city)));
    assert_eq!(error(&token(&rp, &fresh).await), "invalid_client");
}
