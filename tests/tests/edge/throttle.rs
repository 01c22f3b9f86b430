//! Guessing is slowed down for each account, however its name is typed, and for names nobody has; never for a
//! city behind one address (incident T13, story ASN-02).

use std::time::Duration;

use futures::future::join_all;
use gapura_tests::{
    Pair,
    browser::{Browser, Page},
    city::{City, PASSWORD, TEACHER, TREASURER},
    on_both_pairs,
};

on_both_pairs!(
    an_unknown_name_and_a_wrong_password_read_alike,
    one_throttle_however_the_name_is_typed,
    a_throttle_names_a_time_and_survives_a_restart,
    others_behind_the_same_address_sign_in,
    guesses_at_the_same_moment_share_no_wait,
);

async fn attempt(city: &City, browser: &mut Browser, name: &str, password: &str) -> Page {
    city.begin(browser, &city.rp("presensi"), &[]).await;
    browser.submit("password", &[("username", name), ("password", password)]).await
}

/// Fails until the page says to wait.
async fn until_throttled(city: &City, name: &str) -> usize {
    let mut browser = city.browser();
    for tries in 1..=50 {
        if attempt(city, &mut browser, name, "salah").await.status == 429 {
            return tries;
        }
    }
    panic!("fifty failures of {name} and no throttle");
}

//= ASN-02 test
async fn an_unknown_name_and_a_wrong_password_read_alike(pair: Pair) {
    let city = City::new(pair).await;
    let mut texts = Vec::new();
    for (name, password) in
        [(TEACHER.login, "salah"), ("199912312020121001", "salah"), ("tidak.ada@contoh.go.id", PASSWORD)]
    {
        let page = attempt(&city, &mut city.browser(), name, password).await;
        assert!(page.status == 200 || page.status == 401 || page.status == 400, "{}", page.status);
        page.form("password");
        let text = page.text();
        texts.push((page.status, page.error_code(), text.replace(name, "NAMA")));
    }
    assert!(texts[0].1.is_some());
    assert_eq!((&texts[0].0, &texts[0].1), (&texts[1].0, &texts[1].1));
    assert_eq!((&texts[1].0, &texts[1].1), (&texts[2].0, &texts[2].1));
    // The NIP as the decree prints it, with spaces or dots, and the official e-mail in any case.
    for name in ["19850312 201001 2 004", "19850312.201001.2.004", "Siti.Aminah@Contoh.go.id", " 198503122010012004 "] {
        let page = attempt(&city, &mut city.browser(), name, PASSWORD).await;
        assert!(page.location().is_some_and(|next| next.as_str().contains("code=")), "{name}: {}", page.text());
    }
    // The private e-mail is nobody's login name.
    let page = attempt(&city, &mut city.browser(), "pribadi0@example.net", PASSWORD).await;
    assert_eq!(page.error_code(), texts[0].1);
}

//= T13 test
//= T20 test
async fn one_throttle_however_the_name_is_typed(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    let ways = ["198503122010012004", "19850312 201001 2 004", "SITI.AMINAH@CONTOH.GO.ID", "siti.aminah@contoh.go.id"];
    let alone = until_throttled(&city, TREASURER.login).await;
    let mut tries = 0;
    loop {
        let page = attempt(&city, &mut browser, ways[tries % ways.len()], "salah").await;
        tries += 1;
        if page.status == 429 {
            break;
        }
        assert!(tries <= alone, "typing the name in {} ways gives more tries than {alone}", ways.len());
    }
    // The right password does not pass while the page says to wait, so that guessing tells nothing.
    assert_eq!(attempt(&city, &mut city.browser(), TEACHER.login, PASSWORD).await.status, 429);
    let unknown = until_throttled(&city, "199912312020121001").await;
    assert_eq!(unknown, alone, "a name nobody has is slowed down alike");
}

async fn a_throttle_names_a_time_and_survives_a_restart(pair: Pair) {
    let mut city = City::new(pair).await;
    until_throttled(&city, TEACHER.login).await;
    city.restart().await;
    let page = attempt(&city, &mut city.browser(), TEACHER.login, PASSWORD).await;
    assert_eq!(page.status, 429);
    let wait: u64 = page.header("retry-after").parse().expect("Retry-After in seconds");
    assert!(wait > 0 && page.text().chars().any(|c| c.is_ascii_digit()));
    city.advance(Duration::from_secs(wait + 1));
    let page = attempt(&city, &mut city.browser(), TEACHER.login, PASSWORD).await;
    assert!(page.location().is_some_and(|next| next.as_str().contains("code=")), "{}", page.text());
}

async fn others_behind_the_same_address_sign_in(pair: Pair) {
    let city = City::new(pair).await;
    until_throttled(&city, TEACHER.login).await;
    for number in 0..30 {
        attempt(&city, &mut city.browser(), &format!("orang.{number}@contoh.go.id"), "salah").await;
    }
    let page = attempt(&city, &mut city.browser(), TREASURER.login, PASSWORD).await;
    assert!(page.location().is_some_and(|next| next.as_str().contains("code=")), "{}", page.text());
}

//= T13 test
async fn guesses_at_the_same_moment_share_no_wait(pair: Pair) {
    let city = City::new(pair).await;
    until_throttled(&city, TEACHER.login).await;
    for _ in 0..2 {
        city.advance(Duration::from_secs(15 * 60 + 1));
        let mut browsers: Vec<Browser> = (0..16).map(|_| city.browser()).collect();
        for browser in &mut browsers {
            city.begin(browser, &city.rp("presensi"), &[]).await;
        }
        let guess = [("username", TEACHER.login), ("password", "salah")];
        let answers = join_all(browsers.iter_mut().map(|browser| browser.submit("password", &guess))).await;
        let checked = answers.iter().filter(|page| page.status != 429).count();
        assert_eq!(checked, 1, "one wait, one guess");
    }
}
