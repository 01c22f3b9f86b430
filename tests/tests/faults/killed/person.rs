//! One person with a browser, two applications, and now and then an officer who switches the account off.

use std::{collections::BTreeSet, time::Instant};

use gapura_tests::{
    browser::{Browser, Page, parameter},
    relying_party::{RelyingParty, pairs},
    wire,
};
use serde_json::Value;

use super::{
    APPLICATION, PASSWORD, Scene, Tally,
    ledger::{Code, Dice, Family, Fate, Known, Session, Used},
    operator::command,
};
use crate::faults::receiver::claims;

mod check;

/// The confidential client may ask again for an answer that was lost; the public one may not.
const CONFIDENTIAL: usize = 1;
const CLIENTS: [&str; 2] = ["ponsel", "presensi"];

pub(super) struct Person {
    login: String,
    dice: Dice,
    pub(super) sessions: Vec<Session>,
    pub(super) families: Vec<Family>,
    codes: Vec<Code>,
    pub(super) enabled: Known,
    granted: Known,
}

/// What came back.
enum Heard {
    Yes(Page),
    No(Page),
    /// Nothing that says what happened.
    Nothing,
}

/// Where an authorization ended.
enum Arrived {
    /// At the application, with a code.
    Code(String),
    /// Anywhere else, for a reason.
    Refused(Page),
    Nothing,
}

fn heard(scene: &Scene<'_>, page: Page) -> Heard {
    if page.status.is_server_error() {
        Tally::add(&scene.tally.in_doubt, 1);
        return Heard::Nothing;
    }
    Tally::add(&scene.tally.answered, 1);
    if page.status.is_client_error() { Heard::No(page) } else { Heard::Yes(page) }
}

fn arrived(scene: &Scene<'_>, page: Page) -> Arrived {
    let page = match heard(scene, page) {
        Heard::Yes(page) => page,
        Heard::No(page) => return Arrived::Refused(page),
        Heard::Nothing => return Arrived::Nothing,
    };
    let Some(url) = page.location() else { return Arrived::Refused(page) };
    if let Some(code) = parameter(&url, "code") {
        Tally::add(&scene.tally.changes, 1);
        return Arrived::Code(code);
    }
    match parameter(&url, "error").as_deref() {
        Some("server_error" | "temporarily_unavailable") => Arrived::Nothing,
        _ => Arrived::Refused(page),
    }
}

impl Person {
    pub(super) fn new(login: &str, dice: Dice) -> Self {
        let (enabled, granted) = (Known::Yes, Known::Yes);
        Self {
            login: login.to_owned(),
            dice,
            sessions: Vec::new(),
            families: Vec::new(),
            codes: Vec::new(),
            enabled,
            granted,
        }
    }

    /// Sessions that certainly ended, with the clients that must hear of it.
    pub(super) fn ended_sessions(&self) -> impl Iterator<Item = (&str, &BTreeSet<&'static str>)> {
        let ended = self.sessions.iter().filter(|session| session.fate == Fate::Ended);
        ended.filter_map(|session| Some((session.id.as_deref()?, &session.entered)))
    }

    /// Sessions that certainly live.
    pub(super) fn living_sessions(&self) -> impl Iterator<Item = &str> {
        self.sessions.iter().filter(|session| session.fate == Fate::Stands).filter_map(|session| session.id.as_deref())
    }

    /// Acts until the kill, or until something has no answer.
    pub(super) async fn live(&mut self, scene: &Scene<'_>) {
        while !scene.is_cut() && !self.is_in_doubt() {
            self.act(scene).await;
        }
    }

    fn is_in_doubt(&self) -> bool {
        self.enabled == Known::Perhaps
            || self.granted == Known::Perhaps
            || self.sessions.iter().any(|session| session.fate == Fate::InDoubt)
            || self.families.iter().any(|family| family.fate == Fate::InDoubt || family.unanswered.is_some())
            || self.codes.iter().any(|code| code.use_ == Used::InDoubt)
    }

    async fn act(&mut self, scene: &Scene<'_>) {
        if self.enabled == Known::No {
            return self.switch_account(scene, Known::Yes).await;
        }
        if self.granted == Known::No {
            return self.switch_role(scene, Known::Yes).await;
        }
        let standing = self.standing();
        let roll = self.dice.below(100);
        let family = if standing.is_empty() { None } else { Some(standing[self.dice.place(standing.len())]) };
        match (roll, family) {
            (0..30, _) | (_, None) => {
                let rp = self.dice.place(2);
                self.enter(scene, rp).await;
            }
            (30..70, Some(family)) => self.refresh(scene, family).await,
            (70..76, Some(family)) => self.race(scene, family).await,
            (76..82, Some(family)) => self.replay(scene, family).await,
            (82..88, Some(family)) => self.revoke(scene, family).await,
            (88..94, _) => self.sign_out(scene).await,
            (94..97, _) => self.switch_account(scene, Known::No).await,
            _ => self.switch_role(scene, Known::No).await,
        }
    }

