//! What grows with the number of people: the same operations at a thousand, a tenth of the largest number and the
//! largest, one after the other within the same minute, each server holding its own file.

use std::{
    cell::RefCell,
    collections::VecDeque,
    time::{Duration, Instant},
};

use gapura_core::time::Instant as Moment;
use gapura_idp::clock::Clock;
use gapura_store::{Db, DbConfig, expiry, users};
use gapura_tests::{Pair, provider::Provider, servers::wait_until};

use crate::{
    bare::SERVER_CORE,
    city::City,
    core_load::{lines, token},
    line::Line,
    load::{self, CONNECTIONS, Figures},
    person::Person,
    process::resident_mib,
    seed::{self, Held, Seeded},
    starts::{self, ms},
    table::{Goal, cpu_share, judged, percent, rate, rate_share},
};

/// People of whom the operations are done, spread over all, as many at each size: in the warm-up of a load each has
/// shown a token.
const POOL: usize = 1_000;
/// The size of the whole run.
pub(crate) const LARGEST: usize = 1_000_000;
/// Families that run out for the clean-up.
const RUN_OUT: usize = 20_000;

/// The longest of the clean-up.
struct Sweeps {
    /// One statement, without its commit.
    statement_ms: f64,
    /// A batch of each kind, with their commits.
    batch_ms: f64,
}

/// One deployment of a size.
struct Town {
    provider: Provider,
    city: City,
    seeded: Seeded,
    pool: RefCell<VecDeque<Held>>,
    idle_mib: f64,
    start: Duration,
}

/// Seeds a thousand people, a tenth of the largest number, and the largest; measures and prints everything. Goals are
/// stated for a hundred thousand and a million, and judged there alone.
pub(crate) async fn run(seconds: Duration, largest: usize) {
    let sizes = [POOL, largest / 10, largest];
    assert!(sizes.is_sorted(), "the largest number is ten thousand or more");
    let mut towns = Vec::new();
    for people in sizes {
        towns.push(Town::found(people).await);
    }
    let judges = largest == LARGEST;
    println!(
        "\n| people | {} | {} | {largest} | of the first: rate, cpu | goal | met | at the largest | goal | met |\n\
         |---|---:|---:|---:|---:|---|---|---:|---|---|",
        sizes[0], sizes[1]
    );
    let operations: [(&str, [f64; 2]); 5] = [
        ("client_credentials", [0.98, 0.95]),
        ("JWKS", [0.98, 0.95]),
        ("refresh, rotated", [0.90, 0.80]),
        ("introspection, token seen before", [0.98, 0.95]),
        ("code flow with a live session", [0.90, 0.80]),
    ];
    for (operation, goals) in operations {
        let mut figures = Vec::new();
        for town in &towns {
            figures.push(town.load(operation, seconds).await);
        }
        let shown = figures.iter().map(|of| format!("{}/s, {:.0} us", rate(*of), of.cpu_us)).collect::<Vec<_>>();
        // Processor time is what the size can change; the rate of a minute also depends on the disk.
        let compared = [1, 2].map(|at| {
            let shares = [rate_share(figures[at], figures[0]), cpu_share(figures[at], figures[0])];
            let goal = judges.then(|| Goal::at_least(shares[1], goals[at - 1], "by cpu"));
            format!("{}, {} | {}", percent(shares[0]), percent(shares[1]), judged(goal.as_slice()))
        });
        println!("| {operation} | {} | {} |", shown.join(" | "), compared.join(" | "));
    }
    quiet(towns, judges).await;
}

/// What needs no load: lookup, start, memory, disk, clean-up.
async fn quiet(towns: Vec<Town>, judges: bool) {
    let loaded = towns.iter().map(|town| resident_mib(town.provider.pid())).collect::<Vec<_>>();
    let mut lookups = Vec::new();
    let mut sweeps = Vec::new();
    let mut towns = towns;
    for town in &mut towns {
        town.provider.stop();
        lookups.push(town.lookup_us().await);
        sweeps.push(town.longest_sweeps().await);
    }
    let starts = towns.iter().map(|town| ms(town.start)).collect::<Vec<_>>();
    let idle = towns.iter().map(|town| town.idle_mib).collect::<Vec<_>>();
    let bytes = |which: usize| towns.iter().map(|town| town.seeded.bytes_a_person()[which]).collect::<Vec<_>>();
    let seeding = towns.iter().map(|town| town.seeded.seconds).collect::<Vec<_>>();
    more("sign-in lookup", &lookups, "us", judges.then_some([10.0, 30.0]));
    more("start to first answer", &starts, "ms", judges.then_some([5.0, 10.0]));
    more("memory ten seconds after start", &idle, "MiB", judges.then_some([16.0, 64.0]));
    more("memory after these loads", &loaded, "MiB", judges.then_some([16.0, 64.0]));
    each("disk for an account", &bytes(0), "B", Some(500.0));
    each("disk for a session with a family", &bytes(1), "B", None);
    let (statements, batches): (Vec<f64>, Vec<f64>) =
        sweeps.into_iter().map(|sweeps| (sweeps.statement_ms, sweeps.batch_ms)).unzip();
    each("clean-up: the longest statement", &statements, "ms", Some(5.0));
    each("a batch of each kind, with their commits", &batches, "ms", None);
    each("seeded in", &seeding, "s", None);
}

