//! Did this state-changing request come from a page of this application?
//!
//! Every application of a city lies under one registrable domain, and SameSite cookies count all of them as one site:
//! a neighbour's page can post to us with our cookie attached. So the browser's own statement decides, compared with
//! the public address of the settings, never with `Host`.

use http::{HeaderMap, Method};

/// Whether the method changes nothing by definition (RFC 9110 section 9.2.1).
pub(crate) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// Whether the browser says that the request was made by a page of `origin`. Neither header there means no.
pub(crate) fn from_own_page(headers: &HeaderMap, origin: &str) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    match (sites.next(), sites.next()) {
        (Some(site), None) => site == "same-origin",
        (Some(_), Some(_)) => false,
        (None, _) => {
            let mut origins = headers.get_all(http::header::ORIGIN).iter();
            origins.next().is_some_and(|value| value == origin) && origins.next().is_none()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_origin_may_post() {
        let own = "https://presensi.kota.go.id";
        let table: [(&[(&'static str, &'static str)], bool); 10] = [
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("origin", "https://presensi.kota.go.id")], true),
            (&[("sec-fetch-site", "same-site"), ("origin", "https://presensi.kota.go.id")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], false),
            (&[("origin", "https://jahat.kota.go.id")], false),
            (&[("origin", "null")], false),
            (&[("host", "presensi.kota.go.id")], false),
            (&[], false),
        ];
        for (given, expected) in table {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.append(*name, http::HeaderValue::from_static(value));
            }
            assert_eq!(from_own_page(&headers, own), expected, "{given:?}");
        }
    }
}
