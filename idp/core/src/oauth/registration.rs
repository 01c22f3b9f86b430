//! What may be registered for a client (RFC 6749 section 2, RFC 7591 section 2, RFC 9700 section 2.1).

use thiserror::Error;
use url::{Host, Url};

use crate::oauth::{AuthMethod, Client, ClientKeys, PkcePolicy};

/// Why a registration is refused. A sentence for the person who registers.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RegistrationError {
    /// `client_id`.
    #[error("a client id is 1 to 64 of a-z A-Z 0-9 . _ -")]
    Id,
    /// An address.
    #[error("{what} \"{uri}\" {why}")]
    Uri {
        /// Which property.
        what: &'static str,
        /// As given.
        uri: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A client that lets people sign in needs somewhere to return to.
    #[error("the authorization_code grant needs a redirect URI")]
    NoRedirect,
    /// OpenID Connect Core section 9.
    #[error("private_key_jwt needs the client's public keys (jwks or jwks_uri), and no other method has any")]
    Keys,
    /// RFC 6749 section 4.4: only confidential clients.
    #[error("client_credentials is for clients with a secret or a key")]
    PublicMachine,
    /// RFC 9700 section 2.1.1: nothing else protects a public client's code.
    #[error("a public client must use PKCE")]
    PublicWithoutPkce,
    /// Without a grant a client can do nothing.
    #[error("a client needs at least one grant type")]
    NoGrant,
}

/// Checks a client before it is stored.
//= RFC6749#3.1.2
//= RFC9700#2.1
pub fn check(client: &Client) -> Result<(), RegistrationError> {
    let id = client.id.as_str();
    let letters = id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if id.is_empty() || id.len() > 64 || !letters {
        return Err(RegistrationError::Id);
    }
    let lists = [("redirect URI", &client.redirect_uris), ("post-logout URI", &client.post_logout_redirect_uris)];
    for (what, uri) in lists.iter().flat_map(|(what, list)| list.iter().map(move |uri| (*what, uri))) {
        check_uri(what, uri)?;
    }
    // Nobody is ever sent home from a client that nobody signs in at; the imported applications' identifiers,
    // which stand in for the missing address then, are no addresses.
    if client.has_grant("authorization_code") {
        check_uri("home URI", &client.home_uri)?;
    }
    if let Some(uri) = &client.backchannel_logout_uri {
        check_logout_uri(uri)?;
    }
    if client.keys.is_some() != (client.auth_method == AuthMethod::PrivateKeyJwt) {
        return Err(RegistrationError::Keys);
    }
    client.keys.as_ref().map_or(Ok(()), check_keys)?;
    check_grants(client)
}

/// The address of keys is called by us; https even inside the city's networks: who alters what is fetched there
/// becomes the client.
pub fn check_keys(keys: &ClientKeys) -> Result<(), RegistrationError> {
    match keys {
        ClientKeys::Inline(_) => Ok(()),
        ClientKeys::At(uri) => check_uri("jwks_uri", uri),
    }
}

fn check_grants(client: &Client) -> Result<(), RegistrationError> {
    let may = |grant: &str| client.grant_types.iter().any(|allowed| allowed == grant);
    let public = client.auth_method == AuthMethod::None;
    if client.grant_types.is_empty() {
        return Err(RegistrationError::NoGrant);
    }
    if may("authorization_code") && client.redirect_uris.is_empty() {
        return Err(RegistrationError::NoRedirect);
    }
    if public && may("client_credentials") {
        return Err(RegistrationError::PublicMachine);
    }
    if public && client.pkce != PkcePolicy::Required {
        return Err(RegistrationError::PublicWithoutPkce);
    }
    Ok(())
}

/// An address browsers are sent to: absolute, without fragment, https; http for this machine only.
fn check_uri(what: &'static str, uri: &str) -> Result<(), RegistrationError> {
    let refuse = |why| Err(RegistrationError::Uri { what, uri: uri.to_owned(), why });
    let Ok(url) = Url::parse(uri) else { return refuse("is no absolute address") };
    if uri.contains('#') {
        return refuse("must not have a fragment");
    }
    if uri.bytes().any(|b| b.is_ascii_control() || b == b' ' || b == b'\\') {
        return refuse("holds a space, a backslash or a control character");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("must not hold a user name or password");
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_this_machine(&url) => Ok(()),
        "http" => refuse("must be https: http is for this machine only (localhost, *.localhost, 127.0.0.1, [::1])"),
        _ => refuse("must begin with https://"),
    }
}

