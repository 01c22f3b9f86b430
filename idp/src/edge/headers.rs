//! The security headers of every answer.
//!
//! `Referrer-Policy` is `same-origin`, not `no-referrer`: with the latter a browser sends our own
//! posts with `Origin: null`. `form-action` names, beside ourselves, the one origin to which this
//! interaction will redirect, because Chromium applies it to the redirect after the post.

use axum::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
        X_FRAME_OPTIONS,
    },
};
use url::{Host, Url};

use super::cookies::Scheme;

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// What an answer that is no page of ours may do in a browser: nothing.
const NOTHING: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");

/// Adds what the answer does not already say.
pub fn complete(headers: &mut HeaderMap, scheme: Scheme) {
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(NOTHING);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    if scheme == Scheme::Https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}

/// The policy of a page: its own styles, script, font and images, no other origin. `target` is the
/// checked redirect URI to which a form of this page may lead, if there is one.
//= RFC9700#4.16
pub fn page_policy(target: Option<&str>) -> HeaderValue {
    let source = target.and_then(form_source).map(|source| format!(" {source}")).unwrap_or_default();
    HeaderValue::try_from(format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self'; \
         form-action 'self'{source}; frame-ancestors 'none'; base-uri 'none'"
    ))
    .unwrap_or(NOTHING)
}

/// The source expression (CSP 3 section 2.3.1) for a redirect URI's origin. Its grammar has no
/// IPv6 address and no origin for an application's own scheme: there the scheme must do.
fn form_source(target: &str) -> Option<String> {
    let url = Url::parse(target).ok()?;
    let scheme = url.scheme();
    match url.host() {
        Some(Host::Domain(_) | Host::Ipv4(_)) if matches!(scheme, "http" | "https") => {
            Some(url.origin().ascii_serialization())
        }
        _ => Some(format!("{scheme}:")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_loads_nothing_from_elsewhere_and_is_never_framed() {
        let policy = page_policy(None);
        let policy = policy.to_str().unwrap();
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(policy.contains("base-uri 'none'"), "{policy}");
        assert!(policy.contains("form-action 'self';"), "{policy}");
        assert!(!policy.contains("http"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn a_form_may_lead_to_the_checked_redirect_uri() {
        let table = [
            ("https://presensi.kota-contoh.go.id/cb?x=1", "'self' https://presensi.kota-contoh.go.id;"),
            ("http://presensi.localhost:8081/cb", "'self' http://presensi.localhost:8081;"),
            ("http://127.0.0.1:9/cb", "'self' http://127.0.0.1:9;"),
            ("http://[::1]:9/cb", "'self' http:;"),
            ("id.go.kota.presensi:/cb", "'self' id.go.kota.presensi:;"),
            ("not a uri", "'self';"),
        ];
        for (target, expected) in table {
            let policy = page_policy(Some(target));
            let policy = policy.to_str().unwrap();
            assert!(policy.contains(&format!("form-action {expected}")), "{target}: {policy}");
        }
    }

    #[test]
    fn an_answer_keeps_its_own_cache_rule() {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
        complete(&mut headers, Scheme::Https);
        assert_eq!(headers[CACHE_CONTROL], "max-age=300");
        assert_eq!(headers[STRICT_TRANSPORT_SECURITY], "max-age=31536000");
        let mut local = HeaderMap::new();
        complete(&mut local, Scheme::LoopbackHttp);
        assert_eq!(local[CACHE_CONTROL], "no-store");
        assert!(!local.contains_key(STRICT_TRANSPORT_SECURITY));
        assert_eq!(local[CONTENT_SECURITY_POLICY], NOTHING);
    }
}
