//! kill -9 at random moments under mixed load: what was answered stays true.
//!
//! A few people and one operator act at the same time, each noting in a ledger of their own what they
//! were *answered*. Then a server dies by SIGKILL: the program, PostgreSQL or Redis. What was under way
//! in that moment is in doubt and may have happened or not, never both; everything else must be found
//! again, at every door and in every row. `make kills` does it three hundred times a pair.

mod books;
mod ledger;
mod operator;
mod person;

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::{Duration, Instant},
};

use futures::future::join_all;
use gapura_tests::{
    Pair, on_both_pairs,
    own_servers::OwnServer,
    provider::{Provider, signal},
    relying_party::{RelyingParty, random},
    servers::wait_until,
    wire,
};
use url::Url;

use super::receiver::Receiver;
use books::Books;
use ledger::Dice;
use operator::Operator;
use person::Person;

on_both_pairs!(what_was_answered_outlives_every_kill);

const APPLICATION: &str = "e-Presensi";
const PASSWORD: &str = "pagi yang cerah di kota";
/// How many act at the same time.
const PEOPLE: usize = 6;
/// A deployment lives through this many kills, then the next begins afresh.
const A_DEPLOYMENT: u32 = 25;
/// `GAPURA_KILLS` asks for another number.
const SHORT: u32 = 6;

/// What dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Server,
    Postgres,
    Redis,
    Everything,
}

/// What was done, for the report.
#[derive(Default)]
struct Tally {
    answered: AtomicU32,
    changes: AtomicU32,
    in_doubt: AtomicU32,
    checks: AtomicU32,
    told: AtomicU32,
}

impl Tally {
    fn add(counter: &AtomicU32, number: usize) {
        counter.fetch_add(u32::try_from(number).unwrap(), Ordering::Relaxed);
    }
}

/// What everybody who acts can see.
struct Scene<'a> {
    provider: &'a Provider,
    /// A public client and a confidential one, of the same application.
    rps: [RelyingParty; 2],
    tally: &'a Tally,
    /// The kill came: nothing new is begun.
    cut: AtomicBool,
    /// Grows each time short-lived state is lost.
    memory: u32,
}

impl Scene<'_> {
    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }

    fn public(&self) -> Url {
        Url::parse(&self.provider.public_url).unwrap()
    }
}

/// PostgreSQL and Redis, where the pair has them.
type Servers = Option<[OwnServer; 2]>;

//= T6 test
async fn what_was_answered_outlives_every_kill(pair: Pair) {
    let kills = said("GAPURA_KILLS").unwrap_or(u64::from(SHORT));
    let mut left = u32::try_from(kills).unwrap();
    let seed = said("GAPURA_SEED").unwrap_or_else(|| random(8).bytes().fold(7, |all, byte| all * 31 + u64::from(byte)));
    println!("{pair:?}: GAPURA_KILLS={left} GAPURA_SEED={seed}");
    let mut dice = Dice::new(seed);
    let tally = Tally::default();
    let mut died = Vec::new();
    let mut servers = (pair == Pair::PostgresRedis).then(|| [OwnServer::postgres(), OwnServer::redis()]);
    while left > 0 {
        let kills = left.min(A_DEPLOYMENT);
        died.extend(lifetime(&mut servers, kills, &mut dice, &tally).await);
        left -= kills;
        println!("{pair:?}: {} kills: {}", died.len(), report(&died, &tally));
    }
}

fn report(died: &[Victim], tally: &Tally) -> String {
    let of = |victim| died.iter().filter(|died| **died == victim).count();
    let [server, postgres, redis, everything] =
        [Victim::Server, Victim::Postgres, Victim::Redis, Victim::Everything].map(of);
    let figure = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
    format!(
        "program {server}, PostgreSQL {postgres}, Redis {redis}, all at once {everything}; {} operations answered, {} \
         of them changes, {} in doubt, {} checks, {} logout messages, lost: 0",
        figure(&tally.answered),
        figure(&tally.changes),
        figure(&tally.in_doubt),
        figure(&tally.checks),
        figure(&tally.told),
    )
}

