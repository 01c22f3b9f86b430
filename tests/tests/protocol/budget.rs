//! How many statements each endpoint asks of the database. A request reads once; what issues something writes
//! once. Counted, not timed, so that a second statement is noticed on the day it is written.

use gapura_tests::{
    Pair,
    city::{City, TEACHER},
    on_both_pairs,
    relying_party::pairs,
};

on_both_pairs!(every_endpoint_keeps_its_budget, a_later_entry_writes_nothing_for_five_minutes);

/// Statements since `before`: reads, changes, statements within changes.
async fn spent<T>(city: &City, asked: impl Future<Output = T>) -> (T, [u64; 3]) {
    let before = city.app.db.counts();
    let answer = asked.await;
    let after = city.app.db.counts();
    let [reads, writes, within] =
        [after.reads - before.reads, after.writes - before.writes, after.write_statements - before.write_statements];
    (answer, [reads, writes, within])
}

async fn every_endpoint_keeps_its_budget(pair: Pair) {
    let city = City::new(pair).await;
    let (mut browser, rp) = (city.browser(), city.rp("presensi"));

    let started = rp.start(&[]);
    browser.follow(&rp.redirect_uri, &started.url).await;
    let typed = [("username", TEACHER.login), ("password", gapura_tests::city::PASSWORD)];
    let (page, [reads, writes, within]) = spent(&city, browser.submit("password", &typed)).await;
    // One change begins the session, one more notes its first entry into the application.
    assert!(reads <= 2 && writes <= 2 && within <= 8, "sign-in: {reads} reads, {writes} changes of {within}");

    let code = rp.code(&started, &page);
    let form = rp.redemption(&started, &code);
    let (page, [reads, writes, within]) = spent(&city, rp.token(&form)).await;
    let tokens = rp.checked(&page).await;
    assert!(reads <= 1 && writes == 1 && within <= 4, "code: {reads} reads, {writes} changes of {within}");

    let (page, [reads, writes, within]) = spent(&city, rp.refresh(&tokens.refresh_token())).await;
    assert_eq!(page.status, 200);
    assert!(reads <= 1 && writes == 1 && within <= 4, "refresh: {reads} reads, {writes} changes of {within}");

    let (page, counted) = spent(&city, rp.userinfo(&tokens.access_token())).await;
    assert_eq!((page.status.as_u16(), counted), (200, [1, 0, 0]), "userinfo");

    let (answer, counted) = spent(&city, rp.introspect(&tokens.access_token())).await;
    assert_eq!((&answer["active"], counted), (&true.into(), [1, 0, 0]), "introspection");

    let (entered, counted) = spent(&city, city.begin(&mut browser, &rp, &[])).await;
    rp.code(&entered.0, &entered.1);
    assert_eq!(counted, [1, 0, 0], "authorize with a session");

    let job = city.rp("direktori");
    let form = pairs(&[("grant_type", "client_credentials")]);
    let (page, counted) = spent(&city, job.token(&form)).await;
    assert_eq!((page.status.as_u16(), counted), (200, [0, 0, 0]), "client_credentials");

    for path in ["/.well-known/openid-configuration", "/jwks"] {
        let (page, counted) = spent(&city, rp.get(path)).await;
        assert_eq!((page.status.as_u16(), counted), (200, [0, 0, 0]), "{path}");
    }
}

async fn a_later_entry_writes_nothing_for_five_minutes(pair: Pair) {
    let city = City::new(pair).await;
    let (mut browser, rp) = (city.browser(), city.rp("presensi"));
    city.tokens(&mut browser, &rp, &TEACHER).await;
    let minutes = |minutes: u64| std::time::Duration::from_secs(minutes * 60);
    for (pause, changes) in [(minutes(4), 0), (minutes(1), 1), (minutes(4), 0)] {
        city.advance(pause);
        let (_, [_, writes, _]) = spent(&city, city.begin(&mut browser, &rp, &[])).await;
        assert_eq!(writes, changes, "after {pause:?}");
    }
    let other = city.rp("kinerja");
    let (_, [_, writes, _]) = spent(&city, city.begin(&mut browser, &other, &[])).await;
    assert_eq!(writes, 1, "the first entry into another application is noted");
}
