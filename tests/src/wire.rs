//! The same browser and relying party against a real process: a router that passes each request on over a
//! connection of its own.

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header::HOST},
    response::Response,
};
use http_body_util::BodyExt as _;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::ServiceExt as _;

/// Routes that all lead to the server at `port`.
pub fn router(port: u16) -> Router {
    Router::new().fallback(async move |request: Request| pass_on(port, request).await)
}

async fn pass_on(port: u16, request: Request) -> Response {
    // A server that is gone or hangs up is an answer too: tests that kill it look for this status.
    sent(port, request).await.unwrap_or_else(|_| {
        Response::builder().status(StatusCode::BAD_GATEWAY).body(Body::from("the server hung up")).unwrap()
    })
}

async fn sent(port: u16, mut request: Request) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
    // HTTP/1.1 wants the name; the server itself does not look at it, a proxy in front does.
    request.headers_mut().entry(HOST).or_insert(HeaderValue::from_static("localhost"));
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    // The whole answer, so that one that is cut off is a server that hung up.
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok(Response::from_parts(head, Body::from(body.collect().await?.to_bytes())))
}

/// Asks for one path; status and body.
pub async fn get(router: &Router, path: &str) -> (u16, String) {
    let request = Request::builder().uri(path).header("host", "localhost").body(Body::empty()).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8_lossy(&body).into_owned())
}
