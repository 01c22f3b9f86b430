//! The listening loop: our own, because `axum::serve` sets no timer.
//!
//! The story: sockets are bound before anything else, so that a port in use is said at once; each
//! connection passes [`tls`], where this server speaks it itself, and the [`pace`] that bounds how long a
//! request's head may take and how long it may idle; on SIGTERM nothing new is accepted, requests under
//! way are finished, and after four seconds the rest is dropped (docs/operations.md).

pub mod descriptors;
mod pace;
mod routes;
mod tls;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::extract::ConnectInfo;
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::TokioTimer,
    server::graceful::{GracefulShutdown, Watcher},
};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tokio_rustls::server::TlsStream;
use tower::ServiceExt as _;

use pace::{Pace, Paced};
pub use routes::Routes;
pub use tls::{Tls, TlsError};

/// Bytes of request line and headers together; hyper answers 431 above it.
const HEAD_BYTES: usize = 16 * 1024;
/// Headers of one request; hyper answers 431 above it.
const HEADERS: usize = 100;
/// What is left after a stop signal may take this long; the process must be gone within five
/// seconds.
const DRAIN: Duration = Duration::from_secs(4);

/// What one server grants its connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections held at the same time.
    pub connections: usize,
    /// From the first byte of a request to the end of its headers; how long a TLS handshake may take, and how
    /// long a client may take nothing of its answer.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
}

impl Limits {
    /// Ten seconds for a head, 75 between two requests (docs/faults.md).
    pub const fn new(connections: usize) -> Self {
        Self { connections, head: Duration::from_secs(10), idle: Duration::from_secs(75) }
    }
}

/// A socket cannot be had.
#[derive(Debug, Error)]
pub enum BindError {
    /// Somebody listens there.
    #[error("{0} is in use: another program listens there. Stop it, or set {1} to another address")]
    InUse(SocketAddr, &'static str),
    /// Anything else: no such address here, no permission.
    #[error("cannot listen at {0} ({1}): {2}")]
    Unavailable(SocketAddr, &'static str, std::io::Error),
}

/// Binds a socket; `key` is the setting that names it.
pub async fn bind(address: SocketAddr, key: &'static str) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|why| match why.kind() {
        std::io::ErrorKind::AddrInUse => BindError::InUse(address, key),
        _ => BindError::Unavailable(address, key, why),
    })
}

/// A bound socket, and what is spoken on it.
pub struct Entrance {
    /// The socket.
    pub listener: TcpListener,
    /// TLS and nothing else, or plain HTTP and nothing else.
    pub tls: Option<Arc<Tls>>,
}

impl From<TcpListener> for Entrance {
    fn from(listener: TcpListener) -> Self {
        Self { listener, tls: None }
    }
}

/// What all connections of one entrance share.
struct Serving {
    tls: Option<Arc<Tls>>,
    routes: Routes,
    limits: Limits,
    stop: watch::Receiver<bool>,
}

/// Serves until `stop` turns true, then drains.
pub async fn run(
    entrance: impl Into<Entrance>,
    routes: impl Into<Routes>,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let Entrance { listener, tls } = entrance.into();
    let serving = Arc::new(Serving { tls, routes: routes.into(), limits, stop: stop.clone() });
    let places = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stopped| *stopped) => break,
            accepted = accept(&listener, &places) => accepted,
        };
        if let Some(accepted) = accepted {
            tokio::spawn(serve_connection(accepted, Arc::clone(&serving), graceful.watcher()));
        }
    }
    drop(listener);
    // Connections still open after the time are dropped with the runtime.
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}

type Accepted = (TcpStream, SocketAddr, OwnedSemaphorePermit);

/// Waits for a free place first, so that connections beyond the bound wait in the kernel.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(why) => {
            tracing::warn!(error = %why, "a connection was not accepted");
            // Out of file descriptors: without a pause this loop would take a whole core.
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn serve_connection((stream, peer, place): Accepted, serving: Arc<Serving>, watcher: Watcher) {
    // Small answers leave at once; on failure they merely leave later.
    let _ = stream.set_nodelay(true);
    match &serving.tls {
        None => speak((stream, peer), &serving, watcher).await,
        Some(tls) => {
            if let Some(stream) = shake_hands(tls, stream, &serving).await {
                speak((stream, peer), &serving, watcher).await;
            }
        }
    }
    drop(place);
}

/// A handshake has the time of a head, and none once the server stops.
async fn shake_hands(tls: &Tls, stream: TcpStream, serving: &Serving) -> Option<TlsStream<TcpStream>> {
    let mut stop = serving.stop.clone();
    let shaken = tokio::select! {
        _ = stop.wait_for(|stopped| *stopped) => return None,
        shaken = tokio::time::timeout(serving.limits.head, tls.acceptor().accept(stream)) => shaken,
    };
    match shaken {
        Ok(Ok(stream)) => Some(stream),
        // Plain HTTP, an old version, a scanner: its own affair.
        Ok(Err(why)) => {
            tracing::debug!(error = %why, "no TLS");
            None
        }
        Err(_) => None,
    }
}

async fn speak<S>((stream, peer): (S, SocketAddr), serving: &Serving, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (limits, routes) = (serving.limits, serving.routes.clone());
    let pace = Arc::new(Pace::new());
    let io = Paced::new(stream, Arc::clone(&pace), limits.head);
    let service = service_fn(move |mut request: Request<Incoming>| {
        pace.head_complete();
        request.extensions_mut().insert(ConnectInfo(peer));
        let (router, pace) = (routes.now(), Arc::clone(&pace));
        async move {
            let answer = router.oneshot(request).await;
            pace.answered();
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(io, service);
    // A client that hung up or sent no HTTP is its own affair.
    if let Err(why) = watcher.watch(connection).await {
        tracing::debug!(error = %why, "connection ended");
    }
}

#[cfg(test)]
mod tests;
