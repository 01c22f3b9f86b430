//! Who holds which position when. Two times on every row; a change supersedes and records anew.

use gapura_core::{
    id::{AssignmentId, PositionId, UnitId, UserId},
    organization::{Assignment, Position},
    time::Date,
};

use crate::{
    Db, StoreError, Tx,
    columns::{period, word},
    door::{record, values},
    recording::Recording,
};

const CURRENT: &str = "SELECT a.id, a.user_id, a.unit_id, a.kind, a.valid_from, a.valid_until, a.decree_number, \
     p.id AS position_id, p.name AS position_name, p.class AS position_class, p.eselon AS position_eselon \
     FROM assignments a JOIN positions p ON p.id = a.position_id WHERE a.superseded_at IS NULL \
     ORDER BY a.user_id, a.id";

const OF_USER: &str = "SELECT a.id, a.user_id, a.unit_id, a.kind, a.valid_from, a.valid_until, a.decree_number, \
     p.id AS position_id, p.name AS position_name, p.class AS position_class, p.eselon AS position_eselon \
     FROM assignments a JOIN positions p ON p.id = a.position_id \
     WHERE a.user_id = $1 AND a.superseded_at IS NULL ORDER BY a.id";

const RECORD: &str = "INSERT INTO assignments (row_id, id, user_id, unit_id, position_id, kind, valid_from, \
     valid_until, decree_number, decree_date, recorded_at, recorded_event) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

const SUPERSEDE: &str =
    "UPDATE assignments SET superseded_at = $2, superseded_event = $3 WHERE id = $1 AND superseded_at IS NULL";

/// Everybody's current assignments, past and future ones included, in order of person.
pub async fn current(db: &Db) -> Result<Vec<Assignment>, StoreError> {
    let rows: Vec<AssignmentRow> = db.walk(CURRENT, values![]).await?;
    rows.into_iter().map(AssignmentRow::into_assignment).collect()
}

/// One person's current assignments, past and future ones included.
pub async fn of_user(db: &Db, user: &UserId) -> Result<Vec<Assignment>, StoreError> {
    let rows: Vec<AssignmentRow> = db.all(OF_USER, values![user]).await?;
    rows.into_iter().map(AssignmentRow::into_assignment).collect()
}

/// Records an assignment. A former state of the same id must have been superseded.
pub async fn record(
    tx: &mut Tx,
    assignment: &Assignment,
    decree_date: Option<Date>,
    new: Recording<'_>,
) -> Result<(), StoreError> {
    tx.execute(
        RECORD,
        values![
            new.row_id,
            &assignment.id,
            &assignment.user_id,
            &assignment.unit_id,
            &assignment.position.id,
            assignment.kind.as_str(),
            assignment.period.from,
            assignment.period.until,
            assignment.decree_number.as_deref(),
            decree_date,
            new.at,
            new.event,
        ],
    )
    .await?;
    Ok(())
}

/// Makes the current state of an assignment history; `false` where there is none. `by` names when
/// and by which event; its row id is not used.
pub async fn supersede(tx: &mut Tx, id: &AssignmentId, by: Recording<'_>) -> Result<bool, StoreError> {
    Ok(tx.execute(SUPERSEDE, values![id, by.at, by.event]).await? == 1)
}

record! {
    struct AssignmentRow {
        id: String,
        user_id: String,
        unit_id: String,
        kind: String,
        valid_from: String,
        valid_until: Option<String>,
        decree_number: Option<String>,
        position_id: String,
        position_name: String,
        position_class: String,
        position_eselon: String,
    }
}

impl AssignmentRow {
    fn into_assignment(self) -> Result<Assignment, StoreError> {
        Ok(Assignment {
            id: AssignmentId::new(self.id),
            user_id: UserId::new(self.user_id),
            unit_id: UnitId::new(self.unit_id),
            position: Position {
                id: PositionId::new(self.position_id),
                name: self.position_name,
                class: word(&self.position_class, "positions.class")?,
                eselon: Some(self.position_eselon).filter(|eselon| !eselon.is_empty()),
            },
            kind: word(&self.kind, "assignments.kind")?,
            period: period(&self.valid_from, self.valid_until.as_deref(), "assignments.valid_from")?,
            decree_number: self.decree_number,
        })
    }
}
