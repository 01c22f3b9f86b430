//! The refusal at an application's door, in words: who you are here, which roles the application
//! has, who gets them, and whom to ask. The same facts as `gapura explain` prints.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use gapura_core::{
    access::{
        ApplicationAccess, Entitlement, Entry, EntryRefusal, OfferedRole, OfferedRule, Predicate, Standing, offer,
        posts,
    },
    organization::UnitTree,
};

use super::{
    paper::{Paper, answer},
    texts::escape,
};
use crate::{edge::RequestContext, state::App};

/// Whose entry was refused, and where.
pub struct Refused<'a> {
    /// The person.
    pub standing: &'a Standing,
    /// The application with its roles and rules.
    pub access: &'a ApplicationAccess,
    /// The organisation.
    pub tree: &'a UnitTree,
    /// The decision.
    pub entitlement: &'a Entitlement,
    /// The home address of the client.
    pub home: &'a str,
    /// The address of the same request: where the page in the other language is found.
    pub again: String,
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct Page<'a> {
    paper: Paper<'a>,
    eyebrow: String,
    title: String,
    lead: String,
    checked: String,
    facts: Vec<(String, Vec<String>)>,
    reference: &'a str,
    home: &'a str,
    help: String,
}

/// Draws it, with status 403.
pub fn page(app: &App, context: &RequestContext, refused: &Refused<'_>) -> Response {
    let paper = Paper::of(app, context).at(&refused.again);
    let offered = offer(refused.access, refused.tree, context.today);
    let name = refused.standing.user.name.display();
    let only_the_role_is_missing = refused.entitlement.explanation.entry == Entry::Refused(EntryRefusal::NoRole);
    let (title, lead) = if only_the_role_is_missing {
        (paper.say("refusal-title"), paper.with("refusal-lead", &[("name", &name)]))
    } else {
        (paper.say("refusal-title-account"), paper.with("refusal-lead-account", &[("name", &name)]))
    };
    let drawn = Page {
        eyebrow: match &offered.owner {
            Some(owner) => paper.with("refusal-owner", &[("application", &offered.application), ("owner", owner)]),
            None => escape(&offered.application),
        },
        help: match &offered.owner {
            Some(owner) => paper.with("refusal-help-owner", &[("owner", owner)]),
            None => paper.html("refusal-help"),
        },
        title,
        lead,
        checked: paper.with("refusal-checked", &[("clock", &paper.short_clock(context.now))]),
        facts: facts(&paper, context, refused),
        reference: &context.request_id,
        home: refused.home,
        paper,
    };
    answer(&drawn, StatusCode::FORBIDDEN, None)
}

fn facts(paper: &Paper<'_>, context: &RequestContext, refused: &Refused<'_>) -> Vec<(String, Vec<String>)> {
    let mut facts = Vec::new();
    let status = match refused.entitlement.explanation.entry {
        Entry::Refused(EntryRefusal::PositionRolesRest) => Some("refusal-rest-text"),
        Entry::Refused(EntryRefusal::OutsideValidity) => Some("refusal-validity-text"),
        Entry::Refused(EntryRefusal::AccountStatus(_)) => Some("refusal-status-text"),
        Entry::Refused(EntryRefusal::NoRole) | Entry::ByRole | Entry::OpenToAll => None,
    };
    if let Some(status) = status {
        facts.push((paper.say("refusal-status"), vec![paper.html(status)]));
    }
    facts.push((paper.say("refusal-posts"), held_posts(paper, context, refused)));
    facts.push((paper.say("refusal-roles"), roles(paper, context, refused)));
    facts.push((paper.say("refusal-grants"), vec![paper.html("refusal-no-grants")]));
    facts
}

fn held_posts(paper: &Paper<'_>, context: &RequestContext, refused: &Refused<'_>) -> Vec<String> {
    let held = posts(refused.standing, refused.tree, context.today);
    if held.is_empty() {
        return vec![paper.html("refusal-no-post")];
    }
    held.iter()
        .map(|post| {
            let mut line = format!("<b>{}</b>, {}", escape(&post.position), escape(&post.unit));
            if let Some(opd) = post.opd.as_ref().filter(|opd| **opd != post.unit) {
                line.push_str(", ");
                line.push_str(&escape(opd));
            }
            line
        })
        .collect()
}

/// One line a role that rules give: `bendahara: Bendahara Pengeluaran (semua perangkat daerah)`;
/// one line for those that are given directly only.
fn roles(paper: &Paper<'_>, context: &RequestContext, refused: &Refused<'_>) -> Vec<String> {
    let offered = offer(refused.access, refused.tree, context.today);
    if offered.roles.is_empty() {
        return vec![paper.html("refusal-no-roles")];
    }
    let code = |role: &OfferedRole| format!("<code>{}</code>", escape(&role.role));
    let (by_rule, by_grant): (Vec<_>, Vec<_>) = offered.roles.iter().partition(|role| !role.rules.is_empty());
    let ruled = by_rule.iter().map(|role| {
        let rules: Vec<String> = role.rules.iter().map(|rule| rule_in_words(paper, rule)).collect();
        format!("{}: {}", code(role), escape(&rules.join("; ")))
    });
    let granted = (!by_grant.is_empty()).then(|| {
        let codes: Vec<String> = by_grant.iter().map(|role| code(role)).collect();
        format!("{}: {}", codes.join(", "), paper.html("refusal-by-grant"))
    });
    ruled.chain(granted).collect()
}

/// A rule as a phrase, in plain text.
fn rule_in_words(paper: &Paper<'_>, rule: &OfferedRule) -> String {
    let Predicate { subtree: _, unit_kinds, positions, eselon, golongan, kinds, assignment_kinds } = &rule.predicate;
    let kinds: Vec<String> = kinds.iter().map(|kind| paper.say(&format!("kind-{kind}"))).collect();
    let capacities: Vec<String> = assignment_kinds.iter().map(|kind| paper.say(&format!("capacity-{kind}"))).collect();
    let positions: Vec<String> = positions.iter().map(|pattern| position(paper, pattern)).collect();
    let listed =
        |key: &str, items: &[String]| (!items.is_empty()).then(|| paper.plain(key, &[("list", &either(paper, items))]));
    let parts: Vec<String> = [
        listed("rule-positions", &positions),
        listed("rule-kinds", &kinds),
        listed("rule-eselon", eselon),
        listed("rule-golongan", golongan),
        listed("rule-unit-kinds", unit_kinds),
        listed("rule-acting", &capacities),
    ]
    .into_iter()
    .flatten()
    .collect();
    let who = if parts.is_empty() { paper.say("rule-everyone") } else { parts.join(", ") };
    let place = match &rule.within {
        Some(unit) => paper.plain("rule-within", &[("unit", unit)]),
        None => paper.say("rule-all-units"),
    };
    format!("{who} ({place})")
}

fn position(paper: &Paper<'_>, pattern: &str) -> String {
    match pattern.strip_suffix('*') {
        Some(start) => paper.plain("rule-starting-with", &[("start", start.trim_end())]),
        None => pattern.to_owned(),
    }
}

fn either(paper: &Paper<'_>, items: &[String]) -> String {
    items.join(&format!(" {} ", paper.say("list-or")))
}
