//! People by the hundred thousand: each with number, mail, post, password hash, a session and a live
//! refresh family, written through the store's own functions.
//!
//! Whoever knows a person's number knows the rest of them: cookie and refresh token come of it. Rows are
//! written in the order of their keys, random ones (subjects, cookies) sorted first, as a tree that grew
//! for years would be read; such a file is a little smaller than one that grew in random order.

mod rows;

use std::{fs, path::Path, time::Instant as Watch};

use gapura_core::{
    id::{ApplicationId, ClientId, PositionId, UnitId, UserId},
    organization::{Position, PositionClass},
    time::{Instant, Period},
};
use gapura_idp::clock::Clock;
use gapura_store::{
    Db, DbConfig, StoreError, arrivals, clients, credentials, grants, organization, refresh_tokens,
    sessions::{self, Entry},
};

use rows::{Account, Signed, cookie, hash, ordered};

/// People in one transaction; a multiple of eight.
const BATCH: usize = 2_000;

/// What there is now.
pub(crate) struct Seeded {
    people: usize,
    at: Instant,
    /// Whose cookie the session of this number has: cookies are sorted by their hash.
    cookies: Vec<u32>,
    /// Bytes of the file before, with accounts, and with sessions and families too.
    bytes: [u64; 3],
    /// How long it took.
    pub(crate) seconds: f64,
}

/// What a browser and its application hold.
#[derive(Clone)]
pub(crate) struct Held {
    /// The line of cookies.
    pub(crate) cookies: String,
    pub(crate) refresh_token: String,
    pub(crate) access_token: String,
}

/// `bench seed FILE PEOPLE`: into the database of a deployment that is not serving, or a new one.
pub(crate) async fn file(file: &str, people: usize) {
    let seeded = fill(Path::new(file), people, None).await;
    let [account, session] = seeded.bytes_a_person();
    println!(
        "{people} people in {:.0} s: {account:.0} bytes each, and {session:.0} for a session with a refresh family",
        seeded.seconds
    );
}

/// Seeds a file. Families are of this client, or of the first that may refresh.
pub(crate) async fn fill(file: &Path, people: usize, client: Option<&str>) -> Seeded {
    let watch = Watch::now();
    let at = Clock::System.now();
    let people = people.next_multiple_of(arrivals::AT_ONCE);
    let before = size(file);
    let db = Db::open(&DbConfig::sqlite(file)).await.unwrap();
    let place = Place::of(&db, client, at).await;
    for first in (0..people).step_by(BATCH) {
        accounts(&db, first..people.min(first + BATCH), (people, &place, at)).await.unwrap();
    }
    closed(db).await;
    let with_accounts = size(file);
    let db = Db::open(&DbConfig::sqlite(file)).await.unwrap();
    let cookies = sorted_cookies(people);
    for first in (0..people).step_by(BATCH) {
        let signed = (first..people.min(first + BATCH))
            .map(|number| Signed::new(number, (cookies[number] as usize, &place.client), at));
        sessions(&db, signed.collect(), (place.application.clone(), at)).await.unwrap();
    }
    closed(db).await;
    Seeded { people, at, cookies, bytes: [before, with_accounts, size(file)], seconds: watch.elapsed().as_secs_f64() }
}

/// Adds families that have run out already, for the clean-up to find.
pub(crate) async fn run_out(file: &Path, seeded: &Seeded, (families, client): (usize, &str)) {
    let db = Db::open(&DbConfig::sqlite(file)).await.unwrap();
    for first in (0..families).step_by(BATCH) {
        let batch = (first..families.min(first + BATCH)).map(|number| {
            Signed::run_out(seeded.people + number, number % seeded.people, (&ClientId::new(client), seeded.at))
        });
        let (batch, at) = (batch.collect::<Vec<_>>(), seeded.at);
        let written = db.write(async move |tx| {
            for signed in &batch {
                grants::create(tx, &signed.family, at).await?;
                refresh_tokens::insert(tx, &signed.token, at).await?;
            }
            Ok(())
        });
        written.await.unwrap();
    }
    closed(db).await;
}

impl Seeded {
    /// What people hold, so many of them spread over all.
    pub(crate) fn held(&self, count: usize) -> Vec<Held> {
        let count = count.min(self.people);
        let number = |place: usize| place * self.people / count;
        (0..count).map(|place| self.holds(number(place))).collect()
    }

