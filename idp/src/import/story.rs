//! The audit body of a person's change: what was, what is. NIK, telephone number and private mail
//! are named when they change and never told.

use gapura_core::{audit::EventKind, identity::EmployeeNumber};
use gapura_store::users::{Listed, Profile};
use serde_json::{Map, Value, json};

use crate::import::posts::PostChanges;

/// Which event tells of this change.
pub fn kind(known: Option<&Listed>, profile: &Profile, posts: &PostChanges) -> EventKind {
    match known.map(|listed| &listed.profile) {
        None => EventKind::UserAdded,
        Some(stored) if stored.status != profile.status => EventKind::UserStatusChanged,
        Some(stored) if stored == profile && !posts.is_empty() => EventKind::AssignmentChanged,
        Some(_) => EventKind::UserChanged,
    }
}

/// Before and after, only what differs.
pub fn told(
    known: Option<&Listed>,
    profile: &Profile,
    (number, posts): (Option<&EmployeeNumber>, &PostChanges),
) -> (Option<Value>, Option<Value>) {
    let new = shown(profile);
    let old = known.map(|listed| shown(&listed.profile)).unwrap_or_default();
    let mut before = Map::new();
    let mut after = Map::new();
    for (field, value) in &new {
        let was = old.get(field).cloned().unwrap_or(Value::Null);
        if was != *value {
            before.insert(field.clone(), was);
            after.insert(field.clone(), value.clone());
        }
    }
    if let Some(number) = number {
        before.insert("employee_number".to_owned(), json!(known.and_then(|listed| listed.employee_number.as_ref())));
        after.insert("employee_number".to_owned(), json!(number.as_str()));
    }
    let untold = untold(known.map(|listed| &listed.profile), profile);
    if !untold.is_empty() {
        after.insert("untold".to_owned(), json!(untold));
    }
    if !posts.is_empty() {
        after.insert("assignments".to_owned(), assignments(posts));
    }
    (known.map(|_| Value::Object(before)), Some(Value::Object(after)))
}

fn shown(profile: &Profile) -> Map<String, Value> {
    let fields = [
        ("kind", json!(profile.kind)),
        ("status", json!(profile.status)),
        ("name", json!(profile.name.display())),
        ("official_email", json!(profile.official_email)),
        ("golongan", json!(profile.golongan)),
        ("legal_status", json!(profile.legal_status)),
        ("working_agency", json!(profile.working_agency)),
        ("sponsor_opd", json!(profile.sponsor_opd)),
        ("valid_from", json!(profile.validity.map(|days| days.from))),
        ("valid_until", json!(profile.validity.and_then(|days| days.until))),
    ];
    fields.into_iter().map(|(field, value)| (field.to_owned(), value)).collect()
}

fn untold(stored: Option<&Profile>, profile: &Profile) -> Vec<&'static str> {
    let differs = [
        ("nik", stored.and_then(|old| old.nik_index.as_ref()) != profile.nik_index.as_ref()),
        ("phone", stored.and_then(|old| old.phone_sealed.as_ref()) != profile.phone_sealed.as_ref()),
        (
            "private_email",
            stored.and_then(|old| old.private_email_sealed.as_ref()) != profile.private_email_sealed.as_ref(),
        ),
        ("birth_date", stored.and_then(|old| old.birth_date) != profile.birth_date),
    ];
    differs.into_iter().filter_map(|(field, differs)| differs.then_some(field)).collect()
}

fn assignments(posts: &PostChanges) -> Value {
    let recorded: Vec<Value> = posts
        .recorded
        .iter()
        .map(|(_, post, _)| {
            json!({
                "id": post.id,
                "unit": post.unit_id,
                "position": post.position.name,
                "kind": post.kind,
                "from": post.period.from,
                "until": post.period.until,
            })
        })
        .collect();
    json!({ "superseded": posts.superseded, "recorded": recorded })
}
