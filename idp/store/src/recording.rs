//! The second time of every row that gives or takes access: when it was recorded, and by which
//! event. Such a row is never updated in place: a change supersedes it and records another.

use gapura_core::{id::EventId, time::Instant};

/// The recording of one new row.
#[derive(Clone, Copy, Debug)]
pub struct Recording<'r> {
    /// Key of the row, unlike the noun's own id new at each recording.
    pub row_id: &'r str,
    /// When.
    pub at: Instant,
    /// The audit event of the change.
    pub event: &'r EventId,
}
