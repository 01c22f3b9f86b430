use proptest::prelude::*;

use super::*;
use crate::{
    access::{AppRole, Application, ApplicationKind, offer},
    id::{ApplicationId, PositionId, UnitId, UserId},
    identity::PersonName,
    organization::{Position, PositionClass, Unit},
};

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn today() -> Date {
    day("2026-11-24")
}

fn since(from: &str, until: Option<&str>) -> Period {
    Period { from: day(from), until: until.map(day) }
}

fn tree() -> UnitTree {
    let unit = |id: &str, parent: Option<&str>, opd: &str, kind: &str| Unit {
        id: UnitId::new(id),
        parent: parent.map(UnitId::new),
        opd: UnitId::new(opd),
        code: String::new(),
        short_name: parent.is_none().then(|| id.to_owned()),
        name: format!("Nama {id}"),
        kind: kind.to_owned(),
        period: since("2020-01-01", None),
    };
    UnitTree::new([
        unit("disdik", None, "disdik", "dinas"),
        unit("sd1", Some("disdik"), "disdik", "sekolah"),
        unit("bkad", None, "bkad", "badan"),
    ])
}

fn user(status: Status) -> User {
    User {
        id: UserId::new("u"),
        sub: "s".to_owned(),
        kind: UserKind::AsnPns,
        status,
        name: PersonName { full: "Rosita Suherman".to_owned(), title_before: None, title_after: None },
        employee_number: None,
        official_email: None,
        golongan: Some("III/a".to_owned()),
        sponsor_opd: None,
        validity: None,
        language: None,
        epoch: 0,
    }
}

fn assignment(unit: &str, position: &str, eselon: Option<&str>) -> Assignment {
    Assignment {
        id: AssignmentId::new(format!("a-{unit}-{position}")),
        user_id: UserId::new("u"),
        unit_id: UnitId::new(unit),
        position: Position {
            id: PositionId::new("p"),
            name: position.to_owned(),
            class: PositionClass::General,
            eselon: eselon.map(str::to_owned),
        },
        kind: AssignmentKind::Definitif,
        period: since("2024-01-02", None),
        decree_number: None,
    }
}

fn standing(user: User, assignments: Vec<Assignment>, grants: Vec<RoleGrant>) -> Standing {
    Standing { user, session: None, family: None, entered: Vec::new(), assignments, grants }
}

fn rule(number: i64, role: &str, predicate: Predicate) -> RoleRule {
    RoleRule {
        id: RuleId::new(format!("r{number}")),
        number,
        application_id: ApplicationId::new("app"),
        role: role.to_owned(),
        predicate,
        period: since("2020-01-01", None),
    }
}

fn grant(role: &str, period: Period) -> RoleGrant {
    RoleGrant {
        id: RoleGrantId::new("g"),
        user_id: UserId::new("u"),
        application_id: ApplicationId::new("app"),
        role: role.to_owned(),
        reason: "Nota dinas 12".to_owned(),
        approved_by: "kepala".to_owned(),
        period,
    }
}

fn access(rules: Vec<RoleRule>) -> ApplicationAccess {
    let role = |code: &str| AppRole {
        application_id: ApplicationId::new("app"),
        code: code.to_owned(),
        period: since("2020-01-01", None),
    };
    ApplicationAccess {
        application: Application {
            id: ApplicationId::new("app"),
            name: "SIPD Keuangan".to_owned(),
            identifier: "urn:app".to_owned(),
            kind: ApplicationKind::Umum,
            owner_opd: Some(UnitId::new("bkad")),
            open_to_all: false,
        },
        roles: vec![role("admin"), role("bendahara"), role("guru")],
        rules,
    }
}

fn bendahara() -> Predicate {
    Predicate { positions: vec!["Bendahara Pengeluaran".to_owned()], ..Predicate::default() }
}

#[test]
fn a_rule_gives_its_role_through_the_assignment_that_matches() {
    let access = access(vec![rule(1, "bendahara", bendahara())]);
    let person = standing(
        user(Status::Active),
        vec![assignment("sd1", "Guru Ahli Muda", None), assignment("bkad", "Bendahara Pengeluaran", None)],
        Vec::new(),
    );
    let decided = entitlement(&person, &access, &tree(), today());
    assert_eq!(decided.roles, ["bendahara"]);
    let [held] = decided.explanation.held.as_slice() else { panic!("one reason") };
    let RoleSource::Rule { number, through, .. } = &held.source else { panic!("a rule") };
    assert_eq!((*number, through.unit.as_str(), through.opd.as_deref()), (1, "Nama bkad", Some("Nama bkad")));
}

