//! `gapura explain USER APPLICATION`: why a person may or may not enter, in words. The same
//! decision and the same offer as the refusal page.

use std::fmt::Write as _;

use gapura_core::{
    access::{
        Entitlement, Entry, EntryRefusal, HeldRole, Offer, OfferedRule, Post, RoleSource, entitlement, offer, posts,
    },
    identity::{LoginName, User},
    organization::AssignmentKind,
    time::Date,
};
use gapura_store::{organization, rules, standing, users};
use serde_json::{Value, json};

use super::{Done, Failed, Outcome, arguments::Explain};
use crate::settings::Settings;

/// What is said.
struct Answer<'a> {
    user: &'a User,
    posts: &'a [Post],
    decided: &'a Entitlement,
    offer: &'a Offer,
    date: Date,
}

/// Runs the command.
pub(super) async fn run(typed: Explain, settings: Settings) -> Outcome {
    let base = super::open(settings).await?;
    let today = base.settings.city.zone.today(base.clock.now());
    let date = typed.date.unwrap_or(today);
    let Some(name) = LoginName::typed(&typed.user) else { return Err(unknown_person()) };
    let Some(user) = users::find(&base.db, &name).await? else { return Err(unknown_person()) };
    let catalog = rules::catalog(&base.db).await?;
    let Some(access) = catalog.find(&typed.application) else {
        return Err(Failed::refused("tidak ada aplikasi dengan nama itu"));
    };
    let tree = organization::tree(&base.db).await?;
    let Some(standing) = standing::of_user(&base.db, &user.id).await? else { return Err(unknown_person()) };
    base.db.close().await;
    let answer = Answer {
        user: &standing.user,
        posts: &posts(&standing, &tree, date),
        decided: &entitlement(&standing, access, &tree, date),
        offer: &offer(access, &tree, date),
        date,
    };
    Ok(Done::new(answer.text(), answer.json()))
}

fn unknown_person() -> Failed {
    Failed::refused("tidak ada akun dengan nama itu")
}

impl Answer<'_> {
    fn text(&self) -> String {
        let mut text = String::new();
        let verdict = if self.decided.may_enter() { "dapat masuk ke" } else { "tidak dapat masuk ke" };
        let _ = writeln!(text, "{} {verdict} {} pada {}.", self.user.name.display(), self.offer.application, self.date);
        if let Some(why) = entry(self.decided.explanation.entry) {
            let _ = writeln!(text, "{why}");
        }
        for post in self.posts {
            let _ = writeln!(text, "Jabatan: {}", post_words(post));
        }
        for held in &self.decided.explanation.held {
            let _ = writeln!(text, "Peran {}: {}{}", held.role, source(&held.source), until(held.until));
        }
        if !self.decided.may_enter() {
            for role in &self.offer.roles {
                for rule in &role.rules {
                    let _ = writeln!(
                        text,
                        "Peran {} diberikan oleh aturan {}: {}",
                        role.role,
                        rule.number,
                        rule_words(rule)
                    );
                }
                if role.rules.is_empty() {
                    let _ = writeln!(text, "Peran {} hanya diberikan langsung.", role.role);
                }
            }
            let owner = self.offer.owner.as_deref().unwrap_or("pengelola aplikasi");
            let _ = writeln!(text, "Hubungi: {owner}");
        }
        text
    }

    fn json(&self) -> Value {
        json!({
            "user": self.user.id,
            "name": self.user.name.display(),
            "application": self.offer.application,
            "date": self.date,
            "may_enter": self.decided.may_enter(),
            "entry": entry_code(self.decided.explanation.entry),
            "roles": self.decided.roles,
            "held": self.decided.explanation.held.iter().map(held_json).collect::<Vec<_>>(),
            "posts": self.posts.iter().map(post_json).collect::<Vec<_>>(),
            "offered": self.offer.roles.iter().map(|role| json!({
                "role": role.role,
                "rules": role.rules.iter().map(|rule| json!({
                    "number": rule.number, "within": rule.within, "predicate": rule.predicate,
                    "text": rule_words(rule),
                })).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "ask": self.offer.owner,
        })
    }
}

fn entry(entry: Entry) -> Option<&'static str> {
    match entry {
        Entry::ByRole => None,
        Entry::OpenToAll => Some("Aplikasi ini terbuka bagi semua pegawai."),
        Entry::Refused(EntryRefusal::NoRole) => Some("Tidak ada aturan atau pemberian langsung yang memberi peran."),
        Entry::Refused(EntryRefusal::PositionRolesRest) => {
            Some("Akun terbatas (CLTN atau tugas belajar): peran dari jabatan tidak berlaku.")
        }
        Entry::Refused(EntryRefusal::OutsideValidity) => Some("Akun berada di luar masa berlakunya."),
        Entry::Refused(EntryRefusal::AccountStatus(_)) => Some("Akun ditangguhkan, dinonaktifkan atau ditutup."),
    }
}

fn entry_code(entry: Entry) -> &'static str {
    match entry {
        Entry::ByRole => "by_role",
        Entry::OpenToAll => "open_to_all",
        Entry::Refused(EntryRefusal::NoRole) => "no_role",
        Entry::Refused(EntryRefusal::PositionRolesRest) => "position_roles_rest",
        Entry::Refused(EntryRefusal::OutsideValidity) => "outside_validity",
        Entry::Refused(EntryRefusal::AccountStatus(_)) => "account_status",
    }
}

