//! An OpenID provider of the test's own: small, honest unless told to lie, and counting what it is asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gapura_client::Clock;
use http::{HeaderMap, StatusCode};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(crate) const CLIENT: &str = "presensi";
pub(crate) const SECRET: &str = "rahasia-yang-cukup-panjang";
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A signing key with its name.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) kid: String,
    pub(crate) encoding: EncodingKey,
    pub(crate) jwk: Value,
}

impl Key {
    pub(crate) fn new(kid: &str) -> Self {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let encoding = EncodingKey::from_ec_der(der.as_ref());
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&encoding, Algorithm::ES256).unwrap()).unwrap();
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        Self { kid: kid.to_owned(), encoding, jwk }
    }

    /// Signs claims under a `typ`.
    pub(crate) fn sign(&self, typ: &str, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
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
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/pindah", post(async || Redirect::temporary("/token")))
            .route("/userinfo", get(userinfo))
            .route("/introspect", post(introspect))
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
        let half = URL_SAFE_NO_PAD.encode(&Sha256::digest(access)[..16]);
        let inside = self.inside();
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

fn form(encoded: &[u8]) -> HashMap<String, String> {
    url::form_urlencoded::parse(encoded).into_owned().collect()
}

async fn discovery(State(provider): State<Provider>) -> Response {
    provider.count("discovery");
    let at = |path: &str| format!("{}{path}", provider.issuer);
    let mut document = json!({
        "issuer": provider.issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"),
        "userinfo_endpoint": at("/userinfo"),
        "introspection_endpoint": at("/introspect"),
        "end_session_endpoint": at("/logout"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "scopes_supported": ["openid", "profile", "opd", "jabatan", "peran"],
        "authorization_response_iss_parameter_supported": true,
    });
    (provider.inside().lies.discovery)(&mut document);
    axum::Json(document).into_response()
}

async fn jwks(State(provider): State<Provider>) -> Response {
    provider.count("jwks");
    let inside = provider.inside();
    let keys: Vec<Value> = inside.keys.iter().map(|key| key.jwk.clone()).chain(inside.lies.extra_key.clone()).collect();
    axum::Json(json!({ "keys": keys })).into_response()
}

async fn authorize(State(provider): State<Provider>, RawQuery(query): RawQuery) -> Response {
    provider.count("authorize");
    let params = form(query.unwrap_or_default().as_bytes());
    let param = |name: &str| params.get(name).cloned().unwrap_or_default();
    let known = param("client_id") == CLIENT && param("redirect_uri").ends_with("/auth/callback");
    let complete = param("code_challenge_method") == "S256"
        && param("response_type") == "code"
        && param("scope").contains("openid");
    if !known || !complete || param("redirect_uri").contains("tak-terdaftar") {
        return (StatusCode::BAD_REQUEST, "galat").into_response();
    }
    let mut answer = vec![("state".to_owned(), param("state")), ("iss".to_owned(), provider.issuer.clone())];
    if param("scope").contains("nik") {
        answer.push(("error".to_owned(), "invalid_scope".to_owned()));
    } else if param("prompt") == "none" {
        answer.push(("error".to_owned(), "login_required".to_owned()));
    } else {
        let mut inside = provider.inside();
        inside.serial += 1;
        let code = format!("kode-{}", inside.serial);
        inside.codes.insert(code.clone(), Code { challenge: param("code_challenge"), nonce: param("nonce") });
        answer.push(("code".to_owned(), code));
        (inside.lies.callback)(&mut answer);
    }
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
    Redirect::to(&format!("{}?{query}", param("redirect_uri"))).into_response()
}

fn client_is_known(headers: &HeaderMap) -> bool {
    let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{SECRET}")));
    headers.get("authorization").is_some_and(|given| *given == *expected)
}

fn oauth_error(status: StatusCode, code: &str) -> Response {
    (status, axum::Json(json!({ "error": code }))).into_response()
}

async fn token(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    let params = form(&body);
    if !client_is_known(&headers) {
        return oauth_error(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let param = |name: &str| params.get(name).cloned().unwrap_or_default();
    match param("grant_type").as_str() {
        "authorization_code" => {
            let code = provider.inside().codes.remove(&param("code"));
            let proven = |code: &Code| code.challenge == URL_SAFE_NO_PAD.encode(Sha256::digest(param("code_verifier")));
            match code.filter(proven) {
                Some(code) => axum::Json(provider.tokens(Some(&code.nonce))).into_response(),
                None => oauth_error(StatusCode::BAD_REQUEST, "invalid_grant"),
            }
        }
        "refresh_token" => {
            provider.count("refresh");
            let (lie, expected) = {
                let inside = provider.inside();
                (inside.lies.refresh, inside.refresh.clone())
            };
            match lie {
                Some((status, code)) => oauth_error(status, code),
                None if expected == Some(param("refresh_token")) => axum::Json(provider.tokens(None)).into_response(),
                None => oauth_error(StatusCode::BAD_REQUEST, "invalid_grant"),
            }
        }
        "client_credentials" => {
            provider.count("client_credentials");
            let token = provider.access_token(|claims| claims["scope"] = json!(param("scope")));
            axum::Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": 300 })).into_response()
        }
        _ => oauth_error(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
    }
}

async fn userinfo(State(provider): State<Provider>, headers: HeaderMap) -> Response {
    provider.count("userinfo");
    let inside = provider.inside();
    let expected = inside.access.as_ref().map(|token| format!("Bearer {token}"));
    if headers.get("authorization").and_then(|value| value.to_str().ok()) != expected.as_deref() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mut claims = json!({
        "sub": "orang-1", "name": "Siti Aminah", "opd": "Dinas Pendidikan", "opd_kode": "1.01", "jabatan": "Guru Ahli Muda",
        "penugasan": [{ "jabatan": "Guru Ahli Muda", "unit": "SMP Negeri 1", "opd": "Dinas Pendidikan", "opd_kode": "1.01", "sebagai": "definitif" }],
    });
    (inside.lies.userinfo)(&mut claims);
    axum::Json(claims).into_response()
}

async fn introspect(State(provider): State<Provider>, headers: HeaderMap) -> Response {
    provider.count("introspect");
    if !client_is_known(&headers) {
        return oauth_error(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let now = provider.clock.now();
    let inside = provider.inside();
    let mut answer = json!({
        "active": true, "iss": provider.issuer, "sub": "orang-1", "aud": CLIENT, "client_id": "kinerja",
        "scope": "presensi.baca", "exp": now + 60, "token_type": "Bearer", "roles": ["pegawai"],
    });
    if !inside.active {
        answer = json!({ "active": false });
    }
    (inside.lies.introspection)(&mut answer);
    axum::Json(answer).into_response()
}
