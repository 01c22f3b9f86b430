//! One keep-alive connection.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;

/// A connection to a server of this machine.
pub(crate) struct Line {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

/// Nobody listens, or the connection broke.
#[derive(Clone, Debug)]
pub(crate) struct Broken(#[expect(dead_code, reason = "said where a load ends because of it")] String);

impl Broken {
    fn because(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Headers of one request.
pub(crate) type Headers<'a> = &'a [(HeaderName, &'a str)];

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The header of this name.
    pub(crate) fn header(&self, name: &HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Line {
    pub(crate) async fn open(port: u16, host: &str) -> Self {
        Self::try_open(port, host).await.unwrap()
    }

    pub(crate) async fn try_open(port: u16, host: &str) -> Result<Self, Broken> {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.map_err(Broken::because)?;
        stream.set_nodelay(true).map_err(Broken::because)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(Broken::because)?;
        tokio::spawn(connection);
        Ok(Self { sender, host: host.to_owned() })
    }

    pub(crate) async fn get(&mut self, path: &str, headers: Headers<'_>) -> Answer {
        self.try_get(path, headers).await.unwrap()
    }

    pub(crate) async fn post(&mut self, path: &str, headers: Headers<'_>, form: &str) -> Answer {
        self.try_post(path, headers, form).await.unwrap()
    }

    pub(crate) async fn try_get(&mut self, path: &str, headers: Headers<'_>) -> Result<Answer, Broken> {
        self.send(Request::get(path), headers, Bytes::new()).await
    }

    pub(crate) async fn try_post(&mut self, path: &str, headers: Headers<'_>, form: &str) -> Result<Answer, Broken> {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, headers, Bytes::copy_from_slice(form.as_bytes())).await
    }

    async fn send(
        &mut self,
        request: http::request::Builder,
        headers: Headers<'_>,
        body: Bytes,
    ) -> Result<Answer, Broken> {
        let mut request = request.header(header::HOST, &self.host);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(Full::new(body)).map_err(Broken::because)?;
        self.sender.ready().await.map_err(Broken::because)?;
        let (parts, body) = self.sender.send_request(request).await.map_err(Broken::because)?.into_parts();
        let body = body.collect().await.map_err(Broken::because)?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}
