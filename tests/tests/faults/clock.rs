//! The clock is set back or forth by an hour: nothing ended lives again, nothing lives longer than it should, nobody
//! guesses faster, and when the clock is right again everything goes on.

use std::{collections::HashSet, time::Duration};

use gapura_core::{id::ClientId, time::Instant};
use gapura_idp::entropy::Entropy;
use gapura_store::clients;
use gapura_tests::{
    Pair,
    browser::{Browser, Page, parameter},
    city::{City, PASSWORD, TEACHER},
    on_both_pairs,
    relying_party::RelyingParty,
};

use super::scene::until;

on_both_pairs!(
    an_hour_back_gives_nothing_a_second_life,
    an_hour_back_disturbs_nobody_who_came_before,
    what_a_fast_clock_made_is_refused_by_the_right_one,
    no_step_lets_anybody_guess_faster,
    copies_are_confirmed_whatever_the_clock_says,
);

const HOUR: Duration = Duration::from_secs(3600);

fn minutes(number: u64) -> Duration {
    Duration::from_secs(60 * number)
}

/// Whether the browser's session opens an application without a question.
async fn is_signed_in(city: &City, browser: &mut Browser) -> bool {
    let (_, page) = city.begin(browser, &city.rp("presensi"), &[("prompt", "none")]).await;
    page.location().is_some_and(|next| parameter(&next, "code").is_some())
}

async fn is_honoured(rp: &RelyingParty, access_token: &str) -> bool {
    let (userinfo, introspection) = (rp.userinfo(access_token).await.status == 200, rp.introspect(access_token).await);
    assert_eq!(introspection["active"], userinfo, "both doors say the same");
    userinfo
}

fn is_refused(page: &Page) -> bool {
    page.status == 400 && page.body.contains("invalid_grant")
}

async fn an_hour_back_gives_nothing_a_second_life(pair: Pair) {
    let city = City::new(pair).await;
    let start = city.clock.now();
    let rp = city.rp("presensi");
    let mut browser = city.browser();
    let tokens = city.tokens(&mut browser, &rp, &TEACHER).await;
    let (started, page) = city.begin(&mut browser, &rp, &[]).await;
    let code = rp.code(&started, &page);
    let mut waiting = city.browser();
    city.begin(&mut waiting, &rp, &[]).await;
    // All of it has ended, and nobody has looked since.
    city.advance(minutes(11));
    city.clock.set(start.plus(minutes(11)).minus(HOUR));
    assert!(!is_honoured(&rp, &tokens.access_token()).await, "an access token lives twice");
    assert!(is_refused(&rp.token(&rp.redemption(&started, &code)).await), "a code lives twice");
    let page = waiting.submit("password", &[("username", TEACHER.login), ("password", PASSWORD)]).await;
    assert_eq!(page.error_code().as_deref(), Some("interaction_expired"), "{}", page.text());
    // A session of a time that has not come: its end cannot be believed.
    assert!(!is_signed_in(&city, &mut browser).await);
    assert!(is_refused(&rp.refresh(&tokens.refresh_token()).await));
    // People can sign in meanwhile, and stay when the clock is right again.
    let mut meanwhile = city.browser();
    city.tokens(&mut meanwhile, &rp, &TEACHER).await;
    city.clock.set(start.plus(minutes(12)));
    assert!(is_signed_in(&city, &mut meanwhile).await);
    assert!(is_signed_in(&city, &mut browser).await, "nothing was lost");
    assert_eq!(rp.refresh(&tokens.refresh_token()).await.status, 200);
    assert!(is_refused(&rp.token(&rp.redemption(&started, &code)).await));
}

async fn an_hour_back_disturbs_nobody_who_came_before(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let mut browser = city.browser();
    let tokens = city.tokens(&mut browser, &rp, &TEACHER).await;
    let start = city.clock.now();
    city.advance(2 * HOUR);
    let second = rp.checked(&rp.refresh(&tokens.refresh_token()).await).await;
    city.clock.set(start.plus(HOUR));
    assert!(is_signed_in(&city, &mut browser).await);
    let third = rp.refresh(&second.refresh_token()).await;
    assert_eq!(third.status, 200, "{}", third.body);
}

