//! Closed loop: so many connections, each asking again as soon as it is answered; latencies kept.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use crate::process::cpu_ms;

/// What a load showed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// Done a second.
    pub(crate) rate: f64,
    /// Median latency.
    pub(crate) p50_ms: f64,
    /// 95th percentile.
    pub(crate) p95_ms: f64,
    /// 99th percentile.
    pub(crate) p99_ms: f64,
    /// The longest.
    pub(crate) max_ms: f64,
    /// Processor time of the server for one.
    pub(crate) cpu_us: f64,
}

/// Connections at the same time.
pub(crate) const CONNECTIONS: usize = 32;

impl Figures {
    /// Of the latencies of a load that took so long and cost the server so many milliseconds.
    pub(crate) fn of(mut latencies: Vec<Duration>, took: Duration, cpu_ms: f64) -> Self {
        latencies.sort_unstable();
        let count = latencies.len();
        let at = |share: usize| {
            latencies.get(count.saturating_sub(1) * share / 100).map_or(0.0, |took| took.as_secs_f64() * 1e3)
        };
        let done = count.max(1) as f64;
        Self {
            rate: count as f64 / took.as_secs_f64(),
            p50_ms: at(50),
            p95_ms: at(95),
            p99_ms: at(99),
            max_ms: at(100),
            cpu_us: cpu_ms * 1e3 / done,
        }
    }
}

/// Runs `job` on each worker for `how_long` after a warm-up of a fifth of it. A job gives its worker back;
/// `server` is the process whose processor time is read.
pub(crate) async fn run<W, F>(
    server: u32,
    how_long: Duration,
    workers: Vec<W>,
    job: impl Fn(W) -> F + Copy,
) -> (Figures, Vec<W>)
where
    F: Future<Output = W>,
{
    let warm = Instant::now() + how_long / 5;
    let (workers, _) = drive(workers, |_| Instant::now() < warm, job).await;
    cold(server, how_long, workers, job).await
}

/// The same without a warm-up.
pub(crate) async fn cold<W, F>(
    server: u32,
    how_long: Duration,
    workers: Vec<W>,
    job: impl Fn(W) -> F + Copy,
) -> (Figures, Vec<W>)
where
    F: Future<Output = W>,
{
    let end = Instant::now() + how_long;
    until_done(server, workers, |_| Instant::now() < end, job).await
}

/// The same for as long as a worker has something to do.
pub(crate) async fn until_done<W, F>(
    server: u32,
    workers: Vec<W>,
    goes_on: impl Fn(&W) -> bool + Copy,
    job: impl Fn(W) -> F + Copy,
) -> (Figures, Vec<W>)
where
    F: Future<Output = W>,
{
    let before = cpu_ms(server);
    let started = Instant::now();
    let (workers, latencies) = drive(workers, goes_on, job).await;
    let took = started.elapsed();
    (Figures::of(latencies, took, cpu_ms(server) - before), workers)
}

async fn drive<W, F>(
    workers: Vec<W>,
    goes_on: impl Fn(&W) -> bool + Copy,
    job: impl Fn(W) -> F + Copy,
) -> (Vec<W>, Vec<Duration>)
where
    F: Future<Output = W>,
{
    let runs = workers.into_iter().map(|mut worker| async move {
        let mut latencies = Vec::new();
        while goes_on(&worker) {
            let started = Instant::now();
            worker = job(worker).await;
            latencies.push(started.elapsed());
        }
        (worker, latencies)
    });
    let mut all = Vec::new();
    let mut workers = Vec::new();
    for (worker, latencies) in futures::future::join_all(runs).await {
        workers.push(worker);
        all.extend(latencies);
    }
    (workers, all)
}