    fn standing(&self) -> Vec<usize> {
        let all = self.families.iter().enumerate();
        all.filter(|(_, family)| family.fate == Fate::Stands).map(|(at, _)| at).collect()
    }

    fn session(&self) -> Option<usize> {
        self.sessions.iter().rposition(|session| session.fate == Fate::Stands)
    }

    fn new_browser(scene: &Scene<'_>) -> Browser {
        Browser::new(wire::router(scene.provider.port()), scene.public())
    }

    /// Enters an application, by signing in where nobody is signed in, and redeems the code.
    async fn enter(&mut self, scene: &Scene<'_>, rp: usize) {
        let from = &scene.rps[rp];
        let started = from.start(&[]);
        let session = self.session();
        let mut browser = session.map_or_else(|| Self::new_browser(scene), |at| self.sessions[at].browser.clone());
        let mut page = browser.follow(&from.redirect_uri, &started.url).await;
        if session.is_none() {
            if page.status.is_server_error() {
                return;
            }
            page = browser.submit("password", &[("username", &self.login), ("password", PASSWORD)]).await;
        }
        match arrived(scene, page) {
            Arrived::Code(text) => {
                let session = session.unwrap_or_else(|| {
                    let entered = BTreeSet::new();
                    self.sessions.push(Session { id: None, browser, fate: Fate::Stands, entered });
                    self.sessions.len() - 1
                });
                self.sessions[session].entered.insert(CLIENTS[rp]);
                let (given, memory, use_) = (Instant::now(), scene.memory, Used::Never);
                self.codes.push(Code { rp, session, started, text, given, memory, use_ });
                if !scene.is_cut() {
                    self.redeem(scene, self.codes.len() - 1).await;
                }
            }
            Arrived::Refused(page) => panic!("{} may enter: {} {}", self.login, page.status, page.text()),
            // A sign-in without an answer: nobody has its cookie.
            Arrived::Nothing => {}
        }
    }

    async fn redeem(&mut self, scene: &Scene<'_>, code: usize) {
        let known = &self.codes[code];
        let rp = &scene.rps[known.rp];
        let page = rp.token(&rp.redemption(&known.started, &known.text)).await;
        match heard(scene, page) {
            Heard::Yes(page) => self.born(scene, code, &page),
            Heard::No(page) => panic!("{}: a fresh code is good: {}", self.login, page.body),
            Heard::Nothing => self.codes[code].use_ = Used::InDoubt,
        }
    }

    fn born(&mut self, scene: &Scene<'_>, code: usize, page: &Page) {
        let answer: Value = serde_json::from_str(&page.body).unwrap();
        let text = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned();
        let sid = claims(&text("id_token"))["sid"].as_str().unwrap().to_owned();
        let known = &mut self.codes[code];
        known.use_ = Used::For(self.families.len());
        known.memory = scene.memory;
        let session = &mut self.sessions[known.session];
        assert_eq!(session.id.get_or_insert_with(|| sid.clone()), &sid, "one sign-in, one sid");
        let id = claims(&text("access_token"))["fam"].as_str().unwrap().to_owned();
        self.families.push(Family {
            id,
            rp: known.rp,
            session: known.session,
            used: Vec::new(),
            head: text("refresh_token"),
            access: text("access_token"),
            fate: Fate::Stands,
            unanswered: None,
        });
        Tally::add(&scene.tally.changes, 1);
    }

    async fn refresh(&mut self, scene: &Scene<'_>, at: usize) {
        let family = &self.families[at];
        match heard(scene, scene.rps[family.rp].refresh(&family.head).await) {
            Heard::Yes(page) => self.renewed(scene, at, &page),
            Heard::No(page) => {
                panic!("{}: the newest token of family {} is good: {}", self.login, family.id, page.body)
            }
            Heard::Nothing => self.families[at].unanswered = Some(Instant::now()),
        }
    }

    fn renewed(&mut self, scene: &Scene<'_>, at: usize, page: &Page) {
        let answer: Value = serde_json::from_str(&page.body).unwrap();
        let text = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned();
        let family = &mut self.families[at];
        let used = std::mem::replace(&mut family.head, text("refresh_token"));
        family.used.push(used);
        family.access = text("access_token");
        family.unanswered = None;
        Tally::add(&scene.tally.changes, 1);
    }

