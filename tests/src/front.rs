//! TLS in front of servers of this machine, with a certificate of the tests' own: what a city's proxy does.

use std::sync::Arc;

use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// Accepts TLS for these names and passes the bytes on to a port of this machine; the port it listens on.
pub async fn tls(names: &[&str], to: u16) -> u16 {
    let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
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
