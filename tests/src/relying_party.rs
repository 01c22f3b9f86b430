//! An application that lets people sign in at Gapura: what it sends, and what it checks before it
//! believes an answer.

use axum::{Router, body::Body};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Method, Request, StatusCode, header};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha512};
use url::Url;

use crate::browser::{Browser, Page, encoded, parameter};

/// What tokens of ours may be signed with.
const ALGORITHMS: [Algorithm; 4] = [Algorithm::ES256, Algorithm::RS256, Algorithm::PS256, Algorithm::EdDSA];

/// The application as Gapura knows it.
#[derive(Clone)]
pub struct RelyingParty {
    router: Router,
    issuer: Url,
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`; none for a public client.
    pub secret: Option<String>,
    /// Where answers go.
    pub redirect_uri: String,
    /// What it asks for.
    pub scope: String,
}

/// What the application remembers of a sign-in under way.
#[derive(Clone, Debug)]
pub struct Started {
    /// Where it sends the browser.
    pub url: Url,
    /// `state`.
    pub state: String,
    /// `nonce`.
    pub nonce: String,
    /// PKCE verifier.
    pub verifier: String,
}

/// Tokens and their checked contents.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The token answer as sent.
    pub answer: Value,
    /// Claims of the ID token, checked; null where none came.
    pub id_token: Value,
    /// Claims of the access token, checked as an API would.
    pub access: Value,
}

impl Tokens {
    /// The access token as sent.
    pub fn access_token(&self) -> String {
        self.answer["access_token"].as_str().unwrap().to_owned()
    }

    /// The refresh token as sent.
    pub fn refresh_token(&self) -> String {
        self.answer["refresh_token"].as_str().expect("a refresh token").to_owned()
    }

    /// The ID token as sent.
    pub fn id_token_sent(&self) -> String {
        self.answer["id_token"].as_str().expect("an ID token").to_owned()
    }
}

impl RelyingParty {
    /// An application registered at `issuer`.
    pub fn new(router: Router, issuer: Url, client_id: &str, secret: Option<String>, redirect_uri: &str) -> Self {
        // What a client is registered for where nothing else was said.
        let scope = "openid profile email opd jabatan peran".to_owned();
        Self { router, issuer, client_id: client_id.to_owned(), secret, redirect_uri: redirect_uri.to_owned(), scope }
    }

    /// The same application asking for other scopes.
    pub fn asking(&self, scope: &str) -> Self {
        Self { scope: scope.to_owned(), ..self.clone() }
    }

    /// Begins a sign-in; `more` adds parameters or replaces them.
    pub fn start(&self, more: &[(&str, &str)]) -> Started {
        let [state, nonce, verifier] = [random(16), random(16), random(32)];
        let challenge = challenge(&verifier);
        let mut url = self.issuer.join("/authorize").unwrap();
        let given = [
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &self.scope),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in given.iter().filter(|(name, _)| !more.iter().any(|(known, _)| known == name)).chain(more) {
            url.query_pairs_mut().append_pair(name, value);
        }
        Started { url, state, nonce, verifier }
    }

    /// The code that an answer at the redirect URI carries, after the checks of RFC 9207 and of `state`.
    pub fn code(&self, started: &Started, answer: &Page) -> String {
        let url = answer
            .location()
            .unwrap_or_else(|| panic!("no redirect but {} for {}: {}", answer.status, started.url, answer.text()));
        assert!(url.as_str().starts_with(&self.redirect_uri), "{url}");
        assert_eq!(parameter(&url, "error"), None, "{url}");
        assert_eq!(parameter(&url, "state").as_deref(), Some(started.state.as_str()));
        assert_eq!(parameter(&url, "iss").as_deref(), Some(self.issuer_text().as_str()));
        parameter(&url, "code").expect("a code")
    }

    /// The error that an answer at the redirect URI carries.
    pub fn error(&self, started: &Started, answer: &Page) -> String {
        let url = answer
            .location()
            .unwrap_or_else(|| panic!("no redirect but {} for {}: {}", answer.status, started.url, answer.text()));
        assert!(url.as_str().starts_with(&self.redirect_uri), "{url}");
        assert_eq!(parameter(&url, "state").as_deref(), Some(started.state.as_str()), "{url}");
        assert_eq!(parameter(&url, "iss").as_deref(), Some(self.issuer_text().as_str()));
        assert_eq!(parameter(&url, "code"), None);
        parameter(&url, "error").expect("an error")
    }

    /// Redeems a code and checks everything a careful application checks.
    pub async fn redeem(&self, started: &Started, code: &str) -> Tokens {
        let answer = self.token(&self.redemption(started, code)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let tokens = self.checked(&answer).await;
        assert_eq!(tokens.id_token["nonce"], started.nonce.as_str());
        tokens
    }

    /// The parameters of a redemption.
    pub fn redemption(&self, started: &Started, code: &str) -> Vec<(String, String)> {
        pairs(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", &started.verifier),
        ])
    }

    /// Uses a refresh token, whatever comes of it.
    pub async fn refresh(&self, refresh_token: &str) -> Page {
        self.token(&pairs(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)])).await
    }

    /// Asks the token endpoint as this client.
    pub async fn token(&self, parameters: &[(String, String)]) -> Page {
        self.call("/token", parameters).await
    }

    /// Asks an endpoint of clients, with this client's authentication.
    pub async fn call(&self, path: &str, parameters: &[(String, String)]) -> Page {
        let mut parameters = parameters.to_vec();
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        match &self.secret {
            Some(secret) => request = request.header(header::AUTHORIZATION, basic(&self.client_id, secret)),
            None => parameters.push(("client_id".to_owned(), self.client_id.clone())),
        }
        let parameters = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>();
        let request = request.extension(self.peer()).body(Body::from(encoded(&parameters))).unwrap();
        self.raw(request).await
    }

    /// Asks userinfo with a bearer token.
    pub async fn userinfo(&self, access_token: &str) -> Page {
        let request = Request::get("/userinfo").header(header::AUTHORIZATION, format!("Bearer {access_token}"));
        self.raw(request.extension(self.peer()).body(Body::empty()).unwrap()).await
    }

    /// Asks introspection about a token.
    pub async fn introspect(&self, token: &str) -> Value {
        let answer = self.call("/introspect", &pairs(&[("token", token)])).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// A GET without any authentication.
    pub async fn get(&self, path: &str) -> Page {
        self.raw(Request::builder().method(Method::GET).uri(path).extension(self.peer()).body(Body::empty()).unwrap())
            .await
    }

    /// One request exactly as given.
    pub async fn raw(&self, request: Request<Body>) -> Page {
        Browser::new(self.router.clone(), self.issuer.clone()).send(request).await
    }

    /// Reads and checks a token answer.
    pub async fn checked(&self, answer: &Page) -> Tokens {
        assert_eq!(answer.header("cache-control"), "no-store");
        let sent: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(sent["token_type"], "Bearer");
        let keys: JwkSet = serde_json::from_str(&self.get("/jwks").await.body).unwrap();
        let access = self.claims(&keys, sent["access_token"].as_str().unwrap(), "at+jwt", None);
        let id_token = match sent["id_token"].as_str() {
            Some(token) => {
                let claims = self.claims(&keys, token, "JWT", Some(&self.client_id));
                let access_token = sent["access_token"].as_str().unwrap();
                let half = match decode_header(token).unwrap().alg {
                    Algorithm::EdDSA => Sha512::digest(access_token)[..32].to_vec(),
                    _ => Sha256::digest(access_token)[..16].to_vec(),
                };
                assert_eq!(claims["at_hash"], URL_SAFE_NO_PAD.encode(half), "at_hash binds the access token");
                claims
            }
            None => Value::Null,
        };
        Tokens { answer: sent, id_token, access }
    }

    /// Claims of one of the issuer's tokens after the checks of signature, `typ`, `iss` and `aud`. Expiry is
    /// left to the tests: they move the issuer's clock, not this machine's.
    fn claims(&self, keys: &JwkSet, token: &str, typ: &str, audience: Option<&str>) -> Value {
        let head = decode_header(token).unwrap();
        assert_eq!(head.typ.as_deref(), Some(typ));
        assert!(ALGORITHMS.contains(&head.alg), "{:?}", head.alg);
        let key = keys.find(head.kid.as_deref().expect("kid")).expect("kid stands in the JWKS");
        let mut rules = Validation::new(head.alg);
        rules.validate_exp = false;
        rules.set_issuer(&[self.issuer_text()]);
        match audience {
            Some(audience) => rules.set_audience(&[audience]),
            None => rules.validate_aud = false,
        }
        decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &rules).unwrap().claims
    }

    /// The issuer as it stands in tokens: without a slash at the end.
    pub fn issuer_text(&self) -> String {
        self.issuer.as_str().trim_end_matches('/').to_owned()
    }

    fn peer(&self) -> axum::extract::ConnectInfo<std::net::SocketAddr> {
        axum::extract::ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 40_001)))
    }
}

/// `Authorization: Basic` of a client (RFC 6749 section 2.3.1: both parts form-encoded first).
pub fn basic(client_id: &str, secret: &str) -> String {
    let coded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let joined = format!("{}:{}", coded(client_id), coded(secret));
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(joined))
}

/// The S256 challenge of a verifier.
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// Owned name and value pairs.
pub fn pairs(given: &[(&str, &str)]) -> Vec<(String, String)> {
    given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Random bytes in base64url.
pub fn random(bytes: usize) -> String {
    let mut drawn = vec![0; bytes];
    aws_lc_rs::rand::fill(&mut drawn).unwrap();
    URL_SAFE_NO_PAD.encode(drawn)
}
