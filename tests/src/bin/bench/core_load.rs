//! What one core does: each operation in a closed loop, beside its ceiling.

use std::time::Duration;

use gapura_tests::{Pair, provider::Provider, servers::wait_until};
use http::header;

use crate::{
    bare::{Bare, SERVER_CORE},
    city::{ALL, City},
    line::Line,
    load::{self, CONNECTIONS, Figures},
    pace::at_rate,
    person::Person,
    raw::Raw,
    table::{Goal, heading, row},
};

/// A server and how long it is loaded.
#[derive(Clone, Copy)]
pub(crate) struct Bench {
    pub(crate) server: u32,
    pub(crate) seconds: Duration,
}

/// What later parts need of this one.
pub(crate) struct Measured {
    pub(crate) signed: Figures,
    pub(crate) credentials: Figures,
    pub(crate) flow: Figures,
    pub(crate) people: Vec<Person>,
}

/// Operations without a person: discovery, JWKS, a token for a job. The last answers how fast.
pub(crate) async fn machines(city: &City, (ours, bare): (Bench, Bench), bare_port: u16) -> [Figures; 2] {
    // Measured again before each load that is judged by it: the pace of a shared machine changes within minutes.
    let raw = Raw::measure();
    heading();
    let json = bare.get(bare_port, "localhost", "/json").await;
    row("ceiling: JSON of 2 KiB", json, None, &[]);
    for (name, path) in [("discovery", "/.well-known/openid-configuration"), ("JWKS", "/jwks")] {
        let figures = ours.get(city.port, &city.host, path).await;
        row(name, figures, Some(json), &[Goal::share(figures, json, 0.70)]);
    }
    let signed = bare.post(bare_port, "/es256", "", "grant_type=client_credentials").await;
    row("ceiling: one ES256 signature", signed, None, &[]);
    let credentials = ours.post(city.port, "/token", &city.job, "grant_type=client_credentials").await;
    let goals = [
        Goal::share(credentials, signed, 0.60),
        Goal::of_raw(credentials, raw.of("sign ES256"), (0.30, "ES256 signing")),
    ];
    row("client_credentials, ES256", credentials, Some(signed), &goals);
    [signed, credentials]
}

/// Operations for a person.
pub(crate) async fn persons(
    city: &City,
    (ours, bare): (Bench, Bench),
    bare_port: u16,
    [signed, credentials]: [Figures; 2],
) -> Measured {
    let json = bare.get(bare_port, "localhost", "/json").await;
    row("ceiling: JSON of 2 KiB, again", json, None, &[]);
    let verified = bare.get(bare_port, "localhost", "/verify").await;
    row("ceiling: one ES256 verification", verified, None, &[]);
    let people = tokens_never_seen(city, ours, (verified, &Raw::measure())).await;
    let (seen, people) = load::run(ours.server, ours.seconds, people, introspect).await;
    row("introspection, token seen before", seen, Some(verified), &[Goal::share(seen, json, 0.18)]);
    let (claims, people) = load::run(ours.server, ours.seconds, people, userinfo).await;
    row("userinfo, token seen before", claims, Some(verified), &[]);
    let (refresh, people) = load::run(ours.server, ours.seconds, people, refresh).await;
    let goal = Goal::share(refresh, signed, 0.20);
    row("refresh, rotated, ES256 access and ID token", refresh, Some(signed), &[goal]);
    let (flow, people) = load::run(ours.server, ours.seconds, people, code_flow).await;
    let goal = Goal::at_most(flow.cpu_us / credentials.cpu_us, 4.0, "× the cpu of client_credentials");
    row("code flow with a live session, ES256", flow, Some(signed), &[goal]);
    others(city, (ours, bare), bare_port).await;
    password(city, ours).await;
    Measured { signed, credentials, flow, people }
}

