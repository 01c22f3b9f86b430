//! `gapura import opd`: the organisation tree. An OPD is a row without `induk`; every other row
//! names the unit above it and belongs to the OPD at the root (S0 Pasal 1 angka 5).

use std::collections::{HashMap, HashSet};

use gapura_core::{
    id::UnitId,
    organization::{Unit, UnitTree},
    time::{Date, Period},
};
use serde::{Deserialize, Serialize};

use crate::import::{
    cells::Cells,
    record::ReadRows,
    report::{Code, Finding},
    table::{Column, Row, optional, required},
};

/// The columns that are kept.
pub const COLUMNS: &[Column] =
    &[required("ID"), required("KODE"), optional("SINGKAT"), required("NAMA"), required("JENIS"), required("INDUK")];

const ID: usize = 0;
const CODE: usize = 1;
const SHORT: usize = 2;
const NAME: usize = 3;
const KIND: usize = 4;
const PARENT: usize = 5;

/// One unit as the file says, its OPD not yet known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitRecord {
    /// The sheet's row.
    pub row: u32,
    /// The unit; its period begins today where it is new.
    pub unit: Unit,
}

/// Reads all rows; `tree` holds the units already stored.
//= ORG-01
pub fn read(rows: &[Row], tree: &UnitTree, today: Date) -> ReadRows<UnitRecord> {
    let mut read = ReadRows::default();
    for row in rows {
        read.take(unit(Cells::new(row, COLUMNS), today));
    }
    placed(unique(read), tree)
}

fn unit(cells: Cells<'_>, today: Date) -> (Option<UnitRecord>, Vec<Finding>, Vec<Finding>) {
    let id = cells.required(ID).map(UnitId::new);
    let name = cells.required(NAME);
    let kind = cells.required(KIND).map(|kind| kind.to_lowercase());
    let parent = cells.text(PARENT).map(UnitId::new);
    let code = cells.text(CODE).unwrap_or_default();
    if !code.is_empty() && !is_code(&code) {
        cells.warn(CODE, Code::OddCode);
    }
    let record = id.zip(name).zip(kind).map(|((id, name), kind)| UnitRecord {
        row: cells.number(),
        unit: Unit {
            opd: id.clone(),
            id,
            short_name: cells.text(SHORT).map(|short| short.to_lowercase()).filter(|_| parent.is_none()),
            parent,
            code,
            name,
            kind,
            period: Period { from: today, until: None },
        },
    });
    cells.finish(record)
}

/// `1.02.2.14.0.00.05.0000` (domain: identifiers-and-hr-data section 3.8).
fn is_code(code: &str) -> bool {
    let widths = [1, 2, 1, 2, 1, 2, 2, 4];
    let parts: Vec<&str> = code.split('.').collect();
    parts.len() == widths.len()
        && parts.iter().zip(widths).all(|(part, width)| part.len() == width && part.bytes().all(|b| b.is_ascii_digit()))
}

fn unique(mut read: ReadRows<UnitRecord>) -> ReadRows<UnitRecord> {
    let mut seen: HashMap<UnitId, u32> = HashMap::new();
    let mut shorts: HashSet<String> = HashSet::new();
    let mut kept = Vec::with_capacity(read.records.len());
    for record in std::mem::take(&mut read.records) {
        let doubled = record.unit.short_name.as_ref().is_some_and(|short| !shorts.insert(short.clone()));
        if let Some(row) = seen.get(&record.unit.id) {
            let detail = format!("sama dengan baris {row}");
            read.errors.push(Finding::with(record.row, "ID", Code::DuplicateRow, &detail));
        } else if doubled {
            read.errors.push(Finding::with(record.row, "SINGKAT", Code::DuplicateRow, "nama singkat kembar"));
        } else {
            seen.insert(record.unit.id.clone(), record.row);
            kept.push(record);
        }
    }
    read.records = kept;
    read
}

/// Finds the OPD of each unit and puts parents before children.
fn placed(mut read: ReadRows<UnitRecord>, tree: &UnitTree) -> ReadRows<UnitRecord> {
    let records = std::mem::take(&mut read.records);
    let parents: HashMap<&UnitId, Option<&UnitId>> =
        records.iter().map(|record| (&record.unit.id, record.unit.parent.as_ref())).collect();
    let mut placed: Vec<(usize, UnitRecord)> = Vec::with_capacity(records.len());
    for record in &records {
        match root(&record.unit.id, &parents, tree) {
            Ok((opd, depth)) => {
                let mut record = record.clone();
                record.unit.opd = opd;
                placed.push((depth, record));
            }
            Err(code) => {
                let name = record.unit.name.as_str();
                read.errors.push(Finding::with(record.row, "INDUK", code, name));
            }
        }
    }
    placed.sort_by_key(|(depth, record)| (*depth, record.row));
    read.records = placed.into_iter().map(|(_, record)| record).collect();
    read
}

/// The OPD above a unit and how deep the unit lies.
fn root(id: &UnitId, parents: &HashMap<&UnitId, Option<&UnitId>>, tree: &UnitTree) -> Result<(UnitId, usize), Code> {
    const DEEPEST: usize = 32;
    let mut at = id.clone();
    for depth in 0..DEEPEST {
        let above = match parents.get(&at) {
            Some(above) => above.cloned(),
            None => tree.get(&at).ok_or(Code::UnknownUnit)?.parent.clone(),
        };
        match above {
            Some(above) => at = above,
            None => return Ok((at, depth)),
        }
    }
    Err(Code::UnitCircle)
}
