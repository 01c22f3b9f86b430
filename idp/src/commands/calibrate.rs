//! `gapura calibrate`: what this machine can hash, what a morning of so many staff asks of it, and
//! the lines for `gapura.toml` that follow. Opens no database.
//!
//! The story: each cost is measured on one core and on all; the morning's worst second
//! ([`gapura_core::morning`]) and the crowd after an outage must be served with three quarters of
//! what was measured, since pages and tokens need the rest; the strongest cost that leaves room is
//! proposed, never one below OWASP's minimum.

use std::{
    fmt::Write as _,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use gapura_core::morning::{self, Herd, Peak, RETRY_SECONDS};
use serde_json::json;

use super::{Done, Failed, Outcome, arguments::Calibrate, note};
use crate::sign_in::{
    argon2id::{Arena, Cost, Input, Refused, argon2id},
    pool::PATIENCE,
};

/// What is measured, weakest first; the first is OWASP's minimum and is never gone below.
const COSTS: [Cost; 4] = [
    Cost { memory_kib: 19_456, iterations: 2, parallelism: 1 },
    Cost { memory_kib: 47_104, iterations: 1, parallelism: 1 },
    Cost { memory_kib: 32_768, iterations: 2, parallelism: 1 },
    Cost { memory_kib: 65_536, iterations: 3, parallelism: 1 },
];

/// Share of the measured hashes that sign-ins may count on.
const SHARE: f64 = 0.75;
/// After an outage everybody is served within so many seconds.
const HERD_SECONDS: f64 = 600.0;
/// One hash alone takes at most so long, so that a sign-in stays below half a second.
const HASH_SECONDS: f64 = 0.25;
/// Arenas take at most this part of the memory.
const MEMORY_PART: u64 = 4;

/// One cost on this machine, in hashes a second.
#[derive(Clone, Copy)]
struct Measured {
    cost: Cost,
    one_core: f64,
    all_cores: f64,
}

/// The machine.
#[derive(Clone, Copy)]
struct Machine {
    cores: usize,
    memory_mib: Option<u64>,
}

/// What is proposed, and what it carries.
struct Proposal {
    staff: u32,
    machine: Machine,
    measured: Measured,
    queue: usize,
    /// Hashes a second that sign-ins may count on.
    rate: f64,
    peak: Peak,
    herd: Herd,
    carries: bool,
}

/// Runs the command.
pub(super) fn run(typed: &Calibrate) -> Outcome {
    let machine = Machine {
        cores: thread::available_parallelism().map_or(1, std::num::NonZero::get),
        memory_mib: memory_mib(&std::fs::read_to_string("/proc/meminfo").unwrap_or_default()),
    };
    let each = Duration::from_secs(typed.seconds) / u32::try_from(2 * COSTS.len()).unwrap_or(1);
    let mut measured = Vec::new();
    for cost in COSTS {
        let Cost { memory_kib, iterations, parallelism } = cost;
        note(&format!("mengukur / measuring {memory_kib},{iterations},{parallelism}"));
        let rate = |threads| rate(cost, threads, each).map_err(|why| Failed::environment(why.to_string()));
        measured.push(Measured { cost, one_core: rate(1)?, all_cores: rate(machine.cores)? });
    }
    let Some(proposal) = propose(&measured, machine, typed.staff) else {
        return Err(Failed::environment("nothing was measured"));
    };
    let mut done = Done::new(proposal.text(&measured), proposal.json(&measured));
    done.exit = u8::from(!proposal.carries);
    Ok(done)
}

/// Hashes a second of so many threads at once, each with its memory kept.
fn rate(cost: Cost, threads: usize, time: Duration) -> Result<f64, Refused> {
    let input = Input { password: b"kata sandi", salt: &[7; 16], secret: &[7; 32], data: &[] };
    let ready = Barrier::new(threads);
    thread::scope(|scope| {
        let hashing = || {
            let mut arena = Arena::trusted();
            let first = argon2id(cost, input, &mut arena);
            ready.wait();
            first?;
            let (begun, mut done) = (Instant::now(), 0.0);
            while done == 0.0 || begun.elapsed() < time {
                argon2id(cost, input, &mut arena)?;
                done += 1.0;
            }
            Ok(done / begun.elapsed().as_secs_f64())
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(hashing)).collect();
        running.into_iter().map(|thread| thread.join().unwrap_or(Err(Refused))).sum()
    })
}

fn memory_mib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? / 1024)
}

