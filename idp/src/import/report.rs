//! What an import found and did, row by row: the JSON of `gapura import --json`.
//!
//! Every finding names the sheet's own row number, the column and what to do. It never repeats a
//! NIK or a telephone number.

use std::{collections::HashSet, fmt::Write as _};

use gapura_core::{identity::EmployeeNumberError, words};
use serde::{Deserialize, Serialize};

use crate::import::table::Row;

words! {
    /// What is wrong, or worth knowing, about one cell or row.
    pub enum Code {
        /// The employee number is a number: its last digits are lost.
        NumericNip = "numeric_nip",
        /// Not 18 digits.
        NipLength = "nip_length",
        /// Not only digits, or all equal.
        NipCharacters = "nip_characters",
        /// A mandatory cell is empty.
        Missing = "missing",
        /// A formula.
        Formula = "formula",
        /// A number, truth value or spreadsheet error where text belongs.
        NotText = "not_text",
        /// Control characters or more text than the field takes.
        BadText = "bad_text",
        /// No calendar day.
        BadDate = "bad_date",
        /// The end lies before the beginning.
        EndBeforeBegin = "end_before_begin",
        /// A word outside the set.
        UnknownWord = "unknown_word",
        /// The same employee number stands at another person.
        DuplicateNip = "duplicate_nip",
        /// The same NIK stands at another person.
        DuplicateNik = "duplicate_nik",
        /// One person with two employee numbers in one file.
        TwoNumbers = "two_numbers",
        /// An active account has this NIP or NIK already.
        SecondAccount = "second_account",
        /// The login name belonged to another person and is never given again.
        NameTaken = "name_taken",
        /// No account name can look like this.
        BadAccountName = "bad_account_name",
        /// The same key stands in two rows.
        DuplicateRow = "duplicate_row",
        /// No person with this NIP.
        UnknownPerson = "unknown_person",
        /// No OPD with this short name.
        UnknownOpd = "unknown_opd",
        /// No unit with this id.
        UnknownUnit = "unknown_unit",
        /// The units above form a circle.
        UnitCircle = "unit_circle",
        /// No such application.
        UnknownApplication = "unknown_application",
        /// No such role in the application.
        UnknownRole = "unknown_role",
        /// The legal status is not in the table.
        UnknownLegalStatus = "unknown_legal_status",
        /// A second post of one person without its kind.
        SecondPost = "second_post",
        /// The NIK is a number and was dropped.
        NumericNik = "numeric_nik",
        /// The NIK is not 16 digits and was dropped.
        BadNik = "bad_nik",
        /// The birth date differs from the one in the NIP.
        BirthDateDiffers = "birth_date_differs",
        /// The gender differs from the one in the NIP.
        GenderDiffers = "gender_differs",
        /// The NIP's digits make no sense in some part.
        OddNip = "odd_nip",
        /// The official mail is outside the government's domains and was not taken.
        ForeignMail = "foreign_mail",
        /// The official mail is another person's and was not taken.
        MailTaken = "mail_taken",
        /// No mail address; not taken.
        BadMail = "bad_mail",
        /// No telephone number; not taken.
        BadPhone = "bad_phone",
        /// The name differs from the one stored.
        NameDiffers = "name_differs",
        /// Retirement takes effect on a later day.
        RetiresLater = "retires_later",
        /// The code is not written as Kemendagri codes are; kept as it is.
        OddCode = "odd_code",
        /// The change could not be stored.
        NotStored = "not_stored",
    }
}

impl Code {
    /// What it is and what to do, in Indonesian.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::NumericNip => {
                "NIP berupa angka sehingga tiga digit terakhir hilang; ubah kolom menjadi teks dan ketik ulang NIP dari SK"
            }
            Self::NipLength => "NIP harus 18 digit; periksa dengan SK",
            Self::NipCharacters => "NIP hanya boleh berisi 18 digit yang tidak semuanya sama; ketik ulang dari SK",
            Self::Missing => "isian wajib kosong; lengkapi",
            Self::Formula => "sel berisi rumus dan tidak dihitung; ganti dengan nilainya (tempel sebagai nilai)",
            Self::NotText => "sel harus berupa teks; ubah format kolom menjadi teks dan isi ulang",
            Self::BadText => "isian terlalu panjang atau berisi karakter kendali; ketik ulang",
            Self::BadDate => "tanggal tidak terbaca; tulis sebagai dd-mm-yyyy atau yyyy-mm-dd",
            Self::EndBeforeBegin => "tanggal akhir mendahului tanggal mulai; betulkan salah satunya",
            Self::UnknownWord => "isian di luar pilihan; pakai salah satu kata yang disebut",
            Self::DuplicateNip => {
                "NIP sama dengan orang lain; satu NIP hanya untuk satu orang, periksa keduanya dengan SK"
            }
            Self::DuplicateNik => {
                "NIK sama dengan orang lain; satu NIK hanya untuk satu orang, periksa keduanya dengan KTP"
            }
            Self::TwoNumbers => "satu PNS ID memiliki dua NIP dalam berkas ini; hapus baris yang keliru",
            Self::SecondAccount => {
                "sudah ada akun aktif dengan NIP atau NIK ini; satu orang satu akun, betulkan PNS ID atau nomornya"
            }
            Self::NameTaken => "nama masuk ini pernah dipakai orang lain dan tidak diberikan lagi; pakai nama lain",
            Self::BadAccountName => {
                "nama akun harus 3 sampai 64 karakter a-z, 0-9, titik, garis bawah atau strip, dan memuat huruf"
            }
            Self::DuplicateRow => "baris ini mengulang baris lain; hapus salah satunya",
            Self::UnknownPerson => "tidak ada pegawai dengan NIP ini; impor pegawai dahulu atau betulkan NIP",
            Self::UnknownOpd => "OPD tidak dikenal; pakai nama singkat dari berkas OPD atau impor OPD dahulu",
            Self::UnknownUnit => "unit tidak dikenal; petakan unit ini atau impor OPD dahulu",
            Self::UnitCircle => "susunan induk berputar; betulkan kolom induk",
            Self::UnknownApplication => "aplikasi tidak dikenal; impor aplikasi dahulu atau betulkan namanya",
            Self::UnknownRole => {
                "peran tidak ada pada aplikasi ini; tambahkan pada berkas aplikasi atau betulkan kodenya"
            }
            Self::UnknownLegalStatus => "kedudukan hukum tidak dikenal; tetapkan status orang ini",
            Self::SecondPost => {
                "jabatan kedua orang yang sama tanpa jenis penugasan; tetapkan sebagai Plt, Plh atau Pj"
            }
            Self::NumericNik => {
                "NIK berupa angka sehingga digit terakhir hilang; NIK tidak diambil, ubah kolom menjadi teks"
            }
            Self::BadNik => "NIK bukan 16 digit dan tidak diambil; periksa dengan KTP",
            Self::BirthDateDiffers => "tanggal lahir berbeda dengan NIP; periksa dengan SK",
            Self::GenderDiffers => "jenis kelamin berbeda dengan NIP; periksa dengan SK",
            Self::OddNip => "susunan NIP tidak lazim; periksa dengan SK",
            Self::ForeignMail => "surel dinas di luar domain resmi dan tidak diambil; isi dengan alamat resmi",
            Self::MailTaken => "surel dinas sudah milik orang lain dan tidak diambil; beri alamat sendiri",
            Self::BadMail => "alamat surel tidak sah dan tidak diambil; betulkan",
            Self::BadPhone => "nomor telepon tidak sah dan tidak diambil; tulis sebagai 08… atau +62…",
            Self::NameDiffers => "nama berbeda dengan yang tercatat pada NIP ini; pastikan orangnya benar",
            Self::RetiresLater => "TMT pensiun belum tiba; akun ditutup pada tanggal itu",
            Self::OddCode => "kode tidak berpola kode Kemendagri; disimpan apa adanya",
            Self::NotStored => "perubahan tidak tersimpan; jalankan impor sekali lagi",
        }
    }
}

