use std::path::Path;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

fn settings() -> Settings {
    Settings::defaults(Path::new("/nowhere")).unwrap()
}

fn outbound(allow: &[&str]) -> Outbound {
    let mut settings = settings();
    settings.outbound.allow = allow.iter().map(|net| net.parse().unwrap()).collect();
    Outbound::new(&settings).unwrap()
}

/// A server that answers every connection with the same bytes; its port.
async fn answering(bytes: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(bytes).await;
        }
    });
    port
}

//= T18 test
#[tokio::test]
async fn inner_addresses_are_refused_unless_listed() {
    let closed = outbound(&[]);
    for url in [
        "http://127.0.0.1:1/",
        "http://10.0.0.7/",
        "https://10.0.0.7/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]:1/",
        "http://[::ffff:10.0.0.7]/",
        "http://0x7f.1:1/",
        "http://2130706433:1/",
        "http://0:1/",
        "http://192.168.0.1/",
        "https://[fd00::1]/",
        "ftp://8.8.8.8/",
        "http://8.8.8.8/",
        "https://u:p@8.8.8.8/",
        "file:///etc/passwd",
        "x",
        "",
    ] {
        assert!(matches!(closed.check(url).await, Err(OutboundError::Refused(_))), "{url}");
    }
    let open = outbound(&["10.0.0.0/8"]);
    for url in ["http://10.0.0.7/", "https://10.255.0.7/logout", "https://8.8.8.8/", "http://[::ffff:10.0.0.7]/"] {
        assert!(open.check(url).await.is_ok(), "{url}");
    }
    assert!(open.check("http://192.168.0.1/").await.is_err());
}

#[tokio::test]
async fn names_of_this_machine_are_for_a_gate_on_this_machine() {
    assert!(outbound(&[]).check("http://presensi.localhost:8081/logout").await.is_ok());
    let file = Path::new("/nowhere");
    let mut settings = Settings::defaults(file).unwrap();
    settings.server.public_url = crate::settings::Origin::parse("https://sso.kota-contoh.go.id").unwrap();
    let production = Outbound::new(&settings).unwrap();
    assert!(production.check("http://presensi.localhost:8081/logout").await.is_err());
}

#[tokio::test]
async fn our_own_listeners_are_never_called() {
    let open = outbound(&["127.0.0.0/8"]);
    for url in ["http://localhost:8080/revoke", "http://127.0.0.1:8080/", "http://127.0.0.1:9080/metrics"] {
        assert!(matches!(open.check(url).await, Err(OutboundError::Refused(_))), "{url}");
    }
    let mut settings = settings();
    settings.server.listen = "0.0.0.0:8080".parse().unwrap();
    settings.outbound.allow = vec!["127.0.0.0/8".parse().unwrap()];
    let everywhere = Outbound::new(&settings).unwrap();
    assert!(everywhere.check("http://127.0.0.5:8080/").await.is_err());
    assert!(everywhere.check("http://127.0.0.5:8081/").await.is_ok());
    let mut behind_a_proxy = self::settings();
    behind_a_proxy.server.public_url = crate::settings::Origin::parse("https://sso.localhost").unwrap();
    let behind_a_proxy = Outbound::new(&behind_a_proxy).unwrap();
    for url in ["https://sso.localhost/revoke", "https://SSO.localhost./revoke"] {
        assert!(behind_a_proxy.check(url).await.is_err(), "{url}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let port = answering(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9080/\r\nContent-Length: 0\r\n\r\n").await;
    let answer = outbound(&[]).post_form(&format!("http://app.localhost:{port}/x?y=z"), "a=b".into()).await.unwrap();
    assert_eq!(answer.status, 302);
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
    });
    let answer = outbound(&[]).post_form(&format!("http://app.localhost:{port}/"), String::new()).await;
    assert!(matches!(answer, Err(OutboundError::NoAnswer)), "{answer:?}");
}

#[tokio::test]
async fn nobody_there_and_no_http_are_told_apart() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let gone = outbound(&[]).post_form(&format!("http://app.localhost:{free}/"), String::new()).await;
    assert!(matches!(gone, Err(OutboundError::NoConnection)), "{gone:?}");
    let port = answering(b"SSH-2.0-x\r\n").await;
    let odd = outbound(&[]).post_form(&format!("http://app.localhost:{port}/"), String::new()).await;
    assert!(matches!(odd, Err(OutboundError::NoAnswer)), "{odd:?}");
}
