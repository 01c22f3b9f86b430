//! How many files this process may have open: each connection is one. Most systems begin with 1024.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files beside the connections of browsers and applications: databases, operations, requests of our own.
const OTHERS: usize = 256;

/// Raises the limit as far as `connections` ask for and the system allows; how many can be held.
pub fn room_for(connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(connections.saturating_add(OTHERS)).unwrap_or(u64::MAX);
    let allowed = limit.current.unwrap_or(u64::MAX);
    if allowed >= wanted {
        return connections;
    }
    let raised = wanted.min(limit.maximum.unwrap_or(u64::MAX));
    let set = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum });
    let files = usize::try_from(if set.is_ok() { raised } else { allowed }).unwrap_or(usize::MAX);
    files.saturating_sub(OTHERS).clamp(1, connections.max(1))
}
