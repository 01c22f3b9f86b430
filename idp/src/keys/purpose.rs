//! Purpose keys: random, one a purpose, wrapped in the database. They never rotate silently: what
//! was indexed, peppered or sealed with one needs that one.

use gapura_core::{secret::Secret, words};

use super::{KeyError, root::RootKey};
use crate::entropy::Entropy;

words! {
    /// What a purpose key is for.
    pub enum Purpose {
        /// Encrypts columns (NIK, telephone numbers, queued import rows).
        Column = "column",
        /// Indexes encrypted columns by a keyed hash.
        BlindIndex = "blind_index",
        /// Mixed into password hashes.
        Pepper = "pepper",
        /// Marks forms and hashes names nobody has.
        Form = "form",
    }
}

/// A purpose key as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// What for.
    pub purpose: Purpose,
    /// 32 bytes, sealed by the root key.
    pub wrapped: Vec<u8>,
    /// Which root key sealed it.
    pub root_key_id: String,
}

/// All purpose keys, opened.
pub struct PurposeKeys {
    /// [`Purpose::Column`].
    pub column: Secret<[u8; 32]>,
    /// [`Purpose::BlindIndex`].
    pub blind_index: Secret<[u8; 32]>,
    /// [`Purpose::Pepper`].
    pub pepper: Secret<[u8; 32]>,
    /// [`Purpose::Form`].
    pub form: Secret<[u8; 32]>,
}

impl WrappedKey {
    /// A new random key.
    pub fn generate(purpose: Purpose, root: &RootKey, entropy: Entropy) -> Result<Self, KeyError> {
        let key = Secret::new(entropy.bytes::<32>()?);
        let wrapped = root.wrap(&name(purpose), key.expose(), entropy)?;
        Ok(Self { purpose, wrapped, root_key_id: root.id().to_owned() })
    }
}

impl PurposeKeys {
    /// The same keys, wrapped by another root key.
    pub fn rewrap(stored: &[WrappedKey], from: &RootKey, to: &RootKey) -> Result<Vec<WrappedKey>, KeyError> {
        let rewrapped = |key: &WrappedKey| {
            let name = name(key.purpose);
            let opened = from.unwrap(&name, &key.wrapped)?;
            let wrapped = to.wrap(&name, opened.expose(), Entropy)?;
            Ok(WrappedKey { purpose: key.purpose, wrapped, root_key_id: to.id().to_owned() })
        };
        stored.iter().map(rewrapped).collect()
    }

    /// Opens what is stored; every purpose must be there.
    pub fn open(root: &RootKey, stored: &[WrappedKey]) -> Result<Self, KeyError> {
        let key = |purpose: Purpose| {
            let stored = stored.iter().find(|key| key.purpose == purpose);
            let stored = stored.ok_or_else(|| KeyError::Malformed(name(purpose)))?;
            if stored.root_key_id != root.id() {
                return Err(KeyError::Root(format!(
                    "the root key is {}, but this database was made with {}: give the right file by keys.root_file",
                    root.id(),
                    stored.root_key_id
                )));
            }
            let opened = root.unwrap(&name(purpose), &stored.wrapped)?;
            let bytes = <[u8; 32]>::try_from(opened.expose().as_slice());
            bytes.map(Secret::new).map_err(|_| KeyError::Malformed(name(purpose)))
        };
        Ok(Self {
            column: key(Purpose::Column)?,
            blind_index: key(Purpose::BlindIndex)?,
            pepper: key(Purpose::Pepper)?,
            form: key(Purpose::Form)?,
        })
    }
}

fn name(purpose: Purpose) -> String {
    format!("purpose {purpose}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_root_key_is_named_not_tried() {
        let (root, other) = (RootKey::from_bytes([1; 32]), RootKey::from_bytes([2; 32]));
        let stored: Vec<_> =
            Purpose::ALL.iter().map(|purpose| WrappedKey::generate(*purpose, &root, Entropy).unwrap()).collect();
        assert!(PurposeKeys::open(&root, &stored).is_ok());
        let why = PurposeKeys::open(&other, &stored).err().unwrap().to_string();
        assert!(why.contains(root.id()) && why.contains(other.id()), "{why}");
        assert!(PurposeKeys::open(&root, &stored[1..]).is_err());
    }
}
