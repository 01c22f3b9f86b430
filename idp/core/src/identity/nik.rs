//! NIK: the national identity number, 16 digits (domain: identifiers-and-hr-data section 3.4).
//!
//! It is stored only as keyed hash and ciphertext and is never a claim, so this type shows nothing
//! of itself: no `Debug`, no `Display`.

use zeroize::Zeroize;

use crate::secret::Secret;

/// A NIK: exactly 16 ASCII digits, not all equal.
#[derive(Clone)]
pub struct Nik(Secret<String>);

impl Nik {
    /// Reads a NIK with apostrophe, spaces, dots or dashes; `None` where there are no 16 digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut digits: String = text
            .trim()
            .trim_start_matches('\'')
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '.' | '-'))
            .collect();
        let first = digits.as_bytes().first().copied();
        let whole = digits.len() == 16
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.bytes().all(|b| Some(b) == first);
        if whole {
            return Some(Self(Secret::new(digits)));
        }
        digits.zeroize();
        None
    }

    /// The 16 digits: for sealing and hashing only.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nik_is_sixteen_digits() {
        assert_eq!(Nik::parse("'9901 0117 0885 0001").unwrap().expose(), "9901011708850001");
        for bad in ["", "-", "990101170885000", "99010117088500011", "9901011708850O01", "1111111111111111"] {
            assert!(Nik::parse(bad).is_none(), "{bad}");
        }
    }
}
