//! Which state-changing requests are ours.
//!
//! `SameSite=Lax` does not stop a sibling under the city's domain, which counts as the same site.
//! So a post needs `Sec-Fetch-Site: same-origin` or, where a browser does not send that header, an
//! `Origin` equal to the public origin (never compared with `Host`). Where both are absent, and
//! always in addition, the form carries an interaction or a token that belongs to this browser's
//! cookie. GET changes nothing.

use axum::http::{HeaderMap, HeaderName, header::ORIGIN};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A post that did not come from our own pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a post from another origin")]
pub struct Foreign;

/// Refuses a post by what the browser says about where it comes from. Passing is not enough: the
/// form must also carry what belongs to this browser.
pub fn from_our_pages(headers: &HeaderMap, public_origin: &str) -> Result<(), Foreign> {
    let site = single(headers, &SEC_FETCH_SITE)?;
    let origin = single(headers, &ORIGIN)?;
    let origin_is_ours = origin.is_none_or(|origin| origin == public_origin);
    match site {
        Some("same-origin") if origin_is_ours => Ok(()),
        Some(_) => Err(Foreign),
        None if origin_is_ours => Ok(()),
        None => Err(Foreign),
    }
}

/// A header's one value; sent twice it says nothing we could believe.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Foreign> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Foreign),
        (Some(_), Some(_)) => Err(Foreign),
    }
}

/// The token that a form without an interaction carries: derived from the browser's cookie, which
/// no other site can read or (on https) set.
pub fn form_token(browser_cookie: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"gapura form token\0");
    hasher.update(browser_cookie.as_bytes());
    URL_SAFE_NO_PAD.encode(hasher.finalize())
}

/// Whether a form's token belongs to this browser's cookie.
pub fn token_belongs(token: &str, browser_cookie: Option<&str>) -> bool {
    browser_cookie.is_some_and(|cookie| bool::from(form_token(cookie).as_bytes().ct_eq(token.as_bytes())))
}

/// Whether a thing bound to a browser by the hash of its cookie belongs to this one.
pub fn hash_belongs(hash: &[u8; 32], browser_cookie: Option<&str>) -> bool {
    browser_cookie.is_some_and(|cookie| bool::from(super::cookies::hash(cookie).ct_eq(hash)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "https://sso.kota-contoh.go.id";

    fn post(sent: &[(&'static str, &str)]) -> Result<(), Foreign> {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, value.parse().unwrap());
        }
        from_our_pages(&headers, OURS)
    }

    #[test]
    fn our_own_pages_may_post() {
        assert_eq!(post(&[("sec-fetch-site", "same-origin"), ("origin", OURS)]), Ok(()));
        assert_eq!(post(&[("sec-fetch-site", "same-origin")]), Ok(()));
        assert_eq!(post(&[("origin", OURS)]), Ok(()));
    }

    #[test]
    fn neither_header_leaves_the_decision_to_the_form() {
        assert_eq!(post(&[]), Ok(()));
    }

    #[test]
    fn siblings_and_strangers_may_not() {
        for site in ["same-site", "cross-site", "none", "Same-Origin", ""] {
            assert_eq!(post(&[("sec-fetch-site", site), ("origin", OURS)]), Err(Foreign), "{site}");
        }
        let others = [
            "https://presensi.kota-contoh.go.id",
            "http://sso.kota-contoh.go.id",
            "https://sso.kota-contoh.go.id:8443",
            "https://sso.kota-contoh.go.id.evil.example",
            "null",
            "",
        ];
        for origin in others {
            assert_eq!(post(&[("origin", origin)]), Err(Foreign), "{origin}");
            assert_eq!(post(&[("sec-fetch-site", "same-origin"), ("origin", origin)]), Err(Foreign));
        }
        assert_eq!(post(&[("origin", OURS), ("origin", "https://evil.example")]), Err(Foreign));
    }

    #[test]
    fn host_shapes_nothing() {
        let sent = [("host", "evil.example"), ("origin", "https://evil.example")];
        assert_eq!(post(&sent), Err(Foreign));
    }

    #[test]
    fn a_token_belongs_to_one_browser() {
        let token = form_token("one");
        assert!(token_belongs(&token, Some("one")));
        assert!(!token_belongs(&token, Some("two")));
        assert!(!token_belongs(&token, None));
        assert!(!token_belongs("", Some("one")));
    }
}
