//! The sign-in form: what it tells, what it does not, and what it costs.

use std::time::Duration;

use gapura_core::{
    id::UserId,
    identity::{LoginName, Status},
};
use gapura_store::{login_names, users};
use gapura_tests::{
    Pair,
    browser::{Browser, Page},
    city::{City, PASSWORD, TEACHER},
    html, on_both_pairs, run,
};

on_both_pairs!(
    an_unknown_name_costs_what_a_wrong_password_costs,
    only_who_knows_the_password_learns_that_an_account_is_inactive,
    the_form_may_lead_to_this_request_s_application_only,
    the_page_speaks_the_language_that_was_chosen,
    a_refusal_is_found_in_the_other_language_too,
);

async fn attempt(browser: &mut Browser, name: &str, password: &str) -> Page {
    browser.open("/masuk").await;
    browser.submit("password", &[("username", name), ("password", password)]).await
}

async fn teacher(city: &City) -> UserId {
    users::find(&city.app.db, &LoginName::typed(TEACHER.login).unwrap()).await.unwrap().unwrap().id
}

/// Gives the teacher's profile a second account that has no password.
async fn without_password(city: &City) -> &'static str {
    let listed = users::directory(&city.app.db).await.unwrap();
    let mut profile = listed.into_iter().find(|person| person.profile.official_email.is_some()).unwrap().profile;
    profile.official_email = None;
    let (id, now) = (UserId::new("tanpa-sandi"), city.clock.now());
    city.app
        .db
        .write(async move |tx| {
            users::add(tx, (&id, "sub-tanpa-sandi"), &profile, now).await?;
            login_names::add(tx, &id, &LoginName::account("tanpa.sandi").unwrap()).await
        })
        .await
        .unwrap();
    "tanpa.sandi"
}

/// Reads, changes and statements of one attempt.
async fn cost(city: &City, name: &str, password: &str) -> ([u64; 3], Page) {
    let mut browser = city.browser();
    browser.open("/masuk").await;
    let before = city.app.db.counts();
    let page = browser.submit("password", &[("username", name), ("password", password)]).await;
    let after = city.app.db.counts();
    let spent =
        [after.reads - before.reads, after.writes - before.writes, after.write_statements - before.write_statements];
    (spent, page)
}

/// The same statements and the same hash (see the pool's own tests), so the same time.
//= ASN-02 test
async fn an_unknown_name_costs_what_a_wrong_password_costs(pair: Pair) {
    let city = City::new(pair).await;
    let bare = without_password(&city).await;
    let (expected, wrong) = cost(&city, TEACHER.login, "salah").await;
    assert!(expected[0] <= 1 && expected[1] == 1 && expected[2] <= 4, "{expected:?}");
    for (name, password) in [("tidak.ada", PASSWORD), ("199912312020121001", "x"), (bare, PASSWORD), (bare, "x")] {
        let (spent, page) = cost(&city, name, password).await;
        assert_eq!(spent, expected, "{name}");
        assert_eq!((page.status, page.error_code()), (wrong.status, wrong.error_code()), "{name}");
    }
}

async fn only_who_knows_the_password_learns_that_an_account_is_inactive(pair: Pair) {
    let city = City::new(pair).await;
    let (id, now) = (teacher(&city).await, city.clock.now());
    city.app.db.write(async move |tx| users::set_status(tx, &id, Status::Disabled, now).await).await.unwrap();
    let wrong = attempt(&mut city.browser(), TEACHER.login, "salah").await;
    assert_eq!(wrong.error_code().as_deref(), Some("no_match"));
    let right = attempt(&mut city.browser(), TEACHER.login, PASSWORD).await;
    assert_eq!(right.error_code().as_deref(), Some("inactive"), "{}", right.text());
    assert_eq!(right.status, 403);
    assert!(right.text().contains("Hubungi Service Desk"), "whom to call: {}", right.text());
}

//= RFC9700#4.16 test
async fn the_form_may_lead_to_this_request_s_application_only(pair: Pair) {
    let city = City::new(pair).await;
    let form_action = |page: &Page| {
        let policy = page.header("content-security-policy").to_owned();
        policy.split(';').find_map(|part| part.trim().strip_prefix("form-action ").map(str::to_owned)).unwrap()
    };
    let mut browser = city.browser();
    assert_eq!(form_action(&browser.open("/masuk").await), "'self'");
    for id in ["presensi", "kinerja"] {
        let (_, page) = city.begin(&mut browser, &city.rp(id), &[]).await;
        assert_eq!(form_action(&page), format!("'self' https://{id}.kota-contoh.go.id"));
    }
}

async fn the_page_speaks_the_language_that_was_chosen(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let lang = |page: &Page| html::tags(&page.body)[0].get("lang").unwrap().to_owned();
    let mut browser = city.browser();
    browser.language = "en-US,en;q=0.9".to_owned();
    let (_, page) = city.begin(&mut browser, &rp, &[]).await;
    assert_eq!(lang(&page), "id", "Bahasa Indonesia, whatever the telephone was sold with");
    let (_, page) = city.begin(&mut browser, &rp, &[("ui_locales", "fr en")]).await;
    assert_eq!(lang(&page), "en", "the application may ask");
    let link = html::tags(&page.body).into_iter().find(|tag| tag.get("id") == Some("language")).unwrap();
    let page = browser.open(link.get("href").unwrap()).await;
    assert_eq!(lang(&page), "id", "the person decides");
    assert!(page.body.contains("name=\"password\""), "on the same request: {}", page.text());
    let (_, page) = city.begin(&mut browser, &rp, &[("ui_locales", "en")]).await;
    assert_eq!(lang(&page), "id", "and it is remembered");
    let page = browser.submit("password", &[("username", "x"), ("password", "y")]).await;
    assert_eq!(lang(&page), "id");
    let ids = |page: &Page| {
        html::tags(&page.body).iter().filter_map(|tag| tag.get("id").map(str::to_owned)).collect::<Vec<_>>()
    };
    let english = browser.open(&format!("{}&bahasa=en", page.url.path().replace("/masuk", "/masuk?x=1"))).await;
    assert_eq!(lang(&english), "en");
    browser.submit("password", &[("username", "x"), ("password", "y")]).await;
    assert!(ids(&page).contains(&"error".to_owned()) && ids(&page).contains(&"reference".to_owned()));
}

