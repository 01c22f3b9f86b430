//! Logout messages as an application sees them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use gapura_core::{
    access::{Application, ApplicationKind},
    audit::{Actor, AuditEvent, EventKind},
    id::{ApplicationId, ClientId, EventId, SessionId, UserId},
    identity::{PersonName, Session, SessionEnd, Status, UserKind},
    oauth::{AuthMethod, Client, PkcePolicy, RefreshPolicy, SignatureAlg},
    time::Instant,
};
use gapura_store::{
    applications::{self, Registered},
    audit, audit_chain, clients,
    logout_messages::{self, LogoutMessage, MessageState},
    sessions::{self, Entry},
    users::{self, Profile},
};
use tokio::sync::Semaphore;

use super::{
    seal::{Lease, Look, Plan},
    *,
};
use crate::{clock::Clock, settings::Settings};

const START: Instant = Instant::from_millis(1_795_000_000_000);

struct Bench {
    app: App,
    _folder: tempfile::TempDir,
}

/// A deployment with one person, Siti, who has one application.
async fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let app = App::build(Settings::defaults(folder.path()).unwrap(), Clock::manual(START)).await.unwrap();
    let profile = Profile {
        kind: UserKind::AsnPns,
        status: Status::Active,
        name: PersonName { full: "Siti".into(), title_before: None, title_after: None },
        gender: None,
        birth_date: None,
        siasn_person_id: None,
        nik_index: None,
        nik_sealed: None,
        phone_sealed: None,
        official_email: None,
        private_email_sealed: None,
        golongan: None,
        legal_status: None,
        working_agency: None,
        sponsor_opd: None,
        validity: None,
    };
    let application = Application {
        id: ApplicationId::new("a"),
        name: "Presensi".into(),
        identifier: "https://presensi.example".into(),
        kind: ApplicationKind::Umum,
        owner_opd: None,
        open_to_all: true,
    };
    app.db
        .write(async move |tx| {
            users::add(tx, (&UserId::new("siti"), "sub-siti"), &profile, START).await?;
            applications::add(tx, &Registered { application: application.clone(), field: None }, START).await
        })
        .await
        .unwrap();
    Bench { app, _folder: folder }
}

impl Bench {
    /// What a job is given, and the word to stop.
    fn shift(&self) -> (watch::Sender<bool>, Shift) {
        let (stop, stopped) = watch::channel(false);
        (stop, Shift { app: self.app.clone(), live: (&self.app).into(), node: "simpul".into(), stopped })
    }

    async fn client(&self, id: &str, logout_uri: String) {
        let client = Client {
            id: ClientId::new(id),
            application_id: ApplicationId::new("a"),
            name: id.into(),
            enabled: true,
            auth_method: AuthMethod::Basic,
            secrets: Vec::new(),
            keys: None,
            grant_types: vec!["authorization_code".into()],
            redirect_uris: vec!["https://a.example/cb".into()],
            post_logout_redirect_uris: Vec::new(),
            scopes: vec!["openid".into()],
            home_uri: "https://a.example/".into(),
            backchannel_logout_uri: Some(logout_uri),
            id_token_alg: SignatureAlg::Es256,
            pkce: PkcePolicy::Required,
            refresh: RefreshPolicy::Rotate,
            asks_consent: false,
        };
        self.app.db.write(async move |tx| clients::add(tx, &client, START).await).await.unwrap();
        self.app.copies.refresh().await.unwrap();
    }

    /// Siti signs in and enters a client.
    async fn session(&self, id: &str, client: &str) {
        let session = Session {
            id: SessionId::new(id),
            user_id: UserId::new("siti"),
            user_epoch: 0,
            acr: "1".into(),
            amr: vec!["pwd".into()],
            auth_time: START,
            last_seen_at: START,
            expires_at: START.plus(Duration::from_secs(12 * 3600)),
            ended: None,
        };
        let entry = Entry {
            session_id: session.id.clone(),
            client_id: ClientId::new(client),
            application_id: ApplicationId::new("a"),
            user_id: session.user_id.clone(),
        };
        self.app
            .db
            .write(async move |tx| {
                sessions::start(tx, &session, session.id.as_str().as_bytes()).await?;
                sessions::enter(tx, &entry, START).await
            })
            .await
            .unwrap();
    }

    async fn sign_out(&self, session: &str) {
        let (id, now) = (SessionId::new(session), self.app.clock.now());
        self.app.db.write(async move |tx| sessions::end(tx, &id, SessionEnd::SignedOut, now).await).await.unwrap();
        self.app.wake.notify_one();
    }

