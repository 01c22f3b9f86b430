//! TLS at our own door, by clients that are not ours.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream as Plain,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::Arc,
};

use gapura_tests::{
    provider::{program, signal},
    servers::{free_port, wait_until},
};
use rcgen::CertifiedKey;
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    pki_types::{CertificateDer, ServerName},
    version::{TLS12, TLS13},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A server with a certificate of the test's own.
struct Door {
    folder: TempDir,
    port: u16,
    running: Option<Child>,
}

fn certificate(folder: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["sso.localhost".to_owned()]).unwrap();
    for (name, text) in [("tls.key", signing_key.serialize_pem()), ("tls.pem", cert.pem())] {
        let aside = folder.join(format!("{name}.baru"));
        fs::write(&aside, text).unwrap();
        fs::set_permissions(&aside, fs::Permissions::from_mode(0o640)).unwrap();
        fs::rename(aside, folder.join(name)).unwrap();
    }
    cert.der().clone()
}

fn gapura(folder: &Path, port: u16, public_url: &str) -> Command {
    let mut command = Command::new(program("gapura"));
    command.arg("serve").current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.env("GAPURA__SERVER__LISTEN", format!("127.0.0.1:{port}"));
    command.env("GAPURA__OPS__LISTEN", format!("127.0.0.1:{}", free_port()));
    command.env("GAPURA__SERVER__PUBLIC_URL", public_url);
    command.env("GAPURA__TLS__CERT_FILE", "tls.pem").env("GAPURA__TLS__KEY_FILE", "tls.key");
    command
}

impl Door {
    fn open() -> (Self, CertificateDer<'static>) {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let shown = certificate(folder.path());
        let mut command = gapura(folder.path(), port, &format!("https://sso.localhost:{port}"));
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let running = Some(command.stderr(log).spawn().unwrap());
        let door = Self { folder, port, running };
        wait_until("gapura serve to answer", || Plain::connect(("127.0.0.1", port)).is_ok(), || door.log());
        (door, shown)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn signal(&self, name: &str) {
        signal(name, self.running.as_ref().unwrap().id());
    }

    /// A connection of a client that trusts one certificate.
    async fn connect(
        &self,
        trusted: &CertificateDer<'static>,
        version: &'static SupportedProtocolVersion,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let name = ServerName::try_from("sso.localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Some(child) = &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Asks for discovery over a connection that stays; the answer.
async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    let request = "GET /.well-known/openid-configuration HTTP/1.1\r\nHost: sso.localhost\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let mut some = [0; 4096];
        let read = stream.read(&mut some).await.unwrap();
        assert!(read > 0, "closed after {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&some[..read]);
    }
    String::from_utf8(answer).unwrap()
}

//= BSSN4-2021#1.g test
#[tokio::test(flavor = "multi_thread")]
async fn both_modern_versions_are_spoken_and_nothing_else() {
    let (door, shown) = Door::open();
    for version in [&TLS12, &TLS13] {
        let mut stream = door.connect(&shown, version).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let answer = ask(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("strict-transport-security"), "{answer}");
    }
    let refused = |version: &str| {
        let to = format!("127.0.0.1:{}", door.port);
        let mut client = Command::new("openssl");
        client.args(["s_client", version, "-cipher", "ALL:@SECLEVEL=0", "-connect", &to]).stdin(Stdio::null());
        let done = client.output().unwrap();
        // The server says no, and not the client to itself.
        !done.status.success() && String::from_utf8_lossy(&done.stderr).contains("SSL alert number")
    };
    assert!(!refused("-tls1_2") && refused("-tls1_1") && refused("-tls1"));
    let mut plain = Plain::connect(("127.0.0.1", door.port)).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: sso.localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"), "plain HTTP was answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_taken_over_and_connections_go_on() {
    let (mut door, first) = Door::open();
    let mut before = door.connect(&first, &TLS13).await.unwrap();
    ask(&mut before).await;
    let second = certificate(door.folder.path());
    door.signal("HUP");
    while door.connect(&second, &TLS13).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(door.connect(&first, &TLS13).await.is_err(), "new connections see the new one");
    ask(&mut before).await;

    // A broken pair is said once, and the good one stays.
    fs::write(door.folder.path().join("tls.pem"), "-----BEGIN CERTIFICATE-----\n").unwrap();
    let complaint = "the new certificate cannot be used";
    door.signal("HUP");
    wait_until("the complaint", || door.log().contains(complaint), || door.log());
    door.signal("HUP");
    wait_until("the second look", || door.log().matches("settings read again").count() >= 3, || door.log());
    assert_eq!(door.log().matches(complaint).count(), 1, "{}", door.log());
    ask(&mut door.connect(&second, &TLS12).await.unwrap()).await;
    ask(&mut before).await;

    door.signal("TERM");
    assert_eq!(door.running.take().unwrap().wait().unwrap().code(), Some(0), "drained");
}

fn refused(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(3), "{said}");
    said
}

//= BSSN4-2021#1.g test
#[test]
fn a_server_that_would_be_reached_without_tls_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let plain = |url: &str| {
        let mut command = gapura(folder.path(), free_port(), url);
        command.env_remove("GAPURA__TLS__CERT_FILE").env_remove("GAPURA__TLS__KEY_FILE");
        refused(&mut command)
    };
    assert!(plain("http://sso.kota-contoh.go.id").contains("Use https"));
    assert!(plain("http://10.0.0.1:8080").contains("Use https"));
    let said = refused(&mut gapura(folder.path(), free_port(), "http://sso.localhost:1"));
    assert!(said.contains("tls.cert_file") && said.contains("https://"), "{said}");
}

#[test]
fn a_certificate_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let start = || refused(&mut gapura(folder.path(), free_port(), "https://sso.kota-contoh.go.id"));
    assert!(start().contains("tls.pem cannot be read"));
    certificate(folder.path());
    let key = folder.path().join("tls.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(start().contains("may be read by everybody"));
    let other = tempfile::tempdir().unwrap();
    certificate(other.path());
    fs::copy(other.path().join("tls.key"), &key).unwrap();
    let said = start();
    assert!(said.contains("tls.pem cannot be used") && said.contains("tls.key"), "{said}");
    let mut alone = gapura(folder.path(), free_port(), "https://sso.kota-contoh.go.id");
    assert!(refused(alone.env_remove("GAPURA__TLS__KEY_FILE")).contains("belong together"));
}
