//! What a process of this machine uses, as Linux counts it.

use std::fs;

/// Processor time of a process so far, in milliseconds: user and system ticks of a hundredth of a second.
pub(crate) fn cpu_ms(pid: u32) -> f64 {
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
