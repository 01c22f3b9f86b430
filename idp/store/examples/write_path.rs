//! What a write and a read cost: closed-loop callers rotate refresh tokens, then ask who stands behind
//! a session.
//!
//! ```text
//! cargo run --release --example write_path -- sqlite FILE
//! cargo run --release --example write_path -- postgres URL
//! ```
//! A write is what a refresh with an audit event does: a guarded UPDATE, two INSERTs, one commit. CPU is
//! that of this whole process, callers and checkpointer included, not of a PostgreSQL server. The
//! database must be new; keys are time-ordered, as those of the server are.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::string_slice,
    reason = "a measurement: it prints, and stops where something is wrong"
)]

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant as Watch},
};

use gapura_core::{
    access::{Application, ApplicationKind},
    audit::{Actor, AuditEvent, EventKind},
    id::{ApplicationId, ClientId, EventId, FamilyId, RefreshTokenId, SessionId, UserId},
    identity::{PersonName, Session, Status, UserKind},
    oauth::{AuthMethod, Client, Family, PkcePolicy, RefreshPolicy, SignatureAlg},
    time::Instant,
};
use gapura_store::{
    Db, DbConfig, StoreError,
    applications::{self, Registered},
    audit, clients, grants,
    refresh_tokens::{self, NewRefreshToken},
    sessions, standing,
    users::{self, Profile},
};

const NOW: Instant = Instant::from_millis(1_800_000_000_000);
const FAMILIES: usize = 50_000;
const RUN: Duration = Duration::from_secs(3);

/// A key that grows, 32 characters as the server makes them.
fn ordered() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{:032x}", NEXT.fetch_add(1, Ordering::Relaxed))
}

#[tokio::main(worker_threads = 1)]
async fn main() -> Result<(), StoreError> {
    let mut arguments = std::env::args().skip(1);
    let (engine, place) =
        (arguments.next().unwrap_or_default(), arguments.next().expect("sqlite FILE or postgres URL"));
    let config = if engine == "postgres" { DbConfig::postgres(place) } else { DbConfig::sqlite(place) };
    Db::migrate(&config).await?;
    let db = Db::open(&config).await?;
    let watch = Watch::now();
    let mut tokens = seed(&db).await?;
    println!("{FAMILIES} families seeded in {:.1} s", watch.elapsed().as_secs_f64());
    println!("| {engine} | callers | /s | p50 ms | p99 ms | max ms | CPU us |\n|---|---:|---:|---:|---:|---:|---:|");
    for callers in [1, 8, 32, 128] {
        let shares = share(std::mem::take(&mut tokens), callers);
        let rotating = shares.into_iter().map(|share| tokio::spawn(rotate(db.clone(), share)));
        let (taken, shares) = measure("write", callers, rotating.collect()).await;
        assert!(taken > 0, "nothing was measured");
        tokens = shares.into_iter().flatten().collect();
    }
    for callers in [1, 32] {
        let reading = (0..callers).map(|_| tokio::spawn(read(db.clone())));
        measure("standing", callers, reading.collect()).await;
    }
    db.close().await;
    Ok(())
}

/// A family and its newest token.
type Held = (FamilyId, RefreshTokenId);

fn share(tokens: Vec<Held>, callers: usize) -> Vec<Vec<Held>> {
    let mut shares = vec![Vec::new(); callers];
    for (place, token) in tokens.into_iter().enumerate() {
        if let Some(share) = shares.get_mut(place % callers) {
            share.push(token);
        }
    }
    shares
}

/// Uses one token after the other, as fast as answers come.
async fn rotate(db: Db, mut tokens: Vec<Held>) -> (Vec<Duration>, Vec<Held>) {
    let (began, mut latencies) = (Watch::now(), Vec::new());
    'run: loop {
        for (family, token) in &mut tokens {
            if began.elapsed() > RUN {
                break 'run;
            }
            let next = new_token(family);
            let event = AuditEvent::new(EventId::new(ordered()), [7; 16], NOW, EventKind::Entered, Actor::System);
            let (used, id) = (token.clone(), next.id.clone());
            let watch = Watch::now();
            let won = db.write(async move |tx| {
                let won = refresh_tokens::rotate(tx, &used, &next, NOW).await?;
                audit::record(tx, &event).await?;
                Ok(won)
            });
            assert!(won.await.expect("a rotation"), "each token is used once");
            latencies.push(watch.elapsed());
            *token = id;
        }
    }
    (latencies, tokens)
}

async fn read(db: Db) -> (Vec<Duration>, Vec<Held>) {
    let (began, mut latencies) = (Watch::now(), Vec::new());
    while began.elapsed() < RUN {
        let watch = Watch::now();
        assert!(standing::by_cookie(&db, b"session").await.expect("a read").is_some());
        latencies.push(watch.elapsed());
    }
    (latencies, Vec::new())
}

