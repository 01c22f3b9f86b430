//! After a kill: what was answered must be found again, what is in doubt is settled one way.

use std::time::{Duration, Instant};

use gapura_tests::{
    browser::{Page, parameter},
    relying_party::RelyingParty,
};
use http::StatusCode;

use super::{Arrived, CONFIDENTIAL, Person, arrived};
use crate::faults::killed::{
    APPLICATION, Scene, Tally,
    ledger::{Family, Fate, Known, Session, Used},
};

/// A lost answer may be asked for again within 30 s; past this nothing is claimed.
const ASKED_AGAIN: Duration = Duration::from_secs(25);
/// How long a loaded machine may say 503.
const PATIENCE: Duration = Duration::from_secs(30);
/// A code lives for 60 s; past this nothing is claimed.
const CODE_LIVES: Duration = Duration::from_secs(50);
/// How many of what is over are tried again at the doors; the books are read for all.
const TRIED: usize = 6;
/// More families than this are given back.
const KEPT: usize = 4;

impl Person {
    pub(in super::super) async fn check(&mut self, scene: &Scene<'_>) {
        self.settle_account(scene);
        while self.enabled != Known::Yes {
            self.is_kept_out(scene).await;
            self.switch_account(scene, Known::Yes).await;
            self.settle_account(scene);
        }
        self.settle_role(scene);
        while self.granted != Known::Yes {
            self.is_kept_out(scene).await;
            self.switch_role(scene, Known::Yes).await;
            self.settle_role(scene);
        }
        for at in self.recent_sessions() {
            self.check_session(scene, at).await;
        }
        for at in self.recent_families() {
            self.check_family(scene, at).await;
        }
        for at in self.codes.len().saturating_sub(TRIED)..self.codes.len() {
            self.check_code(scene, at).await;
        }
        while self.standing().len() > KEPT {
            let oldest = self.standing()[0];
            self.revoke(scene, oldest).await;
            if self.families[oldest].fate == Fate::InDoubt {
                self.check_family(scene, oldest).await;
            }
        }
        assert!(!self.is_in_doubt(), "{}: something had no answer though nothing was killed", self.login);
    }

    /// A command without an answer happened or did not; what rests on it must agree.
    fn settle_account(&mut self, scene: &Scene<'_>) {
        if self.enabled != Known::Perhaps {
            return;
        }
        let shown = scene.provider.gapura_json(&["user", "show", &self.login]);
        if shown["status"] == "active" {
            self.enabled = Known::Yes;
        } else {
            self.enabled = Known::No;
            self.end_everything();
        }
    }

    fn settle_role(&mut self, scene: &Scene<'_>) {
        if self.granted != Known::Perhaps {
            return;
        }
        let listed = scene.provider.gapura_json(&["grant", "list", &self.login]);
        let held = listed["grants"].as_array().unwrap().iter().any(|grant| grant["application"] == APPLICATION);
        self.granted = if held { Known::Yes } else { Known::No };
    }

    /// Disabled, or without a role: no door opens.
    async fn is_kept_out(&mut self, scene: &Scene<'_>) {
        for at in self.standing().into_iter().take(2) {
            let family = &self.families[at];
            if family.unanswered.is_none() {
                let (page, _) = until_answered(async || self.rp(scene, at).refresh(&family.head).await).await;
                assert_eq!(page.status, 400, "{} is kept out: {}", self.login, page.body);
                Tally::add(&scene.tally.checks, 1);
            }
        }
        let rp = &scene.rps[0];
        for session in self.sessions.iter().rev().take(2) {
            let page = entry(rp, session).await;
            if let Arrived::Code(_) = arrived(scene, page) {
                panic!("{} is kept out", self.login);
            }
            Tally::add(&scene.tally.checks, 1);
        }
    }

    fn recent_sessions(&self) -> Vec<usize> {
        let all = 0..self.sessions.len();
        all.filter(|at| self.sessions[*at].fate != Fate::Ended || at + TRIED > self.sessions.len()).collect()
    }

    fn recent_families(&self) -> Vec<usize> {
        let all = 0..self.families.len();
        let open = |family: &Family| family.fate != Fate::Ended || family.unanswered.is_some();
        all.filter(|at| open(&self.families[*at]) || at + 2 * TRIED > self.families.len()).collect()
    }

    async fn check_session(&mut self, scene: &Scene<'_>, at: usize) {
        let rp = &scene.rps[0];
        let session = &self.sessions[at];
        let lives = matches!(arrived(scene, entry(rp, session).await), Arrived::Code(_));
        Tally::add(&scene.tally.checks, 1);
        match session.fate {
            Fate::Stands => assert!(lives, "{}: session {:?} was lost", self.login, session.id),
            Fate::Ended => assert!(!lives, "{}: session {:?} came back", self.login, session.id),
            Fate::InDoubt => {
                let fate = if lives { Fate::Stands } else { Fate::Ended };
                // A family that ended by its own stays so.
                self.end_session(at, fate);
            }
        }
        if lives {
            self.sessions[at].entered.insert("ponsel");
        }
    }

