//! Assignments (penugasan): a person in a position of a unit, for a period.

use crate::{
    id::{AssignmentId, PositionId, UnitId, UserId},
    time::{Date, Period},
    words,
};

words! {
    /// In which capacity a position is held.
    pub enum AssignmentKind {
        /// Definitive holder.
        Definitif = "definitif",
        /// Pelaksana tugas.
        Plt = "plt",
        /// Pelaksana harian.
        Plh = "plh",
        /// Penjabat.
        Pj = "pj",
    }
}

words! {
    /// Jenis jabatan.
    pub enum PositionClass {
        /// Struktural.
        Structural = "struktural",
        /// Fungsional tertentu.
        Functional = "fungsional_tertentu",
        /// Fungsional umum (pelaksana).
        General = "fungsional_umum",
        /// Mayor, council member: outside the civil service.
        Office = "jabatan_negara",
        /// Anything else, such as a vendor's function.
        Other = "lainnya",
    }
}

/// A position (jabatan).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Key.
    pub id: PositionId,
    /// Name as printed, such as `Bendahara Pengeluaran`.
    pub name: String,
    /// Jenis jabatan.
    pub class: PositionClass,
    /// Eselon, such as `II.b`; only structural positions have one.
    pub eselon: Option<String>,
}

/// One assignment, current as of its recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Stable over corrections.
    pub id: AssignmentId,
    /// Who.
    pub user_id: UserId,
    /// Where.
    pub unit_id: UnitId,
    /// As what.
    pub position: Position,
    /// In which capacity.
    pub kind: AssignmentKind,
    /// When.
    pub period: Period,
    /// Number of the decree (nomor SK).
    pub decree_number: Option<String>,
}

impl Assignment {
    /// Those in force on a day, the main one first: the definitive post before acting ones, the
    /// older before the younger.
    pub fn in_force(assignments: &[Self], today: Date) -> Vec<&Self> {
        let mut current: Vec<&Self> =
            assignments.iter().filter(|assignment| assignment.period.contains(today)).collect();
        current.sort_by_key(|a| (a.kind, a.period.from, a.id.clone()));
        current
    }
}
