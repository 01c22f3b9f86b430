use axum::{Router, routing::get};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    served: tokio::task::JoinHandle<()>,
}

async fn running(router: Router, limits: Limits) -> Running {
    let listener = bind("127.0.0.1:0".parse().unwrap(), "server.listen").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let served = tokio::spawn(run(listener, router, limits, stopped));
    Running { address, stop, served }
}

async fn say(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A server that closes while bytes are still unread resets the connection; what it said counts.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn hello() -> Router {
    Router::new().route("/", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string()))
}

#[tokio::test]
async fn a_handler_knows_its_peer() {
    let server = running(hello(), Limits::new(16)).await;
    let answer = say(server.address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("127.0.0.1"), "{answer}");
}

#[tokio::test]
async fn too_large_a_head_is_answered_not_read() {
    let server = running(hello(), Limits::new(16)).await;
    let many = (0..10_000).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
    let long = format!("X-Long: {}\r\n", "y".repeat(100_000));
    for headers in [many, long] {
        let answer = say(server.address, &format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 431") || answer.is_empty(), "{answer}");
    }
    let still = say(server.address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(still.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_port_in_use_is_said_by_name() {
    let first = bind("127.0.0.1:0".parse().unwrap(), "server.listen").await.unwrap();
    let address = first.local_addr().unwrap();
    let why = bind(address, "server.listen").await.unwrap_err().to_string();
    assert!(why.contains(&address.to_string()) && why.contains("server.listen"), "{why}");
}

#[tokio::test]
async fn a_request_under_way_is_finished_before_the_end() {
    let (begun, mut begins) = tokio::sync::mpsc::channel(1);
    let (release, released) = watch::channel(false);
    let router = Router::new().route(
        "/",
        get(move || async move {
            begun.send(()).await.unwrap();
            released.clone().wait_for(|go| *go).await.unwrap();
            "done"
        }),
    );
    let server = running(router, Limits::new(16)).await;
    let request = tokio::spawn(say(server.address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    begins.recv().await.unwrap();
    server.stop.send(true).unwrap();
    release.send(true).unwrap();
    assert!(request.await.unwrap().ends_with("done"));
    server.served.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_head_that_trickles_is_cut_off() {
    let server = running(hello(), Limits { head: Duration::from_millis(100), ..Limits::new(16) }).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let mut sent = stream.write_all(b"GET / HTTP/1.1\r\n").await;
    while sent.is_ok() {
        // Each line comes in good time; the whole never does.
        tokio::time::sleep(Duration::from_millis(5)).await;
        sent = stream.write_all(b"X: y\r\n").await;
    }
}

#[tokio::test]
async fn a_silent_new_connection_is_cut_off() {
    let server = running(hello(), Limits { head: Duration::from_millis(50), ..Limits::new(16) }).await;
    let answer = say(server.address, "").await;
    assert!(answer.is_empty(), "{answer}");
}

#[tokio::test]
async fn an_idle_connection_outlives_the_limit_of_a_head_and_ends_by_its_own() {
    let limits = Limits { head: Duration::from_millis(100), idle: Duration::from_secs(2), ..Limits::new(16) };
    let server = running(hello(), limits).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for pause in [0, 250] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut begin = [0; 12];
        stream.read_exact(&mut begin).await.unwrap();
        assert_eq!(&begin, b"HTTP/1.1 200");
        let mut rest = Vec::new();
        while !rest.ends_with(b"127.0.0.1") {
            rest.push(stream.read_u8().await.unwrap());
        }
    }
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_client_that_never_reads_its_answers_is_cut_off() {
    let router = Router::new().route("/", get(async || vec![b'x'; 1 << 20]));
    let limits = Limits { head: Duration::from_millis(100), connections: 1, ..Limits::new(1) };
    let server = running(router, limits).await;
    let mut greedy = TcpStream::connect(server.address).await.unwrap();
    // More than the kernel holds for a reader that is away.
    for _ in 0..64 {
        greedy.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    }
    let next = tokio::time::timeout(
        Duration::from_secs(20),
        say(server.address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    );
    assert!(next.await.expect("the only place was never given back").starts_with("HTTP/1.1 200"));
    drop(greedy);
}
