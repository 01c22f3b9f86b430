//! The organisation tree and the positions in it.

use gapura_core::{
    id::{PositionId, UnitId},
    organization::{Position, Unit, UnitTree},
};

use crate::{
    Db, StoreError, Tx,
    columns::{period, word},
    door::{record, values},
    generations::{self, Copied},
    recording::Recording,
};

const UNITS: &str = "SELECT id, parent_id, opd_id, code, short_name, name, kind, valid_from, valid_until \
     FROM units WHERE superseded_at IS NULL ORDER BY sort_key, id";

const RECORD_UNIT: &str = "INSERT INTO units (row_id, id, parent_id, opd_id, code, short_name, name, kind, sort_key, \
     valid_from, valid_until, recorded_at, recorded_event) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

const SUPERSEDE_UNIT: &str =
    "UPDATE units SET superseded_at = $2, superseded_event = $3 WHERE id = $1 AND superseded_at IS NULL";

const POSITIONS: &str = "SELECT id, name, class, eselon FROM positions ORDER BY name, class, eselon";

const ADD_POSITION: &str = "INSERT INTO positions (id, name, class, eselon) VALUES ($1, $2, $3, $4) ON CONFLICT (name, class, eselon) DO NOTHING";

/// Current units in official order.
pub async fn units(db: &Db) -> Result<Vec<Unit>, StoreError> {
    let rows: Vec<UnitRow> = db.walk(UNITS, values![]).await?;
    rows.into_iter().map(UnitRow::into_unit).collect()
}

/// The current tree.
pub async fn tree(db: &Db) -> Result<UnitTree, StoreError> {
    Ok(UnitTree::new(units(db).await?))
}

/// Records a unit in its new state; the state before is superseded. Raises the tree's generation.
pub async fn record_unit(tx: &mut Tx, unit: &Unit, sort_key: &str, new: Recording<'_>) -> Result<(), StoreError> {
    tx.execute(SUPERSEDE_UNIT, values![&unit.id, new.at, new.event]).await?;
    tx.execute(
        RECORD_UNIT,
        values![
            new.row_id,
            &unit.id,
            unit.parent.as_ref(),
            &unit.opd,
            unit.code.as_str(),
            unit.short_name.as_deref(),
            unit.name.as_str(),
            unit.kind.as_str(),
            sort_key,
            unit.period.from,
            unit.period.until,
            new.at,
            new.event,
        ],
    )
    .await?;
    generations::raise(tx, Copied::Organization).await
}

/// All positions.
pub async fn positions(db: &Db) -> Result<Vec<Position>, StoreError> {
    let rows: Vec<PositionRow> = db.walk(POSITIONS, values![]).await?;
    rows.into_iter().map(PositionRow::into_position).collect()
}

/// Adds a position; one of the same name, class and eselon is kept as it is.
pub async fn add_position(tx: &mut Tx, position: &Position) -> Result<(), StoreError> {
    let eselon = position.eselon.as_deref().unwrap_or_default();
    tx.execute(ADD_POSITION, values![&position.id, position.name.as_str(), position.class.as_str(), eselon]).await?;
    Ok(())
}

record! {
    struct UnitRow {
        id: String,
        parent_id: Option<String>,
        opd_id: String,
        code: String,
        short_name: Option<String>,
        name: String,
        kind: String,
        valid_from: String,
        valid_until: Option<String>,
    }
}

impl UnitRow {
    fn into_unit(self) -> Result<Unit, StoreError> {
        Ok(Unit {
            id: UnitId::new(self.id),
            parent: self.parent_id.map(UnitId::new),
            opd: UnitId::new(self.opd_id),
            code: self.code,
            short_name: self.short_name,
            name: self.name,
            kind: self.kind,
            period: period(&self.valid_from, self.valid_until.as_deref(), "units.valid_from")?,
        })
    }
}

record! {
    struct PositionRow {
        id: String,
        name: String,
        class: String,
        eselon: String,
    }
}

impl PositionRow {
    fn into_position(self) -> Result<Position, StoreError> {
        Ok(Position {
            id: PositionId::new(self.id),
            name: self.name,
            class: word(&self.class, "positions.class")?,
            eselon: Some(self.eselon).filter(|eselon| !eselon.is_empty()),
        })
    }
}
