//! Where the browser goes after sign-in: a path of this application, never an address.
//!
//! An open redirect behind a government's sign-in page is a gift to every phisher, so the rule is narrow: printable
//! ASCII, one slash, no backslash, not one of the library's own routes, and still on this origin after a browser has
//! normalised it.

use url::Url;

/// Longer addresses do not fit into the cookie that carries them.
const MAX_LENGTH: usize = 1500;

/// A path and query of this application. Holding one is the proof that it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReturnTo(String);

impl ReturnTo {
    /// The front page.
    pub(crate) fn home() -> Self {
        Self("/".to_owned())
    }

    /// Takes a path on `origin`; anything else is none.
    pub(crate) fn parse(text: &str, origin: &Url) -> Option<Self> {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if !printable || text.len() > MAX_LENGTH || !text.starts_with('/') || text.starts_with("//") {
            return None;
        }
        let joined = origin.join(text).ok()?;
        let stays = joined.origin() == origin.origin() && !joined.path().starts_with("//");
        let own_route = joined.path().starts_with("/auth/");
        (stays && !own_route).then(|| Self(text.to_owned()))
    }

    /// The path, for a `Location` header or a link.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_application_are_return_addresses() {
        let origin = Url::parse("https://presensi.kota.go.id").unwrap();
        for good in ["/", "/a", "/a?b=c&d=%2F", "/a/../b", "/?return_to=https://x", "/%5c", "/a#b", "/auth"] {
            assert!(ReturnTo::parse(good, &origin).is_some(), "{good}");
        }
        let long = format!("/{}", "a".repeat(1500));
        for bad in [
            "",
            "a",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\evil.example",
            "/\\/evil.example",
            "https:",
            "https:evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            " /",
            "/ ",
            "/\t/evil.example",
            "/\n",
            "/\u{e9}",
            "/.//evil.example",
            "/a/..//evil.example",
            "/auth/login",
            "/auth/login?return_to=/auth/login",
            "/x/../auth/logout",
            "@evil.example",
            "/\0",
            long.as_str(),
        ] {
            assert_eq!(ReturnTo::parse(bad, &origin), None, "{bad:?}");
        }
    }
}