/// The strongest measured cost with which the morning is carried; the weakest where none is.
fn propose(measured: &[Measured], machine: Machine, staff: u32) -> Option<Proposal> {
    let peak = morning::peak(staff);
    let proposals = measured.iter().map(|measured| {
        let rate = measured.all_cores * SHARE;
        let herd = morning::herd(staff, rate);
        let room =
            machine.memory_mib.is_none_or(|all| memory_mib_of(measured.cost, machine.cores) <= all / MEMORY_PART);
        let carries =
            rate >= peak.second && herd.seconds <= HERD_SECONDS && room && measured.one_core * HASH_SECONDS >= 1.0;
        Proposal { staff, machine, measured: *measured, queue: queue(rate), rate, peak, herd, carries }
    });
    let mut best: Option<Proposal> = None;
    for proposal in proposals {
        if best.is_none() || proposal.carries {
            best = Some(proposal);
        }
    }
    best
}

fn memory_mib_of(cost: Cost, workers: usize) -> u64 {
    (u64::from(cost.memory_kib) * workers as u64).div_ceil(1024)
}

/// As many as are served within the longest wait, in eights.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number above nothing")]
fn queue(rate: f64) -> usize {
    ((rate * PATIENCE.as_secs_f64()) as usize + 1).next_multiple_of(8)
}

impl Proposal {
    fn lines(&self) -> String {
        let Cost { memory_kib, iterations, parallelism } = self.measured.cost;
        format!(
            "[passwords]\nmemory_kib = {memory_kib}\niterations = {iterations}\nparallelism = {parallelism}\nworkers = \
             {}\nqueue = {}\n",
            self.machine.cores, self.queue
        )
    }

    fn memory_mib(&self) -> u64 {
        memory_mib_of(self.measured.cost, self.machine.cores)
    }

    /// Cores that would carry the worst second, and the crowd, of which the last comes after a pause.
    fn cores_needed(&self) -> f64 {
        let needed = self.peak.second.max(self.herd.people / (HERD_SECONDS - RETRY_SECONDS));
        (needed / (self.measured.one_core * SHARE)).ceil()
    }

    fn text(&self, measured: &[Measured]) -> String {
        let mut text = String::new();
        let (cores, Peak { second, ten_seconds, minute }, Herd { people, seconds }) =
            (self.machine.cores, self.peak, self.herd);
        let memory = self.machine.memory_mib.map(|mib| format!(", {mib} MiB")).unwrap_or_default();
        let _ = writeln!(text, "Mesin / machine: {cores} inti / cores{memory}\n");
        let _ = writeln!(text, "memory_kib  iterations  parallelism    hash/s: 1 inti/core  {cores} inti/cores");
        for Measured { cost, one_core, all_cores } in measured {
            let Cost { memory_kib, iterations, parallelism } = cost;
            let _ = writeln!(
                text,
                "{memory_kib:>10}  {iterations:>10}  {parallelism:>11}  {one_core:>21.1}  {all_cores:>12.1}"
            );
        }
        let (staff, rate, mib) = (self.staff, self.rate, self.memory_mib());
        let _ = write!(
            text,
            "\nPagi {staff} pegawai: {second:.0} masuk pada detik terpadat, {ten_seconds:.1}/detik selama sepuluh \
             detik, {minute:.1}/detik selama semenit.\nTersedia {rate:.0} kata sandi/detik (seperempat mesin untuk \
             halaman dan token), memori {mib} MiB.\nSetelah gangguan 07.15-07.35: {people:.0} orang terlayani dalam \
             {seconds:.0} detik; yang menunggu melihat halaman antrean, tidak ada akun terkunci.\n\nA morning of \
             {staff} staff: {second:.0} sign-ins in the worst second, {ten_seconds:.1}/s for ten seconds, \
             {minute:.1}/s for a minute.\nThere are {rate:.0} passwords/s (a quarter of the machine is left to pages \
             and tokens), {mib} MiB of memory.\nAfter an outage 07:15-07:35: {people:.0} people are served in \
             {seconds:.0} seconds; who waits sees the queue page, no account is locked.\n",
        );
        if !self.carries {
            let needed = self.cores_needed();
            let _ = write!(
                text,
                "\nPERINGATAN: mesin ini tidak kuat untuk {staff} pegawai. Perlu sekitar {needed:.0} inti seperti ini; \
                 jangan turunkan biaya di bawah 19456,2,1.\nWARNING: this machine cannot carry {staff} staff. About \
                 {needed:.0} such cores are needed; do not lower the cost below 19456,2,1.\n"
            );
        }
        let _ = write!(text, "\ngapura.toml:\n\n{}", self.lines());
        text
    }

