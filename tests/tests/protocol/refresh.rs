//! Refresh tokens (RFC 6749 section 6, RFC 9700 section 4.14): rotated, replays found, bound to their client.

use std::time::Duration;

use gapura_tests::{
    Pair,
    browser::Page,
    city::{City, TEACHER},
    on_both_pairs,
    relying_party::{RelyingParty, Tokens, pairs},
};
use serde_json::Value;

on_both_pairs!(
    a_refresh_gives_new_tokens_of_the_same_sign_in,
    a_public_client_that_uses_a_token_twice_loses_the_family,
    of_100_parallel_refreshes_one_wins,
    parallel_refreshes_of_a_confidential_client_are_never_our_mistake,
    a_used_token_stays_used_over_a_restart,
    a_lost_answer_may_be_asked_for_again,
    a_replaced_token_is_nobody_s,
    a_confidential_client_that_repeats_itself_keeps_its_family,
    a_token_belongs_to_its_client,
    scope_may_narrow_and_never_grow,
    without_offline_access_the_family_ends_with_the_session,
);

fn error(page: &Page) -> String {
    let body: Value = serde_json::from_str(&page.body).unwrap();
    body["error"].as_str().unwrap_or_else(|| panic!("no error: {}", page.status)).to_owned()
}

async fn refreshed(rp: &RelyingParty, refresh_token: &str) -> Tokens {
    let page = rp.refresh(refresh_token).await;
    assert_eq!(page.status, 200, "{}", page.body);
    rp.checked(&page).await
}

//= OIDC-CORE#12.2 test
//= RFC9700#2.2.2 test
async fn a_refresh_gives_new_tokens_of_the_same_sign_in(pair: Pair) {
    let city = City::new(pair).await;
    for rp in ["presensi", "kinerja", "ponsel"].map(|id| city.rp(id)) {
        let first = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
        city.advance(Duration::from_secs(240));
        let second = refreshed(&rp, &first.refresh_token()).await;
        assert_ne!(first.refresh_token(), second.refresh_token());
        for name in ["iss", "sub", "aud", "auth_time", "sid"] {
            assert_eq!(first.id_token[name], second.id_token[name], "{name}");
        }
        assert_eq!(second.id_token["iat"], city.clock.now().seconds());
        assert_ne!(first.access["jti"], second.access["jti"]);
        assert_eq!(first.access["fam"], second.access["fam"]);
    }
}

//= RFC9700#4.14.2 test
//= T6 test
async fn a_public_client_that_uses_a_token_twice_loses_the_family(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("ponsel");
    let first = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    let second = refreshed(&rp, &first.refresh_token()).await;
    let third = refreshed(&rp, &second.refresh_token()).await;
    assert_eq!(error(&rp.refresh(&first.refresh_token()).await), "invalid_grant");
    assert_eq!(error(&rp.refresh(&third.refresh_token()).await), "invalid_grant");
    assert_eq!(rp.userinfo(&third.access_token()).await.status, 401);
}

//= T6 test
async fn of_100_parallel_refreshes_one_wins(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("ponsel");
    let first = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    let token = first.refresh_token();
    let answers = futures::future::join_all((0..100).map(|_| rp.refresh(&token))).await;
    let won = answers.iter().filter(|page| page.status == 200).collect::<Vec<_>>();
    assert_eq!(won.len(), 1);
    assert!(answers.iter().filter(|page| page.status != 200).all(|page| error(page) == "invalid_grant"));
    let next: Value = serde_json::from_str(&won[0].body).unwrap();
    assert_eq!(error(&rp.refresh(next["refresh_token"].as_str().unwrap()).await), "invalid_grant");
}

