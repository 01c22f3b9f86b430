//! A state-changing request comes from our own pages, from this browser, or not at all.

use axum::body::Body;
use gapura_tests::{
    Pair,
    browser::{Browser, Page, encoded},
    city::{City, PASSWORD, PUBLIC_URL, TEACHER},
    on_both_pairs,
};
use http::{Request, header};

on_both_pairs!(
    only_our_own_pages_may_post,
    a_post_without_any_header_needs_this_browser_s_interaction,
    a_sibling_s_form_is_refused
);

fn jar(browser: &Browser) -> String {
    browser.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

/// The sign-in form, sent with the given provenance.
async fn sent(city: &City, browser: &mut Browser, headers: &[(&str, &str)], cookies: &str) -> Page {
    let (_, page) = city.begin(browser, &city.rp("presensi"), &[]).await;
    let form = page.form("password");
    let mut fields = form.fields.clone();
    fields.retain(|(name, _)| name != "username" && name != "password");
    fields.extend([("username".to_owned(), TEACHER.login.to_owned()), ("password".to_owned(), PASSWORD.to_owned())]);
    let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>();
    let target = page.url.join(&form.action).unwrap();
    let target = target.as_str().strip_prefix(PUBLIC_URL).unwrap();
    let cookies = if cookies == "own" { jar(browser) } else { cookies.to_owned() };
    let mut request = Request::post(target)
        .header(header::HOST, "sso.kota-contoh.go.id")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::COOKIE, cookies);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    browser.send(request.body(Body::from(encoded(&fields))).unwrap()).await
}

/// Whether the person is signed in by this answer.
fn signed_in(page: &Page) -> bool {
    let cookies = page.headers.get_all("set-cookie");
    cookies.iter().any(|line| {
        line.to_str().unwrap().starts_with("__Host-gapura_session=") && !line.to_str().unwrap().contains("Max-Age=0")
    })
}

//= RFC6749#10.12 test
async fn only_our_own_pages_may_post(pair: Pair) {
    let city = City::new(pair).await;
    for good in [
        &[("sec-fetch-site", "same-origin")][..],
        &[("origin", PUBLIC_URL)],
        &[("sec-fetch-site", "same-origin"), ("origin", PUBLIC_URL)],
    ] {
        let page = sent(&city, &mut city.browser(), good, "own").await;
        assert!(signed_in(&page), "{good:?}: {} {}", page.status, page.text());
    }
    for bad in [
        &[("sec-fetch-site", "same-site")][..],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "same-origin, cross-site")],
        &[("origin", "https://presensi.kota-contoh.go.id")],
        &[("origin", "null")],
        &[("origin", "https://sso.kota-contoh.go.id.example.com")],
        &[("origin", "http://sso.kota-contoh.go.id")],
        &[("origin", "https://sso.kota-contoh.go.id:8443")],
        &[("sec-fetch-site", "same-site"), ("origin", PUBLIC_URL)],
    ] {
        let page = sent(&city, &mut city.browser(), bad, "own").await;
        assert!(!signed_in(&page) && page.status.is_client_error(), "{bad:?}: {} {}", page.status, page.text());
    }
}

async fn a_post_without_any_header_needs_this_browser_s_interaction(pair: Pair) {
    let city = City::new(pair).await;
    let page = sent(&city, &mut city.browser(), &[], "own").await;
    assert!(signed_in(&page), "an old browser sends neither header: {} {}", page.status, page.text());
    for cookies in ["", "__Host-gapura_browser=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let page = sent(&city, &mut city.browser(), &[], cookies).await;
        assert!(!signed_in(&page), "{cookies}: {:?}", page.location());
    }
}

/// What a vendor's application under the same domain can do: make the browser post its own form.
async fn a_sibling_s_form_is_refused(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    city.tokens(&mut browser, &city.rp("presensi"), &TEACHER).await;
    for path in ["/keluar", "/logout", "/masuk"] {
        for from in ["https://jahat.kota-contoh.go.id/", "https://example.com/"] {
            let page = browser.post_from(from, path, &[("username", TEACHER.login), ("password", PASSWORD)]).await;
            assert!(!page.status.is_server_error(), "{path}: {}", page.status);
        }
    }
    city.enter(&mut browser, &city.rp("presensi")).await;
}
