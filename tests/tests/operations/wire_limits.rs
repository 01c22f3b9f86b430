//! Bad input over a real connection: each gets an answer or a closed connection, and the server goes on.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use gapura_tests::{Pair, provider::Provider};

/// Sends bytes as they are; the status line of the answer, empty where the server hung up.
fn told(port: u16, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // The server may refuse and close before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.take(4096).read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

//= T9 test
#[test]
fn bad_requests_over_sqlite_never_harm_the_server() {
    let mut provider = Provider::new(Pair::SqliteMemory);
    provider.serve();
    let port = provider.port();
    let many = (0..10_000).map(|number| format!("X-{number}: a\r\n")).collect::<String>();
    let long = "a".repeat(100_000);
    let get = |target: &str, headers: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: sso.localhost\r\nConnection: close\r\n{headers}\r\n").into_bytes()
    };
    let post = |path: &str, length: usize, body: &[u8]| {
        let kind = "application/x-www-form-urlencoded";
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: sso.localhost\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
        );
        [head.as_bytes(), body].concat()
    };
    let refused = [
        get("/authorize", &many),
        get(&format!("/authorize?client_id={long}"), ""),
        get("/authorize", &format!("Cookie: {long}\r\n")),
        post("/token", 100_000, long.as_bytes()),
        post("/masuk", 100_000, long.as_bytes()),
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"GET /\xff\xfe HTTP/1.1\r\nHost: sso.localhost\r\nConnection: close\r\n\r\n".to_vec(),
        b"GET /authorize?client_id=\x00 HTTP/1.1\r\nHost: sso.localhost\r\nConnection: close\r\n\r\n".to_vec(),
    ];
    for bytes in refused {
        let line = told(port, &bytes);
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        assert!(line.is_empty() || line.starts_with("HTTP/1.1 4"), "{shown}: {line}");
    }
    for path in ["/tidak-ada", "/%00", "/%ff", "/..%2f..%2fetc%2fpasswd"] {
        let line = told(port, &get(path, ""));
        assert!(line.starts_with("HTTP/1.1 4") || line.starts_with("HTTP/1.1 3"), "{path}: {line}");
    }
    // A page with nothing to go on with, but a page.
    assert!(!told(port, &get("/masuk?%ff=%00", "")).contains(" 5"));
    assert!(told(port, &get("/healthz", "")).starts_with("HTTP/1.1 200"));
    assert_eq!(provider.stop(), Some(0), "SIGTERM drains and ends well");
}
