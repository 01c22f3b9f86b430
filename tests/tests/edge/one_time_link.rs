//! The one-time link that sets the first administrator's password: GET shows, POST uses, once.

use std::time::Duration;

use gapura_core::identity::LoginName;
use gapura_idp::edge::cookies;
use gapura_store::{
    one_time_links::{self, LinkPurpose, OneTimeLink},
    users,
};
use gapura_tests::{
    Pair,
    city::{City, PASSWORD, TEACHER},
    on_both_pairs,
};

on_both_pairs!(a_link_sets_a_password_once, a_link_ends_after_a_day, a_link_is_used_by_our_own_form_only);

const TOKEN: &str = "rahasia-sekali-pakai-0123456789abcdefghijkl";
const NEW: &str = "empat kata yang baru";

/// A link for the teacher's account; its address.
async fn link(city: &City) -> String {
    let name = LoginName::typed(TEACHER.login).unwrap();
    let user_id = users::find(&city.app.db, &name).await.unwrap().unwrap().id;
    let now = city.clock.now();
    let made = OneTimeLink {
        purpose: LinkPurpose::FirstPassword,
        user_id,
        expires_at: now.plus(Duration::from_secs(24 * 3600)),
    };
    let hash = cookies::hash(TOKEN);
    city.app.db.write(async move |tx| one_time_links::add(tx, &hash, &made, now).await).await.unwrap();
    format!("/tautan?kode={TOKEN}")
}

async fn a_link_sets_a_password_once(pair: Pair) {
    let city = City::new(pair).await;
    let address = link(&city).await;
    let mut old = city.browser();
    city.tokens(&mut old, &city.rp("presensi"), &TEACHER).await;
    for _ in 0..3 {
        assert_eq!(city.browser().open(&address).await.status, 200, "looking uses nothing");
    }
    let mut browser = city.browser();
    let page = browser.open(&address).await;
    assert!(page.text().contains(TEACHER.name), "{}", page.text());
    for (password, repeat, code) in [("kecil1", "kecil1", "short"), (NEW, "lain", "differs")] {
        let page = browser.submit("password", &[("password", password), ("repeat", repeat)]).await;
        assert_eq!(page.error_code().as_deref(), Some(code), "{}", page.text());
        assert!(!page.body.contains(password), "a password never comes back");
    }
    let done = browser.submit("password", &[("password", NEW), ("repeat", NEW)]).await;
    assert!(done.body.contains("id=\"password-set\""), "{}", done.text());
    assert_eq!(browser.open(&address).await.error_code().as_deref(), Some("link_invalid"));
    assert!(old.open("/").await.body.contains("id=\"guest\""), "what the account had open is ended");
    for (password, code) in [(PASSWORD, Some("no_match")), (NEW, None)] {
        browser.open("/masuk").await;
        let page = browser.submit("password", &[("username", TEACHER.login), ("password", password)]).await;
        assert_eq!(page.error_code().as_deref(), code, "{}", page.text());
    }
}

async fn a_link_ends_after_a_day(pair: Pair) {
    let city = City::new(pair).await;
    let address = link(&city).await;
    let mut browser = city.browser();
    browser.open(&address).await;
    city.advance(Duration::from_secs(24 * 3600));
    let late = browser.submit("password", &[("password", NEW), ("repeat", NEW)]).await;
    assert_eq!(late.error_code().as_deref(), Some("link_invalid"));
    for bad in ["/tautan", "/tautan?kode=", "/tautan?kode=x", "/tautan?kode=%00", &format!("{address}&kode=x")] {
        assert_eq!(city.browser().open(bad).await.error_code().as_deref(), Some("link_invalid"), "{bad}");
    }
}

async fn a_link_is_used_by_our_own_form_only(pair: Pair) {
    let city = City::new(pair).await;
    let address = link(&city).await;
    let mut browser = city.browser();
    browser.open(&address).await;
    let fields = [("kode", TOKEN), ("password", NEW), ("repeat", NEW)];
    for from in ["https://presensi.kota-contoh.go.id/", "https://example.com/"] {
        let page = browser.post_from(from, "/tautan", &fields).await;
        assert_eq!(page.error_code().as_deref(), Some("foreign_post"), "{from}");
    }
    browser.open(&address).await;
    let page = browser.submit("password", &[("password", NEW), ("repeat", NEW), ("token", "x")]).await;
    assert_eq!(page.error_code().as_deref(), Some("foreign_post"));
    assert_eq!(city.browser().open(&address).await.status, 200, "the link is still unused");
}
