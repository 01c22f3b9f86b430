//! What a row of a personnel or account file reads as: the one shape that is validated, compared
//! with what is stored, sealed for resuming, and applied.

use gapura_core::{
    id::UnitId,
    identity::{Gender, PersonName, Status, UserKind},
    organization::{AssignmentKind, PositionClass},
    time::Date,
};
use serde::{Deserialize, Serialize};

use crate::import::report::Finding;

/// One person as the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRecord {
    /// The sheet's row.
    pub row: u32,
    /// PNS ID: the stable key of the personnel system.
    pub siasn_id: Option<String>,
    /// 18 digits.
    pub number: Option<String>,
    /// For people without number and official mail.
    pub account_name: Option<String>,
    /// Name and titles.
    pub name: PersonName,
    /// For matching only.
    pub birth_date: Option<Date>,
    /// For matching only.
    pub gender: Option<Gender>,
    /// In clear only here: in memory and in the sealed item.
    pub nik: Option<String>,
    /// In clear only here: in memory and in the sealed item.
    pub phone: Option<String>,
    /// Under a domain of the government.
    pub official_email: Option<String>,
    /// Never a login name.
    pub private_email: Option<String>,
    /// What the person is.
    pub kind: UserKind,
    /// Kedudukan hukum as printed.
    pub legal_status: Option<String>,
    /// What it means; `None`: an officer decides, the stored status stays.
    pub status: Option<Status>,
    /// Pangkat/golongan.
    pub golongan: Option<String>,
    /// Instansi kerja.
    pub working_agency: Option<String>,
    /// The OPD that answers for the account.
    pub sponsor_opd: Option<UnitId>,
    /// First day of the account, where it has one.
    pub valid_from: Option<Date>,
    /// First day without account.
    pub valid_until: Option<Date>,
    /// The definitive post.
    pub post: Option<PostRecord>,
    /// What an officer must decide about this person.
    pub queued: Vec<Finding>,
    /// Rows of the same person beside this one.
    pub further_rows: usize,
}

impl PersonRecord {
    /// Rows of the file that speak of this person.
    pub fn rows(&self) -> usize {
        1 + self.further_rows
    }
}

/// A post as the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostRecord {
    /// Where.
    pub unit: UnitId,
    /// Jabatan.
    pub position: String,
    /// Jenis jabatan.
    pub class: PositionClass,
    /// Eselon.
    pub eselon: Option<String>,
    /// Capacity.
    pub kind: AssignmentKind,
    /// TMT.
    pub from: Date,
    /// First day without it.
    pub until: Option<Date>,
    /// Nomor SK.
    pub decree_number: Option<String>,
    /// Tanggal SK.
    pub decree_date: Option<Date>,
}

/// What the rows of a file read as, with everything found on the way.
#[derive(Debug)]
pub struct ReadRows<T> {
    /// Rows of data.
    pub rows: usize,
    /// What was read, in order of rows.
    pub records: Vec<T>,
    /// Refused rows.
    pub errors: Vec<Finding>,
    /// Rows taken with something to decide.
    pub queued: Vec<Finding>,
    /// Rows taken with a remark.
    pub warnings: Vec<Finding>,
}

impl<T> Default for ReadRows<T> {
    fn default() -> Self {
        Self { rows: 0, records: Vec::new(), errors: Vec::new(), queued: Vec::new(), warnings: Vec::new() }
    }
}

impl<T> ReadRows<T> {
    /// Takes one row's outcome.
    pub fn take(&mut self, (record, errors, warnings): (Option<T>, Vec<Finding>, Vec<Finding>)) {
        self.rows += 1;
        self.records.extend(record);
        self.errors.extend(errors);
        self.warnings.extend(warnings);
    }
}