#[test]
fn nobody_enters_without_a_role() {
    let access = access(vec![rule(1, "bendahara", bendahara())]);
    let teacher = standing(user(Status::Active), vec![assignment("sd1", "Guru Ahli Muda", None)], Vec::new());
    let decided = entitlement(&teacher, &access, &tree(), today());
    assert!(!decided.may_enter());
    assert_eq!(decided.explanation.entry, Entry::Refused(EntryRefusal::NoRole));
    let offer = offer(&access, &tree(), today());
    assert_eq!(offer.owner.as_deref(), Some("Nama bkad"));
    assert_eq!(offer.roles.len(), 3);
    assert_eq!(offer.roles[1].rules[0].predicate, bendahara());
    assert!(offer.roles[0].rules.is_empty());
}

#[test]
fn a_rule_for_everybody_still_needs_an_assignment() {
    let access = access(vec![rule(1, "guru", Predicate::default())]);
    let vendor = standing(User { kind: UserKind::Vendor, ..user(Status::Active) }, Vec::new(), Vec::new());
    assert!(!entitlement(&vendor, &access, &tree(), today()).may_enter());
    let anybody = standing(user(Status::Active), vec![assignment("sd1", "Guru", None)], Vec::new());
    assert_eq!(entitlement(&anybody, &access, &tree(), today()).roles, ["guru"]);
}

/// Predicate, what it should say of a teacher of grade III/a at `sd1`, eselon III.a.
#[test]
fn each_condition_of_a_rule_counts() {
    let none = Predicate::default;
    let text = |word: &str| vec![word.to_owned()];
    let teacher = assignment("sd1", "Guru Ahli Muda", Some("III.a"));
    for (predicate, meant) in [
        (none(), true),
        (Predicate { subtree: Some(UnitId::new("disdik")), ..none() }, true),
        (Predicate { subtree: Some(UnitId::new("sd1")), ..none() }, true),
        (Predicate { subtree: Some(UnitId::new("bkad")), ..none() }, false),
        (Predicate { unit_kinds: text("sekolah"), ..none() }, true),
        (Predicate { unit_kinds: text("dinas"), ..none() }, false),
        (Predicate { positions: text("Guru*"), ..none() }, true),
        (Predicate { positions: text("guru ahli muda"), ..none() }, true),
        (Predicate { positions: text("Guru"), ..none() }, false),
        (Predicate { positions: vec!["Bidan*".to_owned(), "Guru*".to_owned()], ..none() }, true),
        (Predicate { eselon: text("III.a"), ..none() }, true),
        (Predicate { eselon: text("II.b"), ..none() }, false),
        (Predicate { golongan: text("III/a"), ..none() }, true),
        (Predicate { golongan: text("III/b"), ..none() }, false),
        (Predicate { kinds: vec![UserKind::AsnPns], ..none() }, true),
        (Predicate { kinds: vec![UserKind::Dprd], ..none() }, false),
        (Predicate { assignment_kinds: vec![AssignmentKind::Definitif], ..none() }, true),
        (Predicate { assignment_kinds: vec![AssignmentKind::Plt], ..none() }, false),
        (Predicate { positions: text("Guru*"), eselon: text("II.b"), ..none() }, false),
    ] {
        assert_eq!(matches(&predicate, &user(Status::Active), &teacher, &tree(), today()), meant, "{predicate:?}");
    }
}

#[test]
fn a_role_ends_when_the_first_of_its_reasons_ends() {
    let mut held = assignment("bkad", "Bendahara Pengeluaran", None);
    held.period.until = Some(day("2026-12-01"));
    let access = access(vec![rule(1, "bendahara", bendahara())]);
    let person = standing(user(Status::Active), vec![held], Vec::new());
    let decided = entitlement(&person, &access, &tree(), today());
    assert_eq!(decided.explanation.held[0].until, Some(day("2026-12-01")));
    assert!(entitlement(&person, &access, &tree(), day("2026-11-30")).may_enter());
    assert!(!entitlement(&person, &access, &tree(), day("2026-12-01")).may_enter());
}

#[test]
fn a_grant_counts_within_its_period_and_for_a_role_that_exists() {
    let access = access(Vec::new());
    let decide =
        |grant| entitlement(&standing(user(Status::Active), Vec::new(), vec![grant]), &access, &tree(), today());
    assert_eq!(decide(grant("admin", since("2026-01-01", None))).roles, ["admin"]);
    assert!(!decide(grant("admin", since("2026-12-01", None))).may_enter());
    assert!(!decide(grant("admin", since("2026-01-01", Some("2026-11-24")))).may_enter());
    assert!(!decide(grant("raja", since("2026-01-01", None))).may_enter());
    let elsewhere =
        RoleGrant { application_id: ApplicationId::new("other"), ..grant("admin", since("2026-01-01", None)) };
    assert!(!decide(elsewhere).may_enter());
}

