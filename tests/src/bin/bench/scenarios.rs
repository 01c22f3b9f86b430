//! Each measurement beside its ceiling, and the table they end in.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use gapura_tests::{
    Pair,
    provider::{Provider, sample_file},
    servers::{free_port, wait_until},
};
use http::header;

use crate::{
    city::{City, Person, coded},
    line::Line,
    load::{CONNECTIONS, Figures, resident_mib, run as load},
};

/// The core the server has for itself; the generator is pinned to the other one by `tests/bench.sh`.
const SERVER_CORE: [&str; 3] = ["taskset", "-c", "0"];

/// The bare server of `ceiling.rs`.
struct Ceiling {
    child: Child,
    port: u16,
}

impl Drop for Ceiling {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs everything and prints the table.
pub(crate) async fn run(seconds: Duration) {
    let mut provider = Provider::new(Pair::SqliteMemory).through(&SERVER_CORE);
    let city = City::load(&provider, &["opd", "pegawai", "akun", "penugasan", "aplikasi", "peran"]);
    provider.serve();
    settle(&city).await;
    let idle = resident_mib(provider.pid());
    let ceiling = Ceiling::start();
    let bare = Bench { server: ceiling.child.id(), seconds };
    let ours = Bench { server: provider.pid(), seconds };

    heading();
    let json = bare.get(ceiling.port, "localhost", "/json").await;
    row("ceiling: JSON of 2 KiB", json, None);
    row("discovery", ours.get(city.port, &city.host, "/.well-known/openid-configuration").await, Some(json));
    row("JWKS", ours.get(city.port, &city.host, "/jwks").await, Some(json));

    let signed = bare.post(ceiling.port, "/es256", "", "grant_type=client_credentials").await;
    row("ceiling: one ES256 signature", signed, None);
    let credentials = ours.post(city.port, "/token", &city.job, "grant_type=client_credentials").await;
    row("client_credentials, ES256", credentials, Some(signed));

    let verified = bare.get(ceiling.port, "localhost", "/verify").await;
    row("ceiling: one ES256 verification", verified, None);
    let people = city.signed_in(CONNECTIONS).await;
    let (introspection, people) = ours.people(people, introspect).await;
    row("introspection", introspection, Some(verified));
    let (userinfo, people) = ours.people(people, userinfo).await;
    row("userinfo", userinfo, Some(verified));
    let (refresh, people) = ours.people(people, refresh).await;
    row("refresh, rotated, ES256 access and ID token", refresh, Some(signed));
    let (flow, _) = ours.people(people, code_flow).await;
    row("code flow with a live session", flow, Some(signed));

    let hashes = hashes();
    row("ceiling: Argon2id 19456 KiB, t=2, p=1", hashes, None);
    let mut strangers = Vec::new();
    for number in 0..8 {
        strangers.push(city.browser(number).await);
    }
    let (sign_in, _) = ours.people(strangers, sign_in).await;
    row("password sign-in, whole flow", sign_in, Some(hashes));

    let loaded = resident_mib(provider.pid());
    provider.stop();
    let start = start_up(&mut provider, &city).await;
    println!(
        "\n| | |\n|---|---:|\n| memory, idle (VmRSS) | {idle:.1} MiB |\n| memory, after these loads | {loaded:.1} MiB |"
    );
    println!("| memory of the bare server | {:.1} MiB |", resident_mib(ceiling.child.id()));
    println!("| start-up with the sample city to the first answer | {:.0} ms |", start.as_secs_f64() * 1e3);
    drop(ceiling);
    drop(provider);
    import().await;
}

/// The personnel file on both cores, beside a server at which people sign in all the while.
async fn import() {
    let mut provider = Provider::new(Pair::SqliteMemory).through(&["taskset", "-c", "0,1"]);
    let city = City::load(&provider, &["opd", "akun", "aplikasi", "peran"]);
    provider.serve();
    let mut person = city.browser(0).await;
    person.sign_in().await;
    let began = Instant::now();
    let file = sample_file("pegawai");
    let mut child =
        provider.command(&["import", "pegawai", &file]).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let mut latencies = Vec::new();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        let asked = Instant::now();
        person.sign_in().await;
        latencies.push(asked.elapsed());
    };
    let took = began.elapsed();
    assert!(status.success());
    latencies.sort_unstable();
    let at = |share: usize| latencies[(latencies.len() - 1) * share / 100].as_secs_f64() * 1e3;
    println!("| import of 7,012 rows, people signing in meanwhile | {:.1} s |", took.as_secs_f64());
    println!("| sign-in during that import: p50, p99 | {:.0} ms, {:.0} ms |", at(50), at(99));
    let began = Instant::now();
    let again = provider.gapura_json(&["import", "pegawai", &file]);
    assert_eq!(again["unchanged"], 7012);
    println!("| the same file again, all unchanged | {:.1} s |", began.elapsed().as_secs_f64());
}

