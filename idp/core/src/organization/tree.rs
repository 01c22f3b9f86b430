//! Units and their tree. An OPD is a unit without parent; every unit belongs to one OPD.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{id::UnitId, time::Period};

const DEEPEST: usize = 32;

/// One unit of the organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    //= ORG-01
    pub fn opd_of(&self, id: &UnitId) -> Option<&Unit> {
        self.units.get(&self.units.get(id)?.opd)
    }

    /// Whether `unit` is `root` or lies below it.
    pub fn within(&self, unit: &UnitId, root: &UnitId) -> bool {
        self.upwards(unit).any(|step| &step.id == root)
    }

    /// The unit and everything above it, the OPD last.
    pub fn upwards<'t>(&'t self, id: &UnitId) -> impl Iterator<Item = &'t Unit> {
        let mut next = self.units.get(id);
        // A stored cycle must not hang a request: no organisation is deeper than this.
        std::iter::from_fn(move || {
            let unit = next?;
            next = unit.parent.as_ref().and_then(|parent| self.units.get(parent));
            Some(unit)
        })
        .take(DEEPEST)
    }

    /// The OPD with this short name, such as `diskominfo`.
    pub fn opd_named(&self, short_name: &str) -> Option<&Unit> {
        self.units.values().find(|unit| unit.parent.is_none() && unit.short_name.as_deref() == Some(short_name))
    }

    /// All units, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Unit> {
        self.units.values()
    }

    /// How many units there are.
    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// Whether there is no unit.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Date;

    fn unit(id: &str, parent: Option<&str>, opd: &str) -> Unit {
        Unit {
            id: UnitId::new(id),
            parent: parent.map(UnitId::new),
            opd: UnitId::new(opd),
            code: String::new(),
            short_name: parent.is_none().then(|| format!("opd-{id}")),
            name: format!("Unit {id}"),
            kind: "unit".to_owned(),
            period: Period { from: Date::new(2020, 1, 1).unwrap(), until: None },
        }
    }

    //= ORG-01 test
    #[test]
    fn every_unit_belongs_to_one_opd_and_lies_within_all_above_it() {
        let tree = UnitTree::new([
            unit("a", None, "a"),
            unit("a1", Some("a"), "a"),
            unit("a11", Some("a1"), "a"),
            unit("b", None, "b"),
        ]);
        let id = UnitId::new;
        assert_eq!(tree.opd_of(&id("a11")).map(|opd| opd.id.as_str()), Some("a"));
        assert_eq!(tree.opd_named("opd-b").map(|opd| opd.id.as_str()), Some("b"));
        assert!(
            tree.within(&id("a11"), &id("a")) && tree.within(&id("a11"), &id("a1")) && tree.within(&id("a"), &id("a"))
        );
        assert!(!tree.within(&id("a"), &id("a1")) && !tree.within(&id("a11"), &id("b")));
        assert!(!tree.within(&id("nowhere"), &id("a")));
    }

    #[test]
    fn a_cycle_ends() {
        let tree = UnitTree::new([unit("x", Some("y"), "x"), unit("y", Some("x"), "x")]);
        assert!(!tree.within(&UnitId::new("x"), &UnitId::new("z")));
    }
}
