//! A person, their session and an application, from which the tests of this crate start.

use crate::{
    access::{AppRole, Application, ApplicationAccess, ApplicationKind, Predicate, RoleRule, Standing},
    id::{ApplicationId, AssignmentId, ClientId, FamilyId, PositionId, RuleId, SessionId, UnitId, UserId},
    identity::{PersonName, Session, Status, User, UserKind},
    oauth::Family,
    organization::{Assignment, AssignmentKind, Position, PositionClass, Unit, UnitTree},
    time::{Instant, Period},
};

/// The day of the tests.
pub(crate) const TODAY: &str = "2026-11-24";

fn since(from: &str, until: Option<&str>) -> Period {
    Period { from: from.parse().unwrap(), until: until.map(|day| day.parse().unwrap()) }
}

/// Dinas Pendidikan with one school.
pub(crate) fn tree() -> UnitTree {
    let unit = |id: &str, parent: Option<&str>, name: &str| Unit {
        id: UnitId::new(id),
        parent: parent.map(UnitId::new),
        opd: UnitId::new("disdik"),
        code: if parent.is_none() { "1.01".into() } else { "1.01.9".into() },
        short_name: parent.is_none().then(|| id.to_owned()),
        name: name.to_owned(),
        kind: "dinas".into(),
        period: since("2020-01-01", None),
    };
    UnitTree::new([unit("disdik", None, "Dinas Pendidikan"), unit("sd1", Some("disdik"), "SDN 1")])
}

/// A teacher.
pub(crate) fn user() -> User {
    User {
        id: UserId::new("u1"),
        sub: "sub-1".into(),
        kind: UserKind::AsnPns,
        status: Status::Active,
        name: PersonName {
            full: "Rosita Suherman".into(),
            title_before: Some("Dra.".into()),
            title_after: Some("M.Pd.".into()),
        },
        employee_number: Some("198001012005012001".into()),
        official_email: Some("rosita@kota.go.id".into()),
        golongan: Some("III/a".into()),
        sponsor_opd: None,
        validity: None,
        language: Some("id".into()),
        epoch: 3,
    }
}

/// Signed in at zero, for a thousand seconds.
pub(crate) fn session() -> Session {
    Session {
        id: SessionId::new("sid-1"),
        user_id: UserId::new("u1"),
        user_epoch: 3,
        acr: "pwd".into(),
        amr: vec!["pwd".into()],
        auth_time: Instant::from_millis(0),
        last_seen_at: Instant::from_millis(0),
        expires_at: Instant::from_millis(1_000_000),
        ended: None,
    }
}

/// Of client `presensi` in that session.
pub(crate) fn family() -> Family {
    Family {
        id: FamilyId::new("fam-1"),
        user_id: UserId::new("u1"),
        client_id: ClientId::new("presensi"),
        session_id: Some(SessionId::new("sid-1")),
        offline: false,
        scopes: vec!["openid".into()],
        user_epoch: 3,
        acr: "pwd".into(),
        amr: vec!["pwd".into()],
        auth_time: Instant::from_millis(0),
        nonce: None,
        last_used_at: Instant::from_millis(0),
        expires_at: Instant::from_millis(1_000_000),
        revoked: None,
    }
}

/// The teacher with session and family, a definitive post and an acting one.
pub(crate) fn standing() -> Standing {
    let held = |id: &str, position: &str, kind, until| Assignment {
        id: AssignmentId::new(id),
        user_id: UserId::new("u1"),
        unit_id: UnitId::new("sd1"),
        position: Position {
            id: PositionId::new(id),
            name: position.to_owned(),
            class: PositionClass::Functional,
            eselon: None,
        },
        kind,
        period: since("2024-01-02", until),
        decree_number: None,
    };
    Standing {
        user: user(),
        session: Some(session()),
        family: Some(family()),
        entered: vec![],
        assignments: vec![
            held("a1", "Guru", AssignmentKind::Definitif, None),
            held("a2", "Kepala Sekolah", AssignmentKind::Plt, Some("2027-01-01")),
        ],
        grants: vec![],
    }
}

/// The application of client `presensi`: teachers hold the role `guru`.
pub(crate) fn access() -> ApplicationAccess {
    let id = ApplicationId::new("app-presensi");
    ApplicationAccess {
        application: Application {
            id: id.clone(),
            name: "Presensi".into(),
            identifier: "urn:presensi".into(),
            kind: ApplicationKind::Umum,
            owner_opd: None,
            open_to_all: false,
        },
        roles: vec![AppRole { application_id: id.clone(), code: "guru".into(), period: since("2020-01-01", None) }],
        rules: vec![RoleRule {
            id: RuleId::new("r1"),
            number: 1,
            application_id: id,
            role: "guru".into(),
            predicate: Predicate { positions: vec!["Guru".into()], ..Predicate::default() },
            period: since("2020-01-01", None),
        }],
    }
}