/// A row whose goal is how much more it may be than at the first size.
fn more(name: &str, values: &[f64], unit: &str, most: Option<[f64; 2]>) {
    let compared = [1, 2].map(|at| {
        let grown = values[at] - values[0];
        let goals = most.map(|most| Goal::below(grown, most[at - 1], (unit, &format!("+{} {unit}", most[at - 1]))));
        format!("{grown:+.1} | {}", judged(goals.as_slice()))
    });
    println!("| {name} | {} | {} |", all(values, unit), compared.join(" | "));
}

/// A row whose goal is the same at each size.
fn each(name: &str, values: &[f64], unit: &str, most: Option<f64>) {
    let compared = [1, 2].map(|at| {
        let goals = most.map(|most| Goal::at_most(values[at], most, unit));
        format!(" | {}", judged(goals.as_slice()))
    });
    println!("| {name} | {} | {} |", all(values, unit), compared.join(" | "));
}

fn all(values: &[f64], unit: &str) -> String {
    values.iter().map(|value| format!("{value:.1} {unit}")).collect::<Vec<_>>().join(" | ")
}

impl Town {
    /// Made, seeded, started, and left alone for ten seconds.
    async fn found(people: usize) -> Self {
        let mut provider = Provider::new(Pair::SqliteMemory).through(&SERVER_CORE);
        let city = City::load(&provider, &["opd", "aplikasi", "peran"]);
        let client = city.web("ES256").unwrap().client_id.clone();
        let seeded = seed::fill(&provider.file(), people, Some(&client)).await;
        // The first start makes keys; the file is as the others then.
        provider.serve();
        wait_until("the provider to be ready", || provider.is_ready(), || provider.log());
        provider.stop();
        let start = starts::again(&mut provider).await;
        provider.serve();
        city.ask_each_endpoint().await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        let idle_mib = resident_mib(provider.pid());
        let pool = RefCell::new(seeded.held(POOL).into());
        Self { provider, city, seeded, pool, idle_mib, start }
    }

    async fn load(&self, operation: &str, seconds: Duration) -> Figures {
        let server = self.provider.pid();
        let (port, host) = (self.city.port, self.city.host.as_str());
        if operation == "client_credentials" {
            let ask = async |line: Line| token(line, "/token", &self.city.job, "grant_type=client_credentials").await;
            return load::run(server, seconds, lines(port, host).await, ask).await.0;
        }
        if operation == "JWKS" {
            let ask = async |mut line: Line| {
                assert_eq!(line.get("/jwks", &[]).await.status, 200);
                line
            };
            return load::run(server, seconds, lines(port, host).await, ask).await.0;
        }
        let mut browsers = Vec::new();
        for _ in 0..CONNECTIONS {
            browsers.push(self.browser().await);
        }
        let turn = async |browser: Person| self.turn(browser, operation).await;
        load::run(server, seconds, browsers, turn).await.0
    }

    /// One operation for the person whose turn it is.
    async fn turn(&self, mut browser: Person, operation: &str) -> Person {
        let held = self.pool.borrow_mut().pop_front().unwrap();
        browser.cookies = held.cookies;
        browser.refresh_token = held.refresh_token;
        browser.access_token = held.access_token;
        match operation {
            "refresh, rotated" => browser.refresh().await,
            "code flow with a live session" => {
                let code = browser.enter().await;
                browser.redeem(&code).await;
            }
            _ => {
                // Whoever had no refresh above gets a first token here.
                if browser.access_token.is_empty() {
                    browser.refresh().await;
                }
                let token = browser.access_token.clone();
                browser.introspect(&token).await;
            }
        }
        let held = Held {
            cookies: std::mem::take(&mut browser.cookies),
            refresh_token: std::mem::take(&mut browser.refresh_token),
            access_token: std::mem::take(&mut browser.access_token),
        };
        self.pool.borrow_mut().push_back(held);
        browser
    }

    async fn browser(&self) -> Person {
        Person {
            line: Line::open(self.city.port, &self.city.host).await,
            cookies: String::new(),
            host: self.city.host.clone(),
            web: self.city.web("ES256").unwrap().clone(),
            name: String::new(),
            access_token: String::new(),
            refresh_token: String::new(),
        }
    }

    /// What a sign-in reads before it hashes, through the store on one connection.
    async fn lookup_us(&self) -> f64 {
        let db = Db::open(&DbConfig::sqlite(self.provider.file())).await.unwrap();
        let names = self.seeded.names(20_000);
        let mut took = Vec::new();
        for name in &names {
            let begun = Instant::now();
            let row = users::by_login_name(&db, name, "name:").await.unwrap();
            took.push(begun.elapsed());
            assert!(row.user.is_some(), "{name}");
        }
        db.close().await;
        took.sort_unstable();
        took[took.len() / 2].as_secs_f64() * 1e6
    }

    /// Removes what ran out, as the job does.
    async fn longest_sweeps(&self) -> Sweeps {
        let client = self.city.web("ES256").unwrap().client_id.clone();
        seed::run_out(&self.provider.file(), &self.seeded, (RUN_OUT, &client)).await;
        let db = Db::open(&DbConfig::sqlite(self.provider.file())).await.unwrap();
        let now: Moment = Clock::System.now();
        let (mut statement, mut batch) = (Duration::ZERO, Duration::ZERO);
        let mut gone = 0;
        loop {
            let begun = Instant::now();
            let swept = expiry::sweep(&db, now).await.unwrap();
            if swept.rows == 0 {
                break;
            }
            statement = statement.max(swept.longest_statement);
            batch = batch.max(begun.elapsed());
            gone += swept.rows;
        }
        assert!(gone >= 2 * RUN_OUT as u64, "{gone} rows removed");
        db.close().await;
        Sweeps { statement_ms: ms(statement), batch_ms: ms(batch) }
    }
}
