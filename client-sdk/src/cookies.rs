//! Cookies by the rules of RFC 6265bis: host-bound where the application speaks https, always HttpOnly and Lax.
//!
//! The names carry the client's id: on `localhost` every port shares one cookie jar, and two applications under
//! development must not sign each other out.

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};

/// Builds and reads the cookies of one application.
#[derive(Debug, Clone)]
pub(crate) struct Cookies {
    prefix: String,
    secure: bool,
}

impl Cookies {
    /// Cookies of `client_id`; `secure` when the application's public address is https.
    pub(crate) fn new(client_id: &str, secure: bool) -> Self {
        let name: String = client_id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let host = if secure { "__Host-" } else { "" };
        Self { prefix: format!("{host}gapura_{name}"), secure }
    }

    /// Name of the session cookie.
    pub(crate) fn session_name(&self) -> String {
        format!("{}_session", self.prefix)
    }

    /// Name of the cookie that binds one running sign-in to this browser; `state` is its `state` parameter.
    pub(crate) fn login_name(&self, state: &str) -> String {
        let head: String =
            state.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').take(16).collect();
        format!("{}{head}", self.login_prefix())
    }

    /// What the names of all running sign-ins begin with.
    pub(crate) fn login_prefix(&self) -> String {
        format!("{}_login_", self.prefix)
    }

    /// A `Set-Cookie` value; without `max_age` the cookie ends with the browser.
    pub(crate) fn set(&self, name: &str, value: &str, max_age: Option<i64>) -> Option<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        let age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")).ok()
    }

    /// A `Set-Cookie` value that removes the cookie.
    pub(crate) fn remove(&self, name: &str) -> Option<HeaderValue> {
        self.set(name, "", Some(0))
    }
}

/// The value of `name`, unless it is absent or stands there twice: which of two came from us nobody can tell.
pub(crate) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut found = pairs(headers).filter(|(key, _)| *key == name).map(|(_, value)| value);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// All cookies whose name begins with `prefix`.
pub(crate) fn with_prefix<'a>(headers: &'a HeaderMap, prefix: &str) -> Vec<(&'a str, &'a str)> {
    pairs(headers).filter(|(name, _)| name.starts_with(prefix)).collect()
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_bound_to_the_host_on_https_and_plain_on_loopback() {
        let https = Cookies::new("presensi", true);
        let set = https.set(&https.session_name(), "x", None).unwrap();
        assert_eq!(set, "__Host-gapura_presensi_session=x; Path=/; HttpOnly; SameSite=Lax; Secure");
        let http = Cookies::new("kinerja:uji", false);
        assert_eq!(
            http.remove(&http.session_name()).unwrap(),
            "gapura_kinerja_uji_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        );
    }

    #[test]
    fn a_cookie_that_stands_there_twice_is_not_read() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; b=2"));
        assert_eq!(read(&headers, "a"), Some("1"));
        headers.append(COOKIE, HeaderValue::from_static("a=3"));
        assert_eq!(read(&headers, "a"), None);
        assert_eq!(read(&headers, "b"), Some("2"));
    }
}
