//! An OpenID provider of the test's own: small, honest unless told to lie, and counting what it is asked.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gapura_client::Clock;
use http::StatusCode;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};
use tokio::sync::Semaphore;

mod endpoints;

pub(crate) const CLIENT: &str = "presensi";
pub(crate) const SECRET: &str = "rahasia-yang-cukup-panjang";
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// PKCS #8 as a text file.
pub(crate) fn pem(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let lines = encoded.as_bytes().chunks(64).map(|line| format!("{}\n", str::from_utf8(line).unwrap()));
    format!("-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----\n", lines.collect::<String>())
}

/// A signing key with its name.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) kid: String,
    pub(crate) alg: Algorithm,
    pub(crate) encoding: EncodingKey,
    pub(crate) jwk: Value,
}

impl Key {
    pub(crate) fn new(kid: &str) -> Self {
        Self::of(Algorithm::ES256, kid)
    }

    pub(crate) fn of(alg: Algorithm, kid: &str) -> Self {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let encoding = match alg {
            Algorithm::ES256 => {
                let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
                EncodingKey::from_ec_der(der.as_ref())
            }
            Algorithm::EdDSA => EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8v1(&random).unwrap().as_ref()),
            _ => {
                let pem = pem(RsaKeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap().as_ref());
                EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()
            }
        };
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&encoding, alg).unwrap()).unwrap();
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        Self { kid: kid.to_owned(), alg, encoding, jwk }
    }

    /// Signs claims under a `typ`.
    pub(crate) fn sign(&self, typ: &str, claims: &Value) -> String {
        let mut header = Header::new(self.alg);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.encoding).unwrap()
    }
}

/// How the next ID tokens are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signing {
    Honest,
    /// By a key that is not in the set, under the name of one that is.
    ForeignKey,
    /// `alg: none`.
    Unsigned,
    /// HS256 with the public key, or the client's secret, as secret.
    Hmac(&'static str),
}

type Twist = Box<dyn Fn(&mut Value) + Send>;
type Detour = Box<dyn Fn(&mut Vec<(String, String)>) + Send>;

pub(crate) struct Lies {
    pub(crate) signing: Signing,
    pub(crate) typ: &'static str,
    pub(crate) id_token: Twist,
    pub(crate) callback: Detour,
    pub(crate) userinfo: Twist,
    pub(crate) discovery: Twist,
    pub(crate) introspection: Twist,
    /// A key in the set that should not be there.
    pub(crate) extra_key: Option<Value>,
    pub(crate) refresh: Option<(StatusCode, &'static str)>,
    /// A refresh waits here before it is answered.
    pub(crate) gate: Option<Arc<Semaphore>>,
    pub(crate) userinfo_down: bool,
}

impl Default for Lies {
    fn default() -> Self {
        Self {
            signing: Signing::Honest,
            typ: "JWT",
            id_token: Box::new(|_| ()),
            callback: Box::new(|_| ()),
            userinfo: Box::new(|_| ()),
            discovery: Box::new(|_| ()),
            introspection: Box::new(|_| ()),
            extra_key: None,
            refresh: None,
            gate: None,
            userinfo_down: false,
        }
    }
}

struct Code {
    challenge: String,
    nonce: String,
}

pub(crate) struct Inside {
    pub(crate) lies: Lies,
    pub(crate) keys: Vec<Key>,
    pub(crate) roles: Vec<&'static str>,
    pub(crate) asked: HashMap<&'static str, usize>,
    pub(crate) active: bool,
    /// The client's public keys, where it proves itself by one, and what it has proved itself by.
    pub(crate) client_keys: Option<Value>,
    used: HashSet<String>,
    codes: HashMap<String, Code>,
    refresh: Option<String>,
    access: Option<String>,
    serial: usize,
}

#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) issuer: String,
    pub(crate) clock: TestClock,
    inside: Arc<Mutex<Inside>>,
}

/// A clock the test advances.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<Mutex<i64>>);

impl TestClock {
    pub(crate) fn now(&self) -> i64 {
        *self.0.lock().unwrap()
    }

    pub(crate) fn advance(&self, seconds: i64) {
        *self.0.lock().unwrap() += seconds;
    }

    pub(crate) fn for_app(&self) -> Clock {
        let clock = self.clone();
        Clock::from_fn(move || clock.now())
    }
}

