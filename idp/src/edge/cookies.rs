//! The cookies of a browser: one for its session, one that names the browser itself, one for the
//! language of its pages.
//!
//! Values are 256 random bits; only their SHA-256 is kept, so a copy of the database signs nobody
//! in. On https the names carry `__Host-` (RFC 6265bis section 4.1.3.2): no sibling under the
//! city's domain can set or overwrite them. Plain http exists for loopback only.

use axum::http::{HeaderMap, HeaderValue, header::COOKIE};
use sha2::{Digest, Sha256};

/// Characters of a cookie value: 256 bits in base64url.
const VALUE_LENGTH: usize = 43;

/// Which cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// The signed-in session.
    Session,
    /// This browser, signed in or not; interactions and forms are bound to it.
    Browser,
    /// The chosen page language.
    Language,
}

impl Cookie {
    /// Its name under an issuer of this scheme.
    pub const fn name(self, scheme: Scheme) -> &'static str {
        match (self, scheme) {
            (Self::Session, Scheme::Https) => "__Host-gapura_session",
            (Self::Browser, Scheme::Https) => "__Host-gapura_browser",
            (Self::Language, Scheme::Https) => "__Host-gapura_language",
            (Self::Session, Scheme::LoopbackHttp) => "gapura_session",
            (Self::Browser, Scheme::LoopbackHttp) => "gapura_browser",
            (Self::Language, Scheme::LoopbackHttp) => "gapura_language",
        }
    }
}

/// The scheme of the public address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Production.
    Https,
    /// A local trial: browsers drop `Secure` cookies of other http origins silently.
    LoopbackHttp,
}

impl Scheme {
    /// Of the public address, which settings have checked to be one of the two.
    pub const fn of(https: bool) -> Self {
        if https { Self::Https } else { Self::LoopbackHttp }
    }
}

/// SHA-256 of a cookie's value, as kept in SQL and in interactions.
pub fn hash(value: &str) -> [u8; 32] {
    Sha256::digest(value.as_bytes()).into()
}

/// The value a browser sent, if it has the shape of one we gave. Of two cookies with one name the
/// first counts for nothing: a doubled cookie is no cookie (only plain http can be doubled at all).
pub fn read(headers: &HeaderMap, cookie: Cookie, scheme: Scheme) -> Option<String> {
    let value = only(headers, cookie.name(scheme))?;
    let shaped = match cookie {
        Cookie::Language => value.len() == 2,
        Cookie::Session | Cookie::Browser => {
            value.len() == VALUE_LENGTH && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        }
    };
    shaped.then(|| value.to_owned())
}

fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim_start().split_once('='))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// How long a cookie stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// Until the browser closes.
    Session,
    /// A year.
    Year,
    /// It goes now.
    Gone,
}

/// The `Set-Cookie` line: `Secure` on https, `HttpOnly`, `SameSite=Lax`, `Path=/`, no `Domain`.
pub fn set(cookie: Cookie, value: &str, stay: Stay, scheme: Scheme) -> Option<HeaderValue> {
    let secure = match scheme {
        Scheme::Https => "; Secure",
        Scheme::LoopbackHttp => "",
    };
    let age = match stay {
        Stay::Session => "",
        Stay::Year => "; Max-Age=31536000",
        Stay::Gone => "; Max-Age=0",
    };
    let name = cookie.name(scheme);
    HeaderValue::try_from(format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, line.parse().unwrap());
        }
        headers
    }

    fn value() -> String {
        "aZ-_".repeat(11).chars().take(43).collect()
    }

    #[test]
    fn https_cookies_are_host_bound_and_secure() {
        let line = set(Cookie::Session, &value(), Stay::Session, Scheme::Https).unwrap();
        let line = line.to_str().unwrap();
        assert_eq!(line, format!("__Host-gapura_session={}; Path=/; HttpOnly; SameSite=Lax; Secure", value()));
        assert!(!line.contains("Domain"));
    }

    #[test]
    fn loopback_cookies_have_plain_names() {
        let line = set(Cookie::Browser, &value(), Stay::Gone, Scheme::LoopbackHttp).unwrap();
        assert_eq!(
            line.to_str().unwrap(),
            format!("gapura_browser={}; Path=/; HttpOnly; SameSite=Lax; Max-Age=0", value())
        );
    }

    #[test]
    fn a_sent_cookie_is_found_among_others() {
        let headers = sent(&["a=1; b=2", &format!("c=3;  __Host-gapura_session={}; d=4", value())]);
        assert_eq!(read(&headers, Cookie::Session, Scheme::Https), Some(value()));
        assert_eq!(read(&headers, Cookie::Session, Scheme::LoopbackHttp), None);
        assert_eq!(read(&headers, Cookie::Browser, Scheme::Https), None);
    }

    //= T9 test
    #[test]
    fn a_malformed_or_doubled_cookie_is_no_cookie() {
        let name = "__Host-gapura_session";
        for bad in ["", "short", "\"quoted\"", &"x".repeat(44), &format!("{}=", "x".repeat(42))] {
            let headers = sent(&[&format!("{name}={bad}")]);
            assert_eq!(read(&headers, Cookie::Session, Scheme::Https), None, "{bad}");
        }
        let doubled = sent(&[&format!("{name}={}; {name}={}", value(), "y".repeat(43))]);
        assert_eq!(read(&doubled, Cookie::Session, Scheme::Https), None);
    }
}
