//! `gapura import akun`: people of the city's network who are not in the personnel export (S0 Pasal
//! 1 angka 25): the mayor, council members, contract staff, vendors. They have no NIP; they sign in
//! with an account name or their official mail.
//!
//! Contract staff and vendors name the OPD that answers for them and a last day. `berlaku_sampai`
//! is that last day, as contracts are written; the account ends the day after.

use std::collections::HashMap;

use gapura_core::{
    id::UnitId,
    identity::{LoginName, PersonName, Status, UserKind},
    organization::{AssignmentKind, PositionClass},
    time::Date,
};

use crate::import::{
    cells::Cells,
    record::{PersonRecord, PostRecord, ReadRows},
    report::{Code, Finding},
    staff::{Surroundings, official_email, private_email},
    table::{Column, Row, optional, required},
};

/// The columns that are kept.
pub const COLUMNS: &[Column] = &[
    required("NAMA AKUN"),
    required("NAMA"),
    required("JENIS"),
    required("OPD SPONSOR"),
    optional("UNIT ID"),
    optional("JABATAN"),
    optional("SUREL DINAS"),
    optional("SUREL PRIBADI"),
    optional("BERLAKU MULAI"),
    required("BERLAKU SAMPAI"),
    optional("DASAR"),
];

const ACCOUNT: usize = 0;
const NAME: usize = 1;
const KIND: usize = 2;
const SPONSOR: usize = 3;
const UNIT: usize = 4;
const POSITION: usize = 5;
const OFFICIAL: usize = 6;
const PRIVATE: usize = 7;
const FROM: usize = 8;
const UNTIL: usize = 9;
const BASIS: usize = 10;

/// Reads all rows.
pub fn read(rows: &[Row], around: Surroundings<'_>) -> ReadRows<PersonRecord> {
    let mut read = ReadRows::default();
    for row in rows {
        read.take(account(Cells::new(row, COLUMNS), around));
    }
    let mut seen: HashMap<String, u32> = HashMap::new();
    for record in std::mem::take(&mut read.records) {
        let key = record.account_name.clone().unwrap_or_default();
        match seen.get(&key) {
            Some(row) => {
                let detail = format!("sama dengan baris {row}");
                read.errors.push(Finding::with(record.row, "NAMA AKUN", Code::DuplicateRow, &detail));
            }
            None => {
                seen.insert(key, record.row);
                read.queued.extend(record.queued.iter().cloned());
                read.records.push(record);
            }
        }
    }
    read
}

fn account(cells: Cells<'_>, around: Surroundings<'_>) -> (Option<PersonRecord>, Vec<Finding>, Vec<Finding>) {
    let account = cells.required(ACCOUNT).and_then(|text| {
        let name = LoginName::account(&text);
        if name.is_none() {
            cells.error(ACCOUNT, Code::BadAccountName);
        }
        name
    });
    let full = cells.required(NAME);
    let kind = kind(&cells);
    let sponsor_opd = sponsor(&cells, around, kind);
    let (valid_from, valid_until) = validity(&cells, kind);
    let (post, queued) = post(&cells, around, (kind, valid_from, valid_until));
    let record = account.zip(full).zip(kind).map(|((account, full), kind)| PersonRecord {
        row: cells.number(),
        siasn_id: None,
        number: None,
        account_name: Some(account.as_str().to_owned()),
        name: PersonName { full, title_before: None, title_after: None },
        birth_date: None,
        gender: None,
        nik: None,
        phone: None,
        official_email: official_email(&cells, OFFICIAL, around.domains),
        private_email: private_email(&cells, PRIVATE),
        kind,
        legal_status: None,
        status: Some(Status::Active),
        golongan: None,
        working_agency: None,
        sponsor_opd,
        valid_from: valid_from.or(valid_until.map(|_| around.today)),
        valid_until,
        post,
        queued,
        further_rows: 0,
    });
    cells.finish(record)
}

fn kind(cells: &Cells<'_>) -> Option<UserKind> {
    let kind: UserKind = cells.word(KIND)?;
    if kind.is_asn() || kind == UserKind::Service {
        cells.error(KIND, Code::UnknownWord);
        return None;
    }
    Some(kind)
}

fn sponsor(cells: &Cells<'_>, around: Surroundings<'_>, kind: Option<UserKind>) -> Option<UnitId> {
    let mandatory = kind.is_some_and(UserKind::needs_sponsor);
    let short = if mandatory { cells.required(SPONSOR) } else { cells.text(SPONSOR) }?;
    let opd = around.tree.opd_named(&short.to_lowercase()).or_else(|| around.tree.get(&UnitId::new(short)));
    if opd.is_none() {
        cells.error(SPONSOR, Code::UnknownOpd);
    }
    opd.map(|opd| opd.id.clone())
}

fn validity(cells: &Cells<'_>, kind: Option<UserKind>) -> (Option<Date>, Option<Date>) {
    let mandatory = kind.is_some_and(UserKind::needs_sponsor);
    let from = cells.day(FROM);
    let last = if mandatory { cells.required_day(UNTIL) } else { cells.day(UNTIL) };
    if from.zip(last).is_some_and(|(from, last)| last < from) {
        cells.error(UNTIL, Code::EndBeforeBegin);
    }
    (from, last.map(|day| day.plus_days(1)))
}

fn post(
    cells: &Cells<'_>,
    around: Surroundings<'_>,
    (kind, from, until): (Option<UserKind>, Option<Date>, Option<Date>),
) -> (Option<PostRecord>, Vec<Finding>) {
    let Some((unit, position)) = cells.text(UNIT).map(UnitId::new).zip(cells.text(POSITION)) else {
        return (None, Vec::new());
    };
    if around.tree.get(&unit).is_none() {
        let finding = Finding::with(cells.number(), cells.heading(UNIT), Code::UnknownUnit, &position);
        return (None, vec![finding]);
    }
    let class = match kind {
        Some(UserKind::PejabatNegara | UserKind::Dprd) => PositionClass::Office,
        _ => PositionClass::Other,
    };
    let post = PostRecord {
        unit,
        position,
        class,
        eselon: None,
        kind: AssignmentKind::Definitif,
        from: from.unwrap_or(around.today),
        until,
        decree_number: cells.text(BASIS),
        decree_date: None,
    };
    (Some(post), Vec::new())
}
