//! PostgreSQL and Redis of the tests' own: one of each a test binary, on free ports of 127.0.0.1, started
//! at first use. A shell stands in front of each and holds one end of a pipe; when this process ends, in
//! whatever way, the pipe closes and the shell ends the server and removes its folder.

use std::{
    fs,
    io::Read as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// Waits for the pipe to close, then ends the server ($1: signal, $2: folder, the rest: the server).
const GUARD: &str = r#"signal=$1; folder=$2; shift 2
"$@" </dev/null & server=$!
cat >/dev/null
kill -s "$signal" "$server" 2>/dev/null; wait "$server"
rm -rf "$folder""#;

/// A running server; dropping it ends it.
pub(crate) struct Guarded {
    /// Holds the pipe; dropping it ends the server.
    guard: Child,
    /// Where it listens.
    pub(crate) port: u16,
    /// Its own folder, removed with it.
    pub(crate) folder: PathBuf,
}

/// The PostgreSQL cluster of this process.
pub struct Postgres(Guarded);

/// The Redis server of this process.
pub struct Redis(Guarded);

/// A number that no other test of this process has.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// The cluster, started at first use.
pub fn postgres() -> &'static Postgres {
    static RUNNING: OnceLock<Postgres> = OnceLock::new();
    RUNNING.get_or_init(Postgres::start)
}

/// The Redis server, started at first use.
pub fn redis() -> &'static Redis {
    static RUNNING: OnceLock<Redis> = OnceLock::new();
    RUNNING.get_or_init(Redis::start)
}

/// A new PostgreSQL database of this name with the present schema; its URL.
pub async fn migrated_database(name: &str) -> String {
    let url = postgres().named_database(name);
    gapura_store::Db::migrate(&gapura_store::DbConfig::postgres(url.clone())).await.unwrap();
    url
}

impl Postgres {
    /// A cluster of its own, for a test that stops it.
    pub fn start() -> Self {
        let folder = folder("pg");
        let port = free_port();
        let server = postgres_server(&folder, port, "off");
        let guarded = Guarded::start("INT", folder, port, &server);
        let cluster = Self(guarded);
        let ready = || cluster.client("pg_isready", &["-q", "-d", "postgres"]).status.success();
        wait_until("PostgreSQL to start", ready, || cluster.0.log());
        cluster
    }

