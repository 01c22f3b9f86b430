//! The first administrator: a link that works once, by POST, and stands in no log.

use std::{fs, os::unix::fs::PermissionsExt as _};

use gapura_tests::{Pair, browser::Browser, on_both_pairs, provider::Provider, wire};
use url::Url;

on_both_pairs!(a_link_sets_the_first_password_once);

const CHOSEN: &str = "pintu gerbang yang kokoh";

fn path_of(link: &str) -> String {
    let link = Url::parse(link).unwrap();
    format!("{}?{}", link.path(), link.query().unwrap())
}

async fn a_link_sets_the_first_password_once(pair: Pair) {
    let mut provider = Provider::new(pair);
    provider.serve();
    let made = provider.gapura_json(&["admin", "link"]);
    let link = made["link"].as_str().unwrap();
    assert!(link.starts_with(&provider.public_url), "{link}");
    let path = path_of(link);
    let mut browser = Browser::new(wire::router(provider.port()), Url::parse(&provider.public_url).unwrap());
    // Mail scanners open links, and open them again: nothing happens.
    for _ in 0..3 {
        assert_eq!(browser.open(&path).await.status, 200);
    }
    let page = browser.submit("password", &[("password", CHOSEN), ("repeat", CHOSEN)]).await;
    assert!(page.status.as_u16() < 400, "{}", page.body);
    assert!(browser.open(&path).await.status.as_u16() >= 400, "used up");
    let shown = provider.gapura_json(&["user", "show", "admin"]);
    assert_eq!(shown["password"], true);
    let token = path.split_once("kode=").unwrap().1;
    assert!(!provider.log().contains(token), "the log holds the link");
}

#[test]
fn without_a_terminal_it_asks_for_a_file_of_its_own() {
    let provider = Provider::new(Pair::SqliteMemory);
    let refused = provider.try_gapura(&["admin", "link"], "");
    assert_eq!(refused.status.code(), Some(2));
    assert!(refused.stdout.is_empty());
    let file = provider.folder().join("tautan.txt");
    provider.gapura(&["admin", "link", "--file", file.to_str().unwrap()]);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&file).unwrap().starts_with(&provider.public_url));
}
