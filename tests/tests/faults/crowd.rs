//! People and applications at work while something breaks: each asks again as soon as it is answered.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use gapura_tests::{
    browser::{Browser, Page},
    office::{OFFICER, Office, PASSWORD},
    relying_party::{RelyingParty, Tokens, pairs},
};
use tokio::task::JoinSet;

use super::scene::{self, answered, is_our_json, is_our_page, until};

/// What one kind of request was answered since it was last asked.
#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    good: u32,
    later: u32,
}

#[derive(Default)]
struct Seen {
    answers: BTreeMap<&'static str, Answers>,
    longest: Duration,
    all: u32,
}

impl Seen {
    fn note(&mut self, name: &'static str, good: bool, took: Duration) {
        self.all += 1;
        self.longest = self.longest.max(took);
        let answers = self.answers.entry(name).or_default();
        if good {
            answers.good += 1;
        } else {
            answers.later += 1;
        }
    }
}

/// Everybody at work; dropping it sends them home.
pub(super) struct Crowd {
    seen: Arc<Mutex<Seen>>,
    tasks: JoinSet<()>,
}

/// What everybody does, by name.
pub(super) const EVERYTHING: [&str; 6] = ["userinfo", "introspection", "refresh", "entry", "sign-in", "form"];

impl Crowd {
    /// Sets off one worker of each name. Who refreshes has a family of its own: an answer that never came may end it,
    /// and with it every access token of the family.
    pub(super) fn start(office: &Office, browser: &Browser, (asks, refreshes): (&Tokens, &Tokens)) -> Self {
        let mut crowd = Self { seen: Arc::default(), tasks: JoinSet::new() };
        let rp = office.rp("presensi", &office.provider);
        let fresh = office.browser(&office.provider);
        for name in EVERYTHING {
            let at_work = Worker {
                rp: rp.clone(),
                browser: if name == "entry" { browser.clone() } else { fresh.clone() },
                access_token: asks.access_token(),
                refresh_token: refreshes.refresh_token(),
                in_doubt: false,
            };
            crowd.tasks.spawn(at_work.toil(name, Arc::clone(&crowd.seen)));
        }
        crowd
    }

    /// Waits until each of `names` was well answered from now on.
    pub(super) async fn works(&mut self, names: &[&str]) {
        self.sees(names, |answers| answers.good >= 2).await;
    }

    /// Waits until each of `names` was told to come later.
    pub(super) async fn is_put_off(&mut self, names: &[&str]) {
        self.sees(names, |answers| answers.later >= 1).await;
    }

    async fn sees(&mut self, names: &[&str], enough: impl Fn(&Answers) -> bool) {
        self.seen.lock().unwrap().answers.clear();
        let Self { seen, tasks } = self;
        until("everybody to be answered", async || {
            if let Some(ended) = tasks.try_join_next() {
                panic!("a worker met a wrong answer: {ended:?}");
            }
            let seen = seen.lock().unwrap();
            names.iter().all(|name| seen.answers.get(name).is_some_and(&enough))
        })
        .await;
    }

    /// Whether nobody of `names` was told to come later since the last look.
    pub(super) fn nobody_was_put_off(&self, names: &[&str]) -> bool {
        let seen = self.seen.lock().unwrap();
        names.iter().all(|name| seen.answers.get(name).is_none_or(|answers| answers.later == 0))
    }

    /// Sends everybody home; what they saw, for the report.
    pub(super) async fn end(mut self) -> String {
        self.tasks.abort_all();
        while let Some(ended) = self.tasks.join_next().await {
            assert!(ended.is_err_and(|why| why.is_cancelled()), "a worker met a wrong answer");
        }
        let seen = self.seen.lock().unwrap();
        format!("{} answers, the slowest after {:?}", seen.all, seen.longest)
    }
}

struct Worker {
    rp: RelyingParty,
    browser: Browser,
    access_token: String,
    refresh_token: String,
    /// The last refresh was put off: whether the token was used up, nobody knows.
    in_doubt: bool,
}

impl Worker {
    async fn toil(mut self, name: &'static str, seen: Arc<Mutex<Seen>>) {
        loop {
            let begun = Instant::now();
            let answer = answered(name, self.ask(name)).await;
            let good = self.judge(name, &answer);
            seen.lock().unwrap().note(name, good, begun.elapsed());
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    async fn ask(&mut self, name: &str) -> Page {
        match name {
            "userinfo" => self.rp.userinfo(&self.access_token).await,
            "introspection" => self.rp.call("/introspect", &pairs(&[("token", &self.access_token)])).await,
            "refresh" => self.refresh().await,
            "entry" => self.browser.follow(&self.rp.redirect_uri, &self.rp.start(&[]).url).await,
            "sign-in" => {
                let mut browser = self.browser.clone();
                let page = browser.follow(&self.rp.redirect_uri, &self.rp.start(&[]).url).await;
                if page.status != 200 {
                    return page;
                }
                browser.submit("password", &[("username", OFFICER), ("password", PASSWORD)]).await
            }
            _ => self.browser.clone().open("/masuk").await,
        }
    }

    /// Refreshes, and signs in anew where the token was used up by an answer that never came.
    async fn refresh(&mut self) -> Page {
        let answer = self.rp.refresh(&self.refresh_token).await;
        let used_up = self.in_doubt && answer.status == 400;
        self.in_doubt = answer.status == 503;
        if !used_up {
            return answer;
        }
        let (mut browser, started) = (self.browser.clone(), self.rp.start(&[]));
        browser.follow(&self.rp.redirect_uri, &started.url).await;
        let page = browser.submit("password", &[("username", OFFICER), ("password", PASSWORD)]).await;
        self.rp.token(&self.rp.redemption(&started, &self.rp.code(&started, &page))).await
    }

    /// Whether it went well; if not, it is ours to say so, and we say it well.
    fn judge(&mut self, name: &str, answer: &Page) -> bool {
        let well = match name {
            "entry" | "sign-in" => answer.location().is_some_and(|next| next.as_str().contains("code=")),
            _ => answer.status == 200,
        };
        if well && name == "refresh" {
            let tokens: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            self.refresh_token = tokens["refresh_token"].as_str().unwrap().to_owned();
        }
        if !well {
            match name {
                "entry" | "sign-in" | "form" => is_our_page(answer, scene::INDONESIAN),
                _ => is_our_json(answer),
            }
        }
        well
    }
}
