//! Role rules: predicates stored as JSON, two times on every row.

use gapura_core::{
    access::{Catalog, RoleRule},
    id::{ApplicationId, RuleId},
};

use crate::{
    Db, StoreError, Tx, applications,
    columns::period,
    door::{record, values},
    generations::{self, Copied},
    recording::Recording,
    roles,
};

const ALL: &str = "SELECT id, number, application_id, role, predicate, valid_from, valid_until FROM role_rules \
     WHERE superseded_at IS NULL ORDER BY application_id, number, id";

const RECORD: &str = "INSERT INTO role_rules (row_id, id, number, application_id, role, predicate, valid_from, \
     valid_until, recorded_at, recorded_event) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

const SUPERSEDE: &str =
    "UPDATE role_rules SET superseded_at = $2, superseded_event = $3 WHERE id = $1 AND superseded_at IS NULL";

/// All current rules of all applications.
pub async fn all(db: &Db) -> Result<Vec<RoleRule>, StoreError> {
    let rows: Vec<RuleRow> = db.all(ALL, values![]).await?;
    rows.into_iter().map(RuleRow::into_rule).collect()
}

/// Applications, roles and rules together: the copy that requests decide by.
pub async fn catalog(db: &Db) -> Result<Catalog, StoreError> {
    let applications = applications::all(db).await?.into_iter().map(|registered| registered.application).collect();
    Ok(Catalog::new(applications, roles::all(db).await?, all(db).await?))
}

/// Records a rule in its new state; the state before is superseded. Raises the generation.
pub async fn record(tx: &mut Tx, rule: &RoleRule, new: Recording<'_>) -> Result<(), StoreError> {
    supersede(tx, &rule.id, new).await?;
    let predicate =
        serde_json::to_string(&rule.predicate).map_err(|_| StoreError::Corrupt("role_rules.predicate".to_owned()))?;
    tx.execute(
        RECORD,
        values![
            new.row_id,
            &rule.id,
            rule.number,
            &rule.application_id,
            rule.role.as_str(),
            predicate,
            rule.period.from,
            rule.period.until,
            new.at,
            new.event,
        ],
    )
    .await?;
    Ok(())
}

/// Takes a rule back; `false` where there is none. Raises the generation.
pub async fn supersede(tx: &mut Tx, id: &RuleId, by: Recording<'_>) -> Result<bool, StoreError> {
    let gone = tx.execute(SUPERSEDE, values![id, by.at, by.event]).await? == 1;
    generations::raise(tx, Copied::Applications).await?;
    Ok(gone)
}

record! {
    struct RuleRow {
        id: String,
        number: i64,
        application_id: String,
        role: String,
        predicate: String,
        valid_from: String,
        valid_until: Option<String>,
    }
}

impl RuleRow {
    fn into_rule(self) -> Result<RoleRule, StoreError> {
        Ok(RoleRule {
            id: RuleId::new(self.id),
            number: self.number,
            application_id: ApplicationId::new(self.application_id),
            role: self.role,
            predicate: serde_json::from_str(&self.predicate)
                .map_err(|_| StoreError::Corrupt("role_rules.predicate".to_owned()))?,
            period: period(&self.valid_from, self.valid_until.as_deref(), "role_rules.valid_from")?,
        })
    }
}
