//! `gapura import pegawai`: the SIASN export "Data Utama" (domain: identifiers-and-hr-data section
//! 3.7), one row a person and post.
//!
//! A row reads as a [`PersonRecord`]; then the rows are looked at together: the same number under
//! two persons is an error of the later row, a second row of one person is a second post that an
//! officer decides about.

use std::collections::{HashMap, HashSet};

use gapura_core::{
    id::UnitId,
    identity::{
        Email, EmployeeNumber, Gender, Nik, NumberWarning, PersonName, RecordFacts, Status, UserKind, normalize_phone,
        of_legal_status,
    },
    organization::{AssignmentKind, PositionClass, UnitTree},
    time::Date,
};

use crate::import::{
    cells::Cells,
    record::{PersonRecord, PostRecord, ReadRows},
    report::{Code, Finding},
    table::{Cell, Column, Row, optional, required},
};

/// The columns that are kept. TMT PENSIUN is read to close an account on its day and not stored.
pub const COLUMNS: &[Column] = &[
    required("PNS ID"),
    required("NIP BARU"),
    required("NAMA"),
    optional("GELAR DEPAN"),
    optional("GELAR BELAKANG"),
    optional("TANGGAL LAHIR"),
    optional("JENIS KELAMIN"),
    optional("NIK"),
    optional("NOMOR HP"),
    optional("EMAIL"),
    optional("EMAIL GOV"),
    optional("JENIS PEGAWAI NAMA"),
    optional("STATUS CPNS PNS"),
    required("KEDUDUKAN HUKUM NAMA"),
    optional("GOL AKHIR NAMA"),
    optional("JENIS JABATAN NAMA"),
    required("JABATAN NAMA"),
    optional("ESELON NAMA"),
    optional("TMT JABATAN"),
    required("UNOR ID"),
    optional("UNOR NAMA"),
    optional("INSTANSI KERJA NAMA"),
    optional("TMT PENSIUN"),
];

const PNS_ID: usize = 0;
const NIP: usize = 1;
const NAME: usize = 2;
const TITLE_BEFORE: usize = 3;
const TITLE_AFTER: usize = 4;
const BIRTH: usize = 5;
const GENDER: usize = 6;
const NIK: usize = 7;
const PHONE: usize = 8;
const EMAIL: usize = 9;
const EMAIL_GOV: usize = 10;
const KIND: usize = 11;
const CPNS: usize = 12;
const LEGAL: usize = 13;
const GOLONGAN: usize = 14;
const CLASS: usize = 15;
const POSITION: usize = 16;
const ESELON: usize = 17;
const TMT_POSITION: usize = 18;
const UNIT: usize = 19;
const UNIT_NAME: usize = 20;
const AGENCY: usize = 21;
const PENSION: usize = 22;

/// What reading needs to know besides the file.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'s> {
    /// Current units.
    pub tree: &'s UnitTree,
    /// Domains of official mail.
    pub domains: &'s [String],
    /// The day in the deployment's zone.
    pub today: Date,
}

/// Reads all rows.
pub fn read(rows: &[Row], around: Surroundings<'_>) -> ReadRows<PersonRecord> {
    let mut read = ReadRows::default();
    for row in rows {
        read.take(person(Cells::new(row, COLUMNS), around));
    }
    together(read)
}

fn person(cells: Cells<'_>, around: Surroundings<'_>) -> (Option<PersonRecord>, Vec<Finding>, Vec<Finding>) {
    let number = number(&cells);
    let full = cells.required(NAME);
    let legal_status = cells.text(LEGAL);
    let known = legal_status.as_deref().and_then(of_legal_status);
    let closes = cells.day(PENSION).filter(|_| known.is_some_and(|known| known.at_effective_date));
    let later = closes.filter(|day| *day > around.today);
    let (kind, facts) = (kind(&cells, number.as_ref()), facts(&cells));
    let post = post(&cells, around, later);
    let record = full.zip(number.clone()).map(|(full, number)| PersonRecord {
        row: cells.number(),
        siasn_id: cells.text(PNS_ID),
        number: Some(number.as_str().to_owned()),
        account_name: None,
        name: PersonName { full, title_before: cells.text(TITLE_BEFORE), title_after: cells.text(TITLE_AFTER) },
        birth_date: facts.birth_date,
        gender: facts.gender,
        nik: nik(&cells),
        phone: phone(&cells),
        official_email: official_email(&cells, EMAIL_GOV, around.domains),
        private_email: private_email(&cells, EMAIL),
        kind,
        legal_status,
        // Retirement ahead of its TMT: active until that day, which the account's validity holds.
        status: known.map(|known| if later.is_some() { Status::Active } else { known.status }),
        golongan: cells.text(GOLONGAN),
        working_agency: cells.text(AGENCY),
        sponsor_opd: None,
        valid_from: None,
        valid_until: later,
        post,
        queued: queued(&cells, around.tree, known.is_some()),
        further_rows: 0,
    });
    remarks(&cells, number.as_ref(), facts, around.today);
    if later.is_some() {
        cells.warn(PENSION, Code::RetiresLater);
    }
    cells.finish(record)
}

