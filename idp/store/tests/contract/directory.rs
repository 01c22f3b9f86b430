//! People, their names and numbers, the organisation, and what gives roles.

use std::collections::BTreeSet;

use gapura_core::{
    access::{AppRole, Application, ApplicationKind, Predicate, RoleGrant, RoleRule},
    id::{ApplicationId, AssignmentId, EventId, PositionId, RoleGrantId, RuleId, UnitId, UserId},
    identity::{EmployeeNumber, LoginName, PersonName, Status, Throttle, UserKind},
    organization::{Assignment, AssignmentKind, Position, PositionClass, Unit},
    time::{Date, Period},
};
use gapura_store::{
    applications::{self, Registered},
    assignments, credentials, generations, login_names, organization,
    recording::Recording,
    roles, rules, throttles,
    users::{self, Profile},
};

use crate::{
    fixtures::{city, siti},
    support::{NOW, Store, change, on_both_engines},
};

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn period() -> Period {
    Period { from: day("2026-01-01"), until: Some(day("2027-01-01")) }
}

pub(crate) fn profile() -> Profile {
    Profile {
        kind: UserKind::NonAsn,
        status: Status::Active,
        name: PersonName { full: "Rina".to_owned(), title_before: Some("dr.".to_owned()), title_after: None },
        gender: Some(gapura_core::identity::Gender::Female),
        birth_date: Some(day("1990-02-28")),
        siasn_person_id: Some("A8ACA7".to_owned()),
        nik_index: Some(vec![0, 255, 7]),
        nik_sealed: Some(vec![1]),
        phone_sealed: Some(vec![2]),
        official_email: Some("rina@kota.example".to_owned()),
        private_email_sealed: None,
        golongan: None,
        legal_status: Some("Aktif".to_owned()),
        working_agency: None,
        sponsor_opd: Some(UnitId::new("unit-1")),
        validity: Some(period()),
    }
}

async fn rina(store: &Store) -> UserId {
    let id = UserId::new("rina");
    let key = id.clone();
    change!(store, |tx| users::add(tx, (&key, "sub-rina"), &profile(), NOW));
    id
}

fn recording<'r>(row_id: &'r str, event: &'r EventId) -> Recording<'r> {
    Recording { row_id, at: NOW, event }
}

