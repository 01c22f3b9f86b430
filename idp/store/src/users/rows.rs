//! Accounts as their statements return them.

use gapura_core::{
    id::{UnitId, UserId},
    identity::{PersonName, Throttle, User},
    time::{Instant, Period},
};

use super::{Listed, Profile, SignInRow};
use crate::{
    StoreError,
    columns::{date, instant, period, word},
    door::record,
};

record! {
    pub(super) struct UserRow {
        id: String,
        sub: String,
        kind: String,
        status: String,
        full_name: String,
        title_before: Option<String>,
        title_after: Option<String>,
        number: Option<String>,
        official_email: Option<String>,
        golongan: Option<String>,
        sponsor_opd_id: Option<String>,
        valid_from: Option<String>,
        valid_until: Option<String>,
        language: Option<String>,
        epoch: i64,
    }
}

impl UserRow {
    pub(super) fn into_user(self) -> Result<User, StoreError> {
        Ok(User {
            id: UserId::new(self.id),
            sub: self.sub,
            kind: word(&self.kind, "users.kind")?,
            status: word(&self.status, "users.status")?,
            name: PersonName { full: self.full_name, title_before: self.title_before, title_after: self.title_after },
            employee_number: self.number,
            official_email: self.official_email,
            golongan: self.golongan,
            sponsor_opd: self.sponsor_opd_id.map(UnitId::new),
            validity: validity(self.valid_from.as_deref(), self.valid_until.as_deref())?,
            language: self.language,
            epoch: self.epoch,
        })
    }
}

record! {
    /// Where the name is nobody's, the account's columns are all NULL.
    pub(super) struct SignInColumns {
        id: Option<String>,
        sub: Option<String>,
        kind: Option<String>,
        status: Option<String>,
        full_name: Option<String>,
        title_before: Option<String>,
        title_after: Option<String>,
        number: Option<String>,
        official_email: Option<String>,
        golongan: Option<String>,
        sponsor_opd_id: Option<String>,
        valid_from: Option<String>,
        valid_until: Option<String>,
        language: Option<String>,
        epoch: Option<i64>,
        hash: Option<String>,
        failures: Option<i64>,
        last_failure_at: Option<i64>,
        blocked_until: Option<i64>,
        expires_at: Option<i64>,
    }
}

impl SignInColumns {
    pub(super) fn into_row(self) -> Result<SignInRow, StoreError> {
        let failed = self.failures.zip(self.last_failure_at).zip(self.blocked_until).zip(self.expires_at);
        let throttle = failed.map(|(((failures, last), until), expires)| Throttle {
            failures: u32::try_from(failures).unwrap_or(u32::MAX),
            last_failure_at: Instant::from_millis(last),
            blocked_until: Instant::from_millis(until),
            expires_at: Instant::from_millis(expires),
        });
        let account = self.id.zip(self.sub).zip(self.kind).zip(self.status).zip(self.full_name).zip(self.epoch);
        let Some((((((id, sub), kind), status), full_name), epoch)) = account else {
            return Ok(SignInRow { user: None, throttle });
        };
        let row = UserRow {
            id,
            sub,
            kind,
            status,
            full_name,
            title_before: self.title_before,
            title_after: self.title_after,
            number: self.number,
            official_email: self.official_email,
            golongan: self.golongan,
            sponsor_opd_id: self.sponsor_opd_id,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            language: self.language,
            epoch,
        };
        Ok(SignInRow { user: Some((row.into_user()?, self.hash)), throttle })
    }
}

record! {
    pub(super) struct DirectoryRow {
        id: String,
        number: Option<String>,
        kind: String,
        status: String,
        full_name: String,
        title_before: Option<String>,
        title_after: Option<String>,
        gender: Option<String>,
        birth_date: Option<String>,
        siasn_person_id: Option<String>,
        nik_index: Option<Vec<u8>>,
        nik_sealed: Option<Vec<u8>>,
        phone_sealed: Option<Vec<u8>>,
        official_email: Option<String>,
        private_email_sealed: Option<Vec<u8>>,
        golongan: Option<String>,
        legal_status: Option<String>,
        working_agency: Option<String>,
        sponsor_opd_id: Option<String>,
        valid_from: Option<String>,
        valid_until: Option<String>,
        epoch: i64,
        absent_since: Option<i64>,
    }
}

impl DirectoryRow {
    pub(super) fn into_listed(self) -> Result<Listed, StoreError> {
        Ok(Listed {
            id: UserId::new(self.id),
            employee_number: self.number,
            epoch: self.epoch,
            absent_since: instant(self.absent_since),
            profile: Profile {
                kind: word(&self.kind, "users.kind")?,
                status: word(&self.status, "users.status")?,
                name: PersonName {
                    full: self.full_name,
                    title_before: self.title_before,
                    title_after: self.title_after,
                },
                gender: self.gender.map(|gender| word(&gender, "users.gender")).transpose()?,
                birth_date: self.birth_date.map(|day| date(&day, "users.birth_date")).transpose()?,
                siasn_person_id: self.siasn_person_id,
                nik_index: self.nik_index,
                nik_sealed: self.nik_sealed,
                phone_sealed: self.phone_sealed,
                official_email: self.official_email,
                private_email_sealed: self.private_email_sealed,
                golongan: self.golongan,
                legal_status: self.legal_status,
                working_agency: self.working_agency,
                sponsor_opd: self.sponsor_opd_id.map(UnitId::new),
                validity: validity(self.valid_from.as_deref(), self.valid_until.as_deref())?,
            },
        })
    }
}

fn validity(from: Option<&str>, until: Option<&str>) -> Result<Option<Period>, StoreError> {
    from.map(|from| period(from, until, "users.valid_from")).transpose()
}
