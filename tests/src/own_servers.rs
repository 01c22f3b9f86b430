//! PostgreSQL and Redis of one test's own: killed as a power cut kills, and started again over what is left.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::servers::{
    Guarded, free_port, postgres_client, postgres_server, redis_server, remove_at_the_end, wait_until,
};

/// A server that a test may kill.
pub struct OwnServer {
    kind: Kind,
    folder: PathBuf,
    port: u16,
    command: Vec<String>,
    running: Option<Guarded>,
    runs: AtomicU32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Postgres,
    Redis,
}

impl OwnServer {
    /// A PostgreSQL cluster that writes to the disk as in production (`fsync=on`), running.
    pub fn postgres() -> Self {
        Self::new(Kind::Postgres)
    }

    /// A Redis that keeps nothing on disk, running.
    pub fn redis() -> Self {
        Self::new(Kind::Redis)
    }

    fn new(kind: Kind) -> Self {
        let name = if kind == Kind::Postgres { "pg-sendiri" } else { "redis-sendiri" };
        let folder = tempfile::Builder::new().prefix(&format!("gapura-{name}-")).tempdir().unwrap();
        let folder = remove_at_the_end(folder);
        let port = free_port();
        let command = match kind {
            Kind::Postgres => {
                let mut command = postgres_server(&folder, port, "on");
                // After a crash it syncs every file, one by one a minute on a busy disk, or all at once.
                command.extend(["-c", "recovery_init_sync_method=syncfs"].map(ToOwned::to_owned));
                command
            }
            Kind::Redis => redis_server(&folder, port),
        };
        let mut server = Self { kind, folder, port, command, running: None, runs: AtomicU32::new(0) };
        server.start();
        server
    }

    /// A new database; its URL.
    pub fn database(&self) -> String {
        let number = self.runs.fetch_add(1, Ordering::SeqCst);
        match self.kind {
            Kind::Postgres => {
                let name = format!("sendiri_{number}");
                let made = postgres_client(self.port, "createdb", &["-T", "template0", &name]);
                assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
                format!("postgres://gapura@127.0.0.1:{}/{name}", self.port)
            }
            Kind::Redis => format!("redis://127.0.0.1:{}/{number}", self.port),
        }
    }

    /// Starts it again over what is left; returns once it answers.
    pub fn start(&mut self) {
        assert!(self.running.is_none(), "running");
        let own = self.folder.join(format!("jalan-{}", self.runs.fetch_add(1, Ordering::SeqCst)));
        fs::create_dir(&own).unwrap();
        let signal = if self.kind == Kind::Postgres { "INT" } else { "TERM" };
        let running = Guarded::start(signal, own, self.port, &self.command);
        let ready = || match self.kind {
            Kind::Postgres => postgres_client(self.port, "pg_isready", &["-q", "-d", "postgres"]).status.success(),
            Kind::Redis => std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok(),
        };
        wait_until("a server to start again", ready, || running.log());
        self.running = Some(running);
    }

    /// Stops every process of it by SIGSTOP, until the answer is dropped: connections stay, and nothing is
    /// said on them, as by a network that lost its way.
    pub fn silence(&self) -> Silent {
        let silent = Silent(self.processes());
        signal("STOP", &silent.0);
        silent
    }

    /// Every process of it but the guard's own `cat`, which must live: it holds the pipe.
    fn processes(&self) -> Vec<u32> {
        let mut processes = descendants(self.running.as_ref().expect("running").guard());
        processes.retain(|pid| comm(*pid) != "cat");
        processes
    }

    /// Ends every process of it by SIGKILL.
    pub fn kill(&mut self) {
        // A postmaster that is stopped forks no process that would be left out and keep the next one from starting.
        signal("STOP", &self.processes());
        let doomed = self.processes();
        signal("KILL", &doomed);
        self.running = None;
        wait_until("killed processes to be gone", || doomed.iter().all(|pid| is_gone(*pid)), String::new);
    }
}

/// A server that says nothing, until this is dropped.
pub struct Silent(Vec<u32>);

impl Drop for Silent {
    fn drop(&mut self) {
        signal("CONT", &self.0);
    }
}

/// Sends a signal. A process that is gone by itself in between is no failure.
fn signal(name: &str, pids: &[u32]) {
    let _ = Command::new("kill").args(["-s", name]).args(pids.iter().map(u32::to_string)).output().unwrap();
}

/// All processes below one, parents first.
fn descendants(of: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let parents = all.filter_map(|pid: u32| Some((pid, stat(pid)?.1))).collect::<Vec<_>>();
    let mut found = vec![of];
    let mut seen = 0;
    while let Some(parent) = found.get(seen).copied() {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        seen += 1;
    }
    found.split_off(1)
}

/// State and parent of a process (proc(5): the name in brackets may hold anything).
fn stat(pid: u32) -> Option<(char, u32)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut words = text.rsplit_once(") ")?.1.split(' ');
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}

fn comm(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

fn is_gone(pid: u32) -> bool {
    stat(pid).is_none_or(|(state, _)| state == 'Z')
}
