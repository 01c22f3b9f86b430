//! The settings of an application: four of them, and a few more for unusual networks.
//!
//! | variable | what |
//! |---|---|
//! | `GAPURA_ISSUER` | the provider's issuer address, exactly as its discovery document says it |
//! | `GAPURA_CLIENT_ID` | the client's id |
//! | `GAPURA_CLIENT_SECRET` | its secret; or `GAPURA_CLIENT_SECRET_FILE`, a file that holds it |
//! | `GAPURA_CLIENT_KEY_FILE` | in the place of a secret: a PEM file with a private key (`private_key_jwt`) |
//! | `GAPURA_PUBLIC_URL` | the origin under which browsers reach this application |
//! | `GAPURA_INTERNAL_URL` | optional: where this machine reaches the provider, if not at the issuer address |
//! | `GAPURA_SCOPES` | optional: scopes to ask for, separated by spaces |
//! | `GAPURA_AUDIENCE` | only for an API: the identifier of this application in access tokens; default is the client id |
//! | `GAPURA_CA_FILE` | optional: a PEM file with the certificate authority of the provider |

use std::net::IpAddr;

use openidconnect::{ClientSecret, IssuerUrl};
use url::{Host, Url};

use crate::client_key::ClientKey;
use crate::error::Error;

/// What the environment or the builder said, as it was typed.
#[derive(Clone, Default)]
pub(crate) struct Typed {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<String>,
    pub(crate) client_key_pem: Option<Vec<u8>>,
    pub(crate) public_url: String,
    pub(crate) internal_url: Option<String>,
    pub(crate) scopes: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) ca_pem: Option<Vec<u8>>,
}

impl Typed {
    /// Reads the variables named at the top of this module.
    pub(crate) fn from_env() -> Result<Self, Error> {
        let key = "GAPURA_CLIENT_KEY_FILE";
        let client_key_pem = given(key).map(|path| read(key, &path)).transpose()?;
        Ok(Self {
            issuer: needed("GAPURA_ISSUER")?,
            client_id: needed("GAPURA_CLIENT_ID")?,
            client_secret: if client_key_pem.is_some() { None } else { Some(secret_from_env()?) },
            client_key_pem,
            public_url: needed("GAPURA_PUBLIC_URL")?,
            internal_url: given("GAPURA_INTERNAL_URL"),
            scopes: given("GAPURA_SCOPES"),
            audience: given("GAPURA_AUDIENCE"),
            ca_pem: given("GAPURA_CA_FILE").map(|path| read("GAPURA_CA_FILE", &path)).transpose()?,
        })
    }
}

fn given(name: &'static str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn needed(name: &'static str) -> Result<String, Error> {
    given(name).ok_or(Error::MissingSetting(name))
}

fn read(name: &'static str, path: &str) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|cause| Error::BadSetting { name, why: format!("{path} cannot be read: {cause}") })
}

fn secret_from_env() -> Result<String, Error> {
    if let Some(path) = given("GAPURA_CLIENT_SECRET_FILE") {
        let name = "GAPURA_CLIENT_SECRET_FILE";
        let text = String::from_utf8(read(name, &path)?)
            .map_err(|_| Error::BadSetting { name, why: format!("{path} is not text") })?;
        return Ok(text.trim().to_owned());
    }
    needed("GAPURA_CLIENT_SECRET")
}

/// The settings after every check. Nothing else in the library looks at what was typed.
pub(crate) struct Settings {
    pub(crate) issuer: IssuerUrl,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<ClientSecret>,
    /// Proves the client where there is no secret.
    pub(crate) client_key: Option<ClientKey>,
    /// Origin of this application, without a trailing slash, as a browser writes it into `Origin`.
    pub(crate) origin: String,
    pub(crate) public_url: Url,
    pub(crate) internal_url: Option<Url>,
    /// None means: what the provider offers of the usual ones.
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) audience: String,
    pub(crate) ca_pem: Option<Vec<u8>>,
}

