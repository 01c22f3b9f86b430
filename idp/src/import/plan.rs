//! From rows to changes: what a whole file means against what is stored.

use std::collections::{HashMap, HashSet};

use gapura_core::{id::UserId, organization::Position};
use serde::{Deserialize, Serialize};

use crate::{
    import::{
        ImportError, Kind, accounts,
        acting::{self, ActingRecord},
        apply::Change,
        files, others,
        people::{self, Compared, Comparison, PersonChange, Positions},
        record::{PersonRecord, ReadRows},
        register::{self, ApplicationRecord, RuleRecord},
        report::{Finding, Report},
        snapshot::Snapshot,
        staff,
        stamp::Stamps,
        units::{self, UnitRecord},
    },
    keys::Sealer,
};

/// The rows of a file as read: what is sealed for resuming.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Records {
    /// `opd`.
    Units(Vec<UnitRecord>),
    /// `pegawai` and `akun`.
    People(Vec<PersonRecord>),
    /// `penugasan`.
    Acting(Vec<ActingRecord>),
    /// `aplikasi`.
    Applications(Vec<ApplicationRecord>),
    /// `peran`.
    Rules(Vec<RuleRecord>),
    /// Who is missing from the personnel file, and who was and is back.
    Marks(Marks),
}

/// People to mark as missing, and people to take that mark from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Not in the file.
    pub absent: Vec<UserId>,
    /// In the file again.
    pub present: Vec<UserId>,
}

/// What reading and comparing rest on.
pub struct Grounds<'g> {
    /// What is stored.
    pub stored: &'g Snapshot,
    /// For NIK and telephone numbers.
    pub sealer: &'g Sealer,
    /// Domains of official mail.
    pub domains: &'g [String],
    /// Time and keys.
    pub stamps: &'g Stamps,
}

/// Changes with the records they come from.
#[derive(Default)]
pub struct Plan {
    /// Positions to make first.
    pub positions: Vec<Position>,
    /// Each change beside the place of its record.
    pub changes: Vec<(usize, Change)>,
    /// People missing from the file.
    pub missing: Vec<UserId>,
    /// People marked as missing who are back.
    pub returned: Vec<UserId>,
}

/// Where more than a tenth of the people are missing, the file is a part and nobody is marked.
const PART: usize = 10;

impl Plan {
    /// The marks to make, in groups of at most `most` people.
    pub fn marks(&self, records: &Records, most: usize) -> Vec<Marks> {
        let part = self.missing.len() * PART > records.len();
        let absent: &[UserId] = if part { &[] } else { &self.missing };
        let absent = absent.chunks(most).map(|group| Marks { absent: group.to_vec(), present: Vec::new() });
        let present = self.returned.chunks(most).map(|group| Marks { absent: Vec::new(), present: group.to_vec() });
        absent.chain(present).collect()
    }

    /// Whether nothing is to be stored.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.returned.is_empty() && self.missing.is_empty()
    }
}

impl Records {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Units(records) => records.len(),
            Self::People(records) => records.len(),
            Self::Acting(records) => records.len(),
            Self::Applications(records) => records.len(),
            Self::Rules(records) => records.len(),
            Self::Marks(_) => 0,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows of the file behind them.
    pub fn rows(&self) -> usize {
        match self {
            Self::People(records) => records.iter().map(PersonRecord::rows).sum(),
            other => other.len(),
        }
    }

    /// The records at these places, in this order.
    pub fn pick(&self, places: &[usize]) -> Self {
        fn some<T: Clone>(records: &[T], places: &[usize]) -> Vec<T> {
            places.iter().filter_map(|place| records.get(*place)).cloned().collect()
        }
        match self {
            Self::Units(records) => Self::Units(some(records, places)),
            Self::People(records) => Self::People(some(records, places)),
            Self::Acting(records) => Self::Acting(some(records, places)),
            Self::Applications(records) => Self::Applications(some(records, places)),
            Self::Rules(records) => Self::Rules(some(records, places)),
            Self::Marks(marks) => Self::Marks(marks.clone()),
        }
    }
}

/// Reads a file of a kind; findings go into the report.
pub fn read(kind: Kind, bytes: &[u8], on: &Grounds<'_>) -> Result<(Records, Report), ImportError> {
    let around = staff::Surroundings { tree: &on.stored.tree, domains: on.domains, today: on.stamps.today };
    Ok(match kind {
        Kind::Opd => {
            let rows = files::read(bytes, units::COLUMNS)?;
            reported(units::read(&rows, &on.stored.tree, on.stamps.today), Records::Units)
        }
        Kind::Pegawai => reported(staff::read(&files::read(bytes, staff::COLUMNS)?, around), Records::People),
        Kind::Akun => reported(accounts::read(&files::read(bytes, accounts::COLUMNS)?, around), Records::People),
        Kind::Penugasan => {
            let (rows, people) = (files::read(bytes, acting::COLUMNS)?, on.stored.by_number());
            let around =
                acting::Surroundings { tree: &on.stored.tree, people: &people, positions: &on.stored.positions };
            reported(acting::read(&rows, &around), Records::Acting)
        }
        Kind::Aplikasi => {
            let rows = files::read(bytes, register::APPLICATION_COLUMNS)?;
            reported(register::read_applications(&rows, &on.stored.tree), Records::Applications)
        }
        Kind::Peran => {
            let rows = files::read(bytes, register::RULE_COLUMNS)?;
            reported(register::read_rules(&rows, &on.stored.catalog, &on.stored.tree), Records::Rules)
        }
    })
}

