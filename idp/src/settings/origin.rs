//! The public origin: scheme, host and port under which browsers and applications reach us.
//!
//! It is the issuer (OIDC Core section 2, RFC 8414 section 2) and the only thing our URLs are made
//! of; `Host` and `X-Forwarded-*` shape nothing.

use std::net::IpAddr;

use url::{Host, Url};

/// `https://sso.kota-contoh.go.id`, without a path and without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    host: String,
    port: u16,
    https: bool,
}

impl Origin {
    /// Takes an address apart; `http` only for this machine, because browsers silently drop the
    /// session cookie of any other `http` origin.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|why| format!("not an address ({why})"))?;
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err("must begin with https:// (or http:// for this machine)".to_owned()),
        };
        let bare = matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !bare {
            return Err("must be scheme, host and port only, such as https://sso.kota-contoh.go.id".to_owned());
        }
        let host = url.host().ok_or_else(|| "has no host".to_owned())?;
        if !https && !is_loopback(&host) {
            return Err("http is for this machine only (localhost, *.localhost, 127.0.0.1, [::1]): browsers drop \
                        the session cookie of any other http address. Use https"
                .to_owned());
        }
        let port = url.port_or_known_default().unwrap_or(if https { 443 } else { 80 });
        Ok(Self { text: url.origin().ascii_serialization(), host: host.to_string(), port, https })
    }

    /// The issuer and origin, as it stands in tokens and in `Origin` headers.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// An address below the origin; `path` begins with a slash.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// The host name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's own where none is written.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether browsers reach us by TLS.
    pub const fn is_https(&self) -> bool {
        self.https
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => is_loopback_name(name),
        Host::Ipv4(address) => IpAddr::from(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::from(*address).is_loopback(),
    }
}

/// Names that always mean this machine.
//= RFC6761#6.3
pub fn is_loopback_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    //= RFC6761#6.3 test
    #[test]
    fn http_is_for_this_machine_only() {
        for good in ["http://localhost:8080", "http://sso.localhost:8080/", "http://127.0.0.1:1", "http://[::1]:8080"] {
            assert!(Origin::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://sso.kota-contoh.go.id",
            "http://localhost.evil.example",
            "http://notlocalhost",
            "http://10.0.0.1:8080",
            "ftp://localhost",
            "https://a/b",
            "https://a/?q",
            "https://u@a",
            "sso.kota-contoh.go.id",
            "",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_origin_has_one_spelling() {
        let origin = Origin::parse("https://SSO.Kota-Contoh.go.id:443/").unwrap();
        assert_eq!(origin.as_str(), "https://sso.kota-contoh.go.id");
        assert_eq!(origin.at("/token"), "https://sso.kota-contoh.go.id/token");
        assert_eq!((origin.host(), origin.port(), origin.is_https()), ("sso.kota-contoh.go.id", 443, true));
    }
}
