//! The root key: 32 random bytes in a file of mode 0600, made at the first start.
//!
//! While keys are wrapped anew the file holds two, one a line; which one is in use, the database says.
//!
//! It wraps every other key with AES-256-GCM-SIV (RFC 8452) under a key derived for that one name,
//! so that no wrapped key can stand in for another.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    path::Path,
};

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest,
    hkdf::{HKDF_SHA256, Salt},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gapura_core::secret::Secret;

use super::KeyError;
use crate::entropy::Entropy;

/// Leads every sealed value, so that a later format can be told apart.
const FORMAT: u8 = 1;

/// The opened root key.
pub struct RootKey {
    key: Secret<[u8; 32]>,
    id: String,
}

impl RootKey {
    /// The first key of the file; refuses one that others may read.
    pub fn read(path: &Path) -> Result<Option<Self>, KeyError> {
        Ok(Self::read_all(path)?.into_iter().next())
    }

    /// Every key of the file, none where there is no file; refuses one that others may read.
    pub fn read_all(path: &Path) -> Result<Vec<Self>, KeyError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => Secret::new(text),
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(why) => return refuse(path, &format!("cannot be read: {why}")),
        };
        let mode = fs::metadata(path).map_or(0o777, |meta| meta.permissions().mode());
        if mode & 0o077 != 0 {
            return refuse(path, &format!("may be read by others (mode {:03o}): run chmod 600 on it", mode & 0o777));
        }
        let keys: Option<Vec<Self>> = text.expose().trim_end().lines().map(Self::parse).collect();
        match keys {
            Some(keys) if !keys.is_empty() => Ok(keys),
            _ => refuse(path, "is no root key (32 bytes in base64url)"),
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(line.trim_end()).map(Secret::new).ok()?;
        <[u8; 32]>::try_from(bytes.expose().as_slice()).ok().map(Self::from_bytes)
    }

    /// Puts another key beside those of the file. A reader sees the file with it or without it, never half, and
    /// it stays its owner's, whoever types the command: else the server could not read it any more.
    pub fn put_beside(&self, path: &Path, entropy: Entropy) -> Result<(), KeyError> {
        let there = Self::read_all(path)?;
        if there.iter().any(|key| key.id == self.id) {
            return Ok(());
        }
        // Through a link to the file itself; one that is not there yet is made where it is named.
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let path = real.as_path();
        let owner = match fs::metadata(path) {
            Ok(old) => Some((old.uid(), old.gid())),
            Err(why) if why.kind() == ErrorKind::NotFound => None,
            Err(why) => return refuse(path, &format!("cannot be read: {why}")),
        };
        let aside = path.with_extension(format!("key.{}", entropy.random_id()?));
        let all: Vec<&Self> = there.iter().chain([self]).collect();
        let placed =
            write(&all, &aside, owner).and_then(|()| fs::rename(&aside, path)).and_then(|()| sync_directory(path));
        placed.or_else(|why| {
            let _ = fs::remove_file(&aside);
            refuse(path, &format!("cannot be written: {why}"))
        })
    }

    /// Makes a new key and its file. Where another process was faster, its key is taken.
    pub fn create(path: &Path, entropy: Entropy) -> Result<Self, KeyError> {
        let key = Self::from_bytes(entropy.bytes()?);
        // Written aside and linked into place: a reader never sees half a key, and a second
        // process at its first start never overwrites ours.
        let aside = path.with_extension(format!("key.{}", entropy.random_id()?));
        let placed = write(&[&key], &aside, None).and_then(|()| fs::hard_link(&aside, path));
        let removed = fs::remove_file(&aside);
        match placed.and(removed).and_then(|()| sync_directory(path)) {
            Ok(()) => Ok(key),
            Err(why) if why.kind() == ErrorKind::AlreadyExists => match Self::read(path)? {
                Some(other) => Ok(other),
                None => refuse(path, "appeared and vanished"),
            },
            Err(why) => refuse(path, &format!("cannot be made: {why}")),
        }
    }

    /// A key from its bytes.
    pub fn from_bytes(key: [u8; 32]) -> Self {
        let named = [b"gapura root key ".as_slice(), &key].concat();
        let digest = Secret::new(named);
        let digest = digest::digest(&digest::SHA256, digest.expose());
        let id = URL_SAFE_NO_PAD.encode(digest.as_ref().get(..9).unwrap_or_default());
        Self { key: Secret::new(key), id }
    }

    /// A name of this key that says nothing about its bytes.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Wraps a key under its name.
    pub fn wrap(&self, name: &str, plain: &[u8], entropy: Entropy) -> Result<Vec<u8>, KeyError> {
        seal(&self.wrapping_key(name)?, name, plain, entropy)
    }

    /// Opens a wrapped key of this name.
    pub fn unwrap(&self, name: &str, wrapped: &[u8]) -> Result<Secret<Vec<u8>>, KeyError> {
        open(&self.wrapping_key(name)?, name, wrapped).ok_or_else(|| KeyError::Unopened(name.to_owned()))
    }

    fn wrapping_key(&self, name: &str) -> Result<Secret<[u8; 32]>, KeyError> {
        let mut key = [0; 32];
        Salt::new(HKDF_SHA256, b"gapura wrap v1")
            .extract(self.key.expose())
            .expand(&[name.as_bytes()], HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut key))
            .map_err(|_| KeyError::Refused)?;
        Ok(Secret::new(key))
    }
}