impl Provider {
    /// Starts on a free port of 127.0.0.1 and serves until the test ends.
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://sso.localhost:{}", listener.local_addr().unwrap().port());
        let provider = Self::named(&issuer);
        let router = provider.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    /// A provider that calls itself `issuer`, not served anywhere yet.
    pub(crate) fn named(issuer: &str) -> Self {
        let now = i64::try_from(jsonwebtoken::get_current_timestamp()).unwrap();
        let inside = Inside {
            lies: Lies::default(),
            keys: vec![Key::new("kunci-1")],
            roles: vec!["pegawai"],
            asked: HashMap::new(),
            active: true,
            client_keys: None,
            used: HashSet::new(),
            codes: HashMap::new(),
            refresh: None,
            access: None,
            serial: 0,
        };
        Self {
            issuer: issuer.to_owned(),
            clock: TestClock(Arc::new(Mutex::new(now))),
            inside: Arc::new(Mutex::new(inside)),
        }
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/.well-known/openid-configuration", get(endpoints::discovery))
            .route("/jwks", get(endpoints::jwks))
            .route("/authorize", get(endpoints::authorize))
            .route("/token", post(endpoints::token))
            .route("/pindah", post(async || Redirect::temporary("/token")))
            .route("/userinfo", get(endpoints::userinfo))
            .route("/introspect", post(endpoints::introspect))
            .with_state(self.clone())
    }

    pub(crate) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    pub(crate) fn lie(&self, change: impl FnOnce(&mut Lies)) {
        change(&mut self.inside().lies);
    }

    /// How often an endpoint was asked.
    pub(crate) fn asked(&self, what: &'static str) -> usize {
        self.inside().asked.get(what).copied().unwrap_or_default()
    }

    fn count(&self, what: &'static str) {
        *self.inside().asked.entry(what).or_default() += 1;
    }

    pub(crate) fn key(&self) -> Key {
        self.inside().keys.last().unwrap().clone()
    }

    /// An access token as Gapura makes it (RFC 9068), with changes.
    pub(crate) fn access_token(&self, twist: impl FnOnce(&mut Value)) -> String {
        let now = self.clock.now();
        let mut claims = json!({
            "iss": self.issuer, "sub": "orang-1", "aud": CLIENT, "client_id": "kinerja", "iat": now, "exp": now + 300,
            "jti": format!("at-{now}"), "scope": "presensi.baca presensi.tulis", "roles": ["pegawai"],
        });
        twist(&mut claims);
        self.key().sign("at+jwt", &claims)
    }

    /// A logout token, with changes.
    pub(crate) fn logout_token(&self, twist: impl FnOnce(&mut Value)) -> String {
        let now = self.clock.now();
        self.inside().serial += 1;
        let jti = format!("keluar-{}", self.inside().serial);
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": jti, "sub": "orang-1", "sid": "sesi-1",
            "events": { LOGOUT_EVENT: {} },
        });
        twist(&mut claims);
        self.key().sign("logout+jwt", &claims)
    }

    fn id_token(&self, nonce: Option<&str>, access: &str) -> String {
        let now = self.clock.now();
        let inside = self.inside();
        let half = match inside.keys.last().unwrap().alg {
            Algorithm::EdDSA => URL_SAFE_NO_PAD.encode(&Sha512::digest(access)[..32]),
            _ => URL_SAFE_NO_PAD.encode(&Sha256::digest(access)[..16]),
        };
        let mut claims = json!({
            "iss": self.issuer, "sub": "orang-1", "aud": CLIENT, "iat": now, "exp": now + 300, "auth_time": now,
            "sid": "sesi-1", "roles": inside.roles, "at_hash": half,
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        (inside.lies.id_token)(&mut claims);
        if matches!(inside.lies.signing, Signing::Hmac(_)) {
            // A forger leaves out what would give the forgery away by another check.
            claims.as_object_mut().unwrap().remove("at_hash");
        }
        let key = inside.keys.last().unwrap();
        match inside.lies.signing {
            Signing::Honest => key.sign(inside.lies.typ, &claims),
            Signing::ForeignKey => Key { kid: key.kid.clone(), ..Key::new("lain") }.sign(inside.lies.typ, &claims),
            Signing::Unsigned => raw(&json!({ "alg": "none", "typ": "JWT" }), &claims, ""),
            Signing::Hmac("public key") => hmac(&key.kid, &claims, key.jwk.to_string().as_bytes()),
            Signing::Hmac(secret) => hmac(&key.kid, &claims, secret.as_bytes()),
        }
    }

    fn tokens(&self, nonce: Option<&str>) -> Value {
        let access = self.access_token(|_| ());
        let id_token = self.id_token(nonce, &access);
        let mut inside = self.inside();
        inside.serial += 1;
        let refresh = format!("segar-{}", inside.serial);
        inside.refresh = Some(refresh.clone());
        inside.access = Some(access.clone());
        json!({ "access_token": access, "token_type": "Bearer", "expires_in": 300, "refresh_token": refresh, "id_token": id_token })
    }
}

fn raw(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

fn hmac(kid: &str, claims: &Value, secret: &[u8]) -> String {
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(kid.to_owned());
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret)).unwrap()
}
