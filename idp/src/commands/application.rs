//! `gapura application`, `gapura role`: what can be entered, and which roles it knows.

use std::fmt::Write as _;

use gapura_core::{
    access::{AppRole, Application, ApplicationKind},
    audit::EventKind,
    id::ApplicationId,
    time::Period,
};
use gapura_store::{
    applications::{self, Registered},
    audit,
    recording::Recording,
    roles,
};
use serde_json::json;

use super::{
    Done, Failed, Outcome,
    arguments::{self, ApplicationAdd, RoleName},
    desk::Desk,
};
use crate::settings::Settings;

pub(super) async fn run(command: arguments::Application, settings: Settings) -> Outcome {
    let desk = Desk::open(settings).await?;
    match command {
        arguments::Application::Add(new) => add(&desk, new).await,
        arguments::Application::List => list(&desk).await,
    }
}

pub(super) async fn role(command: arguments::Role, settings: Settings) -> Outcome {
    let desk = Desk::open(settings).await?;
    match command {
        arguments::Role::Add(role) => add_role(&desk, role).await,
        arguments::Role::Close(role) => close_role(&desk, role).await,
    }
}

async fn add(desk: &Desk, new: ApplicationAdd) -> Outcome {
    let name = new.name.trim().to_owned();
    if name.is_empty() || url::Url::parse(&new.identifier).is_err() {
        return Err(Failed::usage("an application needs a name, and an absolute URI as identifier"));
    }
    for role in &new.roles {
        check_role(role)?;
    }
    let id = ApplicationId::new(desk.base.entropy.random_id()?);
    let application = Application {
        id: id.clone(),
        name: name.clone(),
        identifier: new.identifier,
        kind: ApplicationKind::Khusus,
        owner_opd: None,
        open_to_all: new.open_to_all,
    };
    let mut event = desk.event(EventKind::ApplicationChanged)?;
    event.application_id = Some(id.clone());
    event.after = Some(json!({
        "name": name,
        "identifier": application.identifier,
        "open_to_all": application.open_to_all,
        "roles": new.roles,
    }));
    let period = Period { from: desk.today, until: None };
    let mut rows = Vec::new();
    for code in new.roles {
        rows.push((desk.key()?, AppRole { application_id: id.clone(), code, period }));
    }
    let (registered, now) = (Registered { application, field: None }, desk.now);
    let added = desk.base.db.write(async move |tx| {
        applications::add(tx, &registered, now).await?;
        for (row_id, role) in &rows {
            roles::record(tx, role, Recording { row_id, at: now, event: &event.id }).await?;
        }
        audit::record(tx, &event).await
    });
    added.await?;
    Ok(Done::new(format!("added \"{name}\""), json!({"id": id, "name": name})))
}

async fn list(desk: &Desk) -> Outcome {
    let all = applications::all(&desk.base.db).await?;
    let known = roles::all(&desk.base.db).await?;
    let mut text = String::new();
    let mut shown = Vec::new();
    for Registered { application, .. } in &all {
        let roles: Vec<&str> =
            known.iter().filter(|role| role.application_id == application.id).map(|role| role.code.as_str()).collect();
        let _ = writeln!(text, "{:<30} {:<40} {}", application.name, application.identifier, roles.join(", "));
        shown.push(json!({
            "id": application.id,
            "name": application.name,
            "identifier": application.identifier,
            "kind": application.kind,
            "open_to_all": application.open_to_all,
            "roles": roles,
        }));
    }
    Ok(Done::new(text, json!({"applications": shown})))
}

/// What an application gets as a role: a word, since it stands in tokens.
fn check_role(code: &str) -> Result<(), Failed> {
    let letters = code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':'));
    if code.is_empty() || code.len() > 64 || !letters {
        return Err(Failed::refused("a role is a word of 1 to 64 of a-z A-Z 0-9 . _ - :"));
    }
    Ok(())
}

async fn add_role(desk: &Desk, RoleName { application, role: code }: RoleName) -> Outcome {
    check_role(&code)?;
    let application = desk.application(&application).await?;
    let known = roles::all(&desk.base.db).await?;
    if known.iter().any(|role| role.application_id == application.id && role.code == code) {
        return Err(Failed::refused(format!("{} knows the role {code} already", application.name)));
    }
    let mut event = desk.event(EventKind::RoleChanged)?;
    event.application_id = Some(application.id.clone());
    event.object = Some(code.clone());
    event.after = Some(json!({"from": desk.today}));
    let role = AppRole { application_id: application.id, code, period: Period { from: desk.today, until: None } };
    let (row_id, now) = (desk.key()?, desk.now);
    let text = format!("{} knows the role {}", application.name, role.code);
    let added = desk.base.db.write(async move |tx| {
        roles::record(tx, &role, Recording { row_id: &row_id, at: now, event: &event.id }).await?;
        audit::record(tx, &event).await
    });
    added.await?;
    Ok(Done::new(text, json!({"added": true})))
}

async fn close_role(desk: &Desk, RoleName { application, role: code }: RoleName) -> Outcome {
    let application = desk.application(&application).await?;
    let mut event = desk.event(EventKind::RoleChanged)?;
    event.application_id = Some(application.id.clone());
    event.object = Some(code.clone());
    event.after = Some(json!({"closed": desk.today}));
    let (row_id, now, id, role) = (desk.key()?, desk.now, application.id.clone(), code.clone());
    let closed = desk.base.db.write(async move |tx| {
        let by = Recording { row_id: &row_id, at: now, event: &event.id };
        let closed = roles::supersede(tx, (&id, &role), by).await?;
        if closed {
            audit::record(tx, &event).await?;
        }
        Ok(closed)
    });
    if !closed.await? {
        return Err(Failed::refused(format!("{} knows no role {code}", application.name)));
    }
    Ok(Done::new(format!("{} no longer knows the role {code}", application.name), json!({"closed": true})))
}