    /// Five uses of one token at once by the public client: one wins, and the family ends.
    async fn race(&mut self, scene: &Scene<'_>, at: usize) {
        let family = &self.families[at];
        if family.rp == CONFIDENTIAL {
            return self.refresh(scene, at).await;
        }
        let rp = &scene.rps[family.rp];
        let pages = futures::future::join_all((0..5).map(|_| rp.refresh(&family.head))).await;
        let answers = pages.into_iter().map(|page| heard(scene, page)).collect::<Vec<_>>();
        let winners = answers.iter().filter_map(|answer| if let Heard::Yes(page) = answer { Some(page) } else { None });
        let winners = winners.collect::<Vec<_>>();
        let refused = answers.iter().any(|answer| matches!(answer, Heard::No(_)));
        let silent = answers.iter().any(|answer| matches!(answer, Heard::Nothing));
        assert!(winners.len() <= 1, "{} of five parallel uses won", winners.len());
        assert!(silent || winners.len() == 1, "one of five wins");
        match winners.first() {
            Some(page) => self.renewed(scene, at, page),
            None => self.families[at].unanswered = Some(Instant::now()),
        }
        self.families[at].fate = if refused { Fate::Ended } else { Fate::InDoubt };
        Tally::add(&scene.tally.changes, usize::from(refused));
    }

    /// A token that is certainly used up; for the confidential client the last one may be asked for again.
    fn used_up(family: &Family) -> Option<&String> {
        if family.rp == CONFIDENTIAL { family.used.iter().nth_back(1) } else { family.used.last() }
    }

    async fn replay(&mut self, scene: &Scene<'_>, at: usize) {
        let family = &self.families[at];
        let Some(old) = Self::used_up(family) else { return self.refresh(scene, at).await };
        let fate = match heard(scene, scene.rps[family.rp].refresh(old).await) {
            Heard::Yes(_) => panic!("{}: a used token of family {} was taken", self.login, family.id),
            Heard::No(_) => Fate::Ended,
            Heard::Nothing => Fate::InDoubt,
        };
        self.end_family(scene, at, fate);
    }

    async fn revoke(&mut self, scene: &Scene<'_>, at: usize) {
        let family = &self.families[at];
        let form = pairs(&[("token", &family.head)]);
        let fate = match heard(scene, scene.rps[family.rp].call("/revoke", &form).await) {
            Heard::Yes(_) => Fate::Ended,
            Heard::No(page) => panic!("{}: a token may be given back: {}", self.login, page.body),
            Heard::Nothing => Fate::InDoubt,
        };
        self.end_family(scene, at, fate);
    }

    fn end_family(&mut self, scene: &Scene<'_>, at: usize, fate: Fate) {
        self.families[at].fate = fate;
        Tally::add(&scene.tally.changes, usize::from(fate == Fate::Ended));
    }

    async fn sign_out(&mut self, scene: &Scene<'_>) {
        let Some(at) = self.session() else { return };
        let browser = &mut self.sessions[at].browser;
        let page = browser.open("/keluar").await;
        if page.status.is_server_error() {
            return;
        }
        let fate = match heard(scene, browser.submit("", &[]).await) {
            Heard::Yes(_) => Fate::Ended,
            Heard::No(page) => panic!("{}: signing out: {} {}", self.login, page.status, page.text()),
            Heard::Nothing => Fate::InDoubt,
        };
        self.end_session(at, fate);
        Tally::add(&scene.tally.changes, usize::from(fate == Fate::Ended));
    }

    /// What rests on a session goes its way.
    fn end_session(&mut self, at: usize, fate: Fate) {
        self.sessions[at].fate = fate;
        for family in self.families.iter_mut().filter(|family| family.session == at && family.fate != Fate::Ended) {
            family.fate = fate;
        }
    }

    fn end_everything(&mut self) {
        for at in 0..self.sessions.len() {
            self.end_session(at, Fate::Ended);
        }
    }

    async fn switch_account(&mut self, scene: &Scene<'_>, to: Known) {
        let word = if to == Known::Yes { "enable" } else { "disable" };
        let answered = command(scene, &["user", word, &self.login]).await;
        self.enabled = answered.map_or(Known::Perhaps, |()| to);
        if self.enabled == Known::No {
            self.end_everything();
        }
    }

    async fn switch_role(&mut self, scene: &Scene<'_>, to: Known) {
        let word = if to == Known::Yes { "add" } else { "close" };
        let words = ["grant", word, &self.login, APPLICATION, "pegawai", "--reason", "uji"];
        let answered = command(scene, &words).await;
        self.granted = answered.map_or(Known::Perhaps, |()| to);
    }

    fn rp<'s>(&self, scene: &'s Scene<'_>, at: usize) -> &'s RelyingParty {
        &scene.rps[self.families[at].rp]
    }
}
