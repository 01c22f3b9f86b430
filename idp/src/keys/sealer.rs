//! Encrypts columns and indexes what is encrypted.

use aws_lc_rs::hmac;
use gapura_core::secret::Secret;

use super::{KeyError, purpose::PurposeKeys, root};
use crate::entropy::Entropy;

/// Seals NIK, telephone numbers and queued import rows; a cheap clone.
#[derive(Clone)]
pub struct Sealer {
    column: Secret<[u8; 32]>,
    blind_index: Secret<[u8; 32]>,
}

impl Sealer {
    /// From the opened purpose keys.
    pub fn new(purposes: &PurposeKeys) -> Self {
        Self { column: purposes.column.clone(), blind_index: purposes.blind_index.clone() }
    }

    /// From the two keys themselves, for tests of what is sealed.
    #[cfg(test)]
    pub(crate) fn of_keys(column: Secret<[u8; 32]>, blind_index: Secret<[u8; 32]>) -> Self {
        Self { column, blind_index }
    }

    /// Encrypts a value (AES-256-GCM-SIV). `context` names the column, such as `users.nik`, and is
    /// needed again to open: a value moved to another column does not open there.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, KeyError> {
        root::seal(&self.column, context, plain, Entropy)
    }

    /// The value sealed under this context.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, KeyError> {
        root::open(&self.column, context, sealed).ok_or_else(|| KeyError::Unopened(context.to_owned()))
    }

    /// The keyed hash (HMAC-SHA-256) under which an encrypted value is found and kept unique.
    pub fn blind_index(&self, context: &str, value: &[u8]) -> Vec<u8> {
        let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.blind_index.expose()));
        mac.update(context.as_bytes());
        mac.update(&[0]);
        mac.update(value);
        mac.sign().as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(byte: u8) -> Sealer {
        Sealer { column: Secret::new([byte; 32]), blind_index: Secret::new([byte; 32]) }
    }

    //= BSSN4-2021#5.b test
    #[test]
    fn a_sealed_value_opens_in_its_column_only() {
        let sealed = sealer(1).seal("users.nik", b"3271010101010001").unwrap();
        assert_eq!(sealer(1).open("users.nik", &sealed).unwrap().expose(), b"3271010101010001");
        assert!(sealer(1).open("users.phone", &sealed).is_err());
        assert!(sealer(2).open("users.nik", &sealed).is_err());
        assert_ne!(sealed, sealer(1).seal("users.nik", b"3271010101010001").unwrap());
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(sealer(1).open("users.nik", &altered).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_blind_index_is_stable_per_key_and_column() {
        let index = sealer(1).blind_index("users.nik", b"1");
        assert_eq!(index, sealer(1).blind_index("users.nik", b"1"));
        assert_ne!(index, sealer(1).blind_index("users.nik", b"2"));
        assert_ne!(index, sealer(1).blind_index("users.ni", b"k\x001"));
        assert_ne!(index, sealer(2).blind_index("users.nik", b"1"));
    }
}
