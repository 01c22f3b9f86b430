//! TLS in front of servers of this machine, with a certificate of the tests' own: what a city's proxy does.

use std::sync::Arc;

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// A certificate that signed itself.
pub struct Certificate {
    /// What trusts it.
    pub pem: String,
    der: CertificateDer<'static>,
    key: rcgen::KeyPair,
}

impl Certificate {
    /// For these names, ending so many days from now.
    pub fn new(names: &[&str], days: i64) -> Self {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut what = rcgen::CertificateParams::new(names).unwrap();
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let day = |days: i64| {
            let seconds = i64::try_from(now.as_secs()).unwrap() + days * 24 * 3600;
            rcgen::date_time_ymd(1970, 1, 1)
                .saturating_add(std::time::Duration::from_secs(seconds.try_into().unwrap()).try_into().unwrap())
        };
        (what.not_before, what.not_after) = (day(-30), day(days));
        let key = rcgen::KeyPair::generate().unwrap();
        let made = what.self_signed(&key).unwrap();
        Self { pem: made.pem(), der: made.der().clone(), key }
    }
}

/// Accepts TLS for these names and passes the bytes on to a port of this machine; the port it listens on.
pub async fn tls(names: &[&str], to: u16) -> u16 {
    tls_by(&Certificate::new(names, 30), to).await
}

/// The same, with a certificate that was made before.
pub async fn tls_by(certificate: &Certificate, to: u16) -> u16 {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certificate.key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.der.clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A browser that opens a connection and leaves it is no failure.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                if let Ok(mut server) = TcpStream::connect(("127.0.0.1", to)).await {
                    let _ = copy_bidirectional(&mut stream, &mut server).await;
                }
            });
        }
    });
    port
}