async fn a_refusal_is_found_in_the_other_language_too(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    let (_, page) = city.sign_in(&mut browser, &city.rp("keuangan"), &TEACHER, &[]).await;
    let wanted = ["Mengapa", "Bendahara Pengeluaran", "SIPD Keuangan"];
    assert!(wanted.iter().all(|word| page.text().contains(word)), "{}", page.text());
    let link = html::tags(&page.body).into_iter().find(|tag| tag.get("id") == Some("language")).unwrap();
    let english = browser.open(link.get("href").unwrap()).await;
    assert_eq!((english.status.as_u16(), english.error_code()), (403, page.error_code()));
    assert!(english.text().contains("You have no role"), "{}", english.text());
}

/// More people than hashes: each gets an answer at once, some of them the queue page, in the language
/// their application asked for. Who sees it has not failed.
#[test]
fn a_full_queue_is_a_page_that_opens_the_form_again() {
    run(Pair::SqliteMemory, |pair| async move {
        let slow = [
            ("PASSWORDS__WORKERS", "1"),
            ("PASSWORDS__QUEUE", "1"),
            ("PASSWORDS__MEMORY_KIB", "65536"),
            ("PASSWORDS__ITERATIONS", "4"),
        ];
        let city = City::under(pair, &slow).await;
        for (language, says) in [("id", "Layanan sedang padat"), ("en", "The service is busy")] {
            let queued = crowd(&city, language).await;
            for page in queued {
                assert_eq!(page.error_code().as_deref(), Some("queue"));
                assert!(page.text().contains(says), "{language}: {}", page.text());
                assert!(!page.body.contains("rahasia"), "no password is kept");
                let refresh = html::tags(&page.body).into_iter().find(|tag| tag.get("http-equiv") == Some("refresh"));
                let refresh = refresh.unwrap().get("content").unwrap().to_owned();
                let (seconds, address) = refresh.split_once(";url=").unwrap();
                assert_eq!(page.header("retry-after"), seconds);
                assert!((5..=150).contains(&seconds.parse::<u64>().unwrap()), "{seconds}");
                let form = city.browser().open(address).await;
                assert!(form.body.contains("name=\"password\""), "{address}: {}", form.text());
            }
        }
    });
}

/// Six people at once where two can be hashed or wait; the pages of those who could not.
async fn crowd(city: &City, language: &str) -> Vec<Page> {
    let rp = city.rp("presensi");
    let mut browsers = Vec::new();
    for _ in 0..6 {
        let mut browser = city.browser();
        city.begin(&mut browser, &rp, &[("ui_locales", language)]).await;
        browsers.push(browser);
    }
    let before = city.app.db.counts().writes;
    let sent = browsers.iter_mut().enumerate().map(async |(number, browser)| {
        let name = format!("orang.{number}");
        browser.submit("password", &[("username", &name), ("password", "rahasia sekali")]).await
    });
    let pages = futures::future::join_all(sent).await;
    let failed = city.app.db.counts().writes - before;
    let queued: Vec<Page> = pages.into_iter().filter(|page| page.status == 503).collect();
    assert!(!queued.is_empty() && queued.len() < 6, "{} of 6", queued.len());
    assert_eq!(failed, 6 - queued.len() as u64, "who was not checked has not failed");
    queued
}

/// A password changed cost: the next sign-in stores it at today's.
//= BSSN4-2021#1.f test
#[test]
fn a_hash_of_another_cost_is_renewed_at_sign_in() {
    run(Pair::SqliteMemory, |pair| async move {
        let city = City::under(pair, &[("PASSWORDS__ITERATIONS", "2")]).await;
        let id = teacher(&city).await;
        let stored = async || gapura_store::credentials::password(&city.app.db, &id).await.unwrap().unwrap();
        assert!(stored().await.contains("t=1"), "{}", stored().await);
        let mut browser = city.browser();
        attempt(&mut browser, TEACHER.login, PASSWORD).await;
        assert!(stored().await.contains("t=2"), "{}", stored().await);
        city.advance(Duration::from_secs(1));
        let again = attempt(&mut city.browser(), TEACHER.login, PASSWORD).await;
        assert!(again.body.contains("id=\"signed-in\""), "{}", again.text());
    });
}

/// What a person typed as a name may be a password: nothing of it is written anywhere.
#[test]
fn a_typed_name_is_written_nowhere() {
    run(Pair::SqliteMemory, |pair| async move {
        let city = City::new(pair).await;
        let typed = "inisandisaya.bukannama";
        attempt(&mut city.browser(), typed, "x").await;
        attempt(&mut city.browser(), TEACHER.login, typed).await;
        let written = city.written();
        assert!(!written.windows(typed.len()).any(|window| window == typed.as_bytes()));
    });
}
