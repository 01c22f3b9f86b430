//! Under one registrable domain a vendor's application is the sibling of the gate. In a real browser it cannot
//! post to us, set our cookies or frame us, whatever its pages try (docs/threat-model.md).

use std::time::Duration;

use axum::{
    Router,
    response::{AppendHeaders, Html, IntoResponse},
    routing::get,
};
use gapura_tests::{
    Pair,
    chromium::Chromium,
    front,
    provider::Provider,
    sample::{PASSWORD, TEACHER, register},
};

const GATE: &str = "https://sso.kota-contoh.go.id";
const SIBLING: &str = "https://presensi.kota-contoh.go.id";
const PATIENCE: Duration = Duration::from_secs(20);

/// Every trick of the sibling on one page; `?coba=` names the one to play.
const PAGE: &str = r#"<!doctype html><title>jahat</title><body><p id=siap>siap</p>
<form id=keluar method=post action="https://sso.kota-contoh.go.id/keluar"><input name=lanjut value=ya></form>
<form id=masuk method=post action="https://sso.kota-contoh.go.id/masuk"><input name=username value=penyerang><input name=password value=rahasia></form>
<script>
const coba = new URLSearchParams(location.search).get('coba');
if (coba === 'keluar' || coba === 'masuk') document.getElementById(coba).submit();
if (coba === 'bingkai') {
  const bingkai = document.createElement('iframe');
  bingkai.onload = () => { document.title = 'dimuat'; };
  bingkai.src = 'https://sso.kota-contoh.go.id/';
  document.body.append(bingkai);
}
if (coba === 'ambil') {
  fetch('https://sso.kota-contoh.go.id/', { credentials: 'include' })
    .then(jawab => jawab.text()).then(isi => { document.title = 'terbaca ' + isi.length; })
    .catch(() => { document.title = 'ditolak'; });
}
if (coba === 'kue') {
  for (const nama of ['gapura_session', '__Host-gapura_session', '__Host-gapura_browser'])
    document.cookie = nama + '=' + 'A'.repeat(43) + '; domain=kota-contoh.go.id; path=/; secure';
  document.title = 'ditulis';
}
</script>"#;

async fn sibling_page() -> impl IntoResponse {
    let cookie =
        |name: &str| ("set-cookie", format!("{name}={}; Domain=kota-contoh.go.id; Path=/; Secure", "A".repeat(43)));
    (
        AppendHeaders([cookie("__Host-gapura_session"), cookie("gapura_session"), cookie("__Host-gapura_browser")]),
        Html(PAGE),
    )
}

/// The sibling's server; its port.
async fn sibling() -> u16 {
    let router =
        Router::new().route("/auth/callback", get(async || Html("<p>kembali</p>"))).fallback(get(sibling_page));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

/// Whether the gate still knows the person of this browser.
async fn signed_in(browser: &Chromium) -> bool {
    browser.open(GATE).await;
    browser.text().await.contains(TEACHER.name)
}

//= RFC9700#4.16 test
//= RFC6749#10.12 test
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sibling_can_do_nothing_to_a_signed_in_person() {
    let mut provider = Provider::sample_city_at(Pair::SqliteMemory, GATE);
    register(&provider, "presensi", "e-Presensi", SIBLING);
    provider.serve();
    let hosts = ["sso.kota-contoh.go.id", "presensi.kota-contoh.go.id"];
    let gate = front::tls(&hosts[..1], provider.port()).await;
    let other = front::tls(&hosts[1..], sibling().await).await;
    let browser = Chromium::with_hosts(&[(hosts[0], gate), (hosts[1], other)]).await;

    // The sibling sets what it can before the person signs in.
    browser.open(&format!("{SIBLING}/?coba=kue")).await;
    browser.open(&authorize()).await;
    browser.sign_in(TEACHER.login, PASSWORD).await;
    browser.until_text("kembali", PATIENCE).await;
    assert!(signed_in(&browser).await);
    let cookies = browser.driver.get_all_cookies().await.unwrap();
    let session = cookies.iter().find(|cookie| cookie.name == "__Host-gapura_session").expect("our cookie");
    assert_ne!(session.value, "A".repeat(43), "the gate's session is not the sibling's");
    assert_eq!(session.domain.as_deref(), Some(hosts[0]), "bound to the gate's own host");

    // Its forms reach us, and do nothing.
    for trick in ["keluar", "masuk"] {
        browser.open(&format!("{SIBLING}/?coba={trick}")).await;
        until(&browser, |url, _| url.starts_with(GATE)).await;
        browser.the("#error").await;
        assert!(signed_in(&browser).await, "{trick}");
    }

    // It cannot overwrite our cookies afterwards either.
    browser.open(&format!("{SIBLING}/?coba=kue")).await;
    assert!(signed_in(&browser).await, "kue");

    // It can neither show us in a frame nor read us.
    browser.open(&format!("{SIBLING}/?coba=bingkai")).await;
    until(&browser, |_, title| title == "dimuat").await;
    let seen = "try { return String(frames[0].document.body.innerText) } catch (e) { return e.name }";
    assert_eq!(browser.script(seen).await, "SecurityError");
    browser.driver.enter_frame(0).await.unwrap();
    assert!(!browser.text().await.contains(TEACHER.name), "the frame shows the gate");
    browser.driver.enter_default_frame().await.unwrap();
    browser.open(&format!("{SIBLING}/?coba=ambil")).await;
    until(&browser, |_, title| title == "ditolak" || title.starts_with("terbaca")).await;
    assert_eq!(browser.driver.title().await.unwrap(), "ditolak");
    browser.quit().await;
}

fn authorize() -> String {
    let challenge = gapura_tests::relying_party::challenge(&"v".repeat(43));
    format!(
        "{GATE}/authorize?response_type=code&client_id=presensi&scope=openid&state=s&nonce=n&code_challenge={challenge}\
         &code_challenge_method=S256&redirect_uri=https%3A%2F%2Fpresensi.kota-contoh.go.id%2Fauth%2Fcallback"
    )
}

/// Waits until address and title are as wanted.
async fn until(browser: &Chromium, wanted: impl Fn(&str, &str) -> bool) {
    let started = std::time::Instant::now();
    loop {
        let [url, title] = [browser.url().await, browser.driver.title().await.unwrap()];
        if wanted(&url, &title) {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{url} {title}\n{}", browser.text().await);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}
