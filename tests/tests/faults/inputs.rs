//! Every input of a decision broken in turn: the decision is no, never a check less (incident T9).
//!
//! A person is signed in, with an access token, a refresh token and a code not redeemed yet. Then one thing that a
//! decision rests on is broken, and every door that rests on it must be shut.

use std::process::Command;

use gapura_core::oauth::{SignatureAlg, SigningKeyState};
use gapura_idp::{
    keys::{root::RootKey, signing::generate},
    router,
};
use gapura_store::{
    ephemeral::{Entry, Kind},
    signing_keys,
};
use gapura_tests::{
    Pair,
    browser::{Browser, Page, parameter},
    city::{City, PASSWORD, PUBLIC_URL, TEACHER},
    relying_party::{RelyingParty, Started},
    run,
};
use sha2::{Digest as _, Sha256};

const SESSION: &str = "__Host-gapura_session";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// A silent entry with the session's cookie.
    Entry,
    Code,
    Refresh,
    Userinfo,
    Introspection,
    /// The right password.
    SignIn,
    /// Our own page for who is signed in.
    Home,
}

use Door::{Code, Entry as EntryDoor, Home, Introspection, Refresh, SignIn, Userinfo};

const EVERY: &[Door] = &[EntryDoor, Code, Refresh, Userinfo, Introspection, SignIn, Home];
/// What goes through an application: our own page does not.
const APPLICATIONS: &[Door] = &[EntryDoor, Code, Refresh, Userinfo, Introspection];
const TOKENS: &[Door] = &[Refresh, Userinfo, Introspection];

/// Statements that break what is stored, and the doors that rest on it. Those that concern copies move their
/// generation, as a change does.
const BROKEN: &[(&str, &[Door])] = &[
    ("ALTER TABLE users RENAME TO orang", EVERY),
    ("UPDATE users SET status = 'aneh'", EVERY),
    ("UPDATE users SET kind = 'aneh'", EVERY),
    ("UPDATE users SET epoch = 'aneh'", EVERY),
    ("DROP TABLE session_clients; DROP TABLE sessions", EVERY),
    ("UPDATE sessions SET amr = X'ff'", &[EntryDoor, Code, Refresh, Userinfo, Introspection, Home]),
    ("UPDATE sessions SET expires_at = 'besok'", &[EntryDoor, Code, Refresh, Userinfo, Introspection, Home]),
    (
        "UPDATE sessions SET end_reason = 'aneh', ended_at = 1",
        &[EntryDoor, Code, Refresh, Userinfo, Introspection, Home],
    ),
    ("UPDATE refresh_families SET expires_at = 'besok'", TOKENS),
    ("UPDATE refresh_families SET scopes = X'ff'", TOKENS),
    ("UPDATE refresh_families SET user_id = NULL", TOKENS),
    ("UPDATE refresh_families SET revoke_reason = 'aneh', revoked_at = 1", TOKENS),
    ("DELETE FROM refresh_tokens; DELETE FROM refresh_families", TOKENS),
    ("UPDATE refresh_tokens SET token_hash = X'00'", &[Refresh]),
    ("UPDATE refresh_tokens SET expires_at = 'besok'", &[Refresh]),
    ("UPDATE assignments SET kind = 'aneh'", APPLICATIONS),
    ("UPDATE assignments SET valid_from = 'kemarin'", APPLICATIONS),
    ("DROP TABLE assignments", APPLICATIONS),
    ("DROP TABLE role_grants", APPLICATIONS),
    ("UPDATE role_rules SET predicate = '{'; UPDATE generations SET generation = generation + 1", APPLICATIONS),
    (
        "UPDATE role_rules SET predicate = '{\"aneh\": 1}'; UPDATE generations SET generation = generation + 1",
        APPLICATIONS,
    ),
    ("DELETE FROM role_rules; UPDATE generations SET generation = generation + 1", APPLICATIONS),
    ("UPDATE clients SET auth_method = 'aneh'; UPDATE generations SET generation = generation + 1", APPLICATIONS),
    ("UPDATE clients SET redirect_uris = '['; UPDATE generations SET generation = generation + 1", APPLICATIONS),
    ("DROP TABLE generations", APPLICATIONS),
    ("UPDATE generations SET generation = 'aneh'", APPLICATIONS),
    ("UPDATE passwords SET hash = 'rusak'", &[SignIn]),
    ("UPDATE passwords SET hash = ''", &[SignIn]),
    ("DROP TABLE sign_in_throttles", &[SignIn]),
];

/// A person with everything.
struct Guest {
    browser: Browser,
    rp: RelyingParty,
    access_token: String,
    refresh_token: String,
    started: Started,
    code: String,
}

impl Guest {
    async fn of(city: &City) -> Self {
        let mut browser = city.browser();
        let rp = city.rp("presensi");
        let tokens = city.tokens(&mut browser, &rp, &TEACHER).await;
        let (started, page) = city.begin(&mut browser, &rp, &[]).await;
        let code = rp.code(&started, &page);
        let (access_token, refresh_token) = (tokens.access_token(), tokens.refresh_token());
        Self { browser, rp, access_token, refresh_token, started, code }
    }

