//! Where a request came from: what trusted proxies say, and nobody else (incident T9).

use std::net::SocketAddr;

use gapura_tests::{Pair, browser::Browser, city::City, run};

/// Fails to sign in from behind `peer`, which forwards for `forwarded`.
async fn fail(city: &City, peer: &str, forwarded: &str) {
    let peer: SocketAddr = format!("{peer}:40000").parse().unwrap();
    let mut browser: Browser = city.browser();
    browser.peer = peer;
    browser.extra.insert("x-forwarded-for", forwarded.parse().unwrap());
    browser.open("/masuk").await;
    browser.submit("password", &[("username", "tidak.ada"), ("password", "salah")]).await;
}

//= T9 test
#[test]
fn only_a_trusted_proxy_names_the_client() {
    run(Pair::SqliteMemory, |pair| async move {
        let city = City::under(pair, &[("SERVER__TRUSTED_PROXIES", "10.0.0.0/8")]).await;
        fail(&city, "10.0.0.2", "1.1.1.1, 203.0.113.9, 10.0.0.3").await;
        fail(&city, "198.51.100.4", "203.0.113.77").await;
        fail(&city, "10.0.0.5", "bukan alamat").await;
        let written = city.written();
        let audited = |address: &str| {
            let wanted = format!("\"address\":\"{address}\"");
            written.windows(wanted.len()).any(|window| window == wanted.as_bytes())
        };
        for address in ["203.0.113.9", "198.51.100.4", "10.0.0.5"] {
            assert!(audited(address), "{address}");
        }
        for address in ["1.1.1.1", "203.0.113.77", "10.0.0.2", "10.0.0.3"] {
            assert!(!audited(address), "{address}");
        }
    });
}
