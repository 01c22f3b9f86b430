//! Requests to the provider: the library's only HTTP client.
//!
//! * Names under `.localhost` are this machine (RFC 6761 section 6.3); not every resolver knows that.
//! * No redirects, five seconds, a bound on the answer: nothing the provider's address returns can hold a request.
//! * Where `GAPURA_INTERNAL_URL` is set, addresses under the issuer are asked there. Only the way changes: the issuer
//!   check stays exact, because the documents and tokens still name the public issuer.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use url::Url;

use crate::error::Error;
use crate::settings::{Settings, is_localhost_name, is_loopback};

/// No document of a provider is as long as this.
const MAX_ANSWER: usize = 256 * 1024;

/// Client for the provider's endpoints.
#[derive(Clone)]
pub(crate) struct Outbound {
    client: reqwest::Client,
    /// Issuer prefix and what stands for it on this network.
    detour: Option<(String, String)>,
}

/// Why no answer came back.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{url}: {cause}")]
pub(crate) struct NoAnswer {
    url: String,
    cause: String,
}

impl From<NoAnswer> for Error {
    fn from(no: NoAnswer) -> Self {
        Self::Unreachable { url: no.url, cause: no.cause }
    }
}

impl Outbound {
    /// Builds the client for these settings.
    #[expect(clippy::disallowed_methods, reason = "the SDK is used outside the provider; this is its only HTTP client")]
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(Duration::from_secs(5))
            .dns_resolver(Localhost)
            .user_agent(concat!("gapura-client/", env!("CARGO_PKG_VERSION")));
        let way = settings.internal_url.as_ref().unwrap_or(settings.issuer.url());
        if is_loopback(way) {
            builder = builder.no_proxy();
        }
        if let Some(pem) = &settings.ca_pem {
            let name = "GAPURA_CA_FILE";
            let certificates = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|cause| Error::BadSetting { name, why: format!("no PEM certificates: {cause}") })?;
            builder = builder.tls_certs_merge(certificates);
        }
        let client =
            builder.build().map_err(|cause| Error::BadSetting { name: "GAPURA_CA_FILE", why: cause.to_string() })?;
        let detour = settings.internal_url.as_ref().map(|to| (bare(settings.issuer.as_str()), bare(to.as_str())));
        Ok(Self { client, detour })
    }

    /// Sends a request and reads the whole answer, bounded.
    pub(crate) async fn send(&self, mut request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
        let url = self.way_to(&request.uri().to_string());
        let failed = |cause: &dyn std::error::Error| NoAnswer { url: url.clone(), cause: innermost(cause) };
        *request.uri_mut() = url.parse().map_err(|cause: http::uri::InvalidUri| failed(&cause))?;
        let request = reqwest::Request::try_from(request).map_err(|cause| failed(&cause))?;
        let mut answer = self.client.execute(request).await.map_err(|cause| failed(&cause.without_url()))?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|cause| failed(&cause.without_url()))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(NoAnswer { url, cause: format!("the answer is longer than {MAX_ANSWER} bytes") });
            }
            body.extend_from_slice(&chunk);
        }
        let mut whole = http::Response::new(body);
        *whole.status_mut() = answer.status();
        *whole.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(whole)
    }

    /// Asks for a document with GET.
    pub(crate) async fn get(&self, url: &str) -> Result<HttpResponse, NoAnswer> {
        let mut request = http::Request::new(Vec::new());
        *request.uri_mut() = url
            .parse()
            .map_err(|cause: http::uri::InvalidUri| NoAnswer { url: url.to_owned(), cause: cause.to_string() })?;
        request.headers_mut().insert(http::header::ACCEPT, http::HeaderValue::from_static("application/json"));
        self.send(request).await
    }

    fn way_to(&self, url: &str) -> String {
        match &self.detour {
            Some((from, to)) => match url.strip_prefix(from) {
                // The next character must end the prefix, or `https://sso.test` would match `https://sso.test.evil`.
                Some(rest) if rest.is_empty() || rest.starts_with(['/', '?']) => format!("{to}{rest}"),
                _ => url.to_owned(),
            },
            None => url.to_owned(),
        }
    }
}

impl<'c> AsyncHttpClient<'c> for Outbound {
    type Error = NoAnswer;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, NoAnswer>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

fn bare(url: &str) -> String {
    let text = Url::parse(url).map_or_else(|_| url.to_owned(), |parsed| parsed.to_string());
    text.trim_end_matches('/').to_owned()
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// Resolves `*.localhost` to loopback and leaves every other name to the system.
struct Localhost;

impl Resolve for Localhost {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            if is_localhost_name(name.as_str()) {
                let both: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
                return Ok(Box::new(both.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs);
            }
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_detour_is_for_the_issuer_alone() {
        let detour = Some(("https://sso.test".to_owned(), "http://gapura:8080/x".to_owned()));
        let outbound = Outbound { client: reqwest::Client::default(), detour };
        assert_eq!(outbound.way_to("https://sso.test/token?a"), "http://gapura:8080/x/token?a");
        assert_eq!(outbound.way_to("https://sso.test"), "http://gapura:8080/x");
        for other in
            ["https://sso.test.evil.example/token", "https://sso.test:444/", "https://lain.test/?https://sso.test"]
        {
            assert_eq!(outbound.way_to(other), other);
        }
    }
}
