//! Of any number of racers on a guarded statement one wins, on both engines.

use gapura_core::{
    id::{FamilyId, RefreshTokenId, SessionId, UserId},
    identity::SessionEnd,
    oauth::FamilyEnd,
};
use gapura_store::{
    Db, StoreError, Tx,
    grants::{self, Revocation},
    leases,
    one_time_links::{self, LinkPurpose, OneTimeLink},
    refresh_tokens, sessions, users,
};

use crate::{
    directory::profile,
    fixtures::{born, city, family, session, siti, stored, token},
    support::{NOW, change, on_both_engines},
};

/// How many of 32 parallel changes say that they won.
async fn winners<F>(db: &Db, racer: impl Fn(usize) -> F) -> usize
where
    F: AsyncFn(&mut Tx) -> Result<bool, StoreError> + Send + 'static,
{
    let races: Vec<_> = (0..32)
        .map(|number| {
            let (db, change) = (db.clone(), racer(number));
            tokio::spawn(async move { db.write(change).await.unwrap() })
        })
        .collect();
    let mut won = 0;
    for race in races {
        won += usize::from(race.await.unwrap());
    }
    won
}

on_both_engines! {
    async fn one_of_32_uses_a_refresh_token(store) {
        city(store).await;
        let live = session(store, "s1").await;
        born(store, &family("f1", &live)).await;
        stored(store, &token("t1", "f1")).await;
        let won = winners(&store.db, |number| {
            let successor = token(&format!("n{number}"), "f1");
            async move |tx: &mut Tx| {
                refresh_tokens::rotate(tx, &RefreshTokenId::new("t1"), &successor, NOW).await
            }
        });
        assert_eq!(won.await, 1);
        assert_eq!(store.rows("refresh_tokens").await, 2);
    }

    async fn one_of_32_repeats_a_lost_answer(store) {
        city(store).await;
        let live = session(store, "s1").await;
        born(store, &family("f1", &live)).await;
        stored(store, &token("t1", "f1")).await;
        assert!(change!(store, |tx| refresh_tokens::rotate(tx, &RefreshTokenId::new("t1"), &token("t2", "f1"), NOW)));
        let won = winners(&store.db, |number| {
            let successor = token(&format!("n{number}"), "f1");
            async move |tx: &mut Tx| {
                let [used, lost] = ["t1", "t2"].map(RefreshTokenId::new);
                refresh_tokens::replace(tx, &used, &lost, &successor, NOW).await
            }
        });
        assert_eq!(won.await, 1);
        assert_eq!(store.rows("refresh_tokens WHERE consumed_at IS NULL").await, 1);
    }

    async fn one_of_32_revokes_a_family(store) {
        let won = winners(&store.db, |_| {
            async move |tx: &mut Tx| {
                let revocation = Revocation { reason: FamilyEnd::Reuse, keep_until: NOW };
                grants::revoke(tx, &FamilyId::new("f1"), revocation, NOW).await
            }
        });
        assert_eq!(won.await, 1);
    }

    async fn a_birth_and_a_revocation_leave_no_live_family(store) {
        city(store).await;
        let live = session(store, "s1").await;
        let won = winners(&store.db, |number| {
            let family = family("f1", &live);
            async move |tx: &mut Tx| match number {
                16 => {
                    let revocation = Revocation { reason: FamilyEnd::Reuse, keep_until: NOW };
                    grants::revoke(tx, &family.id, revocation, NOW).await.map(|_| false)
                }
                _ => grants::create(tx, &family, NOW).await,
            }
        });
        assert!(won.await <= 1);
        assert_eq!(store.rows("refresh_families WHERE revoked_at IS NULL").await, 0);
    }

    async fn one_of_32_ends_a_session(store) {
        city(store).await;
        session(store, "s1").await;
        let won = winners(&store.db, |_| {
            async move |tx: &mut Tx| {
                Ok(sessions::end(tx, &SessionId::new("s1"), SessionEnd::SignedOut, NOW).await?.is_some())
            }
        });
        assert_eq!(won.await, 1);
    }

    async fn one_of_32_uses_a_link(store) {
        city(store).await;
        let link = OneTimeLink { purpose: LinkPurpose::FirstPassword, user_id: siti(), expires_at: NOW.plus(std::time::Duration::from_secs(1)) };
        change!(store, |tx| one_time_links::add(tx, &[7; 32], &link, NOW));
        let won = winners(&store.db, |_| {
            async move |tx: &mut Tx| Ok(one_time_links::use_up(tx, &[7; 32], NOW).await?.is_some())
        });
        assert_eq!(won.await, 1);
        assert!(one_time_links::find(&store.db, &[7; 32], NOW).await.unwrap().is_none());
    }

    async fn one_of_32_holds_a_lease(store) {
        let won = winners(&store.db, |number| {
            async move |tx: &mut Tx| {
                leases::hold(tx, "job", &number.to_string(), NOW, std::time::Duration::from_secs(1)).await
            }
        });
        assert_eq!(won.await, 1);
    }

    /// Each looks first and adds where it found nobody; who comes later finds somebody and has no error.
    async fn one_of_32_adds_an_account(store) {
        let won = winners(&store.db, |_| {
            async move |tx: &mut Tx| {
                let id = UserId::new("rina");
                if users::load(tx, &id).await?.is_some() {
                    return Ok(false);
                }
                users::add(tx, (&id, "sub-rina"), &profile(), NOW).await?;
                Ok(true)
            }
        });
        assert_eq!(won.await, 1);
    }
}