impl From<EmployeeNumberError> for Code {
    fn from(error: EmployeeNumberError) -> Self {
        match error {
            EmployeeNumberError::Length(_) => Self::NipLength,
            EmployeeNumberError::Character | EmployeeNumberError::AllEqual => Self::NipCharacters,
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The sheet's own row number.
    pub row: u32,
    /// The column's heading.
    pub column: String,
    /// What.
    pub code: Code,
    /// What and what to do, in Indonesian.
    pub text: String,
}

impl Finding {
    /// About a cell.
    pub fn new(row: &Row, column: &str, code: Code) -> Self {
        Self { row: row.number, column: column.to_owned(), code, text: code.remedy().to_owned() }
    }

    /// With a detail in front of the remedy.
    pub fn with(row: u32, column: &str, code: Code, detail: &str) -> Self {
        Self { row, column: column.to_owned(), code, text: format!("{detail}: {}", code.remedy()) }
    }
}

/// What changed, or would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Not stored before.
    pub new: usize,
    /// Stored before, differing now; the four kinds below are among them.
    pub changed: usize,
    /// Of the changed: into another unit.
    pub moved: usize,
    /// Of the changed: another legal status.
    pub status: usize,
    /// Of the changed: another name or title.
    pub names: usize,
    /// Of the changed: another position in the same unit.
    pub positions: usize,
    /// Stored and not in the file; never deleted.
    pub missing: usize,
    /// Of the changed: accounts that close, now or at their TMT.
    pub closed: usize,
}

/// The whole result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The batch, where one was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// Rows of data in the file.
    pub rows: usize,
    /// Rows whose change was stored.
    pub applied: usize,
    /// Rows that changed nothing.
    pub unchanged: usize,
    /// Rows that were refused.
    pub errors: Vec<Finding>,
    /// Rows that were taken and leave something to decide.
    pub queued: Vec<Finding>,
    /// Rows that were taken with a remark.
    pub warnings: Vec<Finding>,
    /// What changed, by kind.
    pub diff: Difference,
}

impl Report {
    /// Findings by row. A refused row is an error and nothing else: it leaves no remark and no queue.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        let refused: HashSet<u32> = self.errors.iter().map(|finding| finding.row).collect();
        self.queued.retain(|finding| !refused.contains(&finding.row));
        self.warnings.retain(|finding| !refused.contains(&finding.row));
        for findings in [&mut self.errors, &mut self.queued, &mut self.warnings] {
            findings.sort_by_key(|finding| finding.row);
        }
        self
    }

    /// For people, in Indonesian.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (title, findings) in [("Galat", &self.errors), ("Antrean", &self.queued), ("Peringatan", &self.warnings)] {
            for finding in findings {
                let Finding { row, column, text: words, .. } = finding;
                let _ = writeln!(text, "{title}: baris {row}, kolom {column}: {words}");
            }
        }
        let diff = self.diff;
        let _ = writeln!(
            text,
            "{} baris: {} diterapkan, {} tidak berubah, {} galat, {} antrean, {} peringatan",
            self.rows,
            self.applied,
            self.unchanged,
            self.errors.len(),
            self.queued.len(),
            self.warnings.len()
        );
        let _ = writeln!(
            text,
            "Baru {}, berubah {} (pindah unit {}, status {}, nama {}, jabatan saja {}), ditutup {}, tidak ada di berkas {}",
            diff.new, diff.changed, diff.moved, diff.status, diff.names, diff.positions, diff.closed, diff.missing
        );
        text
    }
}
