//! TLS at our own door, for a deployment without a proxy in front: TLS 1.2 and 1.3 (RFC 8446) with the suites of
//! aws-lc-rs, all of them with forward secrecy and authenticated encryption; HTTP/1.1 by ALPN.
//!
//! Certificate chain and private key are two PEM files. They are read again when they change; a new pair that
//! cannot be used leaves the old one in place. Connections keep the certificate they began with.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use gapura_core::secret::Secret;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;

use crate::settings::TlsFiles;

/// Certificate and key cannot be used: one sentence that names the file.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct TlsError(String);

/// The certificate that new connections are shown.
pub struct Tls {
    config: ArcSwap<ServerConfig>,
    /// Digest of what was read last, usable or not, so that each change is looked at once.
    seen: Mutex<[u8; 32]>,
}

impl Tls {
    /// Reads both files.
    pub fn open(files: &TlsFiles) -> Result<Self, TlsError> {
        let read = read(files);
        let seen = Mutex::new(digest(&read));
        let (certificate, key) = read?;
        Ok(Self { config: ArcSwap::from_pointee(config(files, &certificate, &key)?), seen })
    }

    /// Reads both files again; whether a new pair is in use now. An unusable pair is an error once.
    pub fn read_again(&self, files: &TlsFiles) -> Result<bool, TlsError> {
        let read = read(files);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == digest(&read) {
            return Ok(false);
        }
        *seen = digest(&read);
        let (certificate, key) = read?;
        self.config.store(Arc::new(config(files, &certificate, &key)?));
        Ok(true)
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }
}

type Pair = (Vec<u8>, Secret<Vec<u8>>);

fn read(files: &TlsFiles) -> Result<Pair, TlsError> {
    let unreadable =
        |path: &Path, why: &dyn std::fmt::Display| TlsError(format!("{} cannot be read: {why}", path.display()));
    let certificate = fs::read(&files.certificate).map_err(|why| unreadable(&files.certificate, &why))?;
    let key = fs::read(&files.key).map(Secret::new).map_err(|why| unreadable(&files.key, &why))?;
    let mode = fs::metadata(&files.key).map_err(|why| unreadable(&files.key, &why))?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(TlsError(format!("{} may be read by everybody: run chmod o= on it", files.key.display())));
    }
    Ok((certificate, key))
}

fn digest(read: &Result<Pair, TlsError>) -> [u8; 32] {
    let mut hash = Sha256::new();
    match read {
        Ok((certificate, key)) => {
            hash.update(Sha256::digest(certificate));
            hash.update(Sha256::digest(key.expose()));
        }
        Err(why) => hash.update(why.to_string()),
    }
    hash.finalize().into()
}

fn config(files: &TlsFiles, certificate: &[u8], key: &Secret<Vec<u8>>) -> Result<ServerConfig, TlsError> {
    let unusable = |path: &Path, why: String| TlsError(format!("{} cannot be used: {why}", path.display()));
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate)
        .collect::<Result<_, _>>()
        .map_err(|why| unusable(&files.certificate, why.to_string()))?;
    if chain.is_empty() {
        return Err(unusable(&files.certificate, "it holds no certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(key.expose()).map_err(|why| unusable(&files.key, why.to_string()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|why| unusable(&files.certificate, why.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|why| unusable(&files.certificate, format!("with {}: {why}", files.key.display())))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
