//! Mail addresses and mobile numbers as people and spreadsheets write them.
//!
//! Official and private mail are two things (S2 Pasal 40(1)a, S3 Pasal 24(5)a): an address counts
//! as official only under a domain of the government, and only that one is a login name.

use std::fmt;

/// A mail address, lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// Reads an address; `None` where it has no single `@`, no domain with a dot, or characters
    /// that no mailbox of an office has.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (local, domain) = text.split_once('@')?;
        let local_ok = !local.is_empty()
            && local.len() <= 64
            && local.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c))
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..");
        let domain_ok = domain.len() <= 253 && domain.contains('.') && domain.split('.').all(is_label);
        (local_ok && domain_ok).then(|| Self(text.to_ascii_lowercase()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part behind the `@`.
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
    }

    /// Whether the domain is one of `domains` or lies below one of them. Compared label by label:
    /// `contoh.go.id.example.com` is not below `go.id`, and neither is `xgo.id`.
    //= DOM-03
    pub fn is_under<S: AsRef<str>>(&self, domains: &[S]) -> bool {
        domains.iter().any(|domain| {
            let domain = domain.as_ref();
            self.domain() == domain
                || self.domain().strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        })
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// A phone number in the form `+6281…`. Reads `08…`, `62…` and `+62…` with spaces, dots, dashes or
/// brackets; `None` where it is none of these or has fewer than 8 or more than 15 digits.
pub fn normalize_phone(text: &str) -> Option<String> {
    let kept: String = text
        .trim()
        .trim_start_matches('\'')
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '.' | '-' | '(' | ')'))
        .collect();
    let national = kept
        .strip_prefix("+62")
        .or_else(|| kept.strip_prefix("62"))
        .or_else(|| kept.strip_prefix('0'))?
        .trim_start_matches('0');
    let fits = (8..=13).contains(&national.len()) && national.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| format!("+62{national}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_lower_case() {
        assert_eq!(Email::parse(" Siti.Aminah@Contoh.GO.id ").unwrap().as_str(), "siti.aminah@contoh.go.id");
        for bad in ["-", "", "siti", "siti@", "@contoh.go.id", "siti@contoh", "si ti@contoh.go.id", "a@b@contoh.go.id"]
        {
            assert!(Email::parse(bad).is_none(), "{bad}");
        }
    }

    //= DOM-03 test
    #[test]
    fn an_official_address_lies_under_a_domain_of_the_government() {
        let under = |address: &str| Email::parse(address).unwrap().is_under(&["go.id"]);
        assert!(under("nama@contoh.go.id") && under("nama@dewan.contoh.go.id"));
        assert!(!under("nama@contoh.go.id.example.com") && !under("nama@xgo.id") && !under("nama@gmail.com"));
        assert!(Email::parse("nama@contoh.go.id").unwrap().is_under(&["contoh.go.id"]));
    }

    #[test]
    fn a_phone_number_has_one_form() {
        for written in ["+62 812-3456-7890", "081234567890", "6281234567890", "'0812.3456.7890", "+62 (0)812 34567890"]
        {
            assert_eq!(normalize_phone(written).as_deref(), Some("+6281234567890"), "{written}");
        }
        for bad in ["", "-", "12345", "0812", "08123456789012345", "08x234567890", "+1 202 555 0100"] {
            assert_eq!(normalize_phone(bad), None, "{bad}");
        }
    }
}
