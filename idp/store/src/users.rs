//! Accounts: one a person. Sign-in, the directory that imports compare with, and changes.

mod rows;

use crate::{
    Db, StoreError, Tx,
    door::{Value, values},
};
use gapura_core::{
    id::{UnitId, UserId},
    identity::{Gender, LoginName, PersonName, Status, Throttle, User, UserKind},
    time::{Date, Instant, Period},
};
use rows::{DirectoryRow, SignInColumns, UserRow};

/// Everything stored about a person beside key, subject and epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What the person is.
    pub kind: UserKind,
    /// What the account may do.
    pub status: Status,
    /// Name and titles.
    pub name: PersonName,
    /// As the record says.
    pub gender: Option<Gender>,
    /// For matching only.
    pub birth_date: Option<Date>,
    /// PNS ID.
    pub siasn_person_id: Option<String>,
    /// Keyed hash of the NIK.
    pub nik_index: Option<Vec<u8>>,
    /// The NIK, sealed.
    pub nik_sealed: Option<Vec<u8>>,
    /// The telephone number, sealed.
    pub phone_sealed: Option<Vec<u8>>,
    /// Surel dinas.
    pub official_email: Option<String>,
    /// Surel pribadi, sealed.
    pub private_email_sealed: Option<Vec<u8>>,
    /// Pangkat/golongan.
    pub golongan: Option<String>,
    /// Kedudukan hukum as printed.
    pub legal_status: Option<String>,
    /// Instansi kerja.
    pub working_agency: Option<String>,
    /// The OPD that answers for the account.
    pub sponsor_opd: Option<UnitId>,
    /// Days on which the account exists.
    pub validity: Option<Period>,
}

/// One person as the directory knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Key.
    pub id: UserId,
    /// Current NIP or NI PPPK.
    pub employee_number: Option<String>,
    /// Everything else.
    pub profile: Profile,
    /// Raised by what ends sessions.
    pub epoch: i64,
    /// Missing from the personnel file since.
    pub absent_since: Option<Instant>,
}

/// What one statement says at a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInRow {
    /// The account and the hash of its password, where the name is somebody's.
    pub user: Option<(User, Option<String>)>,
    /// Failed sign-ins so far: of the account, or of the name nobody has.
    pub throttle: Option<Throttle>,
}

const BY_ID: &str = "SELECT u.id, u.sub, u.kind, u.status, u.full_name, u.title_before, u.title_after, \
     n.number, u.official_email, u.golongan, u.sponsor_opd_id, u.valid_from, u.valid_until, \
     u.language, u.epoch FROM users u \
     LEFT JOIN employee_numbers n ON n.user_id = u.id AND n.superseded_at IS NULL WHERE u.id = $1";

const BY_LOGIN_NAME: &str = "SELECT u.id, u.sub, u.kind, u.status, u.full_name, u.title_before, u.title_after, \
     n.number, u.official_email, u.golongan, u.sponsor_opd_id, u.valid_from, u.valid_until, \
     u.language, u.epoch FROM login_names l JOIN users u ON u.id = l.user_id \
     LEFT JOIN employee_numbers n ON n.user_id = u.id AND n.superseded_at IS NULL \
     WHERE l.name_normalized = $1 AND l.ended_at IS NULL";

const SIGN_IN: &str = "SELECT u.id, u.sub, u.kind, u.status, u.full_name, u.title_before, u.title_after, \
     n.number, u.official_email, u.golongan, u.sponsor_opd_id, u.valid_from, u.valid_until, \
     u.language, u.epoch, p.hash, t.failures, t.last_failure_at, t.blocked_until, t.expires_at \
     FROM (SELECT CAST($1 AS TEXT) AS name, CAST($2 AS TEXT) AS unknown_key) asked \
     LEFT JOIN login_names l ON l.name_normalized = asked.name AND l.ended_at IS NULL \
     LEFT JOIN users u ON u.id = l.user_id \
     LEFT JOIN employee_numbers n ON n.user_id = u.id AND n.superseded_at IS NULL \
     LEFT JOIN passwords p ON p.user_id = u.id \
     LEFT JOIN sign_in_throttles t ON t.key = COALESCE(u.id, asked.unknown_key)";

const DIRECTORY: &str = "SELECT u.id, n.number, u.kind, u.status, u.full_name, u.title_before, u.title_after, u.gender, \
     u.birth_date, u.siasn_person_id, u.nik_index, u.nik_sealed, u.phone_sealed, u.official_email, u.private_email_sealed, \
     u.golongan, u.legal_status, u.working_agency, u.sponsor_opd_id, u.valid_from, u.valid_until, u.epoch, \
     u.absent_since FROM users u \
     LEFT JOIN employee_numbers n ON n.user_id = u.id AND n.superseded_at IS NULL ORDER BY u.id";

const ADD: &str = "INSERT INTO users (id, sub, kind, status, full_name, title_before, title_after, gender, birth_date, \
     siasn_person_id, nik_index, nik_sealed, phone_sealed, official_email, private_email_sealed, golongan, legal_status, \
     working_agency, sponsor_opd_id, valid_from, valid_until, epoch, created_at, changed_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 0, $22, \
     $22)";

const CHANGE: &str = "UPDATE users SET kind = $2, status = $3, full_name = $4, title_before = $5, title_after = $6, \
     gender = $7, birth_date = $8, siasn_person_id = $9, nik_index = $10, nik_sealed = $11, phone_sealed = $12, \
     official_email = $13, private_email_sealed = $14, golongan = $15, legal_status = $16, working_agency = $17, \
     sponsor_opd_id = $18, valid_from = $19, valid_until = $20, changed_at = $21, absent_since = NULL WHERE id = $1";