    /// The messages, once they are as awaited.
    async fn messages(&self, awaited: impl Fn(&[LogoutMessage]) -> bool) -> Vec<LogoutMessage> {
        let mut seen = Vec::new();
        for _ in 0..1000 {
            seen = logout_messages::list(&self.app.db, 100).await.unwrap();
            if awaited(&seen) {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never came: {seen:?}");
    }
}

/// An application's logout receiver.
#[derive(Clone)]
struct Receiver {
    tokens: Arc<Mutex<Vec<String>>>,
    /// What it answers, the last one for ever.
    answers: Arc<Mutex<Vec<u16>>>,
    /// A request waits here before it is answered.
    gate: Arc<Semaphore>,
    inside: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Receiver {
    async fn start(answers: &[u16], open: usize) -> (Self, String) {
        let receiver = Self {
            tokens: Arc::default(),
            answers: Arc::new(Mutex::new(answers.to_vec())),
            gate: Arc::new(Semaphore::new(open)),
            inside: Arc::default(),
            most: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://app.localhost:{}/logout", listener.local_addr().unwrap().port());
        let router = Router::new().route("/logout", post(receive)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, uri)
    }

    fn tokens(&self) -> Vec<serde_json::Value> {
        use base64::Engine as _;
        let claims = |token: &String| {
            let part = token.split('.').nth(1).unwrap();
            serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        self.tokens.lock().unwrap().iter().map(claims).collect()
    }
}

async fn receive(State(it): State<Receiver>, body: String) -> StatusCode {
    let inside = it.inside.fetch_add(1, Ordering::SeqCst) + 1;
    it.most.fetch_max(inside, Ordering::SeqCst);
    it.tokens.lock().unwrap().push(body.strip_prefix("logout_token=").unwrap().to_owned());
    drop(it.gate.acquire().await);
    it.inside.fetch_sub(1, Ordering::SeqCst);
    let mut answers = it.answers.lock().unwrap();
    let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0] };
    StatusCode::from_u16(answer).unwrap()
}

fn all_delivered(messages: &[LogoutMessage]) -> bool {
    !messages.is_empty() && messages.iter().all(|message| message.state == MessageState::Delivered)
}

//= OIDC-BACKCHANNEL#2.5 test
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_is_signed_anew_and_tried_again() {
    let bench = bench().await;
    let (receiver, uri) = Receiver::start(&[500, 302, 200], 1000).await;
    bench.client("presensi", uri).await;
    bench.session("s1", "presensi").await;
    let jobs = Jobs::start(&bench.app).await.unwrap();
    bench.sign_out("s1").await;
    bench.messages(|all| all.iter().all(|it| it.last_error.as_deref() == Some("status 500"))).await;
    bench.app.clock.advance(Duration::from_secs(2));
    bench.messages(|all| all.iter().all(|it| it.last_error.as_deref() == Some("status 302"))).await;
    bench.app.clock.advance(Duration::from_secs(6));
    let delivered = bench.messages(all_delivered).await;
    assert_eq!(delivered[0].attempts, 3);
    let tokens = receiver.tokens();
    for token in &tokens {
        assert_eq!(
            (&token["sid"], &token["sub"], &token["aud"]),
            (&"s1".into(), &"sub-siti".into(), &"presensi".into())
        );
    }
    assert_ne!(tokens[0]["jti"], tokens[1]["jti"]);
    assert_ne!(tokens[0]["iat"], tokens[2]["iat"]);
    jobs.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_application_delays_no_other() {
    let bench = bench().await;
    let (slow, slow_uri) = Receiver::start(&[200], 0).await;
    let (_quick, quick_uri) = Receiver::start(&[200], 1000).await;
    bench.client("slow", slow_uri).await;
    bench.client("quick", quick_uri).await;
    for number in 0..6 {
        bench.session(&format!("a{number}"), "slow").await;
    }
    bench.session("z", "quick").await;
    let jobs = Jobs::start(&bench.app).await.unwrap();
    for number in 0..6 {
        bench.sign_out(&format!("a{number}")).await;
    }
    bench.sign_out("z").await;
    let to = |all: &[LogoutMessage], client: &str, state: MessageState| {
        all.iter().filter(|it| it.client_id.as_str() == client && it.state == state).count()
    };
    let now = bench.messages(|all| to(all, "quick", MessageState::Delivered) == 1).await;
    assert_eq!(to(&now, "slow", MessageState::Pending), 6);
    slow.gate.add_permits(1000);
    bench.messages(|all| all.len() == 7 && all_delivered(all)).await;
    assert_eq!(slow.most.load(Ordering::SeqCst), 2);
    jobs.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_given_up_after_a_day() {
    let bench = bench().await;
    let (_receiver, uri) = Receiver::start(&[503], 1000).await;
    bench.client("presensi", uri).await;
    bench.session("s1", "presensi").await;
    let jobs = Jobs::start(&bench.app).await.unwrap();
    bench.sign_out("s1").await;
    bench.messages(|all| all.iter().all(|it| it.last_error.is_some())).await;
    bench.app.clock.advance(Duration::from_secs(24 * 3600));
    let given_up = bench.messages(|all| all.iter().all(|it| it.state == MessageState::GivenUp)).await;
    assert_eq!(given_up[0].last_error.as_deref(), Some("status 503"));
    jobs.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_runs_out_tells_its_applications() {
    let bench = bench().await;
    let (receiver, uri) = Receiver::start(&[200], 1000).await;
    bench.client("presensi", uri).await;
    bench.session("s1", "presensi").await;
    assert_eq!(endings::end_sessions(&bench.app, START.plus(Duration::from_secs(3 * 3600))).await.unwrap(), 0);
    bench.app.clock.advance(Duration::from_secs(4 * 3600));
    assert_eq!(endings::end_sessions(&bench.app, bench.app.clock.now()).await.unwrap(), 1);
    let jobs = Jobs::start(&bench.app).await.unwrap();
    bench.messages(all_delivered).await;
    assert_eq!(receiver.tokens()[0]["sid"], "s1");
    jobs.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_made_elsewhere_are_followed() {
    let bench = bench().await;
    let jobs = Jobs::start(&bench.app).await.unwrap();
    // Made in the background: a flow that needs it waits.
    let claims = serde_json::json!({"iss": "x"});
    for alg in SignatureAlg::ALL {
        let signed = bench.app.keys.sign(*alg, gapura_core::oauth::TokenType::IdToken, &claims).await;
        assert!(signed.is_ok(), "{alg}");
    }
    assert!(bench.app.keys.complete());
    jobs.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_panics_begins_again() {
    let bench = bench().await;
    let (stop, shift) = bench.shift();
    let begun = Arc::new(AtomicUsize::new(0));
    let job = {
        let begun = Arc::clone(&begun);
        move |mut shift: Shift| {
            let time = begun.fetch_add(1, Ordering::SeqCst);
            async move {
                assert!(time > 1, "the first two times");
                while !shift.pause(Duration::from_secs(60)).await {}
            }
        }
    };
    let running = tokio::spawn(kept("uji", shift, job));
    while begun.load(Ordering::SeqCst) < 3 {
        assert!(!running.is_finished(), "gone");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.send_replace(true);
    running.await.unwrap();
    assert_eq!(begun.load(Ordering::SeqCst), 3);
}

/// An event with the key of a moment so long before `START`.
async fn happened(bench: &Bench, before: Duration) {
    let at = START.minus(before);
    let id = EventId::new(bench.app.entropy.ordered_id(at).unwrap());
    let event = AuditEvent::new(id, [7; 16], at, EventKind::SignedOut, Actor::System);
    bench.app.db.write(async move |tx| audit::record(tx, &event).await).await.unwrap();
}

async fn unsealed(bench: &Bench) -> usize {
    audit_chain::unsealed(&bench.app.db, None, i64::MAX).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_long_ago_is_sealed_by_a_wide_look() {
    let (hour, day) = (Duration::from_secs(3600), Duration::from_secs(24 * 3600));
    let bench = bench().await;
    let (_stop, shift) = bench.shift();
    for minute in 0..200 {
        happened(&bench, Duration::from_secs(60 * minute)).await;
    }
    assert_eq!(seal::step(&shift, Look::Near).await.unwrap(), Lease::Here);
    assert_eq!(unsealed(&bench).await, 0, "everything, in batches");
    for late in [hour, 3 * day] {
        happened(&bench, late).await;
    }
    for (look, left) in [(Look::Near, 2), (Look::Far, 1), (Look::Whole, 0)] {
        seal::step(&shift, look).await.unwrap();
        assert_eq!(unsealed(&bench).await, left, "{look:?}");
    }
    happened(&bench, Duration::ZERO).await;
    let other = Shift { node: "lain".into(), ..shift };
    assert_eq!(seal::step(&other, Look::Whole).await.unwrap(), Lease::Elsewhere);
    assert_eq!(unsealed(&bench).await, 1, "another node has the lease");
}

#[test]
fn a_wide_look_that_failed_is_not_made_again_at_once() {
    let begin = Plan::default();
    assert_eq!(begin.next(), Look::Whole);
    assert_eq!(begin.after(Look::Whole, false).next(), Look::Near);
    let mut plan = begin.after(Look::Whole, true);
    let mut made = std::collections::HashMap::new();
    for _ in 0..17_420 {
        let look = plan.next();
        *made.entry(format!("{look:?}")).or_insert(0) += 1;
        plan = plan.after(look, look != Look::Far);
    }
    assert_eq!((made["Far"], made["Whole"]), (143, 1), "ten minutes and a day of looks each five seconds");
}