type Running = tokio::task::JoinHandle<(Vec<Duration>, Vec<Held>)>;

/// Waits for the callers and prints one row.
async fn measure(what: &str, callers: usize, running: Vec<Running>) -> (usize, Vec<Vec<Held>>) {
    let (watch, cpu) = (Watch::now(), cpu());
    let (mut latencies, mut shares) = (Vec::new(), Vec::new());
    for caller in running {
        let (taken, share) = caller.await.expect("a caller");
        latencies.extend(taken);
        shares.push(share);
    }
    let (wall, cpu) = (watch.elapsed(), self::cpu() - cpu);
    latencies.sort_unstable();
    let count = latencies.len().max(1);
    let at = |share: f64| {
        let place = ((count - 1) as f64 * share) as usize;
        latencies.get(place).copied().unwrap_or_default().as_secs_f64() * 1000.0
    };
    println!(
        "| {what} | {callers} | {:.0} | {:.2} | {:.2} | {:.1} | {:.0} |",
        count as f64 / wall.as_secs_f64(),
        at(0.5),
        at(0.99),
        at(1.0),
        cpu.as_micros() as f64 / count as f64
    );
    (count, shares)
}

/// Processor time of this process: fields 14 and 15 of `/proc/self/stat`, in hundredths of a second.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = &stat[stat.rfind(')').expect("a name in brackets")..];
    let ticks: u64 = after_name.split(' ').skip(12).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn new_token(family: &FamilyId) -> NewRefreshToken {
    NewRefreshToken {
        id: RefreshTokenId::new(ordered()),
        family_id: family.clone(),
        hash: vec![7; 32],
        expires_at: NOW.plus(Duration::from_secs(3600)),
    }
}

/// One person, one client, one session, and all the families on it.
async fn seed(db: &Db) -> Result<Vec<Held>, StoreError> {
    let session = session();
    let of = session.clone();
    db.write(async move |tx| {
        applications::add(tx, &application(), NOW).await?;
        clients::add(tx, &client(), NOW).await?;
        users::add(tx, (&UserId::new("user"), "sub"), &profile(), NOW).await?;
        sessions::start(tx, &of, b"session").await
    })
    .await?;
    let mut held = Vec::with_capacity(FAMILIES);
    while held.len() < FAMILIES {
        let batch: Vec<_> = (0..50)
            .map(|_| {
                let family = family(&session);
                let token = new_token(&family.id);
                (family, token)
            })
            .collect();
        held.extend(batch.iter().map(|(family, token)| (family.id.clone(), token.id.clone())));
        db.write(async move |tx| {
            for (family, token) in &batch {
                grants::create(tx, family, NOW).await?;
                refresh_tokens::insert(tx, token, NOW).await?;
            }
            Ok(())
        })
        .await?;
    }
    Ok(held)
}

fn session() -> Session {
    Session {
        id: SessionId::new(ordered()),
        user_id: UserId::new("user"),
        user_epoch: 0,
        acr: "1".to_owned(),
        amr: vec!["pwd".to_owned()],
        auth_time: NOW,
        last_seen_at: NOW,
        expires_at: NOW.plus(Duration::from_secs(12 * 3600)),
        ended: None,
    }
}

fn family(session: &Session) -> Family {
    Family {
        id: FamilyId::new(ordered()),
        user_id: session.user_id.clone(),
        client_id: ClientId::new("client"),
        session_id: Some(session.id.clone()),
        offline: false,
        scopes: vec!["openid".to_owned()],
        user_epoch: 0,
        acr: session.acr.clone(),
        amr: session.amr.clone(),
        auth_time: NOW,
        nonce: None,
        last_used_at: NOW,
        expires_at: NOW.plus(Duration::from_secs(3600)),
        revoked: None,
    }
}

fn application() -> Registered {
    let application = Application {
        id: ApplicationId::new("application"),
        name: "Application".to_owned(),
        identifier: "https://application.example".to_owned(),
        kind: ApplicationKind::Umum,
        owner_opd: None,
        open_to_all: true,
    };
    Registered { application, field: None }
}

fn client() -> Client {
    Client {
        id: ClientId::new("client"),
        application_id: ApplicationId::new("application"),
        name: "Application".to_owned(),
        enabled: true,
        auth_method: AuthMethod::None,
        secrets: Vec::new(),
        keys: None,
        grant_types: Vec::new(),
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        scopes: Vec::new(),
        home_uri: "https://application.example/".to_owned(),
        backchannel_logout_uri: None,
        id_token_alg: SignatureAlg::Es256,
        pkce: PkcePolicy::Required,
        refresh: RefreshPolicy::Rotate,
        asks_consent: false,
    }
}

fn profile() -> Profile {
    Profile {
        kind: UserKind::AsnPns,
        status: Status::Active,
        name: PersonName { full: "User".to_owned(), title_before: None, title_after: None },
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
    }
}
