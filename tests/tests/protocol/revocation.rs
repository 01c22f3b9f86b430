//! Token revocation (RFC 7009).

use gapura_tests::{
    Pair,
    city::{City, TEACHER},
    on_both_pairs,
    relying_party::pairs,
};

on_both_pairs!(revoking_a_refresh_token_ends_what_rests_on_it, only_the_owner_revokes, an_unknown_token_is_no_error);

//= RFC7009#2.1 test
async fn revoking_a_refresh_token_ends_what_rests_on_it(pair: Pair) {
    let city = City::new(pair).await;
    for rp in ["presensi", "ponsel"].map(|id| city.rp(id)) {
        let tokens = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
        let page = rp.call("/revoke", &pairs(&[("token", &tokens.refresh_token())])).await;
        assert_eq!(page.status, 200, "{}", page.body);
        assert_eq!(rp.refresh(&tokens.refresh_token()).await.status, 400);
        assert_eq!(rp.userinfo(&tokens.access_token()).await.status, 401);
    }
}

//= RFC7009#2 test
async fn only_the_owner_revokes(pair: Pair) {
    let city = City::new(pair).await;
    let [rp, other] = ["presensi", "kinerja"].map(|id| city.rp(id));
    let tokens = city.tokens(&mut city.browser(), &rp, &TEACHER).await;
    other.call("/revoke", &pairs(&[("token", &tokens.refresh_token())])).await;
    other.call("/revoke", &pairs(&[("token", &tokens.access_token())])).await;
    assert_eq!(rp.userinfo(&tokens.access_token()).await.status, 200);
    assert_eq!(rp.refresh(&tokens.refresh_token()).await.status, 200);
}

//= RFC7009#2.2 test
async fn an_unknown_token_is_no_error(pair: Pair) {
    let city = City::new(pair).await;
    let rp = city.rp("presensi");
    for token in ["salah", "a.b.c", "", &"x".repeat(5000)] {
        let page = rp.call("/revoke", &pairs(&[("token", token)])).await;
        assert!(page.status == 200 || (token.is_empty() && page.status == 400), "{token}: {}", page.status);
    }
    assert_eq!(rp.call("/revoke", &[]).await.status, 400);
}
