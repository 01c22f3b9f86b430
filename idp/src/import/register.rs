//! `gapura import aplikasi` and `gapura import peran`: the application register with its roles, and
//! the rules that give those roles (S0 Pasal 1 angka 21-22, Pasal 24).

use std::collections::HashMap;

use gapura_core::{
    access::{ApplicationKind, Catalog, Predicate},
    id::{ApplicationId, UnitId},
    organization::UnitTree,
};
use serde::{Deserialize, Serialize};

use crate::import::{
    cells::Cells,
    record::ReadRows,
    report::{Code, Finding},
    table::{Column, Row, optional, required},
};

/// The columns of the register that are kept.
pub const APPLICATION_COLUMNS: &[Column] =
    &[required("NAMA"), required("JENIS"), required("OPD PEMILIK"), required("PERAN"), optional("BIDANG")];

const NAME: usize = 0;
const KIND: usize = 1;
const OWNER: usize = 2;
const ROLES: usize = 3;
const FIELD: usize = 4;

/// The columns of the rules that are kept.
pub const RULE_COLUMNS: &[Column] =
    &[required("APLIKASI"), required("PERAN"), required("OPD"), required("JABATAN"), required("ESELON")];

const APPLICATION: usize = 0;
const ROLE: usize = 1;
const OPD: usize = 2;
const POSITION: usize = 3;
const ESELON: usize = 4;

/// One application as the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationRecord {
    /// The sheet's row.
    pub row: u32,
    /// Name as shown.
    pub name: String,
    /// Umum or khusus; mandatory.
    pub kind: ApplicationKind,
    /// The OPD that owns it.
    pub owner_opd: UnitId,
    /// Codes of its roles.
    pub roles: Vec<String>,
    /// Field of government.
    pub field: Option<String>,
}

/// One rule as the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRecord {
    /// The sheet's row.
    pub row: u32,
    /// Which application.
    pub application_id: ApplicationId,
    /// Which of its roles.
    pub role: String,
    /// Whom it means.
    pub predicate: Predicate,
}

/// Reads the register.
//= APP-01
pub fn read_applications(rows: &[Row], tree: &UnitTree) -> ReadRows<ApplicationRecord> {
    let mut read = ReadRows::default();
    for row in rows {
        read.take(application(Cells::new(row, APPLICATION_COLUMNS), tree));
    }
    let mut seen: HashMap<String, u32> = HashMap::new();
    for record in std::mem::take(&mut read.records) {
        if let Some(row) = seen.insert(record.name.to_lowercase(), record.row) {
            let detail = format!("sama dengan baris {row}");
            read.errors.push(Finding::with(record.row, "NAMA", Code::DuplicateRow, &detail));
        } else {
            read.records.push(record);
        }
    }
    read
}

/// Reads the rules.
pub fn read_rules(rows: &[Row], catalog: &Catalog, tree: &UnitTree) -> ReadRows<RuleRecord> {
    let mut read = ReadRows::default();
    for row in rows {
        read.take(rule(Cells::new(row, RULE_COLUMNS), catalog, tree));
    }
    let mut kept: Vec<RuleRecord> = Vec::with_capacity(read.records.len());
    for record in std::mem::take(&mut read.records) {
        let same = |other: &&RuleRecord| RuleRecord { row: record.row, ..(*other).clone() } == record;
        if let Some(first) = kept.iter().find(same) {
            let detail = format!("sama dengan baris {}", first.row);
            read.errors.push(Finding::with(record.row, "PERAN", Code::DuplicateRow, &detail));
        } else {
            kept.push(record);
        }
    }
    read.records = kept;
    read
}

fn application(cells: Cells<'_>, tree: &UnitTree) -> (Option<ApplicationRecord>, Vec<Finding>, Vec<Finding>) {
    let name = cells.required(NAME);
    let kind = cells.word::<ApplicationKind>(KIND);
    let owner = cells.required(OWNER).and_then(|short| opd(&cells, OWNER, &short, tree));
    let roles = cells.required(ROLES).map(|text| list(&text)).unwrap_or_default();
    if roles.iter().any(|role| !is_role(role)) {
        cells.error(ROLES, Code::UnknownWord);
    }
    let field = cells.text(FIELD);
    let record = name.zip(kind).zip(owner).map(|((name, kind), owner_opd)| ApplicationRecord {
        row: cells.number(),
        name,
        kind,
        owner_opd,
        roles,
        field,
    });
    cells.finish(record)
}

fn rule(cells: Cells<'_>, catalog: &Catalog, tree: &UnitTree) -> (Option<RuleRecord>, Vec<Finding>, Vec<Finding>) {
    let access = cells.required(APPLICATION).and_then(|name| {
        let access = catalog.find(&name);
        if access.is_none() {
            cells.error(APPLICATION, Code::UnknownApplication);
        }
        access
    });
    let role = cells.required(ROLE);
    if access.zip(role.as_ref()).is_some_and(|(access, role)| !access.roles.iter().any(|known| known.code == *role)) {
        cells.error(ROLE, Code::UnknownRole);
    }
    // `*` means everybody and must be written: an empty condition is a mistake, not a rule for all.
    let subtree = cells.required(OPD).filter(|text| text != "*").and_then(|short| opd(&cells, OPD, &short, tree));
    let conditions = |text: Option<String>| text.filter(|text| text != "*").map(|text| list(&text)).unwrap_or_default();
    let positions = conditions(cells.required(POSITION));
    let eselon = conditions(cells.required(ESELON));
    let record = access.zip(role).map(|(access, role)| RuleRecord {
        row: cells.number(),
        application_id: access.application.id.clone(),
        role,
        predicate: Predicate { subtree, positions, eselon, ..Predicate::default() },
    });
    cells.finish(record)
}

fn opd(cells: &Cells<'_>, place: usize, short: &str, tree: &UnitTree) -> Option<UnitId> {
    let found = tree.opd_named(&short.to_lowercase());
    if found.is_none() {
        cells.error(place, Code::UnknownOpd);
    }
    found.map(|opd| opd.id.clone())
}

fn list(text: &str) -> Vec<String> {
    text.split('|').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Role codes go on the wire as they are.
fn is_role(code: &str) -> bool {
    (1..=64).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

/// The audience of an application's access tokens, made from its name: `SIPD Keuangan` becomes
/// `sipd-keuangan`.
pub fn identifier(name: &str) -> String {
    let mut made = String::with_capacity(name.len());
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            made.push(c);
        } else if !made.is_empty() && !made.ends_with('-') {
            made.push('-');
        }
    }
    made.trim_end_matches('-').to_owned()
}
