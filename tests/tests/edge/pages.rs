//! What every page says about itself: nothing from elsewhere, no frame, no cache, small.

use std::collections::HashMap;

use gapura_tests::{
    Pair,
    browser::Page,
    city::{City, PUBLIC_URL, TEACHER},
    html, on_both_pairs,
};

on_both_pairs!(
    no_page_uses_another_origin,
    the_sign_in_page_is_small,
    a_typed_name_comes_back_escaped,
    every_answer_carries_the_headers_and_names_no_product,
    host_headers_shape_nothing
);

fn policy(page: &Page) -> HashMap<String, String> {
    let policy = page.header("content-security-policy");
    let split = |part: &str| part.trim().split_once(' ').map(|(name, rest)| (name.to_owned(), rest.to_owned()));
    policy.split(';').filter_map(split).collect()
}

async fn pages(city: &City) -> Vec<(&'static str, Page)> {
    let rp = city.rp("presensi");
    let (_, sign_in) = city.begin(&mut city.browser(), &rp, &[]).await;
    let mut browser = city.browser();
    let (_, refusal) = city.sign_in(&mut browser, &city.rp("keuangan"), &TEACHER, &[]).await;
    let home = browser.open("/").await;
    let sign_out = browser.open("/keluar").await;
    let error = city.browser().open("/authorize?client_id=siapa").await;
    let lost = city.browser().open("/tidak-ada").await;
    vec![
        ("sign-in", sign_in),
        ("refusal", refusal),
        ("home", home),
        ("sign-out", sign_out),
        ("error", error),
        ("lost", lost),
    ]
}

//= DAT-03 test
//= RFC9700#4.16 test
//= BSSN4-2021#13.d test
async fn no_page_uses_another_origin(pair: Pair) {
    let city = City::new(pair).await;
    for (name, page) in pages(&city).await {
        let policy = policy(&page);
        assert_eq!(policy.get("default-src").map(String::as_str), Some("'none'"), "{name}: {policy:?}");
        assert_eq!(policy.get("frame-ancestors").map(String::as_str), Some("'none'"), "{name}");
        assert_eq!(policy.get("base-uri").map(String::as_str), Some("'none'"), "{name}");
        for (directive, sources) in &policy {
            let foreign =
                sources.split(' ').any(|source| source.contains("://") || source == "*" || source.contains("unsafe"));
            // Only a form may lead to an application's checked address.
            assert!(!foreign || directive == "form-action", "{name}: {directive} {sources}");
        }
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{name}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{name}");
        assert_eq!(page.header("cache-control"), "no-store", "{name}");
        assert!(page.header("strict-transport-security").contains("max-age="), "{name}");
        assert!(!page.header("cross-origin-opener-policy").is_empty(), "{name}");
        for tag in html::tags(&page.body) {
            for attribute in ["src", "href", "action", "srcset", "poster", "data"] {
                let Some(address) = tag.get(attribute) else { continue };
                let is_link = tag.name == "a";
                assert!(is_link || !address.contains("//"), "{name}: <{} {attribute}={address}>", tag.name);
            }
            assert!(
                tag.get("style").is_none() && !tag.attributes.iter().any(|(name, _)| name.starts_with("on")),
                "{name}: {tag:?}"
            );
        }
    }
}

/// Login page with all its assets under 60 KB.
async fn the_sign_in_page_is_small(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    let (_, page) = city.begin(&mut browser, &city.rp("presensi"), &[]).await;
    let mut size = page.size;
    let mut assets = Vec::new();
    for tag in html::tags(&page.body) {
        let address = match tag.name.as_str() {
            "link" => tag.get("href"),
            "script" | "img" => tag.get("src"),
            _ => None,
        };
        assets.extend(address.map(ToOwned::to_owned));
    }
    let mut seen = 0;
    while let Some(address) = assets.get(seen).cloned() {
        seen += 1;
        let asset = city.browser().open(&address).await;
        assert_eq!(asset.status, 200, "{address}");
        assert!(
            asset.header("cache-control").contains("immutable") || asset.header("cache-control").contains("max-age")
        );
        size += asset.size;
        for used in asset.body.split("url(").skip(1) {
            let used = used.split(')').next().unwrap_or_default().trim_matches(['"', '\'']);
            if !used.starts_with("data:") {
                let used = page.url.join(&address).unwrap().join(used).unwrap().path().to_owned();
                if !assets.contains(&used) {
                    assets.push(used);
                }
            }
        }
    }
    assert!(assets.iter().any(|address| address.contains("woff2")) && size < 60_000, "{size} bytes: {assets:?}");
}

async fn a_typed_name_comes_back_escaped(pair: Pair) {
    let city = City::new(pair).await;
    let marked = "\"><img src=x onerror=alert(1)>&'";
    let mut browser = city.browser();
    city.begin(&mut browser, &city.rp("presensi"), &[]).await;
    let page = browser.submit("password", &[("username", marked), ("password", "x")]).await;
    assert!(!page.body.contains("<img src=x"), "{}", page.body);
    let page = browser.open(&format!("/masuk?interaksi={}&client_id={}", "%3Cb%3E", "%22%3E%3Cb%3E")).await;
    assert!(!page.body.contains("\"><b>"), "{}", page.body);
}

/// Our addresses come from the settings alone.
//= BSSN4-2021#13.e test
async fn every_answer_carries_the_headers_and_names_no_product(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let mut answers = pages(&city).await;
    for path in [
        "/.well-known/openid-configuration",
        "/jwks",
        "/userinfo",
        "/healthz",
        "/token",
        "/aset/tidak-ada",
        "/authorize",
    ] {
        answers.push((path, rp.get(path).await));
    }
    for (name, answer) in answers {
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{name}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{name}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{name}");
        assert!(answer.header("strict-transport-security").contains("max-age="), "{name}");
        for telling in ["server", "x-powered-by", "via"] {
            assert_eq!(answer.header(telling), "", "{name}");
        }
        let version = env!("CARGO_PKG_VERSION");
        let told = answer.headers.values().any(|value| value.to_str().is_ok_and(|value| value.contains(version)));
        assert!(!told && !answer.body.contains(&format!("v{version}")), "{name} tells the version");
    }
}

async fn host_headers_shape_nothing(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    for (name, value) in [
        ("x-forwarded-host", "jahat.example.com"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "host=jahat.example.com;proto=http"),
        ("x-original-url", "/keluar"),
        ("x-rewrite-url", "/keluar"),
    ] {
        browser.extra.insert(http::HeaderName::from_static(name), value.parse().unwrap());
    }
    let document = browser.open("/.well-known/openid-configuration").await;
    assert!(document.body.contains(PUBLIC_URL) && !document.body.contains("example.com"));
    let (_, page) = city.begin(&mut browser, &city.rp("presensi"), &[]).await;
    assert!(!page.body.contains("example.com") && page.body.contains("name=\"password\""));
}
