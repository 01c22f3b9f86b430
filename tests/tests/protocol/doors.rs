//! What is taken away shuts every door, the newer ones too (incidents T7 and T20): a generated matrix of
//! changes and doors, as an application sees it from outside.

use gapura_core::{
    id::{ClientId, EventId, RuleId, SessionId, UserId},
    identity::{SessionEnd, Status},
};
use gapura_store::{StoreError, Tx, clients, recording::Recording, rules, sessions, users};
use gapura_tests::{
    Pair,
    browser::{Browser, Page},
    city::{City, TEACHER},
    on_both_pairs,
    relying_party::{RelyingParty, Started, pairs},
};
use serde_json::Value;

on_both_pairs!(what_is_taken_away_shuts_every_door, a_disabled_client_acts_for_itself_no_more);

/// What is taken away.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    UserDisabled,
    ClientDisabled,
    RoleRemoved,
    SessionEnded,
    EpochRaised,
}

const CHANGES: [Change; 5] =
    [Change::UserDisabled, Change::ClientDisabled, Change::RoleRemoved, Change::SessionEnded, Change::EpochRaised];

async fn apply(
    change: Change,
    tx: &mut Tx,
    session: &SessionId,
    now: gapura_core::time::Instant,
) -> Result<(), StoreError> {
    let user = UserId::new("orang-0");
    match change {
        Change::UserDisabled => users::set_status(tx, &user, Status::Disabled, now).await.map(drop),
        Change::ClientDisabled => {
            clients::set_enabled(tx, &ClientId::new("ponsel"), clients::Enabled::Off, now).await.map(drop)
        }
        Change::RoleRemoved => {
            let event = EventId::new("00000000000000000000000000000002");
            let by = Recording { row_id: "tutup", at: now, event: &event };
            rules::supersede(tx, &RuleId::new("aturan-presensi"), by).await.map(drop)
        }
        Change::SessionEnded => sessions::end(tx, session, SessionEnd::SignedOut, now).await.map(drop),
        Change::EpochRaised => users::raise_epoch(tx, &user, now).await,
    }
}

/// A person signed in at the public client of e-Presensi, with a code not redeemed yet.
struct Guest {
    browser: Browser,
    rp: RelyingParty,
    access_token: String,
    refresh_token: String,
    session: SessionId,
    waiting: (Started, String),
}

impl Guest {
    async fn of(city: &City) -> Self {
        let (mut browser, rp) = (city.browser(), city.rp("ponsel"));
        let tokens = city.tokens(&mut browser, &rp, &TEACHER).await;
        let (started, page) = city.begin(&mut browser, &rp, &[]).await;
        let waiting = rp.code(&started, &page);
        Self {
            access_token: tokens.access_token(),
            refresh_token: tokens.refresh_token(),
            session: SessionId::new(tokens.id_token["sid"].as_str().unwrap()),
            waiting: (started, waiting),
            browser,
            rp,
        }
    }

    /// What each door answers, in one word.
    async fn at_every_door(&mut self, city: &City) -> [(&'static str, String); 5] {
        let introspector = city.rp("presensi");
        let started = self.rp.start(&[("prompt", "none")]);
        let page = self.browser.follow(&self.rp.redirect_uri, &started.url).await;
        let authorize = page
            .parameter("error")
            .or_else(|| page.location().and_then(|next| gapura_tests::browser::parameter(&next, "error")))
            .or_else(|| page.error_code())
            .unwrap_or_else(|| "open".into());
        let (started, code) = &self.waiting;
        let redeemed = self.rp.token(&self.rp.redemption(started, code)).await;
        let refreshed = self.rp.refresh(&self.refresh_token).await;
        let userinfo = self.rp.userinfo(&self.access_token).await;
        let active = introspector.introspect(&self.access_token).await["active"] == true;
        [
            ("authorize", authorize),
            ("code", word(&redeemed)),
            ("refresh", word(&refreshed)),
            ("userinfo", word(&userinfo)),
            ("introspection", if active { "open".into() } else { "inactive".into() }),
        ]
    }
}

fn word(page: &Page) -> String {
    if page.status == 200 {
        return "open".into();
    }
    let body: Value = serde_json::from_str(&page.body).unwrap_or_default();
    body["error"].as_str().unwrap_or("no error").to_owned()
}

fn expected(change: Change) -> [&'static str; 5] {
    match change {
        Change::UserDisabled | Change::SessionEnded | Change::EpochRaised => {
            ["login_required", "invalid_grant", "invalid_grant", "invalid_token", "inactive"]
        }
        Change::ClientDisabled => ["client_disabled", "invalid_client", "invalid_client", "invalid_token", "inactive"],
        Change::RoleRemoved => ["access_denied", "invalid_grant", "invalid_grant", "invalid_token", "inactive"],
    }
}

//= T7 test
//= T20 test
async fn what_is_taken_away_shuts_every_door(pair: Pair) {
    for change in CHANGES {
        let city = City::new(pair).await;
        let mut guest = Guest::of(&city).await;
        let (session, now) = (guest.session.clone(), city.clock.now());
        city.app.db.write(async move |tx| apply(change, tx, &session, now).await).await.unwrap();
        city.app.copies.refresh().await.unwrap();
        let answers = guest.at_every_door(&city).await;
        for ((door, answer), expected) in answers.iter().zip(expected(change)) {
            assert_eq!(answer, expected, "{change:?} at {door}");
        }
    }
}

//= T7 test
async fn a_disabled_client_acts_for_itself_no_more(pair: Pair) {
    let city = City::new(pair).await;
    let (job, other) = (city.rp("direktori"), city.rp("kinerja"));
    let form = pairs(&[("grant_type", "client_credentials")]);
    let token = job.checked(&job.token(&form).await).await.access_token();
    assert_eq!(other.introspect(&token).await["active"], true);
    let now = city.clock.now();
    let id = ClientId::new("direktori");
    let off = async move |tx: &mut Tx| clients::set_enabled(tx, &id, clients::Enabled::Off, now).await;
    city.app.db.write(off).await.unwrap();
    city.app.copies.refresh().await.unwrap();
    assert_eq!(word(&job.token(&form).await), "invalid_client");
    assert_eq!(word(&job.call("/introspect", &pairs(&[("token", &token)])).await), "invalid_client");
    assert_eq!(other.introspect(&token).await["active"], false);
}
