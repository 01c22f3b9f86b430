//! Client authentication at the endpoints clients call directly (RFC 6749 section 2.3, OpenID Connect
//! Core section 9): `client_secret_basic`, `client_secret_post`, `private_key_jwt` ([`assertion`]), `none`.
//!
//! A client proves itself by the method it is registered with and by one method at a time. [`Caller`]
//! has no public constructor: holding one proves that this was checked.

pub mod assertion;

use std::sync::Arc;

use assertion::Assertion;
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::{
    oauth::{AuthMethod, Client, ErrorCode, OAuthError, Params, params::form_decode},
    secret::Secret,
    time::Instant,
};

/// Longest Authorization header read, in bytes.
const MAX_HEADER: usize = 4096;

/// What a request offers as proof of its client.
pub struct Presented {
    /// The `client_id` it names.
    pub client_id: String,
    /// What it offers.
    pub proof: Proof,
}

/// One way in which a client proves itself.
pub enum Proof {
    /// A secret, by Basic or in the body.
    Secret(AuthMethod, Secret<String>),
    /// A signed assertion.
    Assertion(Box<Assertion>),
    /// Only its name.
    Nothing,
}

/// The client of this request, proved.
#[derive(Clone, Debug)]
pub struct Caller(Arc<Client>);

impl Caller {
    /// The client.
    pub fn client(&self) -> &Arc<Client> {
        &self.0
    }

    /// Whether it proved itself by a secret or a key.
    pub fn is_confidential(&self) -> bool {
        self.0.auth_method != AuthMethod::None
    }
}

/// Reads the proof from the Authorization headers and the body.
//= RFC6749#2.3.1
pub fn presented<'a>(
    authorization: impl IntoIterator<Item = &'a [u8]>,
    params: &Params,
) -> Result<Presented, OAuthError> {
    let mut headers = authorization.into_iter();
    let header = headers.next();
    if headers.next().is_some() {
        return Err(OAuthError::invalid_request("more than one Authorization header"));
    }
    let asserts = params.has("client_assertion") || params.has("client_assertion_type");
    if usize::from(header.is_some()) + usize::from(params.has("client_secret")) + usize::from(asserts) > 1 {
        return Err(OAuthError::invalid_request("more than one client authentication method"));
    }
    let id = params.one("client_id")?;
    let posted = params.one("client_secret")?;
    let presented = if let Some(header) = header {
        let (client_id, secret) = basic(header).ok_or_else(|| invalid_client("malformed Authorization header"))?;
        Presented { client_id, proof: Proof::Secret(AuthMethod::Basic, secret) }
    } else if asserts {
        let assertion = asserted(params)?;
        Presented { client_id: assertion.client_id().to_owned(), proof: Proof::Assertion(Box::new(assertion)) }
    } else {
        let client_id = id.ok_or_else(|| invalid_client("no client is named"))?.to_owned();
        let secret = posted.map(|text| Secret::new(text.to_owned()));
        Presented { client_id, proof: secret.map_or(Proof::Nothing, |it| Proof::Secret(AuthMethod::Post, it)) }
    };
    if id.is_some_and(|id| id != presented.client_id) {
        return Err(OAuthError::invalid_request("client_id differs from the authenticated client"));
    }
    Ok(presented)
}

//= RFC7523#2.2
fn asserted(params: &Params) -> Result<Assertion, OAuthError> {
    if params.one("client_assertion_type")? != Some(assertion::ASSERTION_TYPE) {
        return Err(invalid_client("client_assertion_type must be that of RFC 7523"));
    }
    let sent = params.one("client_assertion")?;
    Assertion::parse(sent.ok_or_else(|| invalid_client("client_assertion is missing"))?)
}

/// Compares a secret, or the lack of one, with the client's registration. `None`: nobody has that `client_id`;
/// the answer is the same, and a hash is computed alike. An assertion proves a client by
/// [`assertion::Signed::once`] only.
//= RFC6749#2.3.1
//= RFC6749#5.2
pub fn authenticate(client: Option<&Arc<Client>>, presented: &Presented, now: Instant) -> Result<Caller, OAuthError> {
    let refused = |private: &str| invalid_client("client authentication failed").because(private);
    let (method, sent) = match &presented.proof {
        Proof::Secret(method, secret) => (*method, Some(Sha256::digest(secret.expose().as_bytes()))),
        Proof::Nothing => (AuthMethod::None, None),
        Proof::Assertion(_) => return Err(refused("an assertion is proved by its signature")),
    };
    let client = client.ok_or_else(|| refused("unknown client"))?;
    if method != client.auth_method {
        return Err(refused("another method is registered"));
    }
    if let Some(sent) = sent {
        let mut matched = Choice::from(0);
        for (hash, end) in &client.secrets {
            let live = Choice::from(u8::from(end.is_none_or(|end| now < end)));
            matched |= sent.as_slice().ct_eq(hash) & live;
        }
        if !bool::from(matched) {
            return Err(refused("wrong secret"));
        }
    }
    // After the proof, so that a stranger learns nothing about the client.
    if !client.enabled {
        return Err(refused("client disabled"));
    }
    Ok(Caller(Arc::clone(client)))
}

