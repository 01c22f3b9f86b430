//! The application register.

use gapura_core::{
    access::Application,
    id::{ApplicationId, UnitId},
    time::Instant,
};

use crate::{
    Db, StoreError, Tx,
    columns::word,
    door::{record, values},
    generations::{self, Copied},
};

/// An application with what is stored beside the rules' needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The application.
    pub application: Application,
    /// Field of government, such as `kepegawaian`.
    pub field: Option<String>,
}

const ALL: &str =
    "SELECT id, name, identifier, kind, field, owner_opd_id, open_to_all FROM applications ORDER BY name_normalized";

const ADD: &str = "INSERT INTO applications (id, name, name_normalized, identifier, kind, field, owner_opd_id, \
     open_to_all, created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)";

const CHANGE: &str = "UPDATE applications SET name = $2, name_normalized = $3, kind = $4, field = $5, \
     owner_opd_id = $6, open_to_all = $7, changed_at = $8 WHERE id = $1";

/// All applications, by name.
pub async fn all(db: &Db) -> Result<Vec<Registered>, StoreError> {
    let rows: Vec<ApplicationRow> = db.all(ALL, values![]).await?;
    rows.into_iter().map(ApplicationRow::into_registered).collect()
}

/// Adds an application. Raises the applications' generation.
pub async fn add(tx: &mut Tx, registered: &Registered, now: Instant) -> Result<(), StoreError> {
    let it = &registered.application;
    tx.execute(
        ADD,
        values![
            &it.id,
            it.name.as_str(),
            it.name.to_lowercase(),
            it.identifier.as_str(),
            it.kind.as_str(),
            registered.field.as_deref(),
            it.owner_opd.as_ref(),
            it.open_to_all,
            now,
        ],
    )
    .await?;
    generations::raise(tx, Copied::Applications).await
}

/// Changes an application; its audience stays as it was registered. Raises the generation.
pub async fn change(tx: &mut Tx, registered: &Registered, now: Instant) -> Result<(), StoreError> {
    let it = &registered.application;
    tx.execute(
        CHANGE,
        values![
            &it.id,
            it.name.as_str(),
            it.name.to_lowercase(),
            it.kind.as_str(),
            registered.field.as_deref(),
            it.owner_opd.as_ref(),
            it.open_to_all,
            now,
        ],
    )
    .await?;
    generations::raise(tx, Copied::Applications).await
}

record! {
    struct ApplicationRow {
        id: String,
        name: String,
        identifier: String,
        kind: String,
        field: Option<String>,
        owner_opd_id: Option<String>,
        open_to_all: bool,
    }
}

impl ApplicationRow {
    fn into_registered(self) -> Result<Registered, StoreError> {
        Ok(Registered {
            application: Application {
                id: ApplicationId::new(self.id),
                name: self.name,
                identifier: self.identifier,
                kind: word(&self.kind, "applications.kind")?,
                owner_opd: self.owner_opd_id.map(UnitId::new),
                open_to_all: self.open_to_all,
            },
            field: self.field,
        })
    }
}