    /// Whether a door lets in, and what it answers where not.
    async fn passes(&mut self, city: &City, door: Door) -> (bool, Page) {
        let page = match door {
            EntryDoor => {
                let asked = self.rp.start(&[("prompt", "none")]);
                let page = self.browser.follow(&self.rp.redirect_uri, &asked.url).await;
                return (page.location().is_some_and(|next| parameter(&next, "code").is_some()), page);
            }
            Code => self.rp.token(&self.rp.redemption(&self.started, &self.code)).await,
            Refresh => self.rp.refresh(&self.refresh_token).await,
            Userinfo => self.rp.userinfo(&self.access_token).await,
            Introspection => {
                let page = self.rp.call("/introspect", &[("token".to_owned(), self.access_token.clone())]).await;
                return (page.body.contains("\"active\":true"), page);
            }
            SignIn => {
                let mut browser = city.browser();
                browser.open("/masuk").await;
                let page = browser.submit("password", &[("username", TEACHER.login), ("password", PASSWORD)]).await;
                return (browser.cookies().iter().any(|(name, _)| name == SESSION), page);
            }
            Home => {
                let page = self.browser.open("/").await;
                return (page.body.contains(TEACHER.name), page);
            }
        };
        (page.status == 200, page)
    }
}

fn sqlite(city: &City, sql: &str) {
    let done = Command::new("sqlite3").args(["-cmd", ".timeout 10000", &city.database, sql]).output().unwrap();
    assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
}

//= T9 test
#[test]
fn whatever_is_broken_in_the_database_shuts_the_doors_that_rest_on_it() {
    run(Pair::SqliteMemory, |pair| async move {
        // Unbroken, every door is open: otherwise the table below would prove nothing.
        let city = City::new(pair).await;
        let mut guest = Guest::of(&city).await;
        for door in [EntryDoor, Userinfo, Introspection, Home, SignIn, Code, Refresh] {
            assert!(guest.passes(&city, door).await.0, "{door:?} is shut from the beginning");
        }
        for (sql, doors) in BROKEN {
            let city = City::new(pair).await;
            let mut guest = Guest::of(&city).await;
            sqlite(&city, &format!("PRAGMA foreign_keys = OFF; {sql}"));
            // As the job does four times a second.
            let _ = city.app.copies.refresh().await;
            tokio::time::sleep(std::time::Duration::from_millis(if sql.contains("generation") { 1050 } else { 0 }))
                .await;
            for door in *doors {
                let (passed, page) = guest.passes(&city, *door).await;
                assert!(!passed, "{sql}: {door:?} is open");
                for inner in ["sqlx", "rusqlite", "no such table", ".rs:", "aneh", "corrupt"] {
                    assert!(!page.body.contains(inner), "{sql}: {door:?} tells {inner}: {}", page.body);
                }
            }
        }
    });
}

/// Entries of short-lived state that are not what they should be.
//= T9 test
#[test]
fn a_broken_entry_is_no_entry() {
    run(Pair::SqliteMemory, |pair| async move {
        for value in [&b""[..], b"{", b"null", b"{}", b"[1,2]", b"\xff\xfe"] {
            let city = City::new(pair).await;
            let (rp, now) = (city.rp("presensi"), city.clock.now());
            let entry = Entry { value, expires_at: now.plus(std::time::Duration::from_secs(50)) };
            let code = "kode-yang-rusak";
            let key: String = Sha256::digest(code).iter().map(|byte| format!("{byte:02x}")).collect();
            city.app.ephemeral.put(Kind::Code, &key, entry, now).await.unwrap();
            city.app.ephemeral.put(Kind::Interaction, "rusak", entry, now).await.unwrap();
            city.app.ephemeral.put(Kind::PostedRequest, "rusak", entry, now).await.unwrap();
            let answer = rp.token(&rp.redemption(&rp.start(&[]), code)).await;
            assert!(answer.status.as_u16() >= 400 && !answer.body.contains("token\":"), "{value:?}: {}", answer.body);
            let mut browser = city.browser();
            let page = browser.open("/masuk?interaksi=rusak&client_id=presensi").await;
            assert!(page.status.as_u16() >= 400 && !page.body.contains("name=\"password\""), "{value:?}");
            let page = browser.open("/authorize?kiriman=rusak").await;
            assert!(page.status.as_u16() >= 400 && page.location().is_none(), "{value:?}");
        }
    });
}

