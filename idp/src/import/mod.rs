//! `gapura import`: files of the city become people, units, assignments, applications and rules
//! (domain: identifiers-and-hr-data section 3.7).
//!
//! The story of an import: the file's limits are inspected before it is read ([`limits`]); its rows
//! are read into the kept columns only ([`files`], [`table`]); each row is validated ([`staff`],
//! [`accounts`], [`acting`], [`units`], [`register`]) and compared with what is stored
//! ([`snapshot`], [`people`], [`others`]), all outside the writer. With an error in any row nothing
//! is applied, unless the errors are to be skipped. Then the records that change something are
//! sealed into items of a batch ([`run`]), and the items are applied one by one ([`apply`]), each
//! with its own deletion in one short transaction: an import that is cut off is a batch with items
//! left, and `import resume` goes on with them.

pub mod accounts;
pub mod acting;
pub mod apply;
pub mod cells;
pub mod files;
pub mod limits;
pub mod others;
pub mod pace;
pub mod people;
pub mod plan;
pub mod posts;
pub mod record;
pub mod refusal;
pub mod register;
pub mod report;
pub mod run;
pub mod snapshot;
pub mod staff;
pub mod stamp;
pub mod story;
pub mod table;
pub mod units;

use gapura_core::words;
use gapura_store::StoreError;
use thiserror::Error;

pub use refusal::FileRefused;
pub use report::{Code, Difference, Finding, Report};
pub use run::{Importer, Request, Resumed};
pub use stamp::Stamps;

use crate::{entropy::NoEntropy, keys::KeyError};

words! {
    /// What a file holds.
    pub enum Kind {
        /// The organisation tree.
        Opd = "opd",
        /// The personnel export.
        Pegawai = "pegawai",
        /// People without NIP.
        Akun = "akun",
        /// Acting assignments.
        Penugasan = "penugasan",
        /// Applications and their roles.
        Aplikasi = "aplikasi",
        /// Rules that give roles.
        Peran = "peran",
    }
}

/// Why an import did not run. A file with refused rows is no error but a report.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The whole file is refused.
    #[error(transparent)]
    File(#[from] FileRefused),
    /// An earlier import was cut off, or still runs.
    #[error("an import of {0} did not end: go on with it by `gapura import resume`")]
    Unfinished(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// A sealed item is not what was sealed.
    #[error("an item of the import cannot be read")]
    Item,
}

#[cfg(test)]
mod tests;
