//! One keep-alive connection.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;

/// A connection to a server of this machine.
pub(crate) struct Line {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

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
    pub(crate) fn header(&self, name: &header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Line {
    pub(crate) async fn open(port: u16, host: &str) -> Self {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender, host: host.to_owned() }
    }

    pub(crate) async fn get(&mut self, path: &str, headers: &[(header::HeaderName, &str)]) -> Answer {
        self.send(Request::get(path), headers, Bytes::new()).await
    }

    pub(crate) async fn post(&mut self, path: &str, headers: &[(header::HeaderName, &str)], form: &str) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, headers, Bytes::copy_from_slice(form.as_bytes())).await
    }

    async fn send(
        &mut self,
        request: http::request::Builder,
        headers: &[(header::HeaderName, &str)],
        body: Bytes,
    ) -> Answer {
        let mut request = request.header(header::HOST, &self.host);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        self.sender.ready().await.unwrap();
        let (parts, body) =
            self.sender.send_request(request.body(Full::new(body)).unwrap()).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}