impl Settings {
    /// Checks every setting; the first that cannot be used is named.
    pub(crate) fn check(typed: Typed) -> Result<Self, Error> {
        let issuer = address("GAPURA_ISSUER", &typed.issuer)?;
        let public_url = address("GAPURA_PUBLIC_URL", &typed.public_url)?;
        if public_url.path() != "/" || public_url.query().is_some() || public_url.fragment().is_some() {
            let why = "it must be an origin such as https://presensi.kota.go.id, without a path".to_owned();
            return Err(Error::BadSetting { name: "GAPURA_PUBLIC_URL", why });
        }
        if issuer.query().is_some() || issuer.fragment().is_some() {
            let why = "an issuer address has no query and no fragment".to_owned();
            return Err(Error::BadSetting { name: "GAPURA_ISSUER", why });
        }
        let internal_url = typed.internal_url.as_deref().map(|text| parse("GAPURA_INTERNAL_URL", text)).transpose()?;
        let issuer = IssuerUrl::new(typed.issuer)
            .map_err(|cause| Error::BadSetting { name: "GAPURA_ISSUER", why: cause.to_string() })?;
        Ok(Self {
            issuer,
            audience: typed.audience.unwrap_or_else(|| typed.client_id.clone()),
            client_id: typed.client_id,
            // One method at a time: a key is the stronger one.
            client_secret: typed.client_secret.filter(|_| typed.client_key_pem.is_none()).map(ClientSecret::new),
            client_key: typed.client_key_pem.as_deref().map(ClientKey::from_pem).transpose()?,
            origin: public_url.origin().ascii_serialization(),
            public_url,
            internal_url,
            scopes: typed.scopes.map(|text| text.split_whitespace().map(str::to_owned).collect()),
            ca_pem: typed.ca_pem,
        })
    }

    /// The one redirect address of this application.
    pub(crate) fn callback(&self) -> String {
        format!("{}/auth/callback", self.origin)
    }

    /// Whether browsers reach this application over https.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}

fn parse(name: &'static str, text: &str) -> Result<Url, Error> {
    let url = Url::parse(text)
        .map_err(|cause| Error::BadSetting { name, why: format!("{text:?} is no address: {cause}") })?;
    if !matches!(url.scheme(), "http" | "https")
        || url.host().is_none()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err(Error::BadSetting {
            name,
            why: format!("{text:?} must begin with https:// and hold no name or password"),
        });
    }
    Ok(url)
}

/// An address that browsers use: https, or http on loopback. Elsewhere browsers drop the cookies silently.
fn address(name: &'static str, text: &str) -> Result<Url, Error> {
    let url = parse(name, text)?;
    if url.scheme() == "http" && !is_loopback(&url) {
        let why = format!("{text:?} must be https; http is for localhost, *.localhost and loopback addresses only");
        return Err(Error::BadSetting { name, why });
    }
    Ok(url)
}

/// Whether the host can only be this machine (RFC 6761 section 6.3 for names).
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_localhost_name(name),
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

/// `localhost` and every name under it.
pub(crate) fn is_localhost_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(issuer: &str, public_url: &str) -> Typed {
        Typed {
            issuer: issuer.to_owned(),
            public_url: public_url.to_owned(),
            client_id: "presensi".to_owned(),
            ..Typed::default()
        }
    }

    #[test]
    fn http_is_for_loopback_only() {
        for good in [
            "http://localhost:8080",
            "http://sso.localhost:8080",
            "http://127.0.0.1:1",
            "http://[::1]:1",
            "https://sso.kota.go.id",
        ] {
            assert!(Settings::check(typed(good, "https://a.example")).is_ok(), "{good}");
            assert!(Settings::check(typed("https://a.example", good)).is_ok(), "{good}");
        }
        for bad in [
            "http://sso.kota.go.id",
            "http://localhost.kota.go.id",
            "ftp://localhost",
            "sso",
            "https://u:p@sso.kota.go.id",
            "http://10.0.0.1",
        ] {
            assert!(Settings::check(typed(bad, "https://a.example")).is_err(), "{bad}");
            assert!(Settings::check(typed("https://a.example", bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_public_address_is_an_origin() {
        assert!(Settings::check(typed("https://a.example", "https://b.example/app")).is_err());
        let settings = Settings::check(typed("https://a.example", "https://B.example:443/")).unwrap();
        assert_eq!(settings.callback(), "https://b.example/auth/callback");
    }
}
