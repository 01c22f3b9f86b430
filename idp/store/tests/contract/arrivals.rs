//! Eight new people in one statement a table are the same as one after the other.

use gapura_core::{
    audit::{Actor, AuditEvent, EventKind},
    id::{AssignmentId, EventId, PositionId, UnitId, UserId},
    identity::{Email, EmployeeNumber, LoginName, PersonName, Status, UserKind},
    organization::{Assignment, AssignmentKind, Position, PositionClass},
    time::Period,
};
use gapura_store::{
    StoreError,
    arrivals::{self, AT_ONCE, Arrival},
    assignments, login_names, organization,
    users::{self, Profile},
};

use crate::{
    audit::{first_broken, seal},
    support::{NOW, Store, change, on_both_engines},
};

struct Person {
    id: UserId,
    sub: String,
    profile: Profile,
    number: EmployeeNumber,
    names: [Option<LoginName>; 2],
    post: Assignment,
    event: AuditEvent,
}

fn position() -> Position {
    Position {
        id: PositionId::new("guru"),
        name: "Guru Ahli Muda".to_owned(),
        class: PositionClass::Functional,
        eselon: None,
    }
}

/// Every other one has official mail.
fn person(n: usize) -> Person {
    let id = UserId::new(format!("u{n}"));
    let number = EmployeeNumber::parse(&format!("19850817200904199{n}")).unwrap();
    let email = n.is_multiple_of(2).then(|| Email::parse(&format!("guru{n}@contoh.go.id")).unwrap());
    let profile = Profile {
        kind: UserKind::AsnPns,
        status: Status::Active,
        name: PersonName { full: format!("Guru {n}"), title_before: None, title_after: Some("S.Pd.".to_owned()) },
        gender: None,
        birth_date: None,
        siasn_person_id: Some(format!("P-{n}")),
        nik_index: Some(vec![u8::try_from(n).unwrap()]),
        nik_sealed: Some(vec![9]),
        phone_sealed: None,
        official_email: email.as_ref().map(ToString::to_string),
        private_email_sealed: None,
        golongan: Some("III/c".to_owned()),
        legal_status: Some("Aktif".to_owned()),
        working_agency: None,
        sponsor_opd: None,
        validity: None,
    };
    let post = Assignment {
        id: AssignmentId::new(format!("as{n}")),
        user_id: id.clone(),
        unit_id: UnitId::new("sd1"),
        position: position(),
        kind: AssignmentKind::Definitif,
        period: Period { from: "2024-01-02".parse().unwrap(), until: None },
        decree_number: None,
    };
    let mut event = AuditEvent::new(EventId::new(format!("e{n}")), [7; 16], NOW, EventKind::UserAdded, Actor::System);
    event.user_id = Some(id.clone());
    let names = [Some(LoginName::number(&number)), email.as_ref().map(LoginName::email)];
    Person { sub: format!("sub{n}"), id, profile, number, names, post, event }
}

fn arrivals(people: &[Person]) -> [Arrival<'_>; AT_ONCE] {
    std::array::from_fn(|n| {
        let one = &people[n];
        Arrival {
            user: &one.id,
            sub: &one.sub,
            profile: &one.profile,
            number: (one.number.as_str(), &one.number),
            names: [one.names[0].as_ref(), one.names[1].as_ref()],
            post: (one.post.id.as_str(), &one.post),
            decree_date: None,
            event: &one.event,
        }
    })
}

async fn arrive(store: &Store) {
    change!(store, |tx| organization::add_position(tx, &position()));
    let people: Vec<Person> = (0..AT_ONCE).map(person).collect();
    store.db.write(async move |tx| arrivals::add(tx, &arrivals(&people), NOW).await).await.unwrap();
}

on_both_engines! {
    async fn eight_people_come_back_as_they_arrived(store) {
        arrive(store).await;
        let listed = users::directory(&store.db).await.unwrap();
        let posts = assignments::current(&store.db).await.unwrap();
        assert_eq!((listed.len(), posts.len()), (AT_ONCE, AT_ONCE));
        for n in 0..AT_ONCE {
            let Person { id, profile, number, post, .. } = person(n);
            assert_eq!((&listed[n].id, &listed[n].profile), (&id, &profile));
            assert_eq!(listed[n].employee_number.as_deref(), Some(number.as_str()));
            assert_eq!(posts[n], post);
        }
        assert_eq!(login_names::all(&store.db).await.unwrap().len(), 12);
        let user = users::find(&store.db, &LoginName::typed("Guru4@Contoh.go.id").unwrap()).await.unwrap().unwrap();
        assert_eq!((user.sub.as_str(), user.epoch), ("sub4", 0));
        assert_eq!(store.number("SELECT COUNT(*) FROM audit_events WHERE user_id LIKE 'u%' AND kind = 'user_added'").await, 8);
        assert_eq!(seal(store, None, 9).await.len(), AT_ONCE);
        assert_eq!(first_broken(store).await, None, "their columns say what their events say");
    }

    async fn one_taken_name_refuses_all_eight(store) {
        arrive(store).await;
        let mut people: Vec<Person> = (0..AT_ONCE).map(person).collect();
        for (n, one) in people.iter_mut().enumerate() {
            let number = EmployeeNumber::parse(&format!("19900101201501199{n}")).unwrap();
            (one.id, one.sub) = (UserId::new(format!("v{n}")), format!("other{n}"));
            one.names = [Some(LoginName::number(&number)), None];
            one.number = number;
            (one.profile.siasn_person_id, one.profile.nik_index) = (None, None);
            one.post.id = AssignmentId::new(format!("bs{n}"));
            one.event.id = EventId::new(format!("f{n}"));
        }
        people[7].names[1] = Some(LoginName::email(&Email::parse("guru4@contoh.go.id").unwrap()));
        let refused = store.db.write(async move |tx| arrivals::add(tx, &arrivals(&people), NOW).await).await;
        assert!(matches!(refused, Err(StoreError::Unique(_))), "{refused:?}");
        assert_eq!(users::directory(&store.db).await.unwrap().len(), AT_ONCE);
    }
}