    fn holds(&self, number: usize) -> Held {
        Held {
            cookies: format!("gapura_session={}", cookie(self.cookies[number] as usize)),
            refresh_token: format!("{}.{}", ordered(self.at, number), rows::secret(number)),
            access_token: String::new(),
        }
    }

    /// Names that people sign in with, so many of them spread over all.
    pub(crate) fn names(&self, count: usize) -> Vec<String> {
        // A step that shares no factor with the number of people visits them out of order.
        (0..count).map(|place| rows::number(place * 7_919 % self.people)).collect()
    }

    /// Bytes of an account, and of a session with its family.
    pub(crate) fn bytes_a_person(&self) -> [f64; 2] {
        let [before, accounts, all] = self.bytes;
        [accounts - before, all - accounts].map(|bytes| bytes as f64 / self.people as f64)
    }
}

/// Where everybody works, and where they have entered.
struct Place {
    unit: UnitId,
    position: Position,
    period: Period,
    client: ClientId,
    application: Option<ApplicationId>,
}

impl Place {
    async fn of(db: &Db, client: Option<&str>, at: Instant) -> Self {
        let position = Position {
            id: PositionId::new(ordered(at, 0)),
            name: "Pengelola Layanan Operasional".to_owned(),
            class: PositionClass::General,
            eselon: None,
        };
        let units = organization::units(db).await.unwrap();
        let unit = units.first().map_or_else(|| UnitId::new("unit"), |unit| unit.id.clone());
        let all = clients::all(db).await.unwrap();
        let known =
            all.into_iter().find(|known| client.map_or(known.has_grant("refresh_token"), |id| known.id.as_str() == id));
        let added = position.clone();
        db.write(async move |tx| organization::add_position(tx, &added).await).await.unwrap();
        let positions = organization::positions(db).await.unwrap();
        Self {
            unit,
            position: positions.into_iter().find(|known| known.name == position.name).unwrap(),
            period: Period { from: "2020-01-01".parse().unwrap(), until: None },
            client: known.as_ref().map_or_else(|| ClientId::new("client"), |client| client.id.clone()),
            application: known.map(|client| client.application_id),
        }
    }
}

async fn accounts(
    db: &Db,
    numbers: std::ops::Range<usize>,
    (people, place, at): (usize, &Place, Instant),
) -> Result<(), StoreError> {
    let new = numbers.map(|number| Account::new((number, people), place, at)).collect::<Vec<_>>();
    db.write(async move |tx| {
        for eight in new.chunks_exact(arrivals::AT_ONCE) {
            let eight = std::array::from_fn(|place| eight[place].arrival());
            arrivals::add(tx, &eight, at).await?;
        }
        for account in &new {
            credentials::set_password(tx, &account.user, rows::PASSWORD_HASH, at).await?;
        }
        Ok(())
    })
    .await
}

async fn sessions(
    db: &Db,
    signed: Vec<Signed>,
    (application, at): (Option<ApplicationId>, Instant),
) -> Result<(), StoreError> {
    db.write(async move |tx| {
        for one in &signed {
            sessions::start(tx, &one.session, &one.cookie_hash).await?;
            if let Some(application) = &application {
                let entry = Entry {
                    session_id: one.session.id.clone(),
                    client_id: one.family.client_id.clone(),
                    application_id: application.clone(),
                    user_id: one.session.user_id.clone(),
                };
                sessions::enter(tx, &entry, at).await?;
            }
            grants::create(tx, &one.family, at).await?;
            refresh_tokens::insert(tx, &one.token, at).await?;
        }
        Ok(())
    })
    .await
}

/// Numbers of cookies in the order of their hashes.
fn sorted_cookies(people: usize) -> Vec<u32> {
    let mut hashed = (0..people).map(|number| (hash(&cookie(number)), number)).collect::<Vec<_>>();
    hashed.sort_unstable();
    hashed.into_iter().map(|(_, number)| u32::try_from(number).unwrap()).collect()
}

/// Ends the store's thread and its connections, which takes the log back into the file.
async fn closed(db: Db) {
    db.close().await;
    drop(db);
}

fn size(file: &Path) -> u64 {
    let log = file.with_extension("db-wal");
    [file, &log].iter().filter_map(|path| fs::metadata(path).ok()).map(|meta| meta.len()).sum()
}

/// The key of a person, as the store knows it.
fn user_id(number: usize, at: Instant) -> UserId {
    UserId::new(ordered(at, number))
}