async fn what_a_fast_clock_made_is_refused_by_the_right_one(pair: Pair) {
    let city = City::new(pair).await;
    let start = city.clock.now();
    let rp = city.rp("presensi");
    let mut before = city.browser();
    let tokens = city.tokens(&mut before, &rp, &TEACHER).await;
    city.advance(HOUR);
    assert!(!is_honoured(&rp, &tokens.access_token()).await, "ended by the clock there is");
    let fast = rp.checked(&rp.refresh(&tokens.refresh_token()).await).await;
    let mut during = city.browser();
    let (started, page) = city.sign_in(&mut during, &rp, &TEACHER, &[]).await;
    let code = rp.code(&started, &page);
    city.clock.set(start.plus(minutes(1)));
    assert!(!is_honoured(&rp, &fast.access_token()).await, "it would live for an hour");
    assert!(is_refused(&rp.token(&rp.redemption(&started, &code)).await), "it would live for an hour");
    assert!(!is_signed_in(&city, &mut during).await, "signs in again");
    // Who came before goes on, with what it has.
    assert!(is_signed_in(&city, &mut before).await);
    let slow = rp.checked(&rp.refresh(&fast.refresh_token()).await).await;
    assert!(is_honoured(&rp, &slow.access_token()).await);
}

async fn guess(city: &City, password: &str) -> Page {
    let mut browser = city.browser();
    city.begin(&mut browser, &city.rp("presensi"), &[]).await;
    browser.submit("password", &[("username", TEACHER.login), ("password", password)]).await
}

//= T13 test
async fn no_step_lets_anybody_guess_faster(pair: Pair) {
    let city = City::new(pair).await;
    let start = city.clock.now();
    while guess(&city, "salah").await.status != 429 {}
    city.clock.set(start.minus(HOUR));
    let page = guess(&city, PASSWORD).await;
    assert_eq!(page.status, 429, "forgotten");
    let wait: u64 = page.header("retry-after").parse().unwrap();
    assert!(wait <= 15 * 60 + 1, "{wait} s are more than the longest wait");
    // As long as was said, and no longer, although the clock is still behind.
    city.advance(Duration::from_secs(wait));
    assert_eq!(guess(&city, "salah").await.status, 400, "checked once");
    assert_eq!(guess(&city, "salah").await.status, 429, "failures before the step still count");
    // Forth: one wait is over, and with it one guess.
    city.clock.set(start.plus(HOUR));
    assert_eq!(guess(&city, "salah").await.status, 400);
    assert_eq!(guess(&city, "salah").await.status, 429);
    city.clock.set(start);
    assert_eq!(guess(&city, "salah").await.status, 429);
}

/// A change of another process is seen within a second of real time.
async fn copies_are_confirmed_whatever_the_clock_says(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let tokens = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    let start = city.clock.now();
    city.clock.set(start.minus(Duration::from_secs(30)));
    assert!(is_honoured(&rp, &tokens.access_token()).await, "clocks may differ by as much");
    city.clock.set(start.minus(HOUR));
    let client = ClientId::new("presensi");
    city.app
        .db
        .write(async move |tx| clients::set_enabled(tx, &client, clients::Enabled::Off, start).await.map(drop))
        .await
        .unwrap();
    let form = [("token".to_owned(), tokens.access_token())];
    until("the change to be seen", async || rp.call("/introspect", &form).await.status == 401).await;
}

#[test]
fn ids_are_never_given_twice_however_the_clock_steps() {
    let noon = Instant::from_millis(1_795_500_000_000);
    let times = [noon, noon.minus(HOUR), noon, noon.plus(HOUR), noon, Instant::from_millis(-1)];
    let ids: HashSet<String> = times.iter().cycle().take(6000).map(|at| Entropy.ordered_id(*at).unwrap()).collect();
    assert_eq!(ids.len(), 6000);
}