fn post_words(post: &Post) -> String {
    let acting = match post.kind {
        AssignmentKind::Definitif => "",
        AssignmentKind::Plt => "Plt. ",
        AssignmentKind::Plh => "Plh. ",
        AssignmentKind::Pj => "Pj. ",
    };
    let opd = post.opd.as_ref().filter(|opd| **opd != post.unit).map(|opd| format!(", {opd}")).unwrap_or_default();
    format!("{acting}{}, {}{opd}{}", post.position, post.unit, until(post.until))
}

fn source(source: &RoleSource) -> String {
    match source {
        RoleSource::Rule { number, through, .. } => {
            format!("aturan {number}, melalui jabatan {}", post_words(&Post { until: None, ..through.clone() }))
        }
        RoleSource::Grant { reason, approved_by, .. } => {
            format!("diberikan langsung ({reason}; disetujui {approved_by})")
        }
    }
}

/// "s.d." names the last day, the day before the first one without.
fn until(until: Option<Date>) -> String {
    until.map(|day| format!(" s.d. {}", day.plus_days(-1))).unwrap_or_default()
}

fn rule_words(rule: &OfferedRule) -> String {
    let predicate = &rule.predicate;
    let mut parts = Vec::new();
    let mut part = |label: &str, words: Vec<String>| {
        if !words.is_empty() {
            parts.push(format!("{label} {}", words.join(" atau ")));
        }
    };
    part("jabatan", predicate.positions.clone());
    part("eselon", predicate.eselon.clone());
    part("golongan", predicate.golongan.clone());
    part("jenis unit", predicate.unit_kinds.clone());
    part("jenis pegawai", predicate.kinds.iter().map(ToString::to_string).collect());
    part("penugasan", predicate.assignment_kinds.iter().map(ToString::to_string).collect());
    let who = if parts.is_empty() { "semua jabatan".to_owned() } else { parts.join(", ") };
    let place = rule.within.as_ref().map_or_else(|| "semua perangkat daerah".to_owned(), |unit| format!("di {unit}"));
    format!("{who} ({place})")
}

fn held_json(held: &HeldRole) -> Value {
    let source = match &held.source {
        RoleSource::Rule { id, number, through } => {
            json!({ "rule": number, "rule_id": id, "assignment": post_json(through) })
        }
        RoleSource::Grant { id, reason, approved_by } => {
            json!({ "grant": id, "reason": reason, "approved_by": approved_by })
        }
    };
    json!({ "role": held.role, "source": source, "until": held.until, "text": self::source(&held.source) })
}

fn post_json(post: &Post) -> Value {
    json!({ "assignment": post.assignment, "position": post.position, "unit": post.unit, "opd": post.opd,
            "kind": post.kind, "until": post.until })
}