on_both_engines! {
    async fn a_person_comes_back_as_added(store) {
        let id = rina(store).await;
        let listed = users::directory(&store.db).await.unwrap();
        assert_eq!((listed.len(), &listed[0].profile, listed[0].epoch), (1, &profile(), 0));
        let user = users::by_id(&store.db, &id).await.unwrap().unwrap();
        assert_eq!((user.sub.as_str(), user.name.display().as_str()), ("sub-rina", "dr. Rina"));
        let within = id.clone();
        assert_eq!(change!(store, |tx| users::load(tx, &within)), Some(user));
        assert!(users::by_id(&store.db, &UserId::new("none")).await.unwrap().is_none());
    }

    async fn a_change_replaces_the_profile_and_makes_present(store) {
        let id = rina(store).await;
        for first in [true, false] {
            let absent = id.clone();
            assert_eq!(change!(store, |tx| users::mark_absent(tx, &absent, NOW)), first);
        }
        let mut after = profile();
        after.name.full = "Rina Wati".to_owned();
        after.validity = None;
        let (key, changed) = (id.clone(), after.clone());
        change!(store, |tx| users::change(tx, &key, &changed, NOW));
        let listed = users::directory(&store.db).await.unwrap().remove(0);
        assert_eq!((listed.profile, listed.absent_since, listed.epoch), (after, None, 0));
        let key = id.clone();
        assert!(change!(store, |tx| users::mark_absent(tx, &key, NOW)));
        change!(store, |tx| users::mark_present(tx, &id));
        assert_eq!(users::directory(&store.db).await.unwrap().remove(0).absent_since, None);
    }

    async fn one_nik_has_one_account(store) {
        rina(store).await;
        let twin = store.db.write(async |tx| {
            let twin = Profile { siasn_person_id: None, ..profile() };
            users::add(tx, (&UserId::new("twin"), "sub-twin"), &twin, NOW).await
        });
        assert!(matches!(twin.await, Err(gapura_store::StoreError::Unique(key)) if key.contains("nik_index")));
    }

    async fn a_new_status_ends_what_rests_on_the_old_epoch(store) {
        let id = rina(store).await;
        for (expected, epoch) in [(true, 1), (false, 1)] {
            let key = id.clone();
            assert_eq!(change!(store, |tx| users::set_status(tx, &key, Status::Disabled, NOW)), expected);
            assert_eq!(users::by_id(&store.db, &id).await.unwrap().unwrap().epoch, epoch);
        }
        let key = id.clone();
        change!(store, |tx| users::raise_epoch(tx, &key, NOW));
        let key = id.clone();
        change!(store, |tx| users::signed_in(tx, &key, NOW));
        let user = users::by_id(&store.db, &id).await.unwrap().unwrap();
        assert_eq!((user.status, user.epoch), (Status::Disabled, 2));
        assert_eq!(store.number("SELECT last_sign_in_at FROM users WHERE id = 'rina'").await, NOW.millis());
    }

    async fn one_statement_says_what_a_sign_in_rests_on(store) {
        let id = rina(store).await;
        let name = LoginName::account("rina.w").unwrap();
        let (key, added) = (id.clone(), name.clone());
        assert!(change!(store, |tx| login_names::add(tx, &key, &added)));
        let sign_in = async |name: &str| users::by_login_name(&store.db, name, "unknown").await.unwrap();
        let before = store.db.counts().reads;
        let row = sign_in(name.as_str()).await;
        assert_eq!(store.db.counts().reads, before + 1);
        assert_eq!(row.throttle, None);
        assert_eq!(row.user.map(|(user, hash)| (user.id, hash)), Some((id.clone(), None)), "no password yet");
        let key = id.clone();
        assert!(!credentials::any(&store.db).await.unwrap());
        change!(store, |tx| credentials::set_password(tx, &key, "hash-1", NOW));
        assert!(credentials::any(&store.db).await.unwrap());
        for (seen, done) in [("other", false), ("hash-1", true)] {
            let key = id.clone();
            assert_eq!(change!(store, |tx| credentials::rehash(tx, &key, seen, "hash-2")), done);
        }
        assert_eq!(credentials::password(&store.db, &id).await.unwrap().as_deref(), Some("hash-2"));
        for key in ["rina", "unknown"] {
            change!(store, |tx| throttles::fail(tx, key, NOW, |before| Throttle::after_failure(before, NOW)));
        }
        let row = sign_in(name.as_str()).await;
        assert_eq!(row.user.unwrap().1.as_deref(), Some("hash-2"));
        assert_eq!(row.throttle.unwrap().failures, 1);
        let nobody = sign_in("nobody").await;
        assert_eq!((nobody.user, nobody.throttle.unwrap().failures), (None, 1), "unknown names wait alike");
        assert_eq!(users::find(&store.db, &name).await.unwrap().unwrap().id, id);
    }

    //= HR-07 test
    async fn a_corrected_number_keeps_the_old_one_as_history(store) {
        let id = rina(store).await;
        let numbers = ["199002282015012001", "199002282015012002"].map(|text| EmployeeNumber::parse(text).unwrap());
        for (row, number) in ["r1", "r2"].into_iter().zip(&numbers) {
            let (key, number) = (id.clone(), number.clone());
            change!(store, |tx| async {
                login_names::supersede_number(tx, &key, NOW).await?;
                login_names::add_number(tx, &key, &number, row, NOW).await
            });
        }
        let history = login_names::numbers(&store.db, &id).await.unwrap();
        assert_eq!(history, [(numbers[0].as_str().to_owned(), Some(NOW)), (numbers[1].as_str().to_owned(), None)]);
        let user = users::by_id(&store.db, &id).await.unwrap().unwrap();
        assert_eq!(user.employee_number.as_deref(), Some(numbers[1].as_str()));
    }

    async fn an_ended_name_is_never_another_persons(store) {
        city(store).await;
        let id = rina(store).await;
        let name = LoginName::account("rina.w").unwrap();
        let add = async |user: UserId| {
            let name = name.clone();
            change!(store, |tx| login_names::add(tx, &user, &name))
        };
        assert!(add(id.clone()).await);
        let key = id.clone();
        assert!(change!(store, |tx| login_names::end(tx, &key, "rina.w", NOW)));
        assert!(users::find(&store.db, &name).await.unwrap().is_none());
        assert!(!add(siti()).await);
        assert_eq!(login_names::all(&store.db).await.unwrap()[0].ended_at, Some(NOW));
        assert!(add(id.clone()).await, "it may come back to whom it belonged");
    }

    async fn a_unit_is_superseded_and_never_changed(store) {
        let before = generations::current(&store.db).await.unwrap().organization;
        for (row, name) in [("r1", "Dinas Lama"), ("r2", "Dinas Baru")] {
            let unit = Unit {
                id: UnitId::new("d"),
                parent: None,
                opd: UnitId::new("d"),
                code: "2.16".to_owned(),
                short_name: Some("diskominfo".to_owned()),
                name: name.to_owned(),
                kind: "dinas".to_owned(),
                period: period(),
            };
            change!(store, |tx| organization::record_unit(tx, &unit, "001", recording(row, &EventId::new("e"))));
        }
        let units = organization::units(&store.db).await.unwrap();
        assert_eq!(units.iter().map(|unit| unit.name.as_str()).collect::<Vec<_>>(), ["Dinas Baru"]);
        let tree = organization::tree(&store.db).await.unwrap();
        assert_eq!(tree.opd_of(&UnitId::new("d")).unwrap().period, period());
        assert_eq!(store.rows("units WHERE superseded_event = 'e' AND name = 'Dinas Lama'").await, 1);
        assert_eq!(generations::current(&store.db).await.unwrap().organization, before + 2);
    }

    async fn assignments_are_recorded_and_superseded(store) {
        city(store).await;
        let position = Position {
            id: PositionId::new("p9"),
            name: "Kepala Dinas".to_owned(),
            class: PositionClass::Structural,
            eselon: Some("II.b".to_owned()),
        };
        for id in ["p9", "p10"] {
            let position = Position { id: PositionId::new(id), ..position.clone() };
            change!(store, |tx| organization::add_position(tx, &position));
        }
        assert_eq!(organization::positions(&store.db).await.unwrap().len(), 2, "one of a kind");
        let assignment = Assignment {
            id: AssignmentId::new("as-9"),
            user_id: siti(),
            unit_id: UnitId::new("unit-1"),
            position,
            kind: AssignmentKind::Plt,
            period: period(),
            decree_number: Some("SK 9".to_owned()),
        };
        let recorded = assignment.clone();
        change!(store, |tx| assignments::record(tx, &recorded, Some(day("2025-12-01")), recording("r9", &EventId::new("e"))));
        let of_siti = assignments::of_user(&store.db, &siti()).await.unwrap();
        assert!(of_siti.contains(&assignment) && of_siti.len() == 2);
        assert_eq!(assignments::current(&store.db).await.unwrap().len(), 2);
        for done in [true, false] {
            let id = assignment.id.clone();
            assert_eq!(change!(store, |tx| assignments::supersede(tx, &id, recording("", &EventId::new("e")))), done);
        }
        assert_eq!(assignments::of_user(&store.db, &siti()).await.unwrap().len(), 1);
    }

    async fn the_catalog_is_applications_with_their_roles_and_rules(store) {
        let before = generations::current(&store.db).await.unwrap().applications;
        let mut registered = Registered {
            application: Application {
                id: ApplicationId::new("keu"),
                name: "Keuangan".to_owned(),
                identifier: "https://keuangan.example".to_owned(),
                kind: ApplicationKind::Khusus,
                owner_opd: None,
                open_to_all: false,
            },
            field: Some("keuangan".to_owned()),
        };
        let added = registered.clone();
        change!(store, |tx| applications::add(tx, &added, NOW));
        registered.application.open_to_all = true;
        let changed = registered.clone();
        change!(store, |tx| applications::change(tx, &changed, NOW));
        assert_eq!(applications::all(&store.db).await.unwrap(), vec![registered.clone()]);
        let role = AppRole { application_id: ApplicationId::new("keu"), code: "bendahara".to_owned(), period: period() };
        let recorded = role.clone();
        change!(store, |tx| roles::record(tx, &recorded, recording("r1", &EventId::new("e"))));
        assert_eq!(roles::all(&store.db).await.unwrap(), vec![role.clone()]);
        let rule = RoleRule {
            id: RuleId::new("rule"),
            number: 1,
            application_id: ApplicationId::new("keu"),
            role: "bendahara".to_owned(),
            predicate: Predicate { positions: vec!["Bendahara*".to_owned()], ..Predicate::default() },
            period: period(),
        };
        let recorded = rule.clone();
        change!(store, |tx| rules::record(tx, &recorded, recording("r2", &EventId::new("e"))));
        assert_eq!(rules::all(&store.db).await.unwrap(), vec![rule.clone()]);
        let catalog = rules::catalog(&store.db).await.unwrap();
        let access = catalog.of(&ApplicationId::new("keu")).unwrap();
        assert_eq!((&access.application, &access.roles, &access.rules), (&registered.application, &vec![role], &vec![rule]));
        for done in [true, false] {
            let by = EventId::new("e");
            assert_eq!(change!(store, |tx| rules::supersede(tx, &RuleId::new("rule"), recording("", &by))), done);
            let by = EventId::new("e");
            let keu = ApplicationId::new("keu");
            let gone = change!(store, |tx| roles::supersede(tx, (&keu, "bendahara"), recording("", &by)));
            assert_eq!(gone, done);
        }
        assert!(rules::all(&store.db).await.unwrap().is_empty() && roles::all(&store.db).await.unwrap().is_empty());
        assert!(generations::current(&store.db).await.unwrap().applications >= before + 6);
    }

    async fn grants_are_recorded_and_superseded(store) {
        city(store).await;
        let grant = RoleGrant {
            id: RoleGrantId::new("gr-9"),
            user_id: siti(),
            application_id: ApplicationId::new("app"),
            role: "admin".to_owned(),
            reason: "SK 9".to_owned(),
            approved_by: "kepala".to_owned(),
            period: period(),
        };
        let recorded = grant.clone();
        change!(store, |tx| roles::record_grant(tx, &recorded, recording("r9", &EventId::new("e"))));
        let ids: BTreeSet<_> =
            roles::grants_of(&store.db, &siti()).await.unwrap().into_iter().map(|grant| grant.id).collect();
        assert_eq!(ids, BTreeSet::from(["gr-1", "gr-9"].map(RoleGrantId::new)));
        for done in [true, false] {
            let by = EventId::new("e");
            assert_eq!(change!(store, |tx| roles::supersede_grant(tx, &RoleGrantId::new("gr-9"), recording("", &by))), done);
        }
        assert_eq!(roles::grants_of(&store.db, &siti()).await.unwrap().len(), 1);
    }
}
