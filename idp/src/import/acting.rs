//! `gapura import penugasan`: acting assignments beside the definitive post: Plt, Plh, Pj, with
//! period and decree. `sampai` is the last day, as decrees are written.

use std::collections::HashMap;

use gapura_core::{
    id::{UnitId, UserId},
    identity::EmployeeNumber,
    organization::{AssignmentKind, Position, PositionClass, UnitTree},
};
use serde::{Deserialize, Serialize};

use crate::import::{
    cells::Cells,
    record::{PostRecord, ReadRows},
    report::{Code, Finding},
    table::{Cell, Column, Row, optional, required},
};

/// The columns that are kept.
pub const COLUMNS: &[Column] = &[
    required("NIP"),
    optional("NAMA"),
    required("JENIS"),
    required("JABATAN"),
    required("UNIT ID"),
    required("MULAI"),
    required("SAMPAI"),
    optional("NOMOR SK"),
    optional("TANGGAL SK"),
];

const NIP: usize = 0;
const NAME: usize = 1;
const KIND: usize = 2;
const POSITION: usize = 3;
const UNIT: usize = 4;
const FROM: usize = 5;
const UNTIL: usize = 6;
const DECREE: usize = 7;
const DECREE_DATE: usize = 8;

/// One acting assignment as the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActingRecord {
    /// The sheet's row.
    pub row: u32,
    /// Who.
    pub user_id: UserId,
    /// As what, where and when.
    pub post: PostRecord,
}

/// What reading needs to know besides the file.
pub struct Surroundings<'s> {
    /// Current units.
    pub tree: &'s UnitTree,
    /// People by current number, with their names.
    pub people: &'s HashMap<String, (UserId, String)>,
    /// Known positions: an acting head holds the eselon of the post.
    pub positions: &'s [Position],
}

/// Reads all rows.
pub fn read(rows: &[Row], around: &Surroundings<'_>) -> ReadRows<ActingRecord> {
    let mut read = ReadRows::default();
    for row in rows {
        read.take(acting(Cells::new(row, COLUMNS), around));
    }
    read
}

fn acting(cells: Cells<'_>, around: &Surroundings<'_>) -> (Option<ActingRecord>, Vec<Finding>, Vec<Finding>) {
    let user_id = person(&cells, around);
    let kind = cells.word::<AssignmentKind>(KIND);
    let position = cells.required(POSITION);
    let unit = cells.required(UNIT).map(UnitId::new);
    if unit.as_ref().is_some_and(|unit| around.tree.get(unit).is_none()) {
        cells.error(UNIT, Code::UnknownUnit);
    }
    let period = cells.required_day(FROM).zip(cells.required_day(UNTIL));
    if period.is_some_and(|(from, last)| last < from) {
        cells.error(UNTIL, Code::EndBeforeBegin);
    }
    let (decree_number, decree_date) = (cells.text(DECREE), cells.day(DECREE_DATE));
    let record = user_id.zip(kind).zip(position).zip(unit).zip(period).map(
        |((((user_id, kind), position), unit), (from, last))| {
            let (class, eselon) = known_post(around.positions, &position);
            let until = Some(last.plus_days(1));
            ActingRecord {
                row: cells.number(),
                user_id,
                post: PostRecord { unit, position, class, eselon, kind, from, until, decree_number, decree_date },
            }
        },
    );
    cells.finish(record)
}

fn person(cells: &Cells<'_>, around: &Surroundings<'_>) -> Option<UserId> {
    if matches!(cells.cell(NIP), Cell::Number(_)) {
        cells.error(NIP, Code::NumericNip);
        return None;
    }
    let text = cells.required(NIP)?;
    let number = EmployeeNumber::parse(&text).map_err(|error| cells.error(NIP, error.into())).ok()?;
    let Some((id, stored)) = around.people.get(number.as_str()) else {
        cells.error(NIP, Code::UnknownPerson);
        return None;
    };
    if cells.text(NAME).is_some_and(|name| name.to_lowercase() != stored.to_lowercase()) {
        cells.warn(NAME, Code::NameDiffers);
    }
    Some(id.clone())
}

/// Class and eselon of a post that somebody holds or held definitively; structural ones first.
fn known_post(positions: &[Position], name: &str) -> (PositionClass, Option<String>) {
    positions
        .iter()
        .filter(|position| position.name == name)
        .min_by_key(|position| (position.eselon.is_none(), position.class))
        .map_or((PositionClass::Structural, None), |position| (position.class, position.eselon.clone()))
}