/// A confidential client may repeat itself; who comes in a crowd is told to come again.
async fn parallel_refreshes_of_a_confidential_client_are_never_our_mistake(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let token = city.tokens(&mut city.browser(), &rp, &TEACHER).await.refresh_token();
    let answers = futures::future::join_all((0..60).map(|_| rp.refresh(&token))).await;
    let statuses: Vec<u16> = answers.iter().map(|page| page.status.as_u16()).collect();
    assert!(statuses.contains(&200), "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 400 | 503)), "{statuses:?}");
}

//= T6 test
async fn a_used_token_stays_used_over_a_restart(pair: Pair) {
    let mut city = City::new(pair).await;
    let rp = city.rp("ponsel");
    let first = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    let second = refreshed(&rp, &first.refresh_token()).await;
    drop(rp);
    city.restart().await;
    let rp = city.rp("ponsel");
    assert_eq!(error(&rp.refresh(&first.refresh_token()).await), "invalid_grant");
    assert_eq!(error(&rp.refresh(&second.refresh_token()).await), "invalid_grant");
}

/// `rotate-with-retry`: the token before the newest is accepted for 30 seconds while its successor was
/// never used; anything older ends the family.
async fn a_lost_answer_may_be_asked_for_again(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let first = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    let lost = refreshed(&rp, &first.refresh_token()).await;
    city.advance(Duration::from_secs(29));
    let again = refreshed(&rp, &first.refresh_token()).await;
    let next = refreshed(&rp, &again.refresh_token()).await;
    // The lost answer's token was replaced, and whoever holds it now is not the client.
    assert_eq!(error(&rp.refresh(&lost.refresh_token()).await), "invalid_grant");
    assert_eq!(error(&rp.refresh(&next.refresh_token()).await), "invalid_grant");

    let first = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    let second = refreshed(&rp, &first.refresh_token()).await;
    city.advance(Duration::from_secs(31));
    assert_eq!(error(&rp.refresh(&first.refresh_token()).await), "invalid_grant");
    assert_eq!(error(&rp.refresh(&second.refresh_token()).await), "invalid_grant");
}

/// The answer that was lost turns up in other hands: within the same thirty seconds, too.
//= RFC9700#4.14.2 test
async fn a_replaced_token_is_nobody_s(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let first = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    let lost = refreshed(&rp, &first.refresh_token()).await;
    let again = refreshed(&rp, &first.refresh_token()).await;
    assert_eq!(error(&rp.refresh(&lost.refresh_token()).await), "invalid_grant");
    assert_eq!(error(&rp.refresh(&again.refresh_token()).await), "invalid_grant", "the family is dead");
}

/// Several nodes of one application refresh at once: nobody is thrown out, and one answer goes on.
async fn a_confidential_client_that_repeats_itself_keeps_its_family(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let first = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    let sent = first.refresh_token();
    let answers = futures::future::join_all((0..4).map(|_| rp.refresh(&sent))).await;
    let mut given = Vec::new();
    for page in answers {
        match page.status.as_u16() {
            200 => given.push(rp.checked(&page).await),
            503 => {}
            other => panic!("{other}: {}", page.body),
        }
    }
    assert!(!given.is_empty());
    for tokens in &given {
        assert_eq!(rp.introspect(&tokens.access_token()).await["active"], true);
    }
}

//= RFC6749#6 test
async fn a_token_belongs_to_its_client(pair: Pair) {
    let city = City::new(pair).await;
    let [rp, other] = ["presensi", "kinerja"].map(|id| city.rp(id));
    let tokens = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    assert_eq!(error(&other.refresh(&tokens.refresh_token()).await), "invalid_grant");
    let mut damaged = tokens.refresh_token();
    let last = damaged.pop().unwrap();
    damaged.push(if last == 'A' { 'B' } else { 'A' });
    assert_eq!(error(&rp.refresh(&damaged).await), "invalid_grant");
    // Neither attempt harmed the owner.
    refreshed(&rp, &tokens.refresh_token()).await;
}

//= RFC6749#6 test
async fn scope_may_narrow_and_never_grow(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi").asking("openid opd");
    let tokens = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", &tokens.refresh_token())];
    let wider = pairs(&[form[0], form[1], ("scope", "openid opd nip")]);
    assert_eq!(error(&rp.token(&wider).await), "invalid_scope");
    let narrower = rp.token(&pairs(&[form[0], form[1], ("scope", "openid")])).await;
    let narrower = rp.checked(&narrower).await;
    assert_eq!(narrower.access["scope"], "openid");
    let claims: Value = serde_json::from_str(&rp.userinfo(&narrower.access_token()).await.body).unwrap();
    assert!(claims.get("opd").is_none());
    // The next refresh may have everything that was given at the beginning.
    let whole = refreshed(&rp, &narrower.refresh_token()).await;
    assert_eq!(whole.access["scope"], "openid opd");
}

//= OIDC-CORE#11 test
async fn without_offline_access_the_family_ends_with_the_session(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    let offline = rp.asking("openid offline_access");
    let mut browser = city.browser();
    let bound = city.tokens(&mut browser, &rp, &TEACHER).await;
    let lasting = city.enter(&mut browser, &offline).await;
    city.advance(Duration::from_secs(12 * 3600 + 1));
    assert_eq!(error(&rp.refresh(&bound.refresh_token()).await), "invalid_grant");
    refreshed(&offline, &lasting.refresh_token()).await;
}
