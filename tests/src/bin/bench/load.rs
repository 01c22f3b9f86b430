//! A bounded load: so many connections, so many seconds, latencies kept.

use std::{
    fs,
    future::Future,
    time::{Duration, Instant},
};

/// What a load showed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// Done a second.
    pub(crate) rate: f64,
    /// Median latency.
    pub(crate) p50_ms: f64,
    /// 99th percentile.
    pub(crate) p99_ms: f64,
    /// Processor time of the server for one.
    pub(crate) cpu_us: f64,
}

/// Connections at the same time.
pub(crate) const CONNECTIONS: usize = 32;

/// Runs `worker` on each connection for `how_long` after a warm-up of a fifth of it. A worker does one job
/// and gives itself back; `server` is the process whose processor time is read.
pub(crate) async fn run<W, F>(server: u32, how_long: Duration, workers: Vec<W>, job: impl Fn(W) -> F + Copy) -> Figures
where
    F: Future<Output = W>,
{
    let warm = how_long / 5;
    let workers = drive(workers, warm, job).await.0;
    let before = cpu_ms(server);
    let started = Instant::now();
    let (_, mut latencies) = drive(workers, how_long, job).await;
    let took = started.elapsed();
    let cpu = cpu_ms(server) - before;
    latencies.sort_unstable();
    let at = |share: usize| latencies.get(latencies.len() * share / 100).map_or(0.0, |took| took.as_secs_f64() * 1e3);
    let count = latencies.len().max(1) as f64;
    Figures { rate: count / took.as_secs_f64(), p50_ms: at(50), p99_ms: at(99), cpu_us: cpu * 1e3 / count }
}

async fn drive<W, F>(workers: Vec<W>, how_long: Duration, job: impl Fn(W) -> F + Copy) -> (Vec<W>, Vec<Duration>)
where
    F: Future<Output = W>,
{
    let end = Instant::now() + how_long;
    let runs = workers.into_iter().map(|mut worker| async move {
        let mut latencies = Vec::new();
        while Instant::now() < end {
            let started = Instant::now();
            worker = job(worker).await;
            latencies.push(started.elapsed());
        }
        (worker, latencies)
    });
    let done = futures::future::join_all(runs).await;
    let mut all = Vec::new();
    let mut workers = Vec::new();
    for (worker, latencies) in done {
        workers.push(worker);
        all.extend(latencies);
    }
    (workers, all)
}

/// Processor time of a process so far, in milliseconds: user and system ticks of a hundredth of a second.
fn cpu_ms(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect::<Vec<_>>();
    let ticks = [11, 12].map(|at: usize| fields[at].parse::<f64>().unwrap());
    (ticks[0] + ticks[1]) * 10.0
}

/// Resident memory of a process in MiB.
pub(crate) fn resident_mib(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1024.0
}
