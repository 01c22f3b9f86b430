//! What one deployment fixes at its first start and never changes: its zone.

use crate::{
    Db, StoreError, Tx,
    door::{record, values},
};

gapura_core::words! {
    /// A fixed property.
    pub enum Property {
        /// Name of the time zone in the tz database; dates are days in it.
        Zone = "zone",
    }
}

record! {
    struct Row {
        value: String,
    }
}

/// Fixes a property at the first start; later answers what was fixed, which may be another value.
pub async fn fix(tx: &mut Tx, property: Property, value: &str) -> Result<String, StoreError> {
    const SQL: &str = "INSERT INTO deployment (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = deployment.value RETURNING value";
    let row: Option<Row> = tx.first(SQL, values![property.as_str(), value]).await?;
    Ok(row.map_or_else(|| value.to_owned(), |row| row.value))
}

/// Fixes a property, and refuses to go on where the database was made with another value.
pub async fn insist(tx: &mut Tx, property: Property, value: &str) -> Result<(), StoreError> {
    let fixed = fix(tx, property, value).await?;
    if fixed == value {
        return Ok(());
    }
    Err(StoreError::Unfit(format!(
        "this database was made with {property} {fixed}, the settings say {value}; it cannot be changed later"
    )))
}

/// What a property was fixed to, if it was.
pub async fn stored(db: &Db, property: Property) -> Result<Option<String>, StoreError> {
    const SQL: &str = "SELECT value FROM deployment WHERE name = $1";
    Ok(db.first::<Row>(SQL, values![property.as_str()]).await?.map(|row| row.value))
}