/// Each token once: half of them introspected, half of them asked for claims.
async fn tokens_never_seen(city: &City, ours: Bench, (verified, raw): (Figures, &Raw)) -> Vec<Person> {
    let people = city.signed_in(CONNECTIONS, "ES256").await;
    let each = usize::try_from(ours.seconds.as_secs()).unwrap() * 200;
    let mut holders = Vec::new();
    for person in people {
        holders.push(Holder { person, tokens: Vec::with_capacity(each) });
    }
    let mint = async |mut holder: Holder| {
        holder.person.refresh().await;
        holder.tokens.push(holder.person.access_token.clone());
        holder
    };
    let (_, holders) = load::until_done(ours.server, holders, |holder| holder.tokens.len() < each, mint).await;
    let ask = async |mut holder: Holder| {
        let token = holder.tokens.pop().unwrap();
        holder.person.introspect(&token).await;
        holder
    };
    let (fresh, holders) = load::until_done(ours.server, holders, |holder| holder.tokens.len() > each / 2, ask).await;
    let goal = Goal::of_raw(fresh, raw.of("verify ES256"), (0.50, "ES256 verification"));
    row("introspection, token never seen", fresh, Some(verified), &[goal]);
    let ask = async |mut holder: Holder| {
        let token = holder.tokens.pop().unwrap();
        holder.person.userinfo(&token).await;
        holder
    };
    let (fresh, holders) = load::until_done(ours.server, holders, |holder| !holder.tokens.is_empty(), ask).await;
    let goal = Goal::of_raw(fresh, raw.of("verify ES256"), (0.45, "ES256 verification"));
    row("userinfo, token never seen", fresh, Some(verified), &[goal]);
    let mut people = Vec::new();
    for mut holder in holders {
        holder.person.refresh().await;
        people.push(holder.person);
    }
    people
}

/// A person, and access tokens nobody has shown yet.
struct Holder {
    person: Person,
    tokens: Vec<String>,
}

/// One operation by itself, for a profiler or a comparison: its figures beside one signature, without goals.
pub(crate) async fn only(operation: &str, seconds: Duration) {
    let mut provider = Provider::new(Pair::SqliteMemory).through(&SERVER_CORE);
    let city = City::load(&provider, &ALL);
    provider.serve();
    wait_until("all keys to be made", || provider.is_ready(), || provider.log());
    let (ours, (bare, _)) = (Bench { server: provider.pid(), seconds }, Bare::start().await);
    heading();
    let signed = Bench::of_bare(&bare, seconds).post(bare.port, "/es256", "", "grant_type=client_credentials").await;
    row("ceiling: one ES256 signature", signed, None, &[]);
    let people = city.signed_in(CONNECTIONS, "ES256").await;
    let figures = match operation {
        "discovery" => ours.get(city.port, &city.host, "/.well-known/openid-configuration").await,
        "jwks" => ours.get(city.port, &city.host, "/jwks").await,
        "client_credentials" => ours.post(city.port, "/token", &city.job, "grant_type=client_credentials").await,
        "introspection" => load::run(ours.server, seconds, people, introspect).await.0,
        "userinfo" => load::run(ours.server, seconds, people, userinfo).await.0,
        "refresh" => load::run(ours.server, seconds, people, refresh).await.0,
        "code" => load::run(ours.server, seconds, people, code_flow).await.0,
        "code_at_half" => {
            let (most, people) = load::run(ours.server, seconds, people, code_flow).await;
            at_rate(ours.server, (most.rate / 2.0, seconds), people, code_flow).await.0
        }
        "client_credentials_at_half" => {
            let ask = async |line: Line| token(line, "/token", &city.job, "grant_type=client_credentials").await;
            let (most, lines) = load::run(ours.server, seconds, lines(city.port, &city.host).await, ask).await;
            at_rate(ours.server, (most.rate / 2.0, seconds), lines, ask).await.0
        }
        "sign_in" => load::run(ours.server, seconds, strangers(&city).await, sign_in).await.0,
        _ => panic!(
            "no operation {operation}: discovery jwks client_credentials introspection userinfo refresh code \
             code_at_half client_credentials_at_half sign_in"
        ),
    };
    row(operation, figures, Some(signed), &[]);
}

