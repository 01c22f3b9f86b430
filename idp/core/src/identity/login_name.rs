//! The one field of the sign-in page: NIP as printed, official e-mail or account name.
//!
//! What was typed is folded here, in Rust, into the form that is stored; the database compares
//! bytes. Private mail is never a login name: it is not ours to vouch for.

use unicode_normalization::UnicodeNormalization;

use crate::{
    identity::{Email, EmployeeNumber},
    words,
};

words! {
    /// What a login name is.
    pub enum LoginNameKind {
        /// NIP or NI PPPK.
        EmployeeNumber = "employee_number",
        /// Surel dinas.
        OfficialEmail = "official_email",
        /// Account name of people who have neither.
        AccountName = "account_name",
    }
}

/// A login name in its stored form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginName {
    kind: LoginNameKind,
    normalized: String,
}

/// Longest text taken from the field, in bytes.
const LONGEST: usize = 320;

impl LoginName {
    /// Folds what was typed. `None` where no account can have such a name; the caller then treats
    /// it as unknown, in the same time.
    pub fn typed(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST || text.contains(char::is_control) {
            return None;
        }
        if let Ok(number) = EmployeeNumber::parse(text) {
            return Some(Self::number(&number));
        }
        if text.contains('@') {
            return Email::parse(text).map(|email| Self::email(&email));
        }
        let normalized: String = text.nfc().collect::<String>().to_lowercase();
        Some(Self { kind: LoginNameKind::AccountName, normalized })
    }

    /// The login name that an employee number is.
    pub fn number(number: &EmployeeNumber) -> Self {
        Self { kind: LoginNameKind::EmployeeNumber, normalized: number.as_str().to_owned() }
    }

    /// The login name that an official address is.
    pub fn email(email: &Email) -> Self {
        Self { kind: LoginNameKind::OfficialEmail, normalized: email.as_str().to_owned() }
    }

    /// A new account name: 3 to 64 of `a-z 0-9 . _ -`, with a letter, beginning and ending with a
    /// letter or digit, so that it is never taken for a number or an address.
    pub fn account(text: &str) -> Option<Self> {
        let normalized = text.trim().to_ascii_lowercase();
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let fits = (3..=64).contains(&normalized.len())
            && normalized.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
            && normalized.contains(|c: char| c.is_ascii_alphabetic())
            && edge(normalized.chars().next())
            && edge(normalized.chars().next_back());
        fits.then_some(Self { kind: LoginNameKind::AccountName, normalized })
    }

    /// What it is.
    pub fn kind(&self) -> LoginNameKind {
        self.kind
    }

    /// The stored form.
    pub fn as_str(&self) -> &str {
        &self.normalized
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    //= EX-01 test
    #[test]
    fn one_field_takes_number_address_and_account_name() {
        let typed = |text: &str| LoginName::typed(text).map(|name| (name.kind(), name.as_str().to_owned()));
        let number = Some((LoginNameKind::EmployeeNumber, "198508172009041990".to_owned()));
        assert_eq!(typed("NIP. 19850817 200904 1 990"), number);
        assert_eq!(typed(" 198508172009041990"), number);
        let email = Some((LoginNameKind::OfficialEmail, "siti@contoh.go.id".to_owned()));
        assert_eq!(typed("Siti@Contoh.go.id"), email);
        let account = Some((LoginNameKind::AccountName, "oman.maulana".to_owned()));
        assert_eq!(typed("Oman.Maulana "), account);
    }

    #[test]
    fn what_no_account_can_be_called_is_unknown() {
        for text in ["", "  ", "a\0b", "siti@", &"x".repeat(321)] {
            assert_eq!(LoginName::typed(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_account_name_is_never_taken_for_a_number_or_an_address() {
        for bad in ["ab", "198508172009041990", "12345", "a@b.c", ".siti", "siti-", "siti aminah", &"x".repeat(65)] {
            assert_eq!(LoginName::account(bad), None, "{bad}");
        }
        assert_eq!(LoginName::account("Oman.Maulana2").unwrap().as_str(), "oman.maulana2");
    }

    proptest! {
        #[test]
        fn folding_is_idempotent(text in "\\PC{0,40}") {
            if let Some(name) = LoginName::typed(&text) {
                let again = LoginName::typed(name.as_str());
                prop_assert_eq!(again.as_ref().map(LoginName::as_str), Some(name.as_str()));
            }
        }
    }
}
