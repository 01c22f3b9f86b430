//! Open loop: requests are due at a fixed rate whether or not the ones before were answered, and latency
//! counts from when each was due. A server that stalls cannot hide it by being asked less.

use std::{
    cell::Cell,
    future::Future,
    time::{Duration, Instant},
};

use crate::{load::Figures, process::cpu_ms};

/// Not counted: connections and caches settle.
const WARM: Duration = Duration::from_secs(1);

/// Makes `rate` jobs a second due for `how_long`. A worker that is free takes the next one; where none is,
/// it waits, and its waiting counts.
pub(crate) async fn at_rate<W, F>(
    server: u32,
    (rate, how_long): (f64, Duration),
    workers: Vec<W>,
    job: impl Fn(W) -> F + Copy,
) -> (Figures, Vec<W>)
where
    F: Future<Output = W>,
{
    let next = &Cell::new(0_u64);
    let begun = Instant::now();
    let warm = begun + WARM;
    let end = warm + how_long;
    let cpu = &Cell::new(None);
    let runs = workers.into_iter().map(|mut worker| async move {
        let mut latencies = Vec::new();
        loop {
            let number = next.replace(next.get() + 1);
            let due = begun + Duration::from_secs_f64(number as f64 / rate);
            if due >= end {
                break (worker, latencies);
            }
            wait_for(due).await;
            if due >= warm && cpu.get().is_none() {
                cpu.set(Some(cpu_ms(server)));
            }
            worker = job(worker).await;
            if due >= warm {
                latencies.push(due.elapsed());
            }
        }
    });
    let done = futures::future::join_all(runs).await;
    let took = warm.elapsed();
    let spent = cpu_ms(server) - cpu.get().unwrap_or_default();
    let (mut workers, mut all) = (Vec::new(), Vec::new());
    for (worker, latencies) in done {
        workers.push(worker);
        all.extend(latencies);
    }
    (Figures::of(all, took, spent), workers)
}

/// Sleeps to within two milliseconds, which is as fine as the timer is, and looks again and again then.
async fn wait_for(due: Instant) {
    const FINE: Duration = Duration::from_millis(2);
    if let Some(left) = due.checked_duration_since(Instant::now() + FINE) {
        tokio::time::sleep(left).await;
    }
    while Instant::now() < due {
        tokio::task::yield_now().await;
    }
}
