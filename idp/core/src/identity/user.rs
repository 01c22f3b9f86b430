//! The account of a person.

use crate::{
    id::{UnitId, UserId},
    time::{Date, Period},
    words,
};

words! {
    /// What a person is to the local government.
    pub enum UserKind {
        /// Pegawai negeri sipil.
        AsnPns = "asn_pns",
        /// Calon pegawai negeri sipil.
        AsnCpns = "asn_cpns",
        /// Pegawai pemerintah dengan perjanjian kerja.
        AsnPppk = "asn_pppk",
        /// PPPK paruh waktu.
        AsnPppkParuhWaktu = "asn_pppk_paruh_waktu",
        /// Wali kota, bupati and deputies: no NIP.
        PejabatNegara = "pejabat_negara",
        /// Member of the DPRD: no NIP.
        Dprd = "dprd",
        /// Contract staff; sponsor OPD and end date mandatory.
        NonAsn = "non_asn",
        /// A vendor's person; sponsor OPD and end date mandatory.
        Vendor = "vendor",
        /// Not a person.
        Service = "service",
    }
}

impl UserKind {
    /// Whether the account must name a sponsor OPD and an end date: no staff list would end it.
    pub const fn needs_sponsor(self) -> bool {
        matches!(self, Self::NonAsn | Self::Vendor)
    }

    /// Whether the person is a civil servant (ASN).
    pub const fn is_asn(self) -> bool {
        matches!(self, Self::AsnPns | Self::AsnCpns | Self::AsnPppk | Self::AsnPppkParuhWaktu)
    }
}

words! {
    /// What the account may do (domain: identifiers-and-hr-data section 3.6).
    pub enum Status {
        /// Roles by position and grant.
        Active = "active",
        /// Signs in, without roles of the position (CLTN, tugas belajar).
        Limited = "limited",
        /// No sign-in for now (pemberhentian sementara).
        Suspended = "suspended",
        /// Switched off by an officer.
        Disabled = "disabled",
        /// Ended: retired, moved out, dismissed, died.
        Closed = "closed",
    }
}

words! {
    /// As the personnel record says.
    pub enum Gender {
        /// Laki-laki.
        Male = "m",
        /// Perempuan.
        Female = "f",
    }
}

/// A name with its titles, kept apart.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PersonName {
    /// Without titles, case kept.
    pub full: String,
    /// Gelar depan, such as `dr.`
    pub title_before: Option<String>,
    /// Gelar belakang, such as `S.Kom., M.Si.`
    pub title_after: Option<String>,
}

impl PersonName {
    /// As shown to people: `dr. Siti Aminah, S.Kom., M.Si.`
    pub fn display(&self) -> String {
        let mut shown = String::new();
        if let Some(before) = &self.title_before {
            shown.push_str(before);
            shown.push(' ');
        }
        shown.push_str(&self.full);
        if let Some(after) = &self.title_after {
            shown.push_str(", ");
            shown.push_str(after);
        }
        shown
    }
}

/// One person's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Internal key.
    pub id: UserId,
    /// Subject identifier on the wire: random, stable for life (OIDC Core section 2).
    pub sub: String,
    /// What the person is.
    pub kind: UserKind,
    /// What the account may do.
    pub status: Status,
    /// Name and titles.
    pub name: PersonName,
    /// The current NIP or NI PPPK, 18 digits.
    pub employee_number: Option<String>,
    /// Surel dinas.
    pub official_email: Option<String>,
    /// Pangkat/golongan, such as `III/a`.
    pub golongan: Option<String>,
    /// The OPD that answers for the account (non-ASN, vendor).
    pub sponsor_opd: Option<UnitId>,
    /// Days on which the account exists; `None`: without end of its own.
    pub validity: Option<Period>,
    /// Chosen page language, `id` or `en`.
    pub language: Option<String>,
    /// Raised by everything that must end tokens and sessions at once.
    pub epoch: i64,
}

impl User {
    /// Whether the person may hold a session on this day.
    pub fn may_sign_in(&self, today: Date) -> bool {
        matches!(self.status, Status::Active | Status::Limited)
            && self.validity.is_none_or(|period| period.contains(today))
    }
}