fn number(cells: &Cells<'_>) -> Option<EmployeeNumber> {
    if matches!(cells.cell(NIP), Cell::Number(_)) {
        cells.error(NIP, Code::NumericNip);
        return None;
    }
    let text = cells.required(NIP)?;
    EmployeeNumber::parse(&text).map_err(|error| cells.error(NIP, error.into())).ok()
}

fn facts(cells: &Cells<'_>) -> RecordFacts {
    let gender = cells.text(GENDER).and_then(|text| match text.to_lowercase().as_str() {
        "m" | "l" | "laki-laki" | "pria" => Some(Gender::Male),
        "f" | "p" | "perempuan" | "wanita" => Some(Gender::Female),
        _ => None,
    });
    let says = cells.text(KIND).map(|text| text.to_uppercase());
    let pppk = says.and_then(|text| match () {
        () if text.contains("PPPK") => Some(true),
        () if text.contains("PNS") => Some(false),
        () => None,
    });
    RecordFacts { birth_date: cells.day(BIRTH), gender, pppk }
}

fn kind(cells: &Cells<'_>, number: Option<&EmployeeNumber>) -> UserKind {
    let text = cells.text(KIND).unwrap_or_default().to_uppercase();
    let candidate = cells.text(CPNS).is_some_and(|text| matches!(text.to_uppercase().as_str(), "C" | "CPNS"));
    let pppk_layout = number.is_some_and(|number| number.layout() == gapura_core::identity::NumberLayout::Pppk);
    match () {
        () if text.contains("PARUH WAKTU") => UserKind::AsnPppkParuhWaktu,
        () if text.contains("PPPK") => UserKind::AsnPppk,
        () if text.contains("CPNS") || candidate => UserKind::AsnCpns,
        () if text.is_empty() && pppk_layout => UserKind::AsnPppk,
        () => UserKind::AsnPns,
    }
}

/// A numeric NIK has lost its last digit: dropped with a warning, never stored.
fn nik(cells: &Cells<'_>) -> Option<String> {
    match cells.cell(NIK) {
        Cell::Number(_) => {
            cells.warn(NIK, Code::NumericNik);
            None
        }
        _ => {
            let text = cells.text(NIK)?;
            let nik = Nik::parse(&text);
            if nik.is_none() {
                cells.warn(NIK, Code::BadNik);
            }
            nik.map(|nik| nik.expose().to_owned())
        }
    }
}

fn phone(cells: &Cells<'_>) -> Option<String> {
    let text = match cells.cell(PHONE) {
        Cell::Number(number) => format!("{number:.0}"),
        _ => cells.text(PHONE)?,
    };
    // A number cell loses the leading zero of 08….
    let text = if text.starts_with('8') { format!("0{text}") } else { text };
    let phone = normalize_phone(&text);
    if phone.is_none() {
        cells.warn(PHONE, Code::BadPhone);
    }
    phone
}

/// An official address; outside the domains it is not taken: it would become a login name.
//= DOM-03
pub fn official_email(cells: &Cells<'_>, place: usize, domains: &[String]) -> Option<String> {
    let text = cells.text(place)?;
    let Some(email) = Email::parse(&text) else {
        cells.warn(place, Code::BadMail);
        return None;
    };
    let official = if domains.is_empty() { email.is_under(&["go.id"]) } else { email.is_under(domains) };
    if !official {
        cells.warn(place, Code::ForeignMail);
        return None;
    }
    Some(email.as_str().to_owned())
}

/// A private address.
pub fn private_email(cells: &Cells<'_>, place: usize) -> Option<String> {
    let text = cells.text(place)?;
    let email = Email::parse(&text);
    if email.is_none() {
        cells.warn(place, Code::BadMail);
    }
    email.map(|email| email.as_str().to_owned())
}

fn post(cells: &Cells<'_>, around: Surroundings<'_>, until: Option<Date>) -> Option<PostRecord> {
    let unit = UnitId::new(cells.text(UNIT)?);
    let position = cells.text(POSITION)?;
    let eselon = cells.text(ESELON);
    let class = match cells.text(CLASS).unwrap_or_default().to_lowercase() {
        text if text.contains("struktural") || eselon.is_some() => PositionClass::Structural,
        text if text.contains("tertentu") => PositionClass::Functional,
        _ => PositionClass::General,
    };
    around.tree.get(&unit)?;
    Some(PostRecord {
        unit,
        position,
        class,
        eselon,
        kind: AssignmentKind::Definitif,
        from: cells.day(TMT_POSITION).unwrap_or(around.today),
        until,
        decree_number: None,
        decree_date: None,
    })
}

