//! Who may enter an application, as what, and why: one pure function.
//!
//! Access follows the position. A rule looks at one assignment in force; a direct grant names the
//! person. Nobody enters without a role unless the application is open to all staff. Every role
//! held says where it comes from and until when; a refusal says which roles exist, which rules give
//! them and which OPD answers for the application.

use crate::{
    access::{ApplicationAccess, Predicate, RoleGrant, RoleRule, Standing},
    id::{AssignmentId, RoleGrantId, RuleId},
    identity::{Status, User, UserKind},
    organization::{Assignment, AssignmentKind, UnitTree},
    time::{Date, Period},
};

/// The decision about one person at one application's door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitlement {
    /// The roles held, each once, in byte order: the claim `roles`.
    pub roles: Vec<String>,
    /// Why.
    pub explanation: Explanation,
}

/// Why a person may enter or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The outcome.
    pub entry: Entry,
    /// Every reason for every role; a role may have several.
    pub held: Vec<HeldRole>,
}

/// Whether the door opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// By at least one role.
    ByRole,
    /// The application is open to all staff.
    OpenToAll,
    /// Not at all.
    Refused(EntryRefusal),
}

/// Why the door stays shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryRefusal {
    /// The account may not sign in: suspended, disabled or closed.
    AccountStatus(Status),
    /// The account's own days have not begun or are over.
    OutsideValidity,
    /// CLTN or tugas belajar: roles of the position rest.
    PositionRolesRest,
    /// No rule and no grant gives a role.
    NoRole,
}

/// One role and one reason for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRole {
    /// The role's code.
    pub role: String,
    /// Where it comes from.
    pub source: RoleSource,
    /// First day without it; `None`: without end.
    pub until: Option<Date>,
}

/// Where a role comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleSource {
    /// A rule, through an assignment.
    Rule {
        /// Which rule.
        id: RuleId,
        /// Its number within the application.
        number: i64,
        /// The assignment that matched.
        through: Post,
    },
    /// A direct grant.
    Grant {
        /// Which grant.
        id: RoleGrantId,
        /// Its reason.
        reason: String,
        /// Who approved it.
        approved_by: String,
    },
}

/// A post as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Which assignment.
    pub assignment: AssignmentId,
    /// Position, such as `Bendahara Pengeluaran`.
    pub position: String,
    /// Name of the unit; its key where the unit is unknown.
    pub unit: String,
    /// Name of the OPD, where known.
    pub opd: Option<String>,
    /// Definitif, Plt, Plh or Pj.
    pub kind: AssignmentKind,
    /// First day without it.
    pub until: Option<Date>,
}

impl Entitlement {
    /// Whether the person may enter.
    pub fn may_enter(&self) -> bool {
        !matches!(self.explanation.entry, Entry::Refused(_))
    }
}

/// Decides. The person's rows come from the request's own statement, rules and tree from copies.
pub fn entitlement(standing: &Standing, access: &ApplicationAccess, tree: &UnitTree, today: Date) -> Entitlement {
    let user = &standing.user;
    if !user.may_sign_in(today) {
        return refused(account_refusal(user));
    }
    let mut held: Vec<HeldRole> = standing
        .grants
        .iter()
        .filter(|grant| grant.application_id == access.application.id)
        .filter_map(|grant| granted(grant, user, access, today))
        .collect();
    if user.status == Status::Active {
        for rule in access.rules.iter().filter(|rule| rule.period.contains(today)) {
            let matching = standing.assignments.iter().filter(|a| matches(&rule.predicate, user, a, tree, today));
            held.extend(matching.filter_map(|assignment| ruled(rule, user, assignment, (access, tree, today))));
        }
    }
    let mut roles: Vec<String> = held.iter().map(|reason| reason.role.clone()).collect();
    roles.sort_unstable();
    roles.dedup();
    let entry = match () {
        () if !roles.is_empty() => Entry::ByRole,
        () if access.application.open_to_all && is_staff(user.kind) => Entry::OpenToAll,
        () if user.status == Status::Limited => Entry::Refused(EntryRefusal::PositionRolesRest),
        () => Entry::Refused(EntryRefusal::NoRole),
    };
    Entitlement { roles, explanation: Explanation { entry, held } }
}

