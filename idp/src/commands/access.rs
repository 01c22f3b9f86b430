//! `gapura rule`, `gapura grant`: what gives a role, and how it is taken back at once.

use std::fmt::Write as _;

use gapura_core::{
    access::{RoleGrant, RoleRule},
    audit::{Actor, EventKind},
    id::RoleGrantId,
    time::Period,
};
use gapura_store::{applications, audit, recording::Recording, roles, rules};
use serde_json::json;

use super::{
    Done, Failed, Outcome,
    arguments::{self, GrantAdd, GrantClose},
    desk::Desk,
};
use crate::settings::Settings;

pub(super) async fn rule(command: arguments::Rule, settings: Settings) -> Outcome {
    let desk = Desk::open(settings).await?;
    match command {
        arguments::Rule::List { application } => list_rules(&desk, application.as_deref()).await,
        arguments::Rule::Close { number, application } => close_rule(&desk, number, application.as_deref()).await,
    }
}

pub(super) async fn grant(command: arguments::Grant, settings: Settings) -> Outcome {
    let desk = Desk::open(settings).await?;
    match command {
        arguments::Grant::Add(new) => add_grant(&desk, new).await,
        arguments::Grant::Close(old) => close_grant(&desk, old).await,
        arguments::Grant::List(who) => list_grants(&desk, &who.name).await,
    }
}

async fn chosen_rules(desk: &Desk, application: Option<&str>) -> Result<Vec<RoleRule>, Failed> {
    let mut all = rules::all(&desk.base.db).await?;
    if let Some(typed) = application {
        let application = desk.application(typed).await?;
        all.retain(|rule| rule.application_id == application.id);
    }
    Ok(all)
}

async fn list_rules(desk: &Desk, application: Option<&str>) -> Outcome {
    let all = chosen_rules(desk, application).await?;
    let names = applications::all(&desk.base.db).await?;
    let mut text = String::new();
    let mut shown = Vec::new();
    for rule in &all {
        let named = names.iter().find(|it| it.application.id == rule.application_id);
        let application = named.map(|it| it.application.name.as_str()).unwrap_or_default();
        let predicate = serde_json::to_value(&rule.predicate).unwrap_or_default();
        let _ = writeln!(text, "{:>4} {application:<30} {:<20} {predicate}", rule.number, rule.role);
        shown.push(json!({
            "id": rule.id,
            "number": rule.number,
            "application": application,
            "role": rule.role,
            "predicate": predicate,
            "period": rule.period,
        }));
    }
    Ok(Done::new(text, json!({"rules": shown})))
}

async fn close_rule(desk: &Desk, number: i64, application: Option<&str>) -> Outcome {
    let all = chosen_rules(desk, application).await?;
    let mut meant = all.into_iter().filter(|rule| rule.number == number);
    let rule = match (meant.next(), meant.next()) {
        (Some(rule), None) => rule,
        (None, _) => return Err(Failed::refused(format!("no rule has the number {number}; see gapura rule list"))),
        (Some(_), Some(_)) => {
            return Err(Failed::usage(format!("several applications have a rule {number}: name one by --application")));
        }
    };
    let mut event = desk.event(EventKind::RuleChanged)?;
    event.application_id = Some(rule.application_id.clone());
    event.object = Some(rule.id.to_string());
    event.before = Some(json!({"role": rule.role, "predicate": rule.predicate, "period": rule.period}));
    let (row_id, now, id) = (desk.key()?, desk.now, rule.id.clone());
    let closed = desk.base.db.write(async move |tx| {
        let closed = rules::supersede(tx, &id, Recording { row_id: &row_id, at: now, event: &event.id }).await?;
        if closed {
            audit::record(tx, &event).await?;
        }
        Ok(closed)
    });
    let closed = closed.await?;
    Ok(Done::new(format!("rule {number} gives nothing any more"), json!({"id": rule.id, "closed": closed})))
}

