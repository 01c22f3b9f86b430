//! One statement says all of a person.

use std::time::Duration;

use gapura_core::{
    access::Standing,
    id::{ClientId, FamilyId, RefreshTokenId, SessionId, UserId},
    identity::SessionEnd,
    oauth::FamilyEnd,
};
use gapura_store::{
    grants::{self, Revocation},
    refresh_tokens, sessions,
    standing::{self, TokenRef},
};

use crate::{
    fixtures::{born, city, entry, family, session, siti, stored, token},
    support::{NOW, change, on_both_engines},
};

fn is_siti_whole(standing: &Standing) {
    let user = &standing.user;
    assert_eq!((user.id.as_str(), user.sub.as_str(), user.epoch), ("siti", "sub-siti", 1));
    assert_eq!(user.name.display(), "Siti Aminah, S.Kom.");
    assert_eq!(user.employee_number.as_deref(), Some("198001012005012001"));
    assert_eq!(user.golongan.as_deref(), Some("III/a"));
    assert_eq!(standing.assignments.len(), 1, "superseded ones are past");
    let assignment = &standing.assignments[0];
    assert_eq!((assignment.id.as_str(), assignment.unit_id.as_str()), ("as-1", "unit-1"));
    assert_eq!(assignment.position.name, "Bendahara Pengeluaran");
    assert_eq!(assignment.position.eselon, None);
    assert_eq!(standing.grants.len(), 1);
    assert_eq!(standing.grants[0].role, "verifikator");
}

on_both_engines! {
    async fn a_cookie_names_person_session_and_entries(store) {
        city(store).await;
        let session = session(store, "s1").await;
        assert!(change!(store, |tx| sessions::enter(tx, &entry("s1", "web"), NOW)));
        let before = store.db.counts();
        let standing = standing::by_cookie(&store.db, b"s1").await.unwrap().unwrap();
        assert_eq!(store.db.counts().reads - before.reads, 1);
        is_siti_whole(&standing);
        assert_eq!(standing.session, Some(session));
        assert_eq!(standing.entered, [ClientId::new("web")]);
        assert_eq!(standing.family, None);
        assert!(standing::by_cookie(&store.db, b"other").await.unwrap().is_none());
    }

    async fn a_token_names_person_session_and_family(store) {
        city(store).await;
        let session = session(store, "s1").await;
        let family = family("f1", &session);
        born(store, &family).await;
        let of = |sub: &str, session: &str, family: &str| TokenRef {
            user_sub: sub.to_owned(),
            session: Some(SessionId::new(session)),
            family: Some(FamilyId::new(family)),
        };
        let standing = standing::by_token(&store.db, &of("sub-siti", "s1", "f1")).await.unwrap().unwrap();
        is_siti_whole(&standing);
        assert_eq!((standing.session, standing.family), (Some(session), Some(family)));
        let stranger = standing::by_token(&store.db, &of("sub-budi", "s1", "f1")).await.unwrap().unwrap();
        assert_eq!((stranger.session, stranger.family), (None, None), "another person's are not shown");
        assert!(standing::by_token(&store.db, &of("nobody", "s1", "f1")).await.unwrap().is_none());
        let bare = TokenRef { user_sub: "sub-siti".into(), session: None, family: None };
        let standing = standing::by_token(&store.db, &bare).await.unwrap().unwrap();
        is_siti_whole(&standing);
        assert_eq!((standing.session, standing.family), (None, None), "a token without them");
    }

    async fn an_account_without_session_stands_alone(store) {
        city(store).await;
        is_siti_whole(&standing::of_user(&store.db, &siti()).await.unwrap().unwrap());
        let budi = standing::of_user(&store.db, &UserId::new("budi")).await.unwrap().unwrap();
        assert_eq!(budi.user.validity.unwrap().until, Some("2027-01-01".parse().unwrap()));
        assert_eq!(budi.user.sponsor_opd.unwrap().as_str(), "unit-1");
        assert!(budi.assignments.is_empty() && budi.grants.is_empty());
    }

    async fn what_ended_is_shown_with_its_reason(store) {
        city(store).await;
        let session = session(store, "s1").await;
        born(store, &family("f1", &session)).await;
        let revocation = Revocation { reason: FamilyEnd::Reuse, keep_until: NOW };
        assert!(change!(store, |tx| grants::revoke(tx, &FamilyId::new("f1"), revocation, NOW)));
        let later = NOW.plus(Duration::from_secs(1));
        change!(store, |tx| sessions::end(tx, &SessionId::new("s1"), SessionEnd::SignedOut, later));
        let token =
            TokenRef { user_sub: "sub-siti".into(), session: Some(session.id), family: Some(FamilyId::new("f1")) };
        let standing = standing::by_token(&store.db, &token).await.unwrap().unwrap();
        assert_eq!(standing.session.unwrap().ended, Some((later, SessionEnd::SignedOut)));
        assert_eq!(standing.family.unwrap().revoked, Some((NOW, FamilyEnd::Reuse)));
    }

    async fn a_refresh_token_names_itself_and_its_person(store) {
        city(store).await;
        let session = session(store, "s1").await;
        let family = family("f1", &session);
        born(store, &family).await;
        stored(store, &token("t1", "f1")).await;
        let id = RefreshTokenId::new("t1");
        let (found, standing) = refresh_tokens::standing(&store.db, &id, b"t1").await.unwrap().unwrap();
        assert_eq!((found.id, found.issued_at, found.consumed_at), (id.clone(), NOW, None));
        is_siti_whole(&standing);
        assert_eq!((standing.session, standing.family), (Some(session), Some(family)));
        assert!(refresh_tokens::standing(&store.db, &id, b"guessed").await.unwrap().is_none());
    }
}