/// What a browser or a proxy sends broken: no session, no other address, no check less.
//= T9 test
#[test]
fn a_broken_cookie_or_address_opens_nothing() {
    run(Pair::SqliteMemory, |pair| async move {
        let city = City::under(pair, &[("SERVER__TRUSTED_PROXIES", "127.0.0.0/8")]).await;
        let mut guest = Guest::of(&city).await;
        let good = guest.browser.cookies().iter().find(|(name, _)| name == SESSION).unwrap().1.clone();
        let bad = [
            String::new(),
            "x".repeat(43),
            good.chars().take(42).collect(),
            format!("{good}A"),
            format!("\"{good}\""),
            good.to_lowercase().replace('_', "-"),
            good.chars().rev().collect(),
            format!("{good}; {SESSION}={}", "y".repeat(43)),
            "%00".repeat(14),
        ];
        for value in bad {
            guest.browser.set_cookie(SESSION, &value);
            for door in [EntryDoor, Home] {
                assert!(!guest.passes(&city, door).await.0, "{value}: {door:?} is open");
            }
        }
        // Addresses that cannot be read count as the proxy's own: the throttle is asked all the same.
        for address in ["", "bukan alamat", "999.1.1.1", "for=\"1.1.1.1", "::ffff", "1.1.1.1, , 2.2.2.2", "\u{e9}"] {
            let mut refused = 0;
            for _ in 0..12 {
                let mut browser = city.browser();
                for header in ["x-forwarded-for", "forwarded"] {
                    let value = http::HeaderValue::from_bytes(address.as_bytes()).unwrap();
                    browser.extra.insert(http::HeaderName::from_static(header), value);
                }
                browser.open("/masuk").await;
                let name = format!("orang-{}", address.len());
                let page = browser.submit("password", &[("username", &name), ("password", "salah")]).await;
                assert!(page.status == 400 || page.status == 429, "{address}: {}", page.status);
                refused += u32::from(page.status == 429);
            }
            assert!(refused > 0, "{address}: nobody was slowed down");
        }
    });
}

/// No signing key, no token; no key to check with, no token believed.
//= T9 test
#[test]
fn without_keys_nothing_is_signed_nor_believed() {
    run(Pair::SqliteMemory, |pair| async move {
        let city = City::new(pair).await;
        let mut guest = Guest::of(&city).await;
        city.app.keys.follow(&[]).unwrap();
        for door in [Userinfo, Introspection] {
            assert!(!guest.passes(&city, door).await.0, "{door:?} is open");
        }
        // A key may be about to be made, so these wait for one as at a first start.
        let machine = city.rp("direktori");
        let asks = [("grant_type".to_owned(), "client_credentials".to_owned())];
        let (machine, refresh) = tokio::join!(machine.token(&asks), guest.passes(&city, Refresh));
        for page in [machine, refresh.1] {
            assert_eq!(page.status, 503, "{}", page.body);
        }
    });
}

/// The root key's file of this node was forgotten when keys were wrapped anew elsewhere: while the key it cannot
/// open only waits, everything works; when it signs, the node says that it cannot.
#[test]
fn a_node_that_cannot_open_the_key_that_signs_is_not_ready() {
    run(Pair::SqliteMemory, |pair| async move {
        let city = City::new(pair).await;
        let mut guest = Guest::of(&city).await;
        let now = city.clock.now();
        let key = generate(SignatureAlg::Es256, SigningKeyState::Next, &RootKey::from_bytes([9; 32]), now).unwrap();
        let (kid, in_use) = (key.id.clone(), city.app.keys.root().id().to_owned());
        let added = city.app.db.write(async move |tx| signing_keys::add(tx, &key, &in_use).await);
        assert!(added.await.unwrap());
        let ready =
            async || Browser::new(router::ops(city.app.clone()), PUBLIC_URL.parse().unwrap()).open("/readyz").await;
        city.app.copies.refresh().await.unwrap();
        assert_eq!(ready().await.status, 200);
        assert!(guest.passes(&city, Userinfo).await.0 && guest.passes(&city, Code).await.0);
        assert!(guest.rp.get("/jwks").await.body.contains(kid.as_str()), "relying parties learn it all the same");

        assert!(city.app.db.write(async move |tx| signing_keys::activate(tx, &kid, now).await).await.unwrap());
        city.app.copies.refresh().await.unwrap();
        let said = ready().await;
        assert_eq!((said.status.as_u16(), said.body.contains("[\"signing keys\"]")), (503, true), "{}", said.body);
        let (passed, page) = guest.passes(&city, Refresh).await;
        assert!(!passed && page.status == 500, "{}", page.status);
        assert_eq!(guest.rp.get("/jwks").await.status, 200, "what was there is served");
    });
}

/// A store that takes no change refuses whatever would have to be noted.
//= T9 test
#[test]
fn what_cannot_be_noted_does_not_happen() {
    run(Pair::SqliteMemory, |pair| async move {
        let city = City::new(pair).await;
        let mut guest = Guest::of(&city).await;
        city.app.db.close().await;
        for door in [Code, Refresh, SignIn] {
            let (passed, page) = guest.passes(&city, door).await;
            assert!(!passed && page.status == 503, "{door:?}: {} {}", page.status, page.body);
        }
        // The first entry of a session into an application is noted; without that there is no code.
        let (_, page) = city.begin(&mut guest.browser, &city.rp("kinerja"), &[]).await;
        assert_eq!(page.status, 503, "{}", page.text());
        let page = guest.browser.open("/keluar").await;
        assert_eq!(page.status, 200);
        assert_eq!(
            guest.browser.submit("", &[]).await.status,
            503,
            "nobody is told that a session ended which did not"
        );
    });
}