/// The logout receiver is called by us; http is allowed inside the city's networks, which the rules
/// of outbound requests decide.
//= OIDC-BACKCHANNEL#2.2
fn check_logout_uri(uri: &str) -> Result<(), RegistrationError> {
    let refuse = |why| Err(RegistrationError::Uri { what: "logout URI", uri: uri.to_owned(), why });
    match Url::parse(uri) {
        Ok(_) if uri.contains('#') => refuse("must not have a fragment"),
        Ok(url) if matches!(url.scheme(), "https" | "http") => Ok(()),
        _ => refuse("must begin with https:// or http://"),
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{ApplicationId, ClientId},
        oauth::{RefreshPolicy, SignatureAlg},
    };

    fn client() -> Client {
        Client {
            id: ClientId::new("presensi"),
            application_id: ApplicationId::new("a"),
            name: "Presensi".into(),
            enabled: true,
            auth_method: AuthMethod::Basic,
            secrets: Vec::new(),
            keys: None,
            grant_types: vec!["authorization_code".into()],
            redirect_uris: vec!["https://presensi.kota-contoh.go.id/callback".into()],
            post_logout_redirect_uris: Vec::new(),
            scopes: vec!["openid".into()],
            home_uri: "https://presensi.kota-contoh.go.id/".into(),
            backchannel_logout_uri: None,
            id_token_alg: SignatureAlg::Es256,
            pkce: PkcePolicy::Required,
            refresh: RefreshPolicy::RotateWithRetry,
            asks_consent: false,
        }
    }

    //= RFC6749#3.1.2 test
    //= OIDC-BACKCHANNEL#2.2 test
    #[test]
    fn an_address_is_absolute_https_and_has_no_fragment() {
        for good in
            ["https://a.go.id/cb", "https://a.go.id/cb?x=1", "http://presensi.localhost:8081/cb", "http://[::1]/cb"]
        {
            let client = Client { redirect_uris: vec![good.into()], ..client() };
            assert_eq!(check(&client), Ok(()), "{good}");
        }
        for bad in [
            "http://a.go.id/cb",
            "https://a.go.id/cb#x",
            "https://a.go.id/cb#",
            "/cb",
            "a.go.id/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://u:p@a.go.id/",
            "https://a.go.id/c b",
            "https:\\\\a.go.id\\cb",
            "https://",
            "",
            "http://localhost.evil.example/cb",
        ] {
            let client = Client { redirect_uris: vec![bad.into()], ..client() };
            assert!(matches!(check(&client), Err(RegistrationError::Uri { .. })), "{bad}");
            let client = Client { home_uri: bad.into(), ..self::client() };
            assert!(check(&client).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_machine_needs_no_home() {
        let machine = Client {
            grant_types: vec!["client_credentials".into()],
            redirect_uris: Vec::new(),
            home_uri: "e-kinerja".into(),
            ..client()
        };
        assert_eq!(check(&machine), Ok(()));
    }

    //= RFC9700#2.1.1 test
    #[test]
    fn a_public_client_needs_pkce_and_acts_for_nobody() {
        let public = Client { auth_method: AuthMethod::None, ..client() };
        assert_eq!(check(&public), Ok(()));
        let loose = Client { pkce: PkcePolicy::WhereSent, ..public.clone() };
        assert_eq!(check(&loose), Err(RegistrationError::PublicWithoutPkce));
        let machine = Client { grant_types: vec!["client_credentials".into()], ..public };
        assert_eq!(check(&machine), Err(RegistrationError::PublicMachine));
    }

    #[test]
    fn keys_belong_to_the_method_that_uses_them() {
        let at = |uri: &str| Some(ClientKeys::At(uri.to_owned()));
        let by_key = |keys| Client { auth_method: AuthMethod::PrivateKeyJwt, keys, ..client() };
        assert_eq!(check(&by_key(at("https://presensi.kota-contoh.go.id/jwks"))), Ok(()));
        assert_eq!(check(&by_key(None)), Err(RegistrationError::Keys));
        assert_eq!(check(&Client { keys: at("https://a.go.id/jwks"), ..client() }), Err(RegistrationError::Keys));
        for bad in ["http://presensi.kota-contoh.go.id/jwks", "https://u:p@a.go.id/", "ftp://a.go.id/", "jwks", ""] {
            assert!(matches!(check(&by_key(at(bad))), Err(RegistrationError::Uri { .. })), "{bad}");
        }
    }

    #[test]
    fn a_client_that_can_do_nothing_is_refused() {
        assert_eq!(check(&Client { grant_types: Vec::new(), ..client() }), Err(RegistrationError::NoGrant));
        assert_eq!(check(&Client { redirect_uris: Vec::new(), ..client() }), Err(RegistrationError::NoRedirect));
        let long = "x".repeat(65);
        for id in ["", "a b", "a:b", "é", long.as_str()] {
            assert_eq!(check(&Client { id: ClientId::new(id), ..client() }), Err(RegistrationError::Id), "{id}");
        }
        let machine = Client { grant_types: vec!["client_credentials".into()], redirect_uris: Vec::new(), ..client() };
        assert_eq!(check(&machine), Ok(()));
    }
}