fn queued(cells: &Cells<'_>, tree: &UnitTree, legal_status_known: bool) -> Vec<Finding> {
    let mut queued = Vec::new();
    let unit = cells.text(UNIT).map(UnitId::new);
    if unit.as_ref().is_none_or(|unit| tree.get(unit).is_none()) {
        let name = cells.text(UNIT_NAME).unwrap_or_else(|| "tanpa unit".to_owned());
        queued.push(Finding::with(cells.number(), cells.heading(UNIT), Code::UnknownUnit, &name));
    }
    if !legal_status_known {
        let word = cells.text(LEGAL).unwrap_or_else(|| "kosong".to_owned());
        queued.push(Finding::with(cells.number(), cells.heading(LEGAL), Code::UnknownLegalStatus, &word));
    }
    queued
}

fn remarks(cells: &Cells<'_>, number: Option<&EmployeeNumber>, facts: RecordFacts, today: Date) {
    let warnings = number.map(|number| number.warnings(facts, today)).unwrap_or_default();
    let mut odd = false;
    for warning in warnings {
        match warning {
            NumberWarning::BirthDateDiffers => cells.warn(BIRTH, Code::BirthDateDiffers),
            NumberWarning::GenderDiffers => cells.warn(GENDER, Code::GenderDiffers),
            NumberWarning::NoBirthDate
            | NumberWarning::Age
            | NumberWarning::Appointment
            | NumberWarning::UnknownLayout
            | NumberWarning::NoGender
            | NumberWarning::NoSequence
            | NumberWarning::LayoutDiffers => odd = true,
        }
    }
    if odd {
        cells.warn(NIP, Code::OddNip);
    }
}

/// The rows against each other, the earlier row being taken as the right one.
fn together(mut read: ReadRows<PersonRecord>) -> ReadRows<PersonRecord> {
    let mut by_number: HashMap<String, (u32, String)> = HashMap::new();
    let mut by_person: HashMap<String, usize> = HashMap::new();
    let mut by_nik: HashMap<String, (u32, String)> = HashMap::new();
    let mut mails: HashSet<String> = HashSet::new();
    let mut kept: Vec<PersonRecord> = Vec::with_capacity(read.records.len());
    for mut record in std::mem::take(&mut read.records) {
        let number = record.number.clone().unwrap_or_default();
        let person = record.siasn_id.clone().unwrap_or_else(|| number.clone());
        if let Some((row, other)) = by_number.get(&number)
            && *other != person
        {
            read.errors.push(conflict(&record, NIP, Code::DuplicateNip, *row));
            continue;
        }
        if let Some(first) = by_person.get(&person).and_then(|at| kept.get_mut(*at)) {
            second_row(&mut read, first, &record, &number);
            continue;
        }
        if let Some((row, _)) = record.nik.as_ref().and_then(|nik| by_nik.get(nik)) {
            read.errors.push(conflict(&record, NIK, Code::DuplicateNik, *row));
            continue;
        }
        if record.official_email.as_ref().is_some_and(|mail| !mails.insert(mail.clone())) {
            record.official_email = None;
            read.warnings.push(Finding::with(record.row, heading(EMAIL_GOV), Code::MailTaken, "surel kembar"));
        }
        by_number.insert(number, (record.row, person.clone()));
        by_nik.extend(record.nik.clone().map(|nik| (nik, (record.row, person.clone()))));
        by_person.insert(person, kept.len());
        kept.push(record);
    }
    read.queued = kept.iter().flat_map(|record| record.queued.clone()).collect();
    read.records = kept;
    read
}

fn second_row(read: &mut ReadRows<PersonRecord>, first: &mut PersonRecord, record: &PersonRecord, number: &str) {
    if first.number.as_deref() != Some(number) {
        read.errors.push(conflict(record, NIP, Code::TwoNumbers, first.row));
        return;
    }
    first.further_rows += 1;
    if first.post == record.post {
        let detail = format!("sama dengan baris {}", first.row);
        read.warnings.push(Finding::with(record.row, heading(PNS_ID), Code::DuplicateRow, &detail));
    } else {
        let post = record.post.as_ref().map_or("tanpa unit", |post| post.position.as_str());
        let detail = format!("{post}, di samping baris {}", first.row);
        first.queued.push(Finding::with(record.row, heading(POSITION), Code::SecondPost, &detail));
    }
}

fn conflict(record: &PersonRecord, place: usize, code: Code, row: u32) -> Finding {
    Finding::with(record.row, heading(place), code, &format!("baris {row}"))
}

fn heading(place: usize) -> &'static str {
    COLUMNS.get(place).map_or("", |column| column.heading)
}
