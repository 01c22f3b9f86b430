//! The real program: `gapura serve` in a folder of its own on free ports, and its other commands beside it.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    Pair, sample,
    servers::{free_port, postgres, redis, remove_at_the_end, wait_until},
};

/// One deployment: its settings, its database, and the node that serves it.
pub struct Provider {
    folder: Arc<tempfile::TempDir>,
    node: Node,
    /// The address of the pages and the issuer.
    pub public_url: String,
    /// The PostgreSQL database, where there is one.
    pub database: Option<String>,
    program: Vec<String>,
    /// Settings said by variables, `GAPURA__…`.
    variables: Vec<(String, String)>,
}

/// The public address of a deployment on this machine; its port is added.
const LOCAL: &str = "http://sso.localhost";

/// One process that serves, and where.
struct Node {
    settings: PathBuf,
    port: u16,
    ops_port: u16,
    log: PathBuf,
    running: Option<Child>,
}

/// The programs that `cargo build` puts beside this one.
pub fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.ancestors().find(|folder| folder.join("gapura").exists());
    let folder = folder.unwrap_or_else(|| panic!("gapura is not built: cargo build --workspace --bins --examples"));
    let found = [folder.join(name), folder.join("examples").join(name)].into_iter().find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{name} is not built: cargo build --workspace --bins --examples"))
}

/// The sample files.
pub fn samples() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/kota-contoh")).canonicalize().unwrap()
}

/// The sample file of a kind of import.
pub fn sample_file(kind: &str) -> String {
    let name = match kind {
        "pegawai" => "siasn_data_utama.xlsx",
        "akun" => "akun_lain.csv",
        "penugasan" => "penugasan.csv",
        "aplikasi" => "aplikasi.csv",
        "peran" => "pemetaan_peran.csv",
        _ => "opd.csv",
    };
    samples().join(name).display().to_string()
}

impl Provider {
    /// A fresh deployment on a storage pair, with nothing in it; not serving yet.
    pub fn new(pair: Pair) -> Self {
        let database = (pair == Pair::PostgresRedis).then(|| postgres().database(None));
        let provider = Self::over(pair, LOCAL, database);
        if pair == Pair::PostgresRedis {
            provider.gapura(&["migrate"]);
        }
        provider
    }

    /// A deployment with the sample city, where the people of [`sample::WITH_PASSWORD`] can sign in; not
    /// serving yet. A copy of one that is made once a process and pair.
    pub fn sample_city(pair: Pair) -> Self {
        Self::sample_city_at(pair, LOCAL)
    }

    /// As `sample_city`, under a public address: `https://…`, or `http://…` without its port.
    pub fn sample_city_at(pair: Pair, public: &str) -> Self {
        static MADE: [OnceLock<(PathBuf, Option<String>)>; 2] = [const { OnceLock::new() }; 2];
        let (folder, database) = MADE[pair as usize].get_or_init(|| {
            let provider = Self::new(pair);
            provider.import_sample_city();
            for person in sample::WITH_PASSWORD {
                provider.set_password(person.login, sample::PASSWORD);
            }
            let database = provider.database.clone();
            let folder = Arc::clone(&provider.folder);
            drop(provider);
            (remove_at_the_end(Arc::into_inner(folder).unwrap()), database)
        });
        let database = database.as_ref().map(|url| postgres().database(url.rsplit('/').next()));
        let copy = Self::over(pair, public, database);
        for file in ["gapura.key", "gapura.db", "gapura.db-wal"] {
            let from = folder.join(file);
            if from.exists() {
                fs::copy(from, copy.folder().join(file)).unwrap();
            }
        }
        copy
    }

    fn over(pair: Pair, public: &str, database: Option<String>) -> Self {
        let port = free_port();
        let public_url = if public.starts_with("http://") { format!("{public}:{port}") } else { public.to_owned() };
        assert_eq!(database.is_some(), pair == Pair::PostgresRedis);
        let storage = database.map(|url| [url, redis().database()]);
        Self::on_ground(storage, &public_url, port)
    }

    /// A fresh deployment on servers that the test keeps itself (PostgreSQL's and Redis' URLs; none is
    /// SQLite and memory), under a public address of its own or its port's; not serving yet.
    pub fn on(storage: Option<[String; 2]>, public_url: Option<&str>, variables: &[(&str, &str)]) -> Self {
        let port = free_port();
        let own = format!("{LOCAL}:{port}");
        let mut provider = Self::on_ground(storage, public_url.unwrap_or(&own), port);
        provider.variables = variables.iter().map(|(key, value)| (format!("GAPURA__{key}"), (*value).into())).collect();
        if provider.database.is_some() {
            provider.gapura(&["migrate"]);
        }
        provider
    }

    fn on_ground(storage: Option<[String; 2]>, public_url: &str, port: u16) -> Self {
        let folder = Arc::new(tempfile::Builder::new().prefix("gapura-").tempdir().unwrap());
        let said = match &storage {
            None => "[database]\npath = \"gapura.db\"\n".to_owned(),
            Some([url, redis]) => format!("[database]\nurl = \"{url}\"\n[redis]\nurl = \"{redis}\"\n"),
        };
        let node = Node::new(folder.path(), "satu", public_url, port, &format!("{said}[logs]\nformat = \"json\"\n"));
        Self {
            folder,
            node,
            public_url: public_url.to_owned(),
            database: storage.map(|[url, _]| url),
            program: vec![program("gapura").display().to_string()],
            variables: Vec::new(),
        }
    }