/// ID tokens of other algorithms beside the ES256 access token.
async fn others(city: &City, (ours, bare): (Bench, Bench), bare_port: u16) {
    for (alg, path, goal) in [("EdDSA", "/eddsa", 0.20), ("RS256", "/rs256", 0.85), ("PS256", "/rs256", 0.85)] {
        if city.web(alg).is_none() {
            println!("| {alg} ID tokens: this build registers no such client | | | | | | | |");
            continue;
        }
        let ceiling = bare.post(bare_port, path, "", "grant_type=refresh_token").await;
        row(&format!("ceiling: one {} signature", if alg == "PS256" { "RS256" } else { alg }), ceiling, None, &[]);
        let people = city.signed_in(CONNECTIONS, alg).await;
        let (figures, people) = load::run(ours.server, ours.seconds, people, refresh).await;
        let goals = [Goal::share(figures, ceiling, goal)];
        row(&format!("refresh, ES256 access and {alg} ID token"), figures, Some(ceiling), &goals);
        let (figures, _) = load::run(ours.server, ours.seconds, people, code_flow).await;
        // The goal of a flow is stated for RSA, whose signature is nearly all of it.
        let goals = if alg == "EdDSA" { vec![] } else { vec![Goal::share(figures, ceiling, goal)] };
        row(&format!("code flow with a live session, {alg}"), figures, Some(ceiling), &goals);
    }
}

async fn password(city: &City, ours: Bench) {
    let hashes = Raw::measure().hashes();
    row("ceiling: Argon2id 19456 KiB, t=2, p=1", hashes, None, &[]);
    let (figures, _) = load::run(ours.server, ours.seconds, strangers(city).await, sign_in).await;
    let goals = [
        Goal::at_least(figures.rate / hashes.rate, 0.90, "of it"),
        Goal::at_most((figures.cpu_us - hashes.cpu_us) / 1e3, 0.5, "ms beside the hash"),
    ];
    row("password sign-in, whole flow", figures, Some(hashes), &goals);
}

/// Eight browsers that sign in all the time.
pub(crate) async fn strangers(city: &City) -> Vec<Person> {
    let mut strangers = Vec::new();
    for number in 0..8 {
        strangers.push(city.browser(number, "ES256").await);
    }
    strangers
}

impl Bench {
    /// The bare server's.
    pub(crate) fn of_bare(bare: &Bare, seconds: Duration) -> Self {
        Self { server: bare.pid(), seconds }
    }

    pub(crate) async fn get(self, port: u16, host: &str, path: &str) -> Figures {
        let job = async |mut line: Line| {
            let answer = line.get(path, &[]).await;
            assert!(answer.status == 200 && answer.body.starts_with(b"{"), "{}", answer.text());
            line
        };
        load::run(self.server, self.seconds, lines(port, host).await, job).await.0
    }

    pub(crate) async fn post(self, port: u16, path: &str, authorization: &str, form: &str) -> Figures {
        let job = async |line: Line| token(line, path, authorization, form).await;
        load::run(self.server, self.seconds, lines(port, "localhost").await, job).await.0
    }
}

/// As many connections as a load has.
pub(crate) async fn lines(port: u16, host: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    for _ in 0..CONNECTIONS {
        lines.push(Line::open(port, host).await);
    }
    lines
}

/// One token, or the bare server's likeness of one.
pub(crate) async fn token(mut line: Line, path: &str, authorization: &str, form: &str) -> Line {
    let answer = line.post(path, &[(header::AUTHORIZATION, authorization)], form).await;
    assert!(answer.status == 200 && answer.text().contains("access_token"), "{}", answer.text());
    line
}

async fn introspect(mut person: Person) -> Person {
    let token = person.access_token.clone();
    person.introspect(&token).await;
    person
}

async fn userinfo(mut person: Person) -> Person {
    let token = person.access_token.clone();
    person.userinfo(&token).await;
    person
}

async fn refresh(mut person: Person) -> Person {
    person.refresh().await;
    person
}

/// Two requests: authorize and token.
pub(crate) async fn code_flow(mut person: Person) -> Person {
    let code = person.enter().await;
    person.redeem(&code).await;
    person
}

/// Three requests and one hash; the code is left.
pub(crate) async fn sign_in(mut person: Person) -> Person {
    person.sign_in().await;
    person
}