#[test]
fn the_account_decides_before_any_role() {
    let access = access(vec![rule(1, "guru", Predicate::default())]);
    let decide = |user: User, grants| {
        let person = standing(user, vec![assignment("sd1", "Guru", None)], grants);
        entitlement(&person, &access, &tree(), today())
    };
    let admin = || vec![grant("admin", since("2026-01-01", None))];
    for status in [Status::Suspended, Status::Disabled, Status::Closed] {
        let decided = decide(user(status), admin());
        assert_eq!(decided.explanation.entry, Entry::Refused(EntryRefusal::AccountStatus(status)));
    }
    let limited = decide(user(Status::Limited), Vec::new());
    assert_eq!(limited.explanation.entry, Entry::Refused(EntryRefusal::PositionRolesRest));
    assert_eq!(decide(user(Status::Limited), admin()).roles, ["admin"]);
    let ended = User { validity: Some(since("2026-01-01", Some("2026-11-24"))), ..user(Status::Active) };
    assert_eq!(decide(ended, admin()).explanation.entry, Entry::Refused(EntryRefusal::OutsideValidity));
}

#[test]
fn an_application_open_to_all_staff_is_not_open_to_vendors() {
    let mut access = access(Vec::new());
    access.application.open_to_all = true;
    let decide = |user| entitlement(&standing(user, Vec::new(), Vec::new()), &access, &tree(), today());
    assert_eq!(decide(user(Status::Active)).explanation.entry, Entry::OpenToAll);
    assert!(decide(user(Status::Active)).roles.is_empty());
    assert!(!decide(User { kind: UserKind::Vendor, ..user(Status::Active) }).may_enter());
}

fn some_assignment() -> impl Strategy<Value = Assignment> {
    let unit = prop::sample::select(vec!["sd1", "disdik", "bkad", "nowhere"]);
    let position = prop::sample::select(vec!["Guru Ahli Muda", "Bendahara Pengeluaran", "Sekretaris"]);
    let eselon = prop::option::of(prop::sample::select(vec!["II.b", "III.a"]));
    (unit, position, eselon, 0i64..4).prop_map(|(unit, position, eselon, ends)| {
        let mut made = assignment(unit, position, eselon);
        made.period.until = (ends > 0).then(|| today().plus_days(ends - 2));
        made
    })
}

fn some_grant() -> impl Strategy<Value = RoleGrant> {
    (prop::sample::select(vec!["admin", "guru", "raja"]), -2i64..2)
        .prop_map(|(role, from)| grant(role, Period { from: today().plus_days(from), until: None }))
}

fn some_rule() -> impl Strategy<Value = RoleRule> {
    let subtree = prop::option::of(prop::sample::select(vec!["disdik", "bkad"]));
    let position = prop::option::of(prop::sample::select(vec!["Guru*", "Sekretaris"]));
    (prop::sample::select(vec!["admin", "bendahara", "guru"]), subtree, position).prop_map(
        |(role, subtree, position)| {
            rule(
                1,
                role,
                Predicate {
                    subtree: subtree.map(UnitId::new),
                    positions: position.map(str::to_owned).into_iter().collect(),
                    ..Predicate::default()
                },
            )
        },
    )
}

proptest! {
    #[test]
    fn rights_never_grow_when_an_assignment_or_grant_is_taken_away(
        assignments in prop::collection::vec(some_assignment(), 0..5),
        grants in prop::collection::vec(some_grant(), 0..3),
        rules in prop::collection::vec(some_rule(), 0..5),
        lost in 0usize..8,
        status in prop::sample::select(Status::ALL),
    ) {
        let access = access(rules);
        let before = entitlement(&standing(user(status), assignments.clone(), grants.clone()), &access, &tree(), today());
        let (mut fewer_assignments, mut fewer_grants) = (assignments, grants);
        if lost < fewer_assignments.len() {
            fewer_assignments.remove(lost);
        } else if lost - fewer_assignments.len() < fewer_grants.len() {
            let at = lost - fewer_assignments.len();
            fewer_grants.remove(at);
        }
        let after = entitlement(&standing(user(status), fewer_assignments, fewer_grants), &access, &tree(), today());
        prop_assert!(after.roles.iter().all(|role| before.roles.contains(role)));
        prop_assert!(before.may_enter() || !after.may_enter());
        for role in &before.roles {
            prop_assert!(before.explanation.held.iter().any(|held| &held.role == role), "every role has a reason");
        }
    }
}