    /// Another node of the same deployment, not serving yet.
    pub fn another_node(&self) -> Self {
        let shared = fs::read_to_string(&self.node.settings).unwrap();
        let shared = &shared[shared.find("[database]").unwrap()..];
        let port = free_port();
        let node = Node::new(self.folder.path(), "dua", &self.public_url, port, shared);
        Self {
            folder: Arc::clone(&self.folder),
            node,
            public_url: self.public_url.clone(),
            database: self.database.clone(),
            program: self.program.clone(),
            variables: self.variables.clone(),
        }
    }

    /// One more setting from the next start on, `GAPURA__SECTION__KEY`.
    pub fn set(&mut self, variable: &str, value: &str) {
        self.variables.push((variable.to_owned(), value.to_owned()));
    }

    /// Runs the server by way of another program: `taskset -c 0`.
    #[must_use]
    pub fn through(mut self, wrapper: &[&str]) -> Self {
        self.program.splice(0..0, wrapper.iter().map(|word| (*word).to_owned()));
        self
    }

    /// Says one setting no longer, from the next start on.
    pub fn forget_variable(&mut self, key: &str) {
        self.variables.retain(|(known, _)| known.strip_prefix("GAPURA__") != Some(key));
    }

    /// Where this deployment keeps its files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The SQLite file, where that is the database.
    pub fn file(&self) -> PathBuf {
        self.folder().join("gapura.db")
    }

    /// The port of the pages.
    pub fn port(&self) -> u16 {
        self.node.port
    }

    /// The port of the operations.
    pub fn ops_port(&self) -> u16 {
        self.node.ops_port
    }

    /// Starts the server; returns once it answers, with the time that took.
    pub fn serve(&mut self) -> Duration {
        let log = fs::File::options().create(true).append(true).open(&self.node.log).unwrap();
        let started = Instant::now();
        let mut command = self.command(&["serve"]);
        self.node.running =
            Some(command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
        let port = self.node.port;
        let mut took = Duration::ZERO;
        let ready = || {
            took = started.elapsed();
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        };
        wait_until("gapura serve to answer", ready, || self.log());
        took
    }

    /// Whether the server says that it can work: database, Redis and keys.
    pub fn is_ready(&self) -> bool {
        let asked = || {
            let mut line = std::net::TcpStream::connect(("127.0.0.1", self.node.ops_port))?;
            line.set_read_timeout(Some(Duration::from_secs(5)))?;
            line.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
            let mut answer = Vec::new();
            line.read_to_end(&mut answer).map(|_| answer)
        };
        asked().is_ok_and(|answer: Vec<u8>| answer.starts_with(b"HTTP/1.1 200 "))
    }

    /// Ends the server as an operator does and returns its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let mut child = self.node.running.take().expect("serving");
        signal("TERM", child.id());
        child.wait().unwrap().code()
    }

    /// Ends the server as a power cut does.
    pub fn kill(&mut self) {
        let mut child = self.node.running.take().expect("serving");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The process that serves.
    pub fn pid(&self) -> u32 {
        self.node.running.as_ref().expect("serving").id()
    }

    /// Everything the server printed.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.node.log).unwrap_or_default()
    }

    /// A command of the program, from a process of its own, in this deployment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program[0]);
        command.args(&self.program[1..]).args(["--config"]).arg(&self.node.settings).args(arguments);
        command.current_dir(self.folder.path()).envs(self.variables.iter().map(|(key, value)| (key, value)));
        command
    }

    /// Another program of ours on every core, with this deployment's settings in its environment.
    pub fn beside(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new("taskset");
        command.args(["-c", "0-1023"]).arg(program).args(arguments).current_dir(self.folder.path());
        let storage = match &self.database {
            None => ("GAPURA__DATABASE__PATH", self.file().display().to_string()),
            Some(url) => ("GAPURA__DATABASE__URL", url.clone()),
        };
        let key = self.folder().join("gapura.key").display().to_string();
        command.envs([storage, ("GAPURA__KEYS__ROOT_FILE", key)]);
        command.envs(self.variables.iter().map(|(key, value)| (key, value)));
        command
    }

    /// Runs a command that must succeed; what it printed.
    pub fn gapura(&self, arguments: &[&str]) -> String {
        self.gapura_told(arguments, "")
    }

    /// Runs a command that must succeed and tells it something on its standard input.
    pub fn gapura_told(&self, arguments: &[&str], told: &str) -> String {
        let done = self.try_gapura(arguments, told);
        let [out, err] = [&done.stdout, &done.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        assert!(done.status.success(), "gapura {}: {}\n{out}\n{err}", arguments.join(" "), done.status);
        out
    }

    /// Runs a command with `--json`; what it printed.
    pub fn gapura_json(&self, arguments: &[&str]) -> Value {
        let printed = self.gapura(&[arguments, &["--json"]].concat());
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
    }

    /// Runs a command, whatever comes of it.
    pub fn try_gapura(&self, arguments: &[&str], told: &str) -> Output {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(told.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Imports the sample city.
    pub fn import_sample_city(&self) {
        for kind in ["opd", "pegawai", "akun", "penugasan", "aplikasi", "peran"] {
            self.gapura(&["import", kind, &sample_file(kind)]);
        }
    }

    /// Sets a person's password.
    pub fn set_password(&self, name: &str, password: &str) {
        self.gapura_told(&["user", "passwd", name], password);
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(child) = &mut self.node.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Node {
    fn new(folder: &Path, name: &str, public_url: &str, port: u16, shared: &str) -> Self {
        let ops_port = free_port();
        let settings = folder.join(format!("{name}.toml"));
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"{public_url}\"\n\
             [ops]\nlisten = \"127.0.0.1:{ops_port}\"\n{shared}"
        );
        fs::write(&settings, text).unwrap();
        Self { settings, port, ops_port, log: folder.join(format!("{name}.log")), running: None }
    }
}

/// Sends a signal to a process that a test started.
pub fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap();
    assert!(sent.success());
}