    /// The URL of a database of this cluster.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://gapura@127.0.0.1:{}/{database}", self.0.port)
    }

    /// A new database, empty or a copy of `template`; its URL.
    pub fn database(&self, template: Option<&str>) -> String {
        let name = format!("uji_{}", NEXT.fetch_add(1, Ordering::SeqCst));
        let made = self.client("createdb", &["-T", template.unwrap_or("template0"), &name]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        self.url(&name)
    }

    /// Makes a database of this name, for use as a template; its URL.
    pub fn named_database(&self, name: &str) -> String {
        let made = self.client("createdb", &["-T", "template0", name]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        self.url(name)
    }

    /// Everything a database holds, as text: what a thief of a backup would read.
    pub fn dump(&self, url: &str) -> String {
        let dumped = Command::new(postgres_programs().join("pg_dump")).args(["--inserts", url]).output().unwrap();
        assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
        String::from_utf8(dumped.stdout).unwrap()
    }

    /// The variables under which PostgreSQL's own programs find this cluster and each other.
    pub fn for_clients(&self) -> [(&'static str, String); 4] {
        let path = format!("{}:{}", postgres_programs().display(), std::env::var("PATH").unwrap_or_default());
        [
            ("PGHOST", "127.0.0.1".to_owned()),
            ("PGPORT", self.0.port.to_string()),
            ("PGUSER", "gapura".to_owned()),
            ("PATH", path),
        ]
    }

    fn client(&self, program: &str, arguments: &[&str]) -> Output {
        postgres_client(self.0.port, program, arguments)
    }
}

impl Redis {
    /// A server of its own, for a test that stops it.
    pub fn start() -> Self {
        let folder = folder("redis");
        let port = free_port();
        let server = redis_server(&folder, port);
        let server = Self(Guarded::start("TERM", folder, port, &server));
        let ready = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        wait_until("Redis to start", ready, || server.0.log());
        server
    }

    /// Asks it something, as `redis-cli` does.
    pub fn ask(&self, words: &[&str]) {
        let done = Command::new("redis-cli").args(["-p", &self.0.port.to_string()]).args(words).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// The URL of a numbered database of this server that no other test uses.
    pub fn database(&self) -> String {
        format!("redis://127.0.0.1:{}/{}", self.0.port, NEXT.fetch_add(1, Ordering::SeqCst) % 4096)
    }
}

/// Makes a cluster under a folder; the command that serves it.
pub(crate) fn postgres_server(folder: &Path, port: u16, fsync: &str) -> Vec<String> {
    let programs = postgres_programs();
    let mut as_user = Vec::new();
    if is_root() {
        // PostgreSQL refuses to run as root; Debian's package made the user postgres.
        run(Command::new("chown").arg("postgres").arg(folder));
        as_user =
            ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"].map(String::from).to_vec();
    }
    let data = folder.join("data");
    let mut initdb = as_user.clone();
    initdb.push(programs.join("initdb").display().to_string());
    let flags = ["-U", "gapura", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"];
    initdb.extend(flags.map(String::from));
    initdb.push(data.display().to_string());
    run(Command::new(&initdb[0]).args(&initdb[1..]).current_dir(folder));

    let mut server = as_user;
    server.push(programs.join("postgres").display().to_string());
    server.extend(["-D".to_owned(), data.display().to_string(), "-p".to_owned(), port.to_string()]);
    let fsync = format!("fsync={fsync}");
    for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", &fsync, "max_connections=400"] {
        server.extend(["-c".to_owned(), setting.to_owned()]);
    }
    server
}

/// The command that serves a Redis with nothing in it.
pub(crate) fn redis_server(folder: &Path, port: u16) -> Vec<String> {
    let text = format!(
        "redis-server --port {port} --bind 127.0.0.1 --save --appendonly no --maxmemory-policy noeviction \
         --databases 4096 --dir {}",
        folder.display()
    );
    let mut server = text.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>();
    server.insert(server.iter().position(|word| word == "--save").unwrap() + 1, String::new());
    server
}

/// What a query prints, unaligned, without heads.
pub fn psql(url: &str, sql: &str) -> String {
    let done = Command::new(postgres_programs().join("psql")).args(["-XAtq", "-d", url, "-c", sql]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Runs one of PostgreSQL's own programs against a cluster of this machine.
pub(crate) fn postgres_client(port: u16, program: &str, arguments: &[&str]) -> Output {
    Command::new(postgres_programs().join(program))
        .args(["-h", "127.0.0.1", "-U", "gapura", "-p", &port.to_string()])
        .args(arguments)
        .output()
        .unwrap()
}

impl Guarded {
    pub(crate) fn start(signal: &str, folder: PathBuf, port: u16, server: &[String]) -> Self {
        let log = fs::File::create(folder.join("log")).unwrap();
        let guard = Command::new("sh")
            .args(["-c", GUARD, "guard", signal])
            .arg(&folder)
            .args(server)
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { guard, port, folder }
    }

    /// The process that guards the server.
    pub(crate) fn guard(&self) -> u32 {
        self.guard.id()
    }

    /// What it printed.
    pub(crate) fn log(&self) -> String {
        let mut text = String::new();
        let opened = fs::File::open(self.folder.join("log"));
        let _ = opened.and_then(|mut file| file.read_to_string(&mut text));
        text
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// Has a folder removed when this process ends, in whatever way.
pub(crate) fn remove_at_the_end(folder: TempDir) -> PathBuf {
    static GUARDS: Mutex<Vec<Child>> = Mutex::new(Vec::new());
    let folder = folder.keep();
    let remove = r#"cat >/dev/null; rm -rf "$1""#;
    let guard = Command::new("sh").args(["-c", remove, "guard"]).arg(&folder).stdin(Stdio::piped()).spawn().unwrap();
    GUARDS.lock().unwrap().push(guard);
    folder
}

/// A port of 127.0.0.1 that nobody listens on and that no outgoing connection of this machine ever gets: between
/// asking for it and listening, and while a server goes and comes back, another test would take it.
pub fn free_port() -> u16 {
    // The kernel gives outgoing connections ports from 32768 (Linux' `ip_local_port_range`).
    const FIRST: u32 = 12_000;
    const PORTS: u32 = 20_000;
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let from = std::process::id().wrapping_mul(97);
    loop {
        let number = from.wrapping_add(TAKEN.fetch_add(1, Ordering::SeqCst)) % PORTS;
        let port = u16::try_from(FIRST + number).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Looks every few milliseconds until `done`, at most a minute.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool, log: impl Fn() -> String) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(60), "waited a minute for {what}\n{}", log());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A folder that only this process's servers use; their guards remove it.
pub(crate) fn folder(purpose: &str) -> PathBuf {
    let folder = tempfile::Builder::new().prefix(&format!("gapura-{purpose}-")).tempdir().unwrap();
    folder.keep()
}

/// The newest PostgreSQL's programs: Debian keeps them out of the path.
fn postgres_programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let newest = versions.map(|entry| entry.path().join("bin")).filter(|path| path.join("initdb").exists()).max();
    newest.unwrap_or_else(|| Path::new("").to_owned())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.starts_with(b"0\n")
}

fn run(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_test_gets_a_database_of_its_own() {
        let [first, second] = [postgres().database(None), postgres().database(None)];
        assert_ne!(first, second);
        assert!(postgres().dump(&first).contains("PostgreSQL database dump"));
        assert_ne!(redis().database(), redis().database());
    }
}
