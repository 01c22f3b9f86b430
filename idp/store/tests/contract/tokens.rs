//! Refresh tokens are used once, and a family revoked before its birth is never born.

use gapura_core::{
    id::{FamilyId, RefreshTokenId},
    oauth::FamilyEnd,
};
use gapura_store::{
    grants::{self, Revocation},
    refresh_tokens,
};

use crate::{
    fixtures::{born, city, family, session, stored, token},
    support::{NOW, change, on_both_engines},
};

const REUSE: Revocation = Revocation { reason: FamilyEnd::Reuse, keep_until: NOW };

on_both_engines! {
    async fn a_token_is_used_once(store) {
        city(store).await;
        let live = session(store, "s1").await;
        born(store, &family("f1", &live)).await;
        stored(store, &token("t1", "f1")).await;
        let used = RefreshTokenId::new("t1");
        let id = used.clone();
        assert!(change!(store, |tx| refresh_tokens::rotate(tx, &id, &token("t2", "f1"), NOW)));
        let id = used.clone();
        assert!(!change!(store, |tx| refresh_tokens::rotate(tx, &id, &token("t3", "f1"), NOW)));
        assert_eq!(store.rows("refresh_tokens").await, 2);
        let (found, _) = refresh_tokens::standing(&store.db, &used, b"t1").await.unwrap().unwrap();
        assert_eq!(found.consumed_at, Some(NOW));
        let successor = found.successor.unwrap();
        assert_eq!((successor.id.as_str(), successor.consumed), ("t2", false));
    }

    async fn a_lost_answer_is_replaced_while_its_token_is_unused(store) {
        city(store).await;
        let live = session(store, "s1").await;
        born(store, &family("f1", &live)).await;
        stored(store, &token("t1", "f1")).await;
        let [t1, t2] = ["t1", "t2"].map(RefreshTokenId::new);
        let id = t1.clone();
        assert!(change!(store, |tx| refresh_tokens::rotate(tx, &id, &token("t2", "f1"), NOW)));
        let (id, lost) = (t1.clone(), t2.clone());
        assert!(change!(store, |tx| refresh_tokens::replace(tx, &id, &lost, &token("t3", "f1"), NOW)));
        let (id, lost) = (t1.clone(), t2.clone());
        assert!(!change!(store, |tx| refresh_tokens::replace(tx, &id, &lost, &token("t4", "f1"), NOW)));
        let (found, _) = refresh_tokens::standing(&store.db, &t1, b"t1").await.unwrap().unwrap();
        assert_eq!(found.successor.unwrap().id.as_str(), "t3");
        let (lost, _) = refresh_tokens::standing(&store.db, &t2, b"t2").await.unwrap().unwrap();
        assert!(lost.consumed_at.is_some(), "the lost one counts as used");
    }

    async fn a_revoked_family_gives_no_token(store) {
        city(store).await;
        let live = session(store, "s1").await;
        born(store, &family("f1", &live)).await;
        stored(store, &token("t1", "f1")).await;
        assert!(change!(store, |tx| grants::revoke(tx, &FamilyId::new("f1"), REUSE, NOW)));
        assert!(!change!(store, |tx| grants::revoke(tx, &FamilyId::new("f1"), REUSE, NOW)), "only one call ends it");
        assert!(!change!(store, |tx| refresh_tokens::rotate(tx, &RefreshTokenId::new("t1"), &token("t2", "f1"), NOW)));
        assert!(!change!(store, |tx| refresh_tokens::insert(tx, &token("t2", "f1"), NOW)));
        assert_eq!(store.rows("refresh_tokens WHERE consumed_at IS NULL").await, 1);
    }

    async fn a_family_revoked_before_it_was_born_is_never_born(store) {
        city(store).await;
        let live = session(store, "s1").await;
        assert!(change!(store, |tx| grants::revoke(tx, &FamilyId::new("f1"), REUSE, NOW)));
        let family = family("f1", &live);
        assert!(!change!(store, |tx| grants::create(tx, &family, NOW)));
        assert!(!change!(store, |tx| refresh_tokens::insert(tx, &token("t1", "f1"), NOW)));
    }

    async fn a_family_is_not_born_after_the_person_changed(store) {
        city(store).await;
        let live = session(store, "s1").await;
        store.run("UPDATE users SET epoch = 2 WHERE id = 'siti'").await;
        let family = family("f1", &live);
        assert!(!change!(store, |tx| grants::create(tx, &family, NOW)));
    }
}
