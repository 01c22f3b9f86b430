//! Units, acting assignments, applications and rules of a file against what is stored.

use std::collections::HashMap;

use gapura_core::{
    access::{AppRole, Application, RoleRule},
    audit::{AuditEvent, EventKind},
    id::{ApplicationId, RuleId},
    organization::{Assignment, Unit},
    time::{Date, Period},
};
use gapura_store::applications::Registered;
use serde_json::{Value, json};

use crate::import::{
    ImportError,
    acting::ActingRecord,
    people::Positions,
    posts,
    register::{self, ApplicationRecord, RuleRecord},
    snapshot::Snapshot,
    stamp::Stamps,
    units::UnitRecord,
};

/// A unit to record.
#[derive(Clone, Debug)]
pub struct UnitChange {
    /// Its new state.
    pub unit: Unit,
    /// Its place in official order.
    pub sort_key: String,
    /// Key of its row.
    pub row_id: String,
    /// The audit event.
    pub event: AuditEvent,
}

/// An acting assignment to record.
#[derive(Clone, Debug)]
pub struct ActingChange {
    /// Its new state.
    pub assignment: Assignment,
    /// Date of its decree.
    pub decree_date: Option<Date>,
    /// Whether a state of it is stored.
    pub known: bool,
    /// Key of its row.
    pub row_id: String,
    /// The audit event.
    pub event: AuditEvent,
}

/// An application to store, with roles to add.
#[derive(Clone, Debug)]
pub struct ApplicationChange {
    /// Its new state.
    pub registered: Registered,
    /// Whether it is stored.
    pub known: bool,
    /// Whether anything but roles differs.
    pub differs: bool,
    /// New roles, each with the key of its row.
    pub roles: Vec<(String, AppRole)>,
    /// The audit event.
    pub event: AuditEvent,
}

/// A rule to record.
#[derive(Clone, Debug)]
pub struct RuleChange {
    /// The rule.
    pub rule: RoleRule,
    /// Key of its row.
    pub row_id: String,
    /// The audit event.
    pub event: AuditEvent,
}

/// Compares one unit. Its validity begins when it is first recorded and is not in the file.
pub fn unit(
    record: &UnitRecord,
    stored: &Snapshot,
    stamps: &Stamps,
) -> Result<Option<(UnitChange, bool)>, ImportError> {
    let old = stored.tree.get(&record.unit.id);
    let unit = Unit { period: old.map_or(record.unit.period, |old| old.period), ..record.unit.clone() };
    if old == Some(&unit) {
        return Ok(None);
    }
    let mut event = stamps.event(EventKind::UnitChanged)?;
    event.object = Some(unit.id.to_string());
    event.before = old.map(told_unit);
    event.after = Some(told_unit(&unit));
    let change = UnitChange { sort_key: format!("{:05}", record.row), row_id: stamps.key()?, unit, event };
    Ok(Some((change, old.is_some())))
}

fn told_unit(unit: &Unit) -> Value {
    json!({ "name": unit.name, "kind": unit.kind, "code": unit.code, "short_name": unit.short_name,
            "parent": unit.parent, "opd": unit.opd })
}

/// Compares one acting assignment. The same decree for the same post is the same assignment; its
/// period may be corrected.
pub fn acting(
    record: &ActingRecord,
    stored: &Snapshot,
    positions: &Positions,
    stamps: &Stamps,
) -> Result<Option<ActingChange>, ImportError> {
    let post = &record.post;
    let Some(position) = positions.of(post) else { return Err(ImportError::Item) };
    let period = Period { from: post.from, until: post.until };
    let same_post = |old: &&Assignment| {
        old.kind == post.kind
            && old.unit_id == post.unit
            && old.position == *position
            && old.decree_number == post.decree_number
    };
    let old = stored.people.posts(&record.user_id).iter().find(same_post);
    if old.is_some_and(|old| old.period == period) {
        return Ok(None);
    }
    let assignment = match old {
        Some(old) => Assignment { period, ..old.clone() },
        None => posts::assignment(&record.user_id, (post, position), period, stamps)?,
    };
    let mut event = stamps.event(EventKind::AssignmentChanged)?;
    event.user_id = Some(record.user_id.clone());
    event.object = Some(assignment.id.to_string());
    event.before = old.map(|old| json!({ "from": old.period.from, "until": old.period.until }));
    event.after = Some(json!({
        "unit": assignment.unit_id, "position": assignment.position.name, "kind": assignment.kind,
        "from": period.from, "until": period.until, "decree": assignment.decree_number,
    }));
    let change =
        ActingChange { decree_date: post.decree_date, known: old.is_some(), row_id: stamps.key()?, assignment, event };
    Ok(Some(change))
}