const SET_STATUS: &str =
    "UPDATE users SET status = $2, epoch = epoch + 1, changed_at = $3 WHERE id = $1 AND status <> $2";

const RAISE_EPOCH: &str = "UPDATE users SET epoch = epoch + 1, changed_at = $2 WHERE id = $1";

const SIGNED_IN: &str = "UPDATE users SET last_sign_in_at = $2 WHERE id = $1";

const MARK_ABSENT: &str = "UPDATE users SET absent_since = $2 WHERE id = $1 AND absent_since IS NULL";

const MARK_PRESENT: &str = "UPDATE users SET absent_since = NULL WHERE id = $1";

/// One account by its key.
pub async fn by_id(db: &Db, id: &UserId) -> Result<Option<User>, StoreError> {
    let row: Option<UserRow> = db.first(BY_ID, values![id]).await?;
    row.map(UserRow::into_user).transpose()
}

/// One account by its key, within a change that rests on it.
pub async fn load(tx: &mut Tx, id: &UserId) -> Result<Option<User>, StoreError> {
    let row: Option<UserRow> = tx.first(BY_ID, values![id]).await?;
    row.map(UserRow::into_user).transpose()
}

/// One account by a login name in force.
pub async fn find(db: &Db, name: &LoginName) -> Result<Option<User>, StoreError> {
    let row: Option<UserRow> = db.first(BY_LOGIN_NAME, values![name.as_str()]).await?;
    row.map(UserRow::into_user).transpose()
}

/// What a sign-in rests on, in one statement: account, password hash and failures so far.
/// `unknown_key` is the throttle's key for a name that nobody has.
pub async fn by_login_name(db: &Db, normalized: &str, unknown_key: &str) -> Result<SignInRow, StoreError> {
    let row: Option<SignInColumns> = db.first(SIGN_IN, values![normalized, unknown_key]).await?;
    row.map_or(Ok(SignInRow { user: None, throttle: None }), SignInColumns::into_row)
}

/// Everybody, in order of key: what imports compare a file with.
pub async fn directory(db: &Db) -> Result<Vec<Listed>, StoreError> {
    let rows: Vec<DirectoryRow> = db.walk(DIRECTORY, values![]).await?;
    rows.into_iter().map(DirectoryRow::into_listed).collect()
}

/// Adds an account.
pub async fn add(tx: &mut Tx, keys: (&UserId, &str), profile: &Profile, now: Instant) -> Result<(), StoreError> {
    let mut values = columns(keys, profile);
    values.push(now.into());
    tx.execute(ADD, values).await?;
    Ok(())
}

/// Key, subject and profile in the order of the table's columns.
pub(crate) fn columns((id, sub): (&UserId, &str), profile: &Profile) -> Vec<Value> {
    let mut values = values![id, sub];
    values.extend(profile_columns(profile));
    values
}

fn profile_columns(p: &Profile) -> Vec<Value> {
    values![
        p.kind.as_str(),
        p.status.as_str(),
        p.name.full.as_str(),
        p.name.title_before.as_deref(),
        p.name.title_after.as_deref(),
        p.gender.map(Gender::as_str),
        p.birth_date,
        p.siasn_person_id.as_deref(),
        p.nik_index.as_deref(),
        p.nik_sealed.as_deref(),
        p.phone_sealed.as_deref(),
        p.official_email.as_deref(),
        p.private_email_sealed.as_deref(),
        p.golongan.as_deref(),
        p.legal_status.as_deref(),
        p.working_agency.as_deref(),
        p.sponsor_opd.as_ref(),
        p.validity.map(|days| days.from),
        p.validity.and_then(|days| days.until),
    ]
}

/// Replaces the profile of an account; whoever was missing from the file is present again.
/// Sessions and tokens live on: see [`set_status`] and [`raise_epoch`].
pub async fn change(tx: &mut Tx, id: &UserId, profile: &Profile, now: Instant) -> Result<(), StoreError> {
    let mut values = values![id];
    values.extend(profile_columns(profile));
    values.push(now.into());
    tx.execute(CHANGE, values).await?;
    Ok(())
}

/// Sets the status and ends what rests on the old epoch; `false` where the status was so already.
pub async fn set_status(tx: &mut Tx, id: &UserId, status: Status, now: Instant) -> Result<bool, StoreError> {
    Ok(tx.execute(SET_STATUS, values![id, status.as_str(), now]).await? == 1)
}

/// Ends every session and token of the account at once.
pub async fn raise_epoch(tx: &mut Tx, id: &UserId, now: Instant) -> Result<(), StoreError> {
    tx.execute(RAISE_EPOCH, values![id, now]).await?;
    Ok(())
}

/// Remembers the last sign-in.
pub async fn signed_in(tx: &mut Tx, id: &UserId, now: Instant) -> Result<(), StoreError> {
    tx.execute(SIGNED_IN, values![id, now]).await?;
    Ok(())
}

/// Marks somebody as missing from the personnel file: an officer verifies, nothing is taken away.
pub async fn mark_absent(tx: &mut Tx, id: &UserId, now: Instant) -> Result<bool, StoreError> {
    Ok(tx.execute(MARK_ABSENT, values![id, now]).await? == 1)
}

/// Takes that mark away again.
pub async fn mark_present(tx: &mut Tx, id: &UserId) -> Result<(), StoreError> {
    tx.execute(MARK_PRESENT, values![id]).await?;
    Ok(())
}
