//! Roles of applications, and roles given to people directly. Two times on every row.

use gapura_core::{
    access::{AppRole, RoleGrant},
    id::{ApplicationId, RoleGrantId, UserId},
};

use crate::{
    Db, StoreError, Tx,
    columns::period,
    door::{record, values},
    generations::{self, Copied},
    recording::Recording,
};

const ALL: &str = "SELECT application_id, code, valid_from, valid_until FROM app_roles WHERE superseded_at IS NULL \
     ORDER BY application_id, code";

const RECORD: &str = "INSERT INTO app_roles (row_id, application_id, code, valid_from, valid_until, recorded_at, \
     recorded_event) VALUES ($1, $2, $3, $4, $5, $6, $7)";

const SUPERSEDE: &str = "UPDATE app_roles SET superseded_at = $3, superseded_event = $4 \
     WHERE application_id = $1 AND code = $2 AND superseded_at IS NULL";

const GRANTS_OF: &str = "SELECT id, user_id, application_id, role, reason, approved_by, valid_from, valid_until \
     FROM role_grants WHERE user_id = $1 AND superseded_at IS NULL ORDER BY id";

const RECORD_GRANT: &str = "INSERT INTO role_grants (row_id, id, user_id, application_id, role, reason, approved_by, \
     valid_from, valid_until, recorded_at, recorded_event) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

const SUPERSEDE_GRANT: &str =
    "UPDATE role_grants SET superseded_at = $2, superseded_event = $3 WHERE id = $1 AND superseded_at IS NULL";

/// All current roles of all applications.
pub async fn all(db: &Db) -> Result<Vec<AppRole>, StoreError> {
    let rows: Vec<RoleRow> = db.all(ALL, values![]).await?;
    rows.into_iter().map(RoleRow::into_role).collect()
}

/// Records a role in its new state; the state before is superseded. Raises the generation.
pub async fn record(tx: &mut Tx, role: &AppRole, new: Recording<'_>) -> Result<(), StoreError> {
    supersede(tx, (&role.application_id, &role.code), new).await?;
    let period = role.period;
    tx.execute(
        RECORD,
        values![new.row_id, &role.application_id, role.code.as_str(), period.from, period.until, new.at, new.event],
    )
    .await?;
    Ok(())
}

/// Takes a role of an application back; `false` where there is none. Raises the generation.
pub async fn supersede(
    tx: &mut Tx,
    (application, code): (&ApplicationId, &str),
    by: Recording<'_>,
) -> Result<bool, StoreError> {
    let gone = tx.execute(SUPERSEDE, values![application, code, by.at, by.event]).await? == 1;
    generations::raise(tx, Copied::Applications).await?;
    Ok(gone)
}

/// One person's current direct grants, of all applications.
pub async fn grants_of(db: &Db, user: &UserId) -> Result<Vec<RoleGrant>, StoreError> {
    let rows: Vec<GrantRow> = db.all(GRANTS_OF, values![user]).await?;
    rows.into_iter().map(GrantRow::into_grant).collect()
}

/// Records a direct grant in its new state; the state before is superseded.
pub async fn record_grant(tx: &mut Tx, grant: &RoleGrant, new: Recording<'_>) -> Result<(), StoreError> {
    supersede_grant(tx, &grant.id, new).await?;
    tx.execute(
        RECORD_GRANT,
        values![
            new.row_id,
            &grant.id,
            &grant.user_id,
            &grant.application_id,
            grant.role.as_str(),
            grant.reason.as_str(),
            grant.approved_by.as_str(),
            grant.period.from,
            grant.period.until,
            new.at,
            new.event,
        ],
    )
    .await?;
    Ok(())
}

/// Takes a direct grant back; `false` where there is none.
pub async fn supersede_grant(tx: &mut Tx, id: &RoleGrantId, by: Recording<'_>) -> Result<bool, StoreError> {
    Ok(tx.execute(SUPERSEDE_GRANT, values![id, by.at, by.event]).await? == 1)
}

record! {
    struct RoleRow {
        application_id: String,
        code: String,
        valid_from: String,
        valid_until: Option<String>,
    }
}

impl RoleRow {
    fn into_role(self) -> Result<AppRole, StoreError> {
        Ok(AppRole {
            application_id: ApplicationId::new(self.application_id),
            code: self.code,
            period: period(&self.valid_from, self.valid_until.as_deref(), "app_roles.valid_from")?,
        })
    }
}

record! {
    struct GrantRow {
        id: String,
        user_id: String,
        application_id: String,
        role: String,
        reason: String,
        approved_by: String,
        valid_from: String,
        valid_until: Option<String>,
    }
}

impl GrantRow {
    fn into_grant(self) -> Result<RoleGrant, StoreError> {
        Ok(RoleGrant {
            id: RoleGrantId::new(self.id),
            user_id: UserId::new(self.user_id),
            application_id: ApplicationId::new(self.application_id),
            role: self.role,
            reason: self.reason,
            approved_by: self.approved_by,
            period: period(&self.valid_from, self.valid_until.as_deref(), "role_grants.valid_from")?,
        })
    }
}