/// Compares one application. Roles are added; a role that the file no longer names stays until an
/// officer ends it, because people may hold it.
pub fn application(
    record: &ApplicationRecord,
    stored: &Snapshot,
    stamps: &Stamps,
) -> Result<Option<ApplicationChange>, ImportError> {
    let folded = record.name.to_lowercase();
    let old = stored.registered.iter().find(|old| old.application.name.to_lowercase() == folded);
    let application = Application {
        id: match old {
            Some(old) => old.application.id.clone(),
            None => ApplicationId::new(stamps.random()?),
        },
        name: record.name.clone(),
        identifier: match old {
            Some(old) => old.application.identifier.clone(),
            None => free_identifier(&record.name, stored),
        },
        kind: record.kind,
        owner_opd: Some(record.owner_opd.clone()),
        open_to_all: old.is_some_and(|old| old.application.open_to_all),
    };
    let registered = Registered { field: record.field.clone(), application };
    let roles = new_roles(record, &registered.application.id, stored, stamps)?;
    let differs = old != Some(&registered);
    if !differs && roles.is_empty() {
        return Ok(None);
    }
    let mut event = stamps.event(EventKind::ApplicationChanged)?;
    event.application_id = Some(registered.application.id.clone());
    event.before = old.map(|old| told_application(old, &[]));
    let codes: Vec<&str> = roles.iter().map(|(_, role)| role.code.as_str()).collect();
    event.after = Some(told_application(&registered, &codes));
    Ok(Some(ApplicationChange { registered, known: old.is_some(), differs, roles, event }))
}

fn told_application(registered: &Registered, new_roles: &[&str]) -> Value {
    let it = &registered.application;
    json!({ "name": it.name, "identifier": it.identifier, "kind": it.kind, "owner_opd": it.owner_opd,
            "open_to_all": it.open_to_all, "field": registered.field, "new_roles": new_roles })
}

fn free_identifier(name: &str, stored: &Snapshot) -> String {
    let made = register::identifier(name);
    let taken = |text: &str| stored.registered.iter().any(|old| old.application.identifier == text);
    let numbered = (2..).map(|n| format!("{made}-{n}")).find(|text| !taken(text));
    if made.is_empty() || taken(&made) { numbered.unwrap_or_default() } else { made }
}

fn new_roles(
    record: &ApplicationRecord,
    id: &ApplicationId,
    stored: &Snapshot,
    stamps: &Stamps,
) -> Result<Vec<(String, AppRole)>, ImportError> {
    let known =
        |code: &String| stored.catalog.of(id).is_some_and(|access| access.roles.iter().any(|role| role.code == *code));
    let mut roles: Vec<(String, AppRole)> = Vec::new();
    for code in record.roles.iter().filter(|code| !known(code)) {
        if roles.iter().all(|(_, role)| role.code != *code) {
            let period = Period { from: stamps.today, until: None };
            roles.push((stamps.key()?, AppRole { application_id: id.clone(), code: code.clone(), period }));
        }
    }
    Ok(roles)
}

/// Compares one rule; `numbers` holds the highest number of each application so far.
pub fn rule(
    record: &RuleRecord,
    stored: &Snapshot,
    numbers: &mut HashMap<ApplicationId, i64>,
    stamps: &Stamps,
) -> Result<Option<RuleChange>, ImportError> {
    let Some(access) = stored.catalog.of(&record.application_id) else { return Err(ImportError::Item) };
    if access.rules.iter().any(|rule| rule.role == record.role && rule.predicate == record.predicate) {
        return Ok(None);
    }
    let highest = access.rules.iter().map(|rule| rule.number).max().unwrap_or(0);
    let number = numbers.entry(record.application_id.clone()).or_insert(highest);
    *number += 1;
    let rule = RoleRule {
        id: RuleId::new(stamps.key()?),
        number: *number,
        application_id: record.application_id.clone(),
        role: record.role.clone(),
        predicate: record.predicate.clone(),
        period: Period { from: stamps.today, until: None },
    };
    let mut event = stamps.event(EventKind::RuleChanged)?;
    event.application_id = Some(rule.application_id.clone());
    event.object = Some(rule.id.to_string());
    event.after = Some(json!({ "number": rule.number, "role": rule.role, "predicate": rule.predicate }));
    Ok(Some(RuleChange { rule, row_id: stamps.key()?, event }))
}