/// Asks each quiet endpoint once and gives the background work of a start its time.
async fn settle(city: &City) {
    let mut line = Line::open(city.port, &city.host).await;
    for path in ["/.well-known/openid-configuration", "/jwks"] {
        assert_eq!(line.get(path, &[]).await.status, 200);
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
}

/// The median of five starts, each to its first right answer.
async fn start_up(provider: &mut Provider, city: &City) -> Duration {
    let mut took = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        provider.serve();
        let mut line = Line::open(city.port, &city.host).await;
        assert_eq!(line.get("/.well-known/openid-configuration", &[]).await.status, 200);
        took.push(began.elapsed());
        provider.stop();
    }
    took.sort_unstable();
    took[2]
}

/// A server and how long it is loaded.
struct Bench {
    server: u32,
    seconds: Duration,
}

impl Bench {
    async fn get(&self, port: u16, host: &str, path: &str) -> Figures {
        let mut lines = Vec::new();
        for _ in 0..CONNECTIONS {
            lines.push(Line::open(port, host).await);
        }
        let job = async |mut line: Line| {
            let answer = line.get(path, &[]).await;
            assert!(answer.status == 200 && answer.body.starts_with(b"{"), "{}", answer.text());
            line
        };
        load(self.server, self.seconds, lines, job).await
    }

    async fn post(&self, port: u16, path: &str, authorization: &str, form: &str) -> Figures {
        let mut lines = Vec::new();
        for _ in 0..CONNECTIONS {
            lines.push(Line::open(port, "localhost").await);
        }
        let job = async |mut line: Line| {
            let answer = line.post(path, &[(header::AUTHORIZATION, authorization)], form).await;
            assert!(answer.status == 200 && answer.text().contains("access_token"), "{}", answer.text());
            line
        };
        load(self.server, self.seconds, lines, job).await
    }

    /// Loads with people; they come back for the next load.
    async fn people<F: Future<Output = Person>>(
        &self,
        people: Vec<Person>,
        job: impl Fn(Person) -> F + Copy,
    ) -> (Figures, Vec<Person>) {
        let city = people[0].city.clone();
        let count = people.len();
        let figures = load(self.server, self.seconds, people, job).await;
        (figures, city.signed_in(count.min(CONNECTIONS)).await)
    }
}

async fn introspect(mut person: Person) -> Person {
    let form = format!("token={}", coded(&person.access_token));
    let answer = person.line.post("/introspect", &[(header::AUTHORIZATION, &person.city.web)], &form).await;
    assert!(answer.text().contains("\"active\":true"), "{}", answer.text());
    person
}

async fn userinfo(mut person: Person) -> Person {
    let bearer = format!("Bearer {}", person.access_token);
    let answer = person.line.get("/userinfo", &[(header::AUTHORIZATION, &bearer)]).await;
    assert!(answer.status == 200 && answer.text().contains("\"sub\""), "{}", answer.text());
    person
}

async fn refresh(mut person: Person) -> Person {
    person.refresh().await;
    person
}

async fn code_flow(mut person: Person) -> Person {
    let code = person.enter().await;
    person.redeem(&code).await;
    person
}

async fn sign_in(mut person: Person) -> Person {
    person.sign_in().await;
    person
}

impl Ceiling {
    fn start() -> Self {
        let port = free_port();
        let own = std::env::current_exe().unwrap();
        let child = Command::new(SERVER_CORE[0])
            .args(&SERVER_CORE[1..])
            .arg(own)
            .args(["ceiling", &port.to_string()])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let ready = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        wait_until("the bare server", ready, String::new);
        Self { child, port }
    }
}

fn hashes() -> Figures {
    let own = std::env::current_exe().unwrap();
    let run = Command::new(SERVER_CORE[0]).args(&SERVER_CORE[1..]).arg(own).arg("hashes").output().unwrap();
    let rate: f64 = String::from_utf8(run.stdout).unwrap().trim().parse().unwrap();
    Figures { rate, p50_ms: 1e3 / rate, p99_ms: 1e3 / rate, cpu_us: 1e6 / rate }
}

fn heading() {
    println!("| | a second | p50 ms | p99 ms | cpu us | of its ceiling |\n|---|---:|---:|---:|---:|---:|");
}

fn row(name: &str, figures: Figures, ceiling: Option<Figures>) {
    let share = ceiling.map_or(String::new(), |ceiling| format!("{:.0} %", figures.rate * 100.0 / ceiling.rate));
    let rate = if figures.rate < 1000.0 { format!("{:.1}", figures.rate) } else { format!("{:.0}", figures.rate) };
    println!("| {name} | {rate} | {:.2} | {:.2} | {:.0} | {share} |", figures.p50_ms, figures.p99_ms, figures.cpu_us);
}
