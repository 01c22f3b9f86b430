//! prompt × max_age × id_token_hint × session × fresh sign-in × may enter, exhaustively.

use std::time::Duration;

use super::*;
use crate::{
    access::{
        door::{Door, Moment, pass},
        fixtures,
    },
    oauth::{Scopes, fixtures::client},
};

const SIGNED_IN: Instant = Instant::from_millis(100_000);
const NOW: Instant = Instant::from_millis(160_000);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Browser {
    Nobody,
    Ended,
    Alive,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    prompt: &'static [Prompt],
    max_age: Option<u32>,
    hint: Option<&'static str>,
    browser: Browser,
    fresh: bool,
    may_enter: bool,
}

fn cases() -> Vec<Case> {
    let prompts: [&[Prompt]; 5] =
        [&[], &[Prompt::None], &[Prompt::Login], &[Prompt::Consent], &[Prompt::SelectAccount]];
    let mut cases = vec![];
    for prompt in prompts {
        for max_age in [None, Some(0), Some(59), Some(60), Some(61)] {
            for hint in [None, Some("sub-1"), Some("sub-2")] {
                for browser in [Browser::Nobody, Browser::Ended, Browser::Alive] {
                    for fresh in [false, true] {
                        for may_enter in [false, true] {
                            cases.push(Case { prompt, max_age, hint, browser, fresh, may_enter });
                        }
                    }
                }
            }
        }
    }
    cases
}

fn outcome(case: Case) -> String {
    let request = AuthorizeRequest {
        scopes: Scopes::of(["openid"]),
        nonce: None,
        challenge: None,
        prompt: case.prompt.to_vec(),
        max_age: case.max_age,
        hinted_sub: case.hint.map(str::to_owned),
        login_hint: None,
    };
    let mut standing = fixtures::standing();
    let session = standing.session.as_mut().unwrap();
    session.auth_time = SIGNED_IN;
    if case.browser == Browser::Ended {
        session.expires_at = NOW;
    }
    let mut access = fixtures::access();
    if !case.may_enter {
        access.rules.clear();
    }
    let moment = Moment { now: NOW, today: fixtures::TODAY.parse().unwrap(), idle: Duration::from_secs(600) };
    let answer = pass(Door::Authorize, &client(), &standing, (&access, &fixtures::tree()), moment);
    let at_the_door = (case.browser != Browser::Nobody).then_some((&standing, &answer));
    let asked_at = if case.fresh { SIGNED_IN } else { SIGNED_IN.plus(Duration::from_millis(1)) };
    match decide(&request, &client(), at_the_door, Some(asked_at), NOW) {
        Decision::Login(reason) => format!("login {reason:?}"),
        Decision::Issue(approved) => format!("issue {}", approved.is_first_entry()),
        Decision::Refuse(error) => error.code.to_string(),
        Decision::NoEntry(_, Told::Person) => "no entry".into(),
        Decision::NoEntry(_, Told::Application) => denied().code.to_string(),
    }
}

/// The rule in words, written apart from the code: who is asked first wins.
fn expected(case: Case) -> String {
    let silent = case.prompt.contains(&Prompt::None);
    let ask = |reason: &str| if silent { "login_required".to_owned() } else { format!("login {reason}") };
    if case.browser != Browser::Alive {
        return ask("NoSession");
    }
    if case.hint == Some("sub-2") {
        return if case.fresh { "login_required".into() } else { ask("OtherPerson") };
    }
    if !case.fresh {
        if case.prompt.contains(&Prompt::Login) {
            return ask("Asked");
        }
        if case.prompt.contains(&Prompt::SelectAccount) {
            return ask("SelectAccount");
        }
        // Signed in 60 seconds ago.
        if matches!(case.max_age, Some(0 | 59)) {
            return ask("TooOld");
        }
    }
    match (case.may_enter, silent) {
        (true, _) => "issue true".into(),
        (false, true) => "access_denied".into(),
        (false, false) => "no entry".into(),
    }
}

//= OIDC-CORE#3.1.2.1 test
//= OIDC-CORE#3.1.2.6 test
#[test]
fn the_whole_table() {
    for case in cases() {
        assert_eq!(outcome(case), expected(case), "{case:?}");
    }
}

//= OIDC-CORE#3.1.2.1 test
#[test]
fn no_prompt_none_ever_shows_a_page() {
    for case in cases().into_iter().filter(|case| case.prompt.contains(&Prompt::None)) {
        let outcome = outcome(case);
        assert!(!outcome.starts_with("login ") && outcome != "no entry", "{case:?}: {outcome}");
    }
}

#[test]
fn a_second_entry_is_no_first_entry_and_consent_is_never_skipped() {
    let request = AuthorizeRequest {
        scopes: Scopes::of(["openid"]),
        nonce: None,
        challenge: None,
        prompt: vec![],
        max_age: None,
        hinted_sub: None,
        login_hint: None,
    };
    let mut standing = fixtures::standing();
    standing.entered = vec![client().id];
    let moment = Moment { now: NOW, today: fixtures::TODAY.parse().unwrap(), idle: Duration::from_secs(600) };
    let answer = pass(Door::Authorize, &client(), &standing, (&fixtures::access(), &fixtures::tree()), moment);
    let decision = decide(&request, &client(), Some((&standing, &answer)), None, NOW);
    assert_eq!(decision, Decision::Issue(Approved { first_entry: false }));

    let foreign = Client { asks_consent: true, ..client() };
    let decision = decide(&request, &foreign, Some((&standing, &answer)), None, NOW);
    assert!(matches!(decision, Decision::Refuse(error) if error.code == ErrorCode::ConsentRequired));
}
