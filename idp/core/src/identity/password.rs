//! The text of a password before it is hashed: OpaqueString (RFC 8265 section 4.2), 1 to 256
//! characters.

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use crate::secret::Secret;

/// Most characters a password may have; longer ones are refused before any work.
pub const LONGEST: usize = 256;

/// Why a text is no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// No character at all.
    #[error("the password is empty")]
    Empty,
    /// More than 256 characters.
    #[error("the password has more than 256 characters")]
    TooLong,
    /// A control character, such as U+0000.
    #[error("the password has a control character")]
    Control,
}

/// Brings a typed password into its one form: every other space becomes U+0020, then NFC. Case and
/// width stay as typed.
//= RFC8265#4.2.2
pub fn prepare(typed: &str) -> Result<Secret<String>, PasswordError> {
    if typed.is_empty() {
        return Err(PasswordError::Empty);
    }
    if typed.chars().take(LONGEST + 1).count() > LONGEST {
        return Err(PasswordError::TooLong);
    }
    if typed.contains(char::is_control) {
        return Err(PasswordError::Control);
    }
    let prepared = Secret::new(typed.chars().map(plain_space).nfc().collect::<String>());
    if prepared.expose().chars().count() > LONGEST {
        return Err(PasswordError::TooLong);
    }
    Ok(prepared)
}

/// Unicode category Zs, of which RFC 8265 keeps U+0020 alone.
fn plain_space(c: char) -> char {
    match c {
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(typed: &str) -> Result<String, PasswordError> {
        prepare(typed).map(|text| text.expose().clone())
    }

    //= RFC8265#4.2.2 test
    #[test]
    fn a_password_has_one_form() {
        assert_eq!(prepared("correct horse"), Ok("correct horse".to_owned()));
        assert_eq!(prepared("correct\u{3000}horse\u{a0}"), Ok("correct horse ".to_owned()));
        assert_eq!(prepared("e\u{301}"), Ok("é".to_owned()));
        assert_eq!(prepared("ÅbC"), Ok("ÅbC".to_owned()));
    }

    #[test]
    fn a_password_has_1_to_256_characters() {
        assert_eq!(prepared(""), Err(PasswordError::Empty));
        assert_eq!(prepared("a\0b"), Err(PasswordError::Control));
        assert!(prepared(&"é".repeat(256)).is_ok());
        assert_eq!(prepared(&"é".repeat(257)), Err(PasswordError::TooLong));
        assert_eq!(prepared(&"a".repeat(100_000)), Err(PasswordError::TooLong));
    }
}