    async fn check_family(&mut self, scene: &Scene<'_>, at: usize) {
        let head = self.families[at].head.clone();
        let (page, again) = until_answered(async || self.rp(scene, at).refresh(&head).await).await;
        assert!(matches!(page.status.as_u16(), 200 | 400), "{}: {} {}", self.login, page.status, page.body);
        if again {
            self.families[at].unanswered.get_or_insert_with(Instant::now);
        }
        let family = &self.families[at];
        let good = page.status == 200;
        Tally::add(&scene.tally.answered, 1);
        Tally::add(&scene.tally.checks, 1);
        if let Some(wanted) = wanted(family) {
            let state = (family.fate, family.unanswered.map(|since| since.elapsed()), family.used.len());
            assert_eq!(good, wanted, "{}: family {} {state:?}: {}", self.login, family.id, page.body);
        }
        self.settle_family(scene, at, good.then_some(page));
        let (rp, family) = (self.rp(scene, at), &self.families[at]);
        let known = until_answered(async || rp.userinfo(&family.access).await).await.0.status;
        assert_eq!(known == 200, family.fate == Fate::Stands, "{}: userinfo of family {}", self.login, family.id);
        // Used tokens of what is over stay used, after every kill that follows.
        if family.fate == Fate::Ended {
            for old in family.used.iter().rev().take(2) {
                let (page, _) = until_answered(async || rp.refresh(old).await).await;
                assert_eq!(page.status, 400, "{}: a used token of family {} was taken", self.login, family.id);
                Tally::add(&scene.tally.checks, 1);
            }
        }
    }

    fn settle_family(&mut self, scene: &Scene<'_>, at: usize, page: Option<Page>) {
        match page {
            Some(page) => {
                self.renewed(scene, at, &page);
                self.families[at].fate = Fate::Stands;
            }
            None => {
                self.families[at].fate = Fate::Ended;
                self.families[at].unanswered = None;
            }
        }
    }

    async fn check_code(&mut self, scene: &Scene<'_>, at: usize) {
        let code = &self.codes[at];
        // A second use may end its family; most of them shall see another kill.
        if let Used::For(family) = code.use_
            && self.families[family].fate == Fate::Stands
            && self.dice.below(4) > 0
        {
            return;
        }
        let rp = &scene.rps[code.rp];
        let form = rp.redemption(&code.started, &code.text);
        let (redeemed, again) = until_answered(async || rp.token(&form).await).await;
        if again && code.use_ == Used::Never {
            self.codes[at].use_ = Used::InDoubt;
        }
        let code = &self.codes[at];
        assert!(matches!(redeemed.status.as_u16(), 200 | 400), "{} {}", redeemed.status, redeemed.body);
        let good = redeemed.status == 200;
        let remembered = code.memory == scene.memory;
        Tally::add(&scene.tally.answered, 1);
        Tally::add(&scene.tally.checks, 1);
        match code.use_ {
            Used::For(family) => {
                assert!(!good, "{}: a used code was taken again", self.login);
                // Where short-lived state still knows the code, its second use ends what came of the first.
                if remembered {
                    self.families[family].fate = Fate::Ended;
                }
            }
            Used::Worthless => assert!(!good, "{}: a refused code came back", self.login),
            Used::Never => {
                let live = self.sessions[code.session].fate == Fate::Stands;
                if !remembered || !live {
                    assert!(!good, "{}: a lost code was taken", self.login);
                } else if code.given.elapsed() < CODE_LIVES {
                    assert!(good, "{}: a code was lost: {}", self.login, redeemed.body);
                }
            }
            Used::InDoubt => assert!(!good || remembered, "{}: a lost code was taken", self.login),
        }
        match (code.use_, good) {
            (_, true) => self.born(scene, at, &redeemed),
            (Used::For(_), false) => {}
            (_, false) => self.codes[at].use_ = Used::Worthless,
        }
    }
}

/// A silent step into the public client's application with a session's cookies.
async fn entry(rp: &RelyingParty, session: &Session) -> Page {
    let started = rp.start(&[("prompt", "none")]);
    let ask = async || {
        let mut page = session.browser.clone().follow(&rp.redirect_uri, &started.url).await;
        let error = page.location().and_then(|next| parameter(&next, "error"));
        if matches!(error.as_deref(), Some("server_error" | "temporarily_unavailable")) {
            page.status = StatusCode::SERVICE_UNAVAILABLE;
        }
        page
    };
    until_answered(ask).await.0
}

/// Asks until there is an answer: a machine under load may say 503 for a while though nothing is broken. Whether
/// an earlier try had none, and so may have happened.
async fn until_answered(ask: impl AsyncFn() -> Page) -> (Page, bool) {
    let began = Instant::now();
    let mut again = false;
    loop {
        let page = ask().await;
        if !page.status.is_server_error() {
            return (page, again);
        }
        assert!(began.elapsed() < PATIENCE, "{} though everything runs: {}", page.status, page.body);
        again = true;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Whether the newest known token must be good; `None`: both may be, and what is found stays.
fn wanted(family: &Family) -> Option<bool> {
    match (family.fate, family.unanswered) {
        (Fate::Ended, _) => Some(false),
        (Fate::InDoubt, _) => None,
        (Fate::Stands, None) => Some(true),
        // The answer may have been lost after the token was used: the confidential client asks again.
        (Fate::Stands, Some(since)) if family.rp == CONFIDENTIAL && since.elapsed() < ASKED_AGAIN => Some(true),
        (Fate::Stands, Some(_)) => None,
    }
}
