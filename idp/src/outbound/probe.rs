//! Requests that the operator asked for: to our own public address, to our own sockets, to the clock named
//! on the command line. Nobody else chose these addresses, so the rules of [`network`](super::network) do not
//! hold; everything else of the way out does. What was seen of certificate and clock is part of the answer.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use gapura_core::time::Instant;
use http::{Response, header};
use rustls::{
    CertificateError, ClientConfig,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio_rustls::TlsConnector;
use url::Url;

use super::{OutboundError, TIME, connect, exchange, provider, request, resolve, roots, with_roots};
use crate::settings::OutboundRules;

/// What a probe meets.
#[derive(Debug)]
pub struct Probed {
    /// Status code.
    pub status: u16,
    /// The server's clock (`Date`), to the second.
    pub date: Option<Instant>,
    /// At most 64 KiB.
    pub body: Bytes,
    /// Days until the certificate ends, up to [`Probe::DAYS`]; none where it is longer or there is no TLS.
    pub ends_within: Option<u32>,
}

/// Why a probe met nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum Unmet {
    /// Not an address.
    Address,
    /// The name does not resolve.
    Unresolved,
    /// Nobody answers there.
    NoConnection,
    /// The certificate is for another name.
    WrongName,
    /// The certificate has ended.
    Ended,
    /// The certificate comes from an issuer that is not trusted here, or is otherwise not valid.
    Untrusted,
    /// TLS failed before a certificate was judged.
    Tls,
    /// No HTTP.
    NoAnswer,
    /// More than five seconds.
    TimedOut,
}

/// Sends probes.
pub struct Probe {
    tls: Arc<ClientConfig>,
    verifier: Arc<WebPkiServerVerifier>,
}

impl Probe {
    /// How far ahead the end of a certificate is looked for.
    pub const DAYS: u32 = 14;

    /// With the certificates of the settings.
    pub fn new(rules: &OutboundRules) -> Result<Self, OutboundError> {
        let roots = Arc::new(roots(rules)?);
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), provider()).build();
        Ok(Self { tls: Arc::new(with_roots(roots)?), verifier: verifier.map_err(|_| OutboundError::Tls)? })
    }

    /// Fetches an address; from the socket `at`, where one is given, instead of where the name leads.
    /// `now` is only for the end of the certificate.
    pub async fn get(&self, url: &str, at: Option<SocketAddr>, now: Instant) -> Result<Probed, Unmet> {
        tokio::time::timeout(TIME, self.fetch(url, at, now)).await.unwrap_or(Err(Unmet::TimedOut))
    }

    async fn fetch(&self, url: &str, at: Option<SocketAddr>, now: Instant) -> Result<Probed, Unmet> {
        let url = Url::parse(url).map_err(|_| Unmet::Address)?;
        let host = url.host_str().ok_or(Unmet::Address)?.trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().ok_or(Unmet::Address)?;
        let addresses = match at {
            Some(address) => vec![address],
            None => resolve(&host, port).await.map_err(|_| Unmet::Unresolved)?,
        };
        let request = request(&url, None).map_err(|_| Unmet::Address)?;
        let stream = connect(&addresses).await.map_err(|_| Unmet::NoConnection)?;
        if url.scheme() != "https" {
            return exchange(stream, request).await.map(probed).map_err(|_| Unmet::NoAnswer);
        }
        let name = ServerName::try_from(host).map_err(|_| Unmet::Address)?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name.clone(), stream).await;
        let stream = stream.map_err(|why| unmet(&why))?;
        let chain = stream.get_ref().1.peer_certificates().map(<[_]>::to_vec).unwrap_or_default();
        let response = exchange(stream, request).await.map_err(|_| Unmet::NoAnswer)?;
        Ok(Probed { ends_within: self.ends_within(&chain, &name, now), ..probed(response) })
    }

    /// The first day ahead on which the chain would no longer be taken.
    fn ends_within(&self, chain: &[CertificateDer<'_>], name: &ServerName<'_>, now: Instant) -> Option<u32> {
        let (first, rest) = chain.split_first()?;
        let now = u64::try_from(now.millis()).ok()?;
        let fails = |days: &u32| {
            let then = Duration::from_millis(now) + Duration::from_secs(u64::from(*days) * 24 * 3600);
            self.verifier.verify_server_cert(first, rest, name, &[], UnixTime::since_unix_epoch(then)).is_err()
        };
        (1..=Self::DAYS).find(fails)
    }
}

/// What rustls says of a certificate, behind tokio's error.
fn unmet(why: &std::io::Error) -> Unmet {
    let why = why.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match why {
        Some(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => Unmet::WrongName,
        Some(rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => Unmet::Ended,
        Some(rustls::Error::InvalidCertificate(_)) => Unmet::Untrusted,
        _ => Unmet::Tls,
    }
}

fn probed(response: Response<Bytes>) -> Probed {
    let date = response.headers().get(header::DATE).and_then(|value| value.to_str().ok()).and_then(instant);
    Probed { status: response.status().as_u16(), date, body: response.into_body(), ends_within: None }
}

fn instant(date: &str) -> Option<Instant> {
    let since = httpdate::parse_http_date(date).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(Instant::from_millis)
}
