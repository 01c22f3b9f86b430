//! What people type at sign-in, and the employee numbers behind it, with their history.
//!
//! A corrected number supersedes the old one and ends its login name (HR-07); an ended name stays
//! reserved, so that it never leads to another person.

use gapura_core::{
    id::UserId,
    identity::{EmployeeNumber, LoginName},
    time::Instant,
};

use crate::{
    Db, StoreError, Tx,
    columns::instant,
    door::{record, values},
};

/// A login name as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredName {
    /// In its one form.
    pub normalized: String,
    /// Whose it is, or was.
    pub user_id: UserId,
    /// Since when nobody signs in with it.
    pub ended_at: Option<Instant>,
}

const ALL: &str = "SELECT name_normalized, user_id, ended_at FROM login_names ORDER BY name_normalized";

/// An ended name may come back to the person it belonged to, to nobody else.
const ADD: &str = "INSERT INTO login_names (name_normalized, kind, user_id) VALUES ($1, $2, $3) \
     ON CONFLICT (name_normalized) DO UPDATE SET ended_at = NULL \
     WHERE login_names.user_id = excluded.user_id AND login_names.ended_at IS NOT NULL";

const END: &str =
    "UPDATE login_names SET ended_at = $3 WHERE name_normalized = $1 AND user_id = $2 AND ended_at IS NULL";

const ADD_NUMBER: &str = "INSERT INTO employee_numbers (row_id, number, user_id, recorded_at) VALUES ($1, $2, $3, $4)";

const SUPERSEDE_NUMBER: &str =
    "UPDATE employee_numbers SET superseded_at = $2 WHERE user_id = $1 AND superseded_at IS NULL";

const NUMBERS: &str = "SELECT number, recorded_at, superseded_at FROM employee_numbers WHERE user_id = $1 \
     ORDER BY recorded_at, row_id";

/// All of them, ended ones included.
pub async fn all(db: &Db) -> Result<Vec<StoredName>, StoreError> {
    let rows: Vec<NameRow> = db.walk(ALL, values![]).await?;
    Ok(rows
        .into_iter()
        .map(|row| StoredName {
            normalized: row.name_normalized,
            user_id: UserId::new(row.user_id),
            ended_at: instant(row.ended_at),
        })
        .collect())
}

/// Gives a person a login name; `false` where it is, or was, another's.
pub async fn add(tx: &mut Tx, user: &UserId, name: &LoginName) -> Result<bool, StoreError> {
    Ok(tx.execute(ADD, values![name.as_str(), name.kind().as_str(), user]).await? == 1)
}

/// Ends a login name; it stays reserved.
pub async fn end(tx: &mut Tx, user: &UserId, normalized: &str, now: Instant) -> Result<bool, StoreError> {
    Ok(tx.execute(END, values![normalized, user, now]).await? == 1)
}

/// Records an employee number as the current one. The one before must have been superseded.
pub async fn add_number(
    tx: &mut Tx,
    user: &UserId,
    number: &EmployeeNumber,
    row_id: &str,
    now: Instant,
) -> Result<(), StoreError> {
    tx.execute(ADD_NUMBER, values![row_id, number.as_str(), user, now]).await?;
    Ok(())
}

/// Makes the current employee number history.
pub async fn supersede_number(tx: &mut Tx, user: &UserId, now: Instant) -> Result<(), StoreError> {
    tx.execute(SUPERSEDE_NUMBER, values![user, now]).await?;
    Ok(())
}

/// All employee numbers of a person, the oldest first, each with when it became history.
pub async fn numbers(db: &Db, user: &UserId) -> Result<Vec<(String, Option<Instant>)>, StoreError> {
    let rows: Vec<NumberRow> = db.all(NUMBERS, values![user]).await?;
    Ok(rows.into_iter().map(|row| (row.number, instant(row.superseded_at))).collect())
}

record! {
    struct NameRow {
        name_normalized: String,
        user_id: String,
        ended_at: Option<i64>,
    }
}

record! {
    struct NumberRow {
        number: String,
        superseded_at: Option<i64>,
    }
}
