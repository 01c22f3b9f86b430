//! Cookies that a sibling can neither read nor set.

use gapura_tests::{
    Pair,
    city::{City, TEACHER},
    on_both_pairs,
};

on_both_pairs!(every_cookie_is_bound_to_this_host);

async fn every_cookie_is_bound_to_this_host(pair: Pair) {
    let city = City::new(pair).await;
    let mut browser = city.browser();
    let (_, page) = city.begin(&mut browser, &city.rp("presensi"), &[]).await;
    let (_, answer) = city.sign_in(&mut city.browser(), &city.rp("presensi"), &TEACHER, &[]).await;
    let set = [page, answer]
        .iter()
        .flat_map(|page| {
            page.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        })
        .collect::<Vec<_>>();
    assert!(set.iter().any(|line| line.starts_with("__Host-gapura_session=")), "{set:?}");
    for line in set {
        assert!(line.starts_with("__Host-gapura_"), "{line}");
        let attributes = line.to_ascii_lowercase();
        for wanted in ["; secure", "; httponly", "; samesite=lax", "; path=/"] {
            assert!(attributes.contains(wanted), "{line} lacks {wanted}");
        }
        assert!(!attributes.contains("domain="), "{line}");
    }
}