fn invalid_client(public: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClient, public)
}

/// `Basic base64(form(client_id) ":" form(client_secret))`.
fn basic(header: &[u8]) -> Option<(String, Secret<String>)> {
    if header.len() > MAX_HEADER {
        return None;
    }
    let (scheme, encoded) = header.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let decoded = Secret::new(STANDARD.decode(encoded.trim_ascii()).ok()?);
    let colon = decoded.expose().iter().position(|byte| *byte == b':')?;
    let (id, secret) = decoded.expose().split_at_checked(colon)?;
    let text = |part: &[u8]| String::from_utf8(form_decode(part)).ok().filter(|text| !text.contains('\0'));
    let id = text(id).filter(|id| !id.is_empty())?;
    Some((id, Secret::new(text(secret.get(1..)?)?)))
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::oauth::fixtures::client;

    const NOW: Instant = Instant::from_millis(1_000);

    type Row = (AuthMethod, Option<String>, String, Result<(), ErrorCode>);

    fn registered(method: AuthMethod) -> Arc<Client> {
        let hash = |secret: &str| Sha256::digest(secret.as_bytes()).to_vec();
        let secrets = match method {
            AuthMethod::None => vec![],
            _ => vec![(hash("lama"), Some(NOW)), (hash("ra ha:sia%"), None), (hash("baru"), None)],
        };
        Arc::new(Client { auth_method: method, secrets, ..client() })
    }

    fn attempt(method: AuthMethod, header: Option<&str>, body: &str) -> Result<(), ErrorCode> {
        let known = registered(method);
        let presented = presented(header.iter().map(|h| h.as_bytes()), &Params::parse(body.as_bytes()));
        let presented = presented.map_err(|e| e.code)?;
        let found = Some(&known).filter(|client| client.id.as_str() == presented.client_id);
        authenticate(found, &presented, NOW).map(|_| ()).map_err(|e| e.code)
    }

    fn basic_header(pair: &str) -> String {
        format!("Basic {}", STANDARD.encode(pair))
    }

    //= RFC6749#2.3.1 test
    //= RFC6749#5.2 test
    #[test]
    fn each_client_proves_itself_by_its_own_method_only() {
        use AuthMethod::{Basic, None as Public, Post, PrivateKeyJwt};
        let id = client().id.to_string();
        let good = basic_header(&format!("{id}:ra+ha%3Asia%25"));
        let rotated = basic_header(&format!("{id}:baru"));
        let post = format!("client_id={id}&client_secret=baru");
        let named = format!("client_id={id}");
        let rows: Vec<Row> = vec![
            (Basic, Some(good.clone()), String::new(), Ok(())),
            (
                Basic,
                Some(good.to_lowercase().replacen("basic", "bAsIc", 1)),
                String::new(),
                Err(ErrorCode::InvalidClient),
            ),
            (Basic, Some(good.replacen("Basic", "bAsIc", 1)), String::new(), Ok(())),
            (Basic, Some(rotated.clone()), String::new(), Ok(())),
            (Basic, Some(good.clone()), named.clone(), Ok(())),
            (Post, None, post.clone(), Ok(())),
            (Public, None, named.clone(), Ok(())),
            // Another method than the registered one.
            (Post, Some(rotated.clone()), String::new(), Err(ErrorCode::InvalidClient)),
            (Basic, None, post.clone(), Err(ErrorCode::InvalidClient)),
            (Basic, None, named.clone(), Err(ErrorCode::InvalidClient)),
            (Public, None, post.clone(), Err(ErrorCode::InvalidClient)),
            (Public, Some(rotated.clone()), String::new(), Err(ErrorCode::InvalidClient)),
            // Several at once.
            (Basic, Some(good.clone()), post.clone(), Err(ErrorCode::InvalidRequest)),
            (Basic, Some(good.clone()), "client_secret=".into(), Err(ErrorCode::InvalidRequest)),
            (Basic, Some(good.clone()), "client_id=lain".into(), Err(ErrorCode::InvalidRequest)),
            (Post, None, format!("{post}&client_secret=baru"), Err(ErrorCode::InvalidRequest)),
            (Basic, Some(good.clone()), "client_assertion=x".into(), Err(ErrorCode::InvalidRequest)),
            (Post, None, format!("{post}&client_assertion=x"), Err(ErrorCode::InvalidRequest)),
            (Post, None, format!("{named}&client_assertion=x"), Err(ErrorCode::InvalidClient)),
            // A client with keys, by anything else.
            (PrivateKeyJwt, Some(rotated.clone()), String::new(), Err(ErrorCode::InvalidClient)),
            (PrivateKeyJwt, None, post.clone(), Err(ErrorCode::InvalidClient)),
            (PrivateKeyJwt, None, named.clone(), Err(ErrorCode::InvalidClient)),
            // Wrong, ended, undecoded or malformed.
            (Basic, Some(basic_header(&format!("{id}:salah"))), String::new(), Err(ErrorCode::InvalidClient)),
            (Basic, Some(basic_header(&format!("{id}:lama"))), String::new(), Err(ErrorCode::InvalidClient)),
            (Basic, Some(basic_header("lain:baru")), String::new(), Err(ErrorCode::InvalidClient)),
            (Basic, Some(basic_header(&id)), String::new(), Err(ErrorCode::InvalidClient)),
            (Basic, Some(basic_header(&format!("{id}:%00"))), String::new(), Err(ErrorCode::InvalidClient)),
            (Basic, Some("Basic ???".into()), String::new(), Err(ErrorCode::InvalidClient)),
            (Basic, Some("Bearer x".into()), String::new(), Err(ErrorCode::InvalidClient)),
            (Basic, Some(String::new()), String::new(), Err(ErrorCode::InvalidClient)),
            (Post, None, format!("client_id={id}&client_secret="), Err(ErrorCode::InvalidClient)),
            (Post, None, String::new(), Err(ErrorCode::InvalidClient)),
        ];
        for (method, header, body, expected) in rows {
            assert_eq!(attempt(method, header.as_deref(), &body), expected, "{method} {header:?} {body}");
        }
    }

    //= RFC7523#2.2 test
    #[test]
    fn an_assertion_names_its_type_and_its_client() {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let claims = r#"{"iss":"presensi","sub":"presensi","aud":"x","exp":1,"jti":"j"}"#;
        let sent = format!("{}.{}.AAAA", encode(r#"{"alg":"ES256"}"#), encode(claims));
        let kind = assertion::ASSERTION_TYPE;
        type Row<'a> = (&'a [(&'a str, &'a str)], Result<&'a str, ErrorCode>);
        let rows: [Row<'_>; 9] = [
            (&[("client_assertion_type", kind), ("client_assertion", &sent)], Ok("presensi")),
            (
                &[("client_assertion_type", kind), ("client_assertion", &sent), ("client_id", "presensi")],
                Ok("presensi"),
            ),
            (
                &[("client_assertion_type", kind), ("client_assertion", &sent), ("client_id", "lain")],
                Err(ErrorCode::InvalidRequest),
            ),
            (
                &[("client_assertion_type", kind), ("client_assertion", &sent), ("client_secret", "x")],
                Err(ErrorCode::InvalidRequest),
            ),
            (
                &[("client_assertion_type", kind), ("client_assertion", &sent), ("client_assertion", &sent)],
                Err(ErrorCode::InvalidRequest),
            ),
            (
                &[("client_assertion_type", kind), ("client_assertion_type", kind), ("client_assertion", &sent)],
                Err(ErrorCode::InvalidRequest),
            ),
            (&[("client_assertion_type", "saml2-bearer"), ("client_assertion", &sent)], Err(ErrorCode::InvalidClient)),
            (&[("client_assertion", &sent)], Err(ErrorCode::InvalidClient)),
            (&[("client_assertion_type", kind)], Err(ErrorCode::InvalidClient)),
        ];
        for (params, expected) in rows {
            let read = presented([], &Params::from_pairs(params.iter().copied()));
            let read = read.as_ref().map(|read| read.client_id.as_str()).map_err(|error| error.code);
            assert_eq!(read, expected, "{params:?}");
        }
        let oversized = "x".repeat(crate::oauth::MAX_VALUE + 1);
        let params = Params::from_pairs([("client_assertion_type", kind), ("client_assertion", &oversized)]);
        assert_eq!(presented([], &params).err().map(|error| error.code), Some(ErrorCode::InvalidRequest));
        // Taken apart, it proves nothing yet.
        let params = Params::from_pairs([("client_assertion_type", kind), ("client_assertion", &sent)]);
        let unproved = presented([], &params).unwrap();
        assert!(authenticate(Some(&registered(AuthMethod::None)), &unproved, NOW).is_err());
    }

    //= RFC6749#2.3.1 test
    #[test]
    fn two_authorization_headers_are_refused() {
        let header = basic_header("a:b");
        let both = presented([header.as_bytes(), header.as_bytes()], &Params::default());
        assert_eq!(both.err().map(|e| e.code), Some(ErrorCode::InvalidRequest));
    }

    //= T7 test
    #[test]
    fn a_disabled_client_proves_nothing() {
        let client = Arc::new(Client { enabled: false, ..(*registered(AuthMethod::None)).clone() });
        let sent = presented([], &Params::from_pairs([("client_id", client.id.as_str())])).unwrap();
        assert_eq!(authenticate(Some(&client), &sent, NOW).unwrap_err().code, ErrorCode::InvalidClient);
    }
}