fn said(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// One deployment from its first start through a number of kills to its last logout message.
async fn lifetime(servers: &mut Servers, kills: u32, dice: &mut Dice, tally: &Tally) -> Vec<Victim> {
    let storage = servers.as_ref().map(|servers| servers.each_ref().map(OwnServer::database));
    // The cost of a password is not what is tried here.
    let cheap = [("PASSWORDS__MEMORY_KIB", "64"), ("PASSWORDS__ITERATIONS", "1")];
    let mut provider = Provider::on(storage, None, &cheap);
    let receiver = Receiver::start().await;
    let logins = (0..PEOPLE).map(|number| format!("orang{number}")).collect::<Vec<_>>();
    let secrets = furnish(&provider, &receiver, &logins);
    provider.serve();
    // The first start makes the RSA key, which no later one needs.
    wait_until("the first keys", || provider.is_ready(), || provider.log());
    let mut people = logins.iter().map(|login| Person::new(login, dice.split())).collect::<Vec<_>>();
    let mut operator = Operator::new(&secrets[1]);
    let (mut died, mut memory) = (Vec::new(), 0);
    for number in 0..kills {
        let victim = if servers.is_some() { choose(number, dice) } else { Victim::Server };
        let scene = look(&provider, &secrets[0], tally, memory);
        let moment = Duration::from_millis(20 + dice.below(800));
        act_until_killed(&scene, (&mut people, &mut operator), async || {
            tokio::time::sleep(moment).await;
            scene.cut.store(true, Ordering::SeqCst);
            tokio::task::block_in_place(|| kill(victim, &provider, servers));
        })
        .await;
        died.push(victim);
        let lost_memory = servers.is_none() || matches!(victim, Victim::Redis | Victim::Everything);
        memory += u32::from(lost_memory);
        revive(victim, &mut provider, servers);
        let scene = look(&provider, &secrets[0], tally, memory);
        operator.check(&scene).await;
        join_all(people.iter_mut().map(|person| person.check(&scene))).await;
        Books::read(&provider).check(&people, &receiver, tally);
    }
    everybody_was_told(&provider, &people, &receiver, tally);
    died
}

/// Every kind of death in turn first, then as the dice fall.
fn choose(number: u32, dice: &mut Dice) -> Victim {
    let all = [Victim::Server, Victim::Postgres, Victim::Redis, Victim::Server, Victim::Everything];
    let at = if number < 5 { number as usize } else { usize::try_from(dice.below(5)).unwrap() };
    all[at]
}

fn look<'a>(provider: &'a Provider, secret: &str, tally: &'a Tally, memory: u32) -> Scene<'a> {
    let public = Url::parse(&provider.public_url).unwrap();
    let rp = |id: &str, secret: Option<String>| {
        RelyingParty::new(wire::router(provider.port()), public.clone(), id, secret, &redirect_uri(id))
    };
    let rps = [rp("ponsel", None), rp("presensi", Some(secret.to_owned()))];
    Scene { provider, rps, tally, cut: AtomicBool::new(false), memory }
}

fn redirect_uri(id: &str) -> String {
    format!("https://{id}.kota-contoh.go.id/auth/callback")
}

/// Application, people and clients; the secrets of `presensi` and `mesin`.
fn furnish(provider: &Provider, receiver: &Receiver, logins: &[String]) -> [String; 2] {
    let identifier = "https://presensi.kota-contoh.go.id";
    provider.gapura(&["application", "add", "--name", APPLICATION, "--identifier", identifier, "--role", "pegawai"]);
    for login in logins {
        let add = ["user", "add", "--name", login, "--account-name", login, "--kind", "dprd", "--password-stdin"];
        provider.gapura_told(&add, PASSWORD);
        provider.gapura(&["grant", "add", login, APPLICATION, "pegawai", "--reason", "uji"]);
    }
    let add = |more: &[&str]| {
        let added = provider.gapura_json(&[&["client", "add", "--application", APPLICATION], more].concat());
        added["client_secret"].as_str().unwrap_or_default().to_owned()
    };
    let [ponsel, presensi] = ["ponsel", "presensi"].map(|id| (redirect_uri(id), receiver.address(id)));
    add(&["--id", "ponsel", "--auth", "none", "--redirect-uri", &ponsel.0, "--logout-uri", &ponsel.1]);
    let secret = add(&["--id", "presensi", "--redirect-uri", &presensi.0, "--logout-uri", &presensi.1]);
    [secret, add(&["--id", "mesin", "--grant", "client_credentials"])]
}

async fn act_until_killed(
    scene: &Scene<'_>,
    (people, operator): (&mut [Person], &mut Operator),
    killer: impl AsyncFnOnce(),
) {
    let acting = join_all(people.iter_mut().map(|person| person.live(scene)));
    tokio::join!(acting, operator.live(scene), killer());
}

fn kill(victim: Victim, provider: &Provider, servers: &mut Servers) {
    if matches!(victim, Victim::Server | Victim::Everything) {
        signal("KILL", provider.pid());
    }
    let Some([postgres, redis]) = servers else { return };
    if matches!(victim, Victim::Postgres | Victim::Everything) {
        postgres.kill();
    }
    if matches!(victim, Victim::Redis | Victim::Everything) {
        redis.kill();
    }
}

/// Starts what died, and waits until the program says by itself that it is ready: where it was not the
/// program that died, it is not started again.
fn revive(victim: Victim, provider: &mut Provider, servers: &mut Servers) {
    if let Some([postgres, redis]) = servers {
        if matches!(victim, Victim::Postgres | Victim::Everything) {
            postgres.start();
        }
        if matches!(victim, Victim::Redis | Victim::Everything) {
            redis.start();
        }
    }
    if matches!(victim, Victim::Server | Victim::Everything) {
        provider.kill();
        provider.serve();
    }
    wait_until("the program to be ready", || provider.is_ready(), || provider.log());
}

/// Messages of the dead are taken over when their lease ends; in the end every application knows.
fn everybody_was_told(provider: &Provider, people: &[Person], receiver: &Receiver, tally: &Tally) {
    let began = Instant::now();
    let told = || Books::read(provider).pending() == 0;
    wait_until("logout messages to be delivered", told, || provider.log());
    println!("the last logout message took {:?}", began.elapsed());
    for (session, clients) in people.iter().flat_map(Person::ended_sessions) {
        for client in clients {
            assert!(receiver.times(session, client) > 0, "{client} never heard of the end of {session}");
            Tally::add(&tally.told, 1);
        }
    }
}