async fn add_grant(desk: &Desk, new: GrantAdd) -> Outcome {
    let user = desk.user(&new.user).await?;
    let application = desk.application(&new.application).await?;
    let known = roles::all(&desk.base.db).await?;
    let of_it: Vec<&str> =
        known.iter().filter(|it| it.application_id == application.id).map(|it| it.code.as_str()).collect();
    if !of_it.contains(&new.role.as_str()) {
        let list = if of_it.is_empty() { "none".to_owned() } else { of_it.join(", ") };
        return Err(Failed::refused(format!("{} knows no role {}; it knows {list}", application.name, new.role)));
    }
    let by_typist = match &desk.actor {
        Actor::CommandLine { name } => name.clone(),
        _ => String::new(),
    };
    let grant = RoleGrant {
        id: RoleGrantId::new(desk.key()?),
        user_id: user.id.clone(),
        application_id: application.id.clone(),
        role: new.role,
        reason: new.reason,
        approved_by: new.approved_by.unwrap_or(by_typist),
        period: Period { from: desk.today, until: new.until.map(|last| last.plus_days(1)) },
    };
    let mut event = desk.event(EventKind::RoleGrantChanged)?;
    event.user_id = Some(user.id);
    event.application_id = Some(application.id);
    event.object = Some(grant.id.to_string());
    event.reason = Some(grant.reason.clone());
    event.after = Some(json!({"role": grant.role, "period": grant.period, "approved_by": grant.approved_by}));
    let (row_id, now, id) = (desk.key()?, desk.now, grant.id.clone());
    let added = desk.base.db.write(async move |tx| {
        roles::record_grant(tx, &grant, Recording { row_id: &row_id, at: now, event: &event.id }).await?;
        audit::record(tx, &event).await
    });
    added.await?;
    Ok(Done::new("given", json!({"id": id, "added": true})))
}

async fn close_grant(desk: &Desk, old: GrantClose) -> Outcome {
    let user = desk.user(&old.user).await?;
    let application = desk.application(&old.application).await?;
    let held = roles::grants_of(&desk.base.db, &user.id).await?;
    let meant: Vec<RoleGrant> =
        held.into_iter().filter(|it| it.application_id == application.id && it.role == old.role).collect();
    if meant.is_empty() {
        return Err(Failed::refused(format!(
            "this person has no direct role {} in {}; a rule may give it: gapura explain says which",
            old.role, application.name
        )));
    }
    let mut closings = Vec::new();
    for grant in &meant {
        let mut event = desk.event(EventKind::RoleGrantChanged)?;
        event.user_id = Some(user.id.clone());
        event.application_id = Some(application.id.clone());
        event.object = Some(grant.id.to_string());
        event.reason.clone_from(&old.reason);
        event.before = Some(json!({"role": grant.role, "period": grant.period}));
        closings.push((grant.id.clone(), desk.key()?, event));
    }
    let now = desk.now;
    let closed = desk.base.db.write(async move |tx| {
        for (id, row_id, event) in &closings {
            if roles::supersede_grant(tx, id, Recording { row_id, at: now, event: &event.id }).await? {
                audit::record(tx, event).await?;
            }
        }
        Ok(())
    });
    closed.await?;
    Ok(Done::new("taken back", json!({"closed": meant.len()})))
}

async fn list_grants(desk: &Desk, name: &str) -> Outcome {
    let user = desk.user(name).await?;
    let names = applications::all(&desk.base.db).await?;
    let mut text = String::new();
    let mut shown = Vec::new();
    for grant in roles::grants_of(&desk.base.db, &user.id).await? {
        let named = names.iter().find(|it| it.application.id == grant.application_id);
        let application = named.map(|it| it.application.name.as_str()).unwrap_or_default();
        let _ = writeln!(text, "{application:<30} {:<20} from {}  {}", grant.role, grant.period.from, grant.reason);
        shown.push(json!({
            "id": grant.id,
            "application": application,
            "role": grant.role,
            "reason": grant.reason,
            "approved_by": grant.approved_by,
            "period": grant.period,
        }));
    }
    Ok(Done::new(text, json!({"grants": shown})))
}