fn reported<T>(read: ReadRows<T>, records: impl FnOnce(Vec<T>) -> Records) -> (Records, Report) {
    let report = Report {
        rows: read.rows,
        errors: read.errors,
        queued: read.queued,
        warnings: read.warnings,
        ..Report::default()
    };
    (records(read.records), report)
}

/// Compares records with what is stored. Counts and refusals go into the report.
pub fn plan(records: &Records, on: &Grounds<'_>, report: Report) -> Result<(Plan, Report), ImportError> {
    match records {
        Records::People(records) => people(records, on, report),
        Records::Marks(marks) => {
            let changes = vec![(0, Change::Marks(marks.clone()))];
            Ok((Plan { changes, ..Plan::default() }, report))
        }
        Records::Units(records) => {
            let known: HashSet<_> = records.iter().map(|record| &record.unit.id).collect();
            let missing = on.stored.units.iter().filter(|unit| !known.contains(&unit.id)).count();
            let compared = records.iter().map(|record| {
                let change = others::unit(record, on.stored, on.stamps)?;
                Ok(change.map(|(change, known)| (Change::Unit(Box::new(change)), known)))
            });
            counted(compared, missing, report)
        }
        Records::Acting(records) => {
            let mut positions = Positions::new(&on.stored.positions);
            let made = positions.complete(records.iter().map(|record| &record.post), on.stamps)?;
            let compared = records.iter().map(|record| {
                let change = others::acting(record, on.stored, &positions, on.stamps)?;
                let known = change.as_ref().is_some_and(|change| change.known);
                Ok(change.map(|change| (Change::Acting(Box::new(change)), known)))
            });
            let (plan, report) = counted(compared, 0, report)?;
            Ok((Plan { positions: made, ..plan }, report))
        }
        Records::Applications(records) => {
            let named: HashSet<String> = records.iter().map(|record| record.name.to_lowercase()).collect();
            let stored = &on.stored.registered;
            let missing = stored.iter().filter(|old| !named.contains(&old.application.name.to_lowercase())).count();
            let compared = records.iter().map(|record| {
                let change = others::application(record, on.stored, on.stamps)?;
                let known = change.as_ref().is_some_and(|change| change.known);
                Ok(change.map(|change| (Change::Application(Box::new(change)), known)))
            });
            counted(compared, missing, report)
        }
        Records::Rules(records) => {
            let stored = on.stored.catalog.iter().map(|access| access.rules.len()).sum::<usize>();
            let mut numbers = HashMap::new();
            let compared = records.iter().map(|record| {
                let change = others::rule(record, on.stored, &mut numbers, on.stamps)?;
                Ok(change.map(|change| (Change::Rule(Box::new(change)), false)))
            });
            let (plan, mut report) = counted(compared, 0, report)?;
            report.diff.missing = stored.saturating_sub(report.unchanged);
            Ok((plan, report))
        }
    }
}

/// Each change beside whether something was stored before.
type OneCompared = Result<Option<(Change, bool)>, ImportError>;

fn counted(
    compared: impl Iterator<Item = OneCompared>,
    missing: usize,
    mut report: Report,
) -> Result<(Plan, Report), ImportError> {
    let mut plan = Plan::default();
    report.diff.missing = missing;
    for (at, change) in compared.enumerate() {
        match change? {
            None => report.unchanged += 1,
            Some((change, known)) => {
                report.diff.new += usize::from(!known);
                report.diff.changed += usize::from(known);
                plan.changes.push((at, change));
            }
        }
    }
    Ok((plan, report))
}

fn people(records: &[PersonRecord], on: &Grounds<'_>, mut report: Report) -> Result<(Plan, Report), ImportError> {
    let mut positions = Positions::new(&on.stored.positions);
    let made = positions.complete(records.iter().filter_map(|record| record.post.as_ref()), on.stamps)?;
    let with = Comparison { people: &on.stored.people, positions: &positions, sealer: on.sealer, stamps: on.stamps };
    let mut plan = Plan { positions: made, ..Plan::default() };
    for (at, record) in records.iter().enumerate() {
        match people::compare(record, &with)? {
            Compared::Unchanged(user) => {
                report.unchanged += record.rows();
                let back = on.stored.people.with_key(&user).is_some_and(|listed| listed.absent_since.is_some());
                plan.returned.extend(back.then_some(user));
            }
            Compared::Changed(mut change) => {
                change.queued.retain(|(_, finding)| !waits(on.stored, &change.user, finding));
                count(&change, &mut report);
                plan.changes.push((at, Change::Person(change)));
            }
            Compared::Refused(finding) => report.errors.push(finding),
        }
    }
    if records.iter().any(|record| record.siasn_id.is_some()) {
        plan.missing = people::missing(records, &on.stored.people);
        report.diff.missing = plan.missing.len();
    }
    Ok((plan, report))
}

/// Whether an officer has this finding on the desk already.
fn waits(stored: &Snapshot, user: &UserId, finding: &Finding) -> bool {
    stored.queue.contains(&(Some(user.clone()), finding.code.as_str().to_owned(), finding.text.clone()))
}

fn count(change: &PersonChange, report: &mut Report) {
    let diff = &mut report.diff;
    let kinds = change.kinds;
    diff.new += usize::from(kinds.new);
    if !kinds.new {
        diff.changed += 1;
        diff.moved += usize::from(change.posts.moved);
        diff.positions += usize::from(change.posts.position);
        diff.status += usize::from(kinds.status);
        diff.names += usize::from(kinds.name);
        diff.closed += usize::from(kinds.closes);
    }
}
