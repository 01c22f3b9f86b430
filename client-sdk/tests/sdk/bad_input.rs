//! What nobody should send, and what must never be written down.

use std::cell::RefCell;
use std::io::Write;

use http::{Method, StatusCode};

use crate::browser::World;
use crate::provider::SECRET;

/// No malformed request is answered with an internal error, and none leads to an address nobody checked.
#[tokio::test]
async fn malformed_requests_meet_a_page() {
    let world = World::new().await;
    let long = "a".repeat(60_000);
    let values = ["%00", "%FF%FE", "%", "%zz", "%3Cscript%3E", "a&state=b", "%E2%80%AE", long.as_str(), ""];
    for value in values {
        for path in
            ["/auth/callback?state=", "/auth/callback?code=a&state=", "/auth/callback?error=", "/auth/callback?iss="]
        {
            let page = world.browser().get(&format!("{path}{value}")).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{path}{value:.20}");
            assert!(!page.body.contains("<script>"));
        }
        let page = world.browser().get(&format!("/auth/login?return_to={value}")).await;
        assert!(page.location().starts_with(&format!("{}/authorize?", world.provider.issuer)), "{value:.20}");
        let body = format!("logout_token={value}");
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let page = world.browser().send(Method::POST, "/auth/backchannel-logout", &headers, &body).await;
        assert!(page.status == StatusCode::BAD_REQUEST || page.status == StatusCode::PAYLOAD_TOO_LARGE, "{value:.20}");
    }
}

#[tokio::test]
async fn a_cookie_of_any_content_signs_nobody_in() {
    let world = World::new().await;
    let long = "a".repeat(4000);
    for value in ["", "a", "../../etc", "\"", "e30", long.as_str()] {
        let mut browser = world.browser();
        browser.cookies.insert("gapura_presensi_session".to_owned(), value.to_owned());
        browser.cookies.insert("gapura_presensi_login_abcdefghijklmnop".to_owned(), value.to_owned());
        assert_eq!(browser.get("/siapa").await.body, "tamu");
        assert_eq!(browser.get("/auth/callback?code=a&state=abcdefghijklmnop").await.status, StatusCode::BAD_REQUEST);
        assert_eq!(browser.open("/").await.body, "Siti Aminah");
    }
}

#[tokio::test]
async fn methods_that_are_not_offered_are_refused() {
    let world = World::new().await;
    for (method, path) in
        [(Method::POST, "/auth/login"), (Method::POST, "/auth/callback"), (Method::GET, "/auth/backchannel-logout")]
    {
        assert_eq!(world.browser().send(method, path, &[], "").await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

thread_local! {
    /// What this test's thread logged; the subscriber is one for all tests, which run on threads of their own.
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.as_mut().map(|log| log.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn neither_secrets_nor_tokens_nor_names_are_logged() {
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(|| Log).init();
    LOG.set(Some(Vec::new()));
    let world = World::new().await;
    let mut browser = world.signed_in().await;
    let cookie = browser.session_cookie().unwrap().clone();
    world.provider.clock.advance(301);
    browser.get("/").await;
    let logout = world.provider.logout_token(|_| ());
    for _ in 0..2 {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        browser.send(Method::POST, "/auth/backchannel-logout", &headers, &format!("logout_token={logout}")).await;
    }
    browser.get("/auth/callback?code=kode-rahasia&state=abc").await;
    world.provider.lie(|lies| lies.id_token = Box::new(|claims| claims["aud"] = "lain".into()));
    browser.open("/").await;
    let text = String::from_utf8(LOG.take().unwrap()).unwrap();
    assert!(text.contains("a logout message was refused") && text.contains("a request was refused"), "{text}");
    for hidden in [SECRET, "eyJ", &cookie, "segar-", "kode-", "Siti", "orang-1"] {
        assert!(!text.contains(hidden), "{hidden} stands in the log:\n{text}");
    }
}
