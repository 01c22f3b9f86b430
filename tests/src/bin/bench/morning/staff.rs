//! The staff of the sample city, ready for a morning: some with a password, some with a session that began
//! before.
//!
//! Passwords are real: each is hashed at the provider's usual cost with its pepper and a salt of its own, on
//! all cores. What the command `user passwd` does beside that (end sessions that are not there, write its
//! event) is left out, and it is one process for all of them. Sessions are written as a sign-in writes them.

use std::{process::Stdio, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use gapura_core::{
    id::{SessionId, UserId},
    identity::Session,
};
use gapura_idp::{
    clock::Clock,
    entropy::Entropy,
    foundation::Foundation,
    settings::{Settings, Source},
};
use gapura_store::{
    credentials,
    login_names::{self, StoredName},
    sessions,
};
use gapura_tests::{
    Pair,
    provider::{Provider, sample_file},
    relying_party::basic,
    servers::wait_until,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    bare::SERVER_CORE,
    city::{ALL, HOST, PASSWORD, REDIRECT, Web},
    hashing::{self, Arena},
};

use super::{arrivals::Chance, visit::Door};

/// The applications that everybody has a role in.
const APPLICATIONS: [(&str, &str); 4] =
    [("presensi", "e-Presensi"), ("kinerja", "e-Kinerja"), ("office", "e-Office"), ("simpeg", "SIMPEG")];

/// A city on a working morning; the server is not running.
pub(super) struct Town {
    pub(super) provider: Provider,
    applications: Vec<Web>,
    /// NIP of those with a password.
    pub(super) typing: Vec<String>,
    /// NIP and cookie of those with a session.
    pub(super) signed_in: Vec<(String, String)>,
}

/// How many have a session that began before.
const SESSIONS: usize = 3_000;

impl Town {
    /// On SQLite, so many with a password.
    pub(super) fn on_sqlite(passwords: usize) -> Self {
        Self::ready(Provider::new(Pair::SqliteMemory), passwords)
    }

    /// Imports the city, registers the applications, and makes passwords and sessions.
    pub(super) fn ready(provider: Provider, passwords: usize) -> Self {
        let provider = provider.through(&SERVER_CORE);
        for kind in ALL {
            provider.gapura(&["import", kind, &sample_file(kind)]);
        }
        let applications = APPLICATIONS.map(|(id, name)| {
            let new = ["client", "add", "--id", id, "--application", name, "--redirect-uri", REDIRECT];
            let added = provider.gapura_json(&new);
            Web { client_id: id.to_owned(), basic: basic(id, added["client_secret"].as_str().unwrap()) }
        });
        // On every core: the generator keeps to one of them otherwise.
        let own = std::env::current_exe().unwrap();
        let made = provider
            .beside(&own, &["staff", &passwords.to_string(), &SESSIONS.to_string()])
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        let printed: Value = serde_json::from_slice(&made.stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let typing = printed["typing"].as_array().unwrap().iter().map(text).collect();
        let signed_in = printed["signed_in"].as_array().unwrap();
        let signed_in = signed_in.iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
        println!("passwords of {passwords} people made in {:.0} s", printed["seconds"].as_f64().unwrap());
        Self { provider, applications: applications.to_vec(), typing, signed_in }
    }

    /// Where its people go.
    pub(super) fn door(&self) -> Door {
        Door {
            port: self.provider.port(),
            host: format!("{HOST}:{}", self.provider.port()),
            applications: self.applications.clone(),
            address: None,
        }
    }

    /// Serves, until every key is there.
    pub(super) fn open(&mut self) {
        self.provider.serve();
        wait_until("the provider to be ready", || self.provider.is_ready(), || self.provider.log());
    }
}

/// The command that does it, in the deployment its settings name: prints who has what.
pub(crate) async fn prepare(passwords: usize, with_session: usize) {
    let began = std::time::Instant::now();
    let settings = Settings::load(&Source::of_process(None)).unwrap();
    let base = Foundation::open_for_command(settings, Clock::System).await.unwrap();
    let names = login_names::all(&base.db).await.unwrap();
    let is_number = |name: &str| name.len() == 18 && name.bytes().all(|digit| digit.is_ascii_digit());
    let mut staff = names.into_iter().filter(|name| is_number(&name.normalized)).collect::<Vec<_>>();
    let mut chance = Chance::new(730);
    staff.sort_by_cached_key(|_| chance.share().to_bits());

    let pepper = base.keys.pepper();
    let typing = &staff[..passwords.min(staff.len())];
    let cores = std::thread::available_parallelism().unwrap().get();
    let hashed = std::thread::scope(|scope| {
        let shares = typing.chunks(typing.len().div_ceil(cores).max(1));
        let running = shares.map(|share| scope.spawn(|| hashed(share, pepper.expose()))).collect::<Vec<_>>();
        running.into_iter().flat_map(|share| share.join().unwrap()).collect::<Vec<_>>()
    });
    let now = base.clock.now();
    for some in hashed.chunks(500) {
        let some = some.to_vec();
        let written = base.db.write(async move |tx| {
            for (user, hash) in &some {
                credentials::set_password(tx, user, hash, now).await?;
            }
            Ok(())
        });
        written.await.unwrap();
    }
    // From the other end, so that few people have both.
    let mut signed_in = Vec::new();
    let mut begun = Vec::new();
    for person in staff.iter().rev().take(with_session) {
        let cookie = base.entropy.token().unwrap();
        begun.push((session(&base, &person.user_id), cookie_hash(&cookie)));
        signed_in.push((person.normalized.as_str(), format!("gapura_session={cookie}")));
    }
    for some in begun.chunks(500) {
        let some = some.to_vec();
        let written = base.db.write(async move |tx| {
            for (session, hash) in &some {
                sessions::start(tx, session, hash).await?;
            }
            Ok(())
        });
        written.await.unwrap();
    }
    base.db.close().await;
    let typing = typing.iter().map(|person| person.normalized.as_str()).collect::<Vec<_>>();
    let seconds = began.elapsed().as_secs_f64();
    println!("{}", serde_json::json!({ "typing": typing, "signed_in": signed_in, "seconds": seconds }));
}

/// Everybody's hash of the one password, each with a salt of its own.
fn hashed(share: &[StoredName], pepper: &[u8]) -> Vec<(UserId, String)> {
    let mut arena = Arena::new();
    let hash = |person: &StoredName| {
        let salt: [u8; 16] = Entropy.bytes().unwrap();
        let tag = arena.tag(PASSWORD, &salt, pepper);
        let hash = format!("{}{}${}", hashing::cost(), STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(tag));
        (person.user_id.clone(), hash)
    };
    share.iter().map(hash).collect()
}

/// A session that begins now.
fn session(base: &Foundation, user: &UserId) -> Session {
    let now = base.clock.now();
    Session {
        id: SessionId::new(base.entropy.ordered_id(now).unwrap()),
        user_id: user.clone(),
        user_epoch: 0,
        acr: "pwd".to_owned(),
        amr: vec!["pwd".to_owned()],
        auth_time: now,
        last_seen_at: now,
        expires_at: now.plus(Duration::from_secs(12 * 3600)),
        ended: None,
    }
}

fn cookie_hash(cookie: &str) -> [u8; 32] {
    Sha256::digest(cookie.as_bytes()).into()
}