/// Why nothing can be opened or wrapped without the root key of this id.
pub fn lacks(id: &str) -> String {
    format!(
        "this database needs the root key {id}, which the file does not hold: give the right file by keys.root_file"
    )
}

/// A new file, of `owner` (user and group) where it is not to be ours.
fn write(keys: &[&RootKey], path: &Path, owner: Option<(u32, u32)>) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    if let Some((user, group)) = owner {
        fchown(&file, Some(user), Some(group)).map_err(|why| {
            let text = format!("its owner cannot be kept ({why}); run the command as that owner or as root");
            std::io::Error::new(why.kind(), text)
        })?;
    }
    for key in keys {
        let line = Secret::new(format!("{}\n", URL_SAFE_NO_PAD.encode(key.key.expose())));
        file.write_all(line.expose().as_bytes())?;
    }
    file.sync_all()
}

/// Encrypts under a context that is needed again to open.
pub(super) fn seal(key: &Secret<[u8; 32]>, context: &str, plain: &[u8], entropy: Entropy) -> Result<Vec<u8>, KeyError> {
    let nonce = entropy.bytes::<NONCE_LEN>()?;
    let mut sealed = plain.to_vec();
    cipher(key)
        .and_then(|cipher| {
            cipher
                .seal_in_place_append_tag(
                    Nonce::assume_unique_for_key(nonce),
                    Aad::from(context.as_bytes()),
                    &mut sealed,
                )
                .ok()
        })
        .ok_or(KeyError::Refused)?;
    let mut out = Vec::with_capacity(1 + NONCE_LEN + sealed.len());
    out.push(FORMAT);
    out.extend_from_slice(&nonce);
    out.append(&mut sealed);
    Ok(out)
}

/// The plain bytes, if key and context are those it was sealed with.
pub(super) fn open(key: &Secret<[u8; 32]>, context: &str, sealed: &[u8]) -> Option<Secret<Vec<u8>>> {
    let (&format, rest) = sealed.split_first()?;
    if format != FORMAT {
        return None;
    }
    let (nonce, body) = rest.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut body = body.to_vec();
    let plain = cipher(key)?.open_in_place(nonce, Aad::from(context.as_bytes()), &mut body).ok()?;
    Some(Secret::new(plain.to_vec()))
}

fn cipher(key: &Secret<[u8; 32]>) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM_SIV, key.expose()).ok().map(LessSafeKey::new)
}

fn sync_directory(path: &Path) -> std::io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(directory)?.sync_all()
}

fn refuse<T>(path: &Path, why: &str) -> Result<T, KeyError> {
    Err(KeyError::Root(format!("root key {} {why}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_made_once_and_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gapura.key");
        assert!(RootKey::read(&path).unwrap().is_none());
        let first = RootKey::create(&path, Entropy).unwrap();
        let second = RootKey::create(&path, Entropy).unwrap();
        let read = RootKey::read(&path).unwrap().unwrap();
        assert_eq!((first.id(), first.id()), (second.id(), read.id()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_second_key_is_put_beside_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gapura.key");
        let (first, second) = (RootKey::create(&path, Entropy).unwrap(), RootKey::from_bytes([9; 32]));
        for _ in 0..2 {
            second.put_beside(&path, Entropy).unwrap();
            let ids: Vec<String> = RootKey::read_all(&path).unwrap().iter().map(|key| key.id().to_owned()).collect();
            assert_eq!(ids, [first.id(), second.id()]);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    /// A command typed by root must not take the file away from the server.
    #[test]
    fn the_file_stays_its_owner_s_and_a_link_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("gapura.key"), directory.path().join("tautan.key"));
        RootKey::create(&path, Entropy).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(12_345), Some(23_456)).unwrap();
        } else {
            eprintln!("the owner is not tried: only root can give a file away");
        }
        let before = fs::metadata(&path).unwrap();
        RootKey::from_bytes([9; 32]).put_beside(&link, Entropy).unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!((after.uid(), after.gid(), after.mode()), (before.uid(), before.gid(), before.mode()));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(RootKey::read_all(&path).unwrap().len(), 2);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gapura.key");
        RootKey::create(&path, Entropy).unwrap();
        for mode in [0o640, 0o604, 0o660, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let why = RootKey::read(&path).err().unwrap().to_string();
            assert!(why.contains("may be read by others"), "{why}");
        }
    }

    #[test]
    fn a_file_that_is_no_key_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gapura.key");
        fs::write(&path, "hello\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(RootKey::read(&path).is_err());
    }

    //= BSSN4-2021#5.b test
    #[test]
    fn a_wrapped_key_opens_under_its_name_and_root_only() {
        let root = RootKey::from_bytes([7; 32]);
        let wrapped = root.wrap("pepper", b"secret", Entropy).unwrap();
        assert_eq!(root.unwrap("pepper", &wrapped).unwrap().expose(), b"secret");
        assert!(root.unwrap("column", &wrapped).is_err());
        assert!(RootKey::from_bytes([8; 32]).unwrap("pepper", &wrapped).is_err());
        for at in 0..wrapped.len() {
            let mut altered = wrapped.clone();
            altered[at] ^= 1;
            assert!(root.unwrap("pepper", &altered).is_err(), "byte {at}");
        }
        assert!(root.unwrap("pepper", &wrapped[..5]).is_err());
    }
}
