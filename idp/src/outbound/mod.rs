//! The one way out: requests of our own to addresses that others registered.
//!
//! The story (incident T18): the name is resolved once, every address is
//! checked against the networks a deployment allows, and the connection goes to the checked address
//! itself, so that a name which answers differently the second time gains nothing. No redirects,
//! five seconds, 64 KiB, and never our own listeners.

mod network;
mod probe;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinSet,
};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::settings::{OutboundRules, Settings, is_loopback_name};
pub use network::Network;
pub use probe::{Probe, Probed, Unmet};

const TIME: Duration = Duration::from_secs(5);
const BODY: usize = 64 * 1024;

/// Why nothing came of a request. Short words, kept as the last error of a logout message.
#[derive(Debug, Error)]
pub enum OutboundError {
    /// Not an address we may go to; the sentence says why and what to do.
    #[error("{0}")]
    Refused(String),
    /// The name does not resolve.
    #[error("the name does not resolve")]
    Unresolved,
    /// Nobody answers there.
    #[error("no connection")]
    NoConnection,
    /// TLS failed: certificate not trusted, wrong name, no common version.
    #[error("TLS failed")]
    Tls,
    /// More than five seconds.
    #[error("no answer within 5 s")]
    TimedOut,
    /// No HTTP, or more than 64 KiB.
    #[error("no usable answer")]
    NoAnswer,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Status code; a redirect is an answer like any other.
    pub status: u16,
    /// At most 64 KiB.
    pub body: Bytes,
}

/// Sends requests of our own; a cheap clone.
#[derive(Clone)]
pub struct Outbound {
    network: Arc<Network>,
    tls: Arc<ClientConfig>,
}

/// An address taken apart and checked.
struct Target {
    url: Url,
    host: String,
    addresses: Vec<SocketAddr>,
}

impl Outbound {
    /// From the settings; reads the system's and the extra certificates once.
    pub fn new(settings: &Settings) -> Result<Self, OutboundError> {
        Ok(Self {
            network: Arc::new(Network::new(settings)),
            tls: Arc::new(with_roots(Arc::new(roots(&settings.outbound)?))?),
        })
    }

    /// Whether a request to this address would be made at all: said when a client is registered.
    pub async fn check(&self, url: &str) -> Result<(), OutboundError> {
        self.target(url).await.map(drop)
    }

    /// Posts a form (`application/x-www-form-urlencoded`).
    pub async fn post_form(&self, url: &str, form: String) -> Result<Answer, OutboundError> {
        self.in_time(url, Some(form)).await
    }

    /// Gets a document.
    pub async fn get(&self, url: &str) -> Result<Answer, OutboundError> {
        self.in_time(url, None).await
    }

    async fn in_time(&self, url: &str, form: Option<String>) -> Result<Answer, OutboundError> {
        tokio::time::timeout(TIME, self.send(url, form)).await.unwrap_or(Err(OutboundError::TimedOut))
    }

    async fn send(&self, url: &str, form: Option<String>) -> Result<Answer, OutboundError> {
        let target = self.target(url).await?;
        let stream = connect(&target.addresses).await?;
        let request = request(&target.url, form)?;
        let response = if target.url.scheme() == "https" {
            let name = ServerName::try_from(target.host.clone()).map_err(|_| OutboundError::Tls)?;
            let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await;
            exchange(stream.map_err(|_| OutboundError::Tls)?, request).await?
        } else {
            exchange(stream, request).await?
        };
        Ok(Answer { status: response.status().as_u16(), body: response.into_body() })
    }

    async fn target(&self, text: &str) -> Result<Target, OutboundError> {
        let url = Url::parse(text).map_err(|_| refuse("is no address"))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(refuse("must begin with https:// or http://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("must not hold a user name or password"));
        }
        let port = url.port_or_known_default().unwrap_or(443);
        let (host, candidates) = match url.host() {
            Some(Host::Ipv4(ip)) => (ip.to_string(), vec![SocketAddr::from((ip, port))]),
            Some(Host::Ipv6(ip)) => (ip.to_string(), vec![SocketAddr::from((ip, port))]),
            Some(Host::Domain(name)) => (name.to_owned(), resolve(name, port).await?),
            None => return Err(refuse("has no host")),
        };
        let addresses = self.network.permitted(&url, &candidates).map_err(OutboundError::Refused)?;
        Ok(Target { url, host, addresses })
    }
}

/// All addresses of a name; names of this machine without asking a resolver.
//= RFC6761#6.3
async fn resolve(name: &str, port: u16) -> Result<Vec<SocketAddr>, OutboundError> {
    if is_loopback_name(name) {
        let both = [SocketAddr::from(([127, 0, 0, 1], port)), SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port))];
        return Ok(both.to_vec());
    }
    let found = tokio::time::timeout(TIME, tokio::net::lookup_host((name, port))).await;
    match found {
        Ok(Ok(addresses)) => Ok(addresses.collect()),
        _ => Err(OutboundError::Unresolved),
    }
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, OutboundError> {
    for address in addresses {
        if let Ok(stream) = TcpStream::connect(address).await {
            return Ok(stream);
        }
    }
    Err(OutboundError::NoConnection)
}

fn request(url: &Url, form: Option<String>) -> Result<Request<Full<Bytes>>, OutboundError> {
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let authority = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => return Err(refuse("has no host")),
    };
    let request = match &form {
        Some(_) => Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
        None => Request::get(path),
    };
    request
        .header(header::HOST, authority)
        .header(header::ACCEPT, "*/*")
        .header(header::USER_AGENT, concat!("gapura/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .body(Full::new(Bytes::from(form.unwrap_or_default())))
        .map_err(|_| refuse("is no address"))
}

/// One request on a connection of its own; at most 64 KiB of an answer.
async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, OutboundError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|_| OutboundError::NoConnection)?;
    // Dropped, and with it the connection, when we stop listening.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let response = sender.send_request(request).await.map_err(|_| OutboundError::NoAnswer)?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, BODY).collect().await.map_err(|_| OutboundError::NoAnswer)?;
    Ok(Response::from_parts(head, body.to_bytes()))
}

/// The certificates trusted here: the system's and the extra ones.
fn roots(rules: &OutboundRules) -> Result<RootCertStore, OutboundError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = &rules.extra_ca {
        let unusable = |why: &dyn std::fmt::Display| {
            OutboundError::Refused(format!("outbound.ca_file {} cannot be used: {why}", path.display()))
        };
        let pem = std::fs::read(path).map_err(|why| unusable(&why))?;
        let found = certificates(&pem).map_err(|why| unusable(&why))?;
        for certificate in found {
            roots.add(certificate).map_err(|why| unusable(&why))?;
        }
    }
    Ok(roots)
}

fn with_roots(roots: Arc<RootCertStore>) -> Result<ClientConfig, OutboundError> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|_| OutboundError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn certificates(pem: &[u8]) -> io::Result<Vec<rustls::pki_types::CertificateDer<'static>>> {
    use rustls::pki_types::pem::PemObject as _;
    let found: Result<Vec<_>, _> = rustls::pki_types::CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(list) if list.is_empty() => Err(io::Error::other("it holds no certificate")),
        Ok(list) => Ok(list),
        Err(why) => Err(io::Error::other(why.to_string())),
    }
}

fn refuse(why: &str) -> OutboundError {
    OutboundError::Refused(format!("the address {why}"))
}

#[cfg(test)]
mod tests;
