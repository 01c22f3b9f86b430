//! Units and their tree. An OPD is a unit without parent; every unit belongs to one OPD.

use std::collections::HashMap;

use crate::{id::UnitId, time::Period};

/// One unit of the organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Stable key; the SIASN unor id where there is one.
    pub id: UnitId,
    /// The unit above; none for an OPD.
    pub parent: Option<UnitId>,
    /// The OPD at the root.
    pub opd: UnitId,
    /// Kemendagri-style code, raw text.
    pub code: String,
    /// Short name, such as `diskominfo`; OPD only.
    pub short_name: Option<String>,
    /// Name as printed.
    pub name: String,
    /// Jenis, such as `dinas`, `badan`, `unit`.
    pub kind: String,
    /// Validity.
    pub period: Period,
}

/// All current units, by id. A copy kept in process, rebuilt when the organisation moves.
#[derive(Clone, Debug, Default)]
pub struct UnitTree {
    units: HashMap<UnitId, Unit>,
}

impl UnitTree {
    /// From current rows.
    pub fn new(units: impl IntoIterator<Item = Unit>) -> Self {
        Self { units: units.into_iter().map(|unit| (unit.id.clone(), unit)).collect() }
    }

    /// One unit.
    pub fn get(&self, id: &UnitId) -> Option<&Unit> {
        self.units.get(id)
    }

    /// The OPD a unit belongs to.
    pub fn opd_of(&self, id: &UnitId) -> Option<&Unit> {
        self.units.get(&self.units.get(id)?.opd)
    }
}