    fn json(&self, measured: &[Measured]) -> serde_json::Value {
        let Cost { memory_kib, iterations, parallelism } = self.measured.cost;
        json!({
            "machine": {"cores": self.machine.cores, "memory_mib": self.machine.memory_mib},
            "measured": measured.iter().map(|Measured { cost, one_core, all_cores }| json!({
                "memory_kib": cost.memory_kib, "iterations": cost.iterations, "parallelism": cost.parallelism,
                "one_core": one_core, "all_cores": all_cores,
            })).collect::<Vec<_>>(),
            "staff": self.staff,
            "peak": {
                "second": self.peak.second, "ten_seconds": self.peak.ten_seconds, "minute": self.peak.minute,
            },
            "herd": {"people": self.herd.people, "seconds": self.herd.seconds},
            "proposal": {
                "memory_kib": memory_kib, "iterations": iterations, "parallelism": parallelism,
                "workers": self.machine.cores, "queue": self.queue,
                "memory_mib": self.memory_mib(), "hashes_per_second": self.rate,
            },
            "carries": self.carries,
            "cores_needed": if self.carries { None } else { Some(self.cores_needed()) },
            "settings": self.lines(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Settings, Source};

    const TWO_CORES: Machine = Machine { cores: 2, memory_mib: Some(4096) };

    /// A machine with so many hashes a second at the weakest cost.
    fn machine(all_cores: f64) -> Vec<Measured> {
        let factor = [1.0, 0.6, 0.55, 0.13];
        let of = |(cost, factor)| Measured { cost, one_core: all_cores * factor / 2.0, all_cores: all_cores * factor };
        COSTS.into_iter().zip(factor).map(of).collect()
    }

    fn proposed(all_cores: f64, machine_: Machine, staff: u32) -> Proposal {
        propose(&machine(all_cores), machine_, staff).unwrap()
    }

    #[test]
    fn costs_are_listed_weakest_first() {
        let work = COSTS.map(|cost| cost.memory_kib * cost.iterations);
        assert!(work.is_sorted(), "{work:?}");
    }

    #[test]
    fn the_strongest_cost_that_carries_the_morning_is_proposed() {
        let fast = proposed(250.0, TWO_CORES, 7_000);
        assert!(fast.carries);
        assert_eq!(fast.measured.cost, COSTS[3], "32 a second are enough for a worst second of 17");
        let usual = proposed(60.0, TWO_CORES, 7_000);
        assert_eq!((usual.carries, usual.measured.cost), (true, COSTS[2]));
        let slow = proposed(25.0, TWO_CORES, 7_000);
        assert_eq!((slow.carries, slow.measured.cost), (true, COSTS[0]));
        assert_eq!(proposed(60.0, Machine { memory_mib: Some(200), ..TWO_CORES }, 7_000).measured.cost, COSTS[0]);
    }

    #[test]
    fn a_machine_that_is_too_small_is_told_so_and_never_below_the_minimum() {
        let small = proposed(15.0, TWO_CORES, 12_000);
        assert!(!small.carries);
        assert_eq!(small.measured.cost, COSTS[0]);
        assert_eq!(small.cores_needed(), 5.0, "24 in the worst second, 5.6 a core");
        let text = small.text(&machine(15.0));
        assert!(text.contains("PERINGATAN") && text.contains("WARNING") && text.contains("5 such cores"), "{text}");
        assert!(!proposed(250.0, TWO_CORES, 7_000).text(&machine(250.0)).contains("WARNING"));
    }

    #[test]
    fn a_crowd_of_a_large_city_weighs_more_than_its_worst_second() {
        let proposal = proposed(130.0, TWO_CORES, 100_000);
        assert!(proposal.herd.seconds > HERD_SECONDS && !proposal.carries, "{:?}", proposal.herd);
    }

    #[test]
    fn the_proposed_lines_are_settings() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("gapura.toml");
        let proposal = proposed(60.0, TWO_CORES, 7_000);
        std::fs::write(&file, proposal.lines()).unwrap();
        let settings = Settings::load(&Source { file: Some(file), variables: Vec::new() }).unwrap();
        assert_eq!(settings.passwords.cost, COSTS[2]);
        assert_eq!((settings.passwords.workers, settings.passwords.queue), (2, proposal.queue));
    }

    #[test]
    fn the_queue_holds_what_is_served_within_the_longest_wait() {
        assert_eq!((queue(0.5), queue(10.0), queue(45.0), queue(200.0)), (8, 16, 40, 168));
    }

    #[test]
    fn a_rate_is_counted_on_as_many_threads_as_asked() {
        let cost = Cost { memory_kib: 64, iterations: 1, parallelism: 1 };
        assert!(rate(cost, 2, Duration::from_millis(5)).unwrap() > 0.0);
        assert_eq!(rate(Cost { iterations: 0, ..cost }, 2, Duration::from_millis(5)), Err(Refused));
    }

    #[test]
    fn the_memory_of_the_machine_is_read() {
        assert_eq!(memory_mib("MemTotal:       24684032 kB\nMemFree: 1 kB\n"), Some(24_105));
        assert_eq!(memory_mib(""), None);
    }
}