/// Whether a rule means this person through this assignment, on this day. Every given condition
/// must hold.
pub fn matches(rule: &Predicate, user: &User, assignment: &Assignment, tree: &UnitTree, today: Date) -> bool {
    let unit = tree.get(&assignment.unit_id);
    let eselon = assignment.position.eselon.as_deref();
    assignment.period.contains(today)
        && rule.subtree.as_ref().is_none_or(|root| tree.within(&assignment.unit_id, root))
        && one_of(&rule.unit_kinds, |kind| unit.is_some_and(|unit| unit.kind == *kind))
        && one_of(&rule.positions, |pattern| names(pattern, &assignment.position.name))
        && one_of(&rule.eselon, |level| eselon == Some(level.as_str()))
        && one_of(&rule.golongan, |grade| user.golongan.as_deref() == Some(grade.as_str()))
        && one_of(&rule.kinds, |kind| user.kind == *kind)
        && one_of(&rule.assignment_kinds, |kind| assignment.kind == *kind)
}

/// The posts in force, the main one first, as a refusal shows them.
pub fn posts(standing: &Standing, tree: &UnitTree, today: Date) -> Vec<Post> {
    Assignment::in_force(&standing.assignments, today).into_iter().map(|assignment| post(assignment, tree)).collect()
}

fn refused(why: EntryRefusal) -> Entitlement {
    Entitlement { roles: Vec::new(), explanation: Explanation { entry: Entry::Refused(why), held: Vec::new() } }
}

fn account_refusal(user: &User) -> EntryRefusal {
    match user.status {
        Status::Active | Status::Limited => EntryRefusal::OutsideValidity,
        status => EntryRefusal::AccountStatus(status),
    }
}

/// Vendors and services are no staff: an application open to all staff is not open to them.
fn is_staff(kind: UserKind) -> bool {
    !matches!(kind, UserKind::Vendor | UserKind::Service)
}

fn granted(grant: &RoleGrant, user: &User, access: &ApplicationAccess, today: Date) -> Option<HeldRole> {
    let role = access.role(&grant.role, today)?;
    grant.period.contains(today).then(|| HeldRole {
        role: grant.role.clone(),
        source: RoleSource::Grant {
            id: grant.id.clone(),
            reason: grant.reason.clone(),
            approved_by: grant.approved_by.clone(),
        },
        until: earliest([Some(grant.period), Some(role.period), user.validity]),
    })
}

fn ruled(
    rule: &RoleRule,
    user: &User,
    assignment: &Assignment,
    (access, tree, today): (&ApplicationAccess, &UnitTree, Date),
) -> Option<HeldRole> {
    let role = access.role(&rule.role, today)?;
    Some(HeldRole {
        role: rule.role.clone(),
        source: RoleSource::Rule { id: rule.id.clone(), number: rule.number, through: post(assignment, tree) },
        until: earliest([Some(rule.period), Some(role.period), Some(assignment.period), user.validity]),
    })
}

fn post(assignment: &Assignment, tree: &UnitTree) -> Post {
    let unit = tree.get(&assignment.unit_id);
    Post {
        assignment: assignment.id.clone(),
        position: assignment.position.name.clone(),
        unit: unit.map_or_else(|| assignment.unit_id.to_string(), |unit| unit.name.clone()),
        opd: tree.opd_of(&assignment.unit_id).map(|opd| opd.name.clone()),
        kind: assignment.kind,
        until: assignment.period.until,
    }
}

fn earliest<const N: usize>(periods: [Option<Period>; N]) -> Option<Date> {
    periods.into_iter().flatten().filter_map(|period| period.until).min()
}

fn one_of<T>(wanted: &[T], holds: impl Fn(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(holds)
}

/// A position pattern: the whole name, or its beginning before a trailing `*`. ASCII case is free.
fn names(pattern: &str, position: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => position.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
        None => position.eq_ignore_ascii_case(pattern),
    }
}

#[cfg(test)]
mod tests;
