//! The same browser and relying party against a real process: a router that passes each request on over a
//! connection of its own.

use axum::{Router, body::Body, extract::Request, http::StatusCode, response::Response};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

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

async fn sent(port: u16, request: Request) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?.map(Body::new))
}
