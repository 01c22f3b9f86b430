//! A refresh (RFC 6749 section 6): one read of token, family and person, one write that uses the token up.
//!
//! Of several that come at once one wins the guarded statement. A loser looks again: for a public client
//! the token is then used, which ends the family; a confidential client that repeats itself within
//! thirty seconds gets a replacement.

use std::time::Duration;

use gapura_core::{
    access::door::{self, Door},
    audit::{Actor, EventKind},
    id::RefreshTokenId,
    oauth::{
        Family, FamilyEnd, OAuthError, PresentedToken, RefreshStep, RefreshToken, Scopes,
        refresh::{hash, step, wire},
        token::narrowed,
    },
    oidc::id_token::Occasion,
};
use gapura_store::{StoreError, audit, grants, refresh_tokens};

use super::{
    mint, moment,
    token::{Granted, Granting, shut},
};
use crate::{
    failure::{Failure, Trouble},
    sign_in::session::event,
};

/// `last_used_at` of a family moves at most this often.
const TOUCH: Duration = Duration::from_secs(5 * 60);

/// A confidential client may lose the race against itself this often.
const TRIES: u8 = 4;

fn refused(private: &str) -> Failure {
    OAuthError::invalid_grant("the refresh token is not valid").because(private).into()
}

/// Reads token, family and person in one statement; writes the successor in one transaction.
//= RFC6749#6
//= OIDC-CORE#12.2
pub(super) async fn refresh(
    granting: Granting<'_>,
    presented: Option<PresentedToken>,
    scope: Option<&str>,
) -> Result<Granted, Failure> {
    let presented = presented.ok_or_else(|| refused("not of our form"))?;
    for _ in 0..TRIES {
        if let Some(granted) = attempt(granting, &presented, scope).await? {
            return Ok(granted);
        }
    }
    // More at once than any application has a reason for: it may come again.
    Err(StoreError::Conflict.into())
}

/// `None`: somebody else used or replaced the token in between; look again.
async fn attempt(
    granting: Granting<'_>,
    presented: &PresentedToken,
    scope: Option<&str>,
) -> Result<Option<Granted>, Failure> {
    let Granting { app, context, client, access, snapshot } = granting;
    let found = refresh_tokens::standing(&app.db, &presented.id, &presented.hash).await?;
    let (token, standing) = found.ok_or_else(|| refused("unknown"))?;
    let family = standing.family.as_ref().ok_or(Trouble::Corrupt("the family of a refresh token"))?;
    if family.client_id != client.id {
        return Err(refused("of another client"));
    }
    let step = step(&token, client.refresh, context.now);
    match step {
        RefreshStep::Expired => return Err(refused("expired")),
        RefreshStep::Reuse => {
            reused(granting, family).await?;
            return Err(refused("used before"));
        }
        RefreshStep::Rotate | RefreshStep::Replace(_) => {}
    }
    let admitted = door::pass(Door::Refresh, client, &standing, (access, &snapshot.tree), moment(app, context))
        .map_err(|turned| shut(&turned))?;
    let scopes = narrowed(&Scopes::of(family.scopes.iter().map(String::as_str)), scope)?;
    let Some(successor) = succeed(granting, &token, step, family).await? else { return Ok(None) };
    let occasion = Occasion::Refresh;
    let approved = mint::Approved { standing: &standing, family, scopes: &scopes, admitted: &admitted, occasion };
    let granted = mint::for_person(granting, approved).await?;
    Ok(Some(granted.with_refresh_token(Some(successor))))
}

/// Uses the token up and stores its successor; `None` where somebody else did so first.
//= RFC9700#4.14.2
async fn succeed(
    granting: Granting<'_>,
    token: &RefreshToken,
    step: RefreshStep,
    family: &Family,
) -> Result<Option<String>, Failure> {
    let Granting { app, context, .. } = granting;
    let now = context.now;
    let (id, secret) = (RefreshTokenId::new(app.entropy.ordered_id(now)?), app.entropy.token()?);
    let sent = wire(&id, &secret);
    let new = refresh_tokens::NewRefreshToken {
        id,
        family_id: family.id.clone(),
        hash: hash(&secret).to_vec(),
        expires_at: family.expires_at,
    };
    let used = token.id.clone();
    let stale = now.since(family.last_used_at) >= TOUCH;
    let won = app
        .db
        .write(async move |tx| {
            let won = match &step {
                RefreshStep::Replace(lost) => refresh_tokens::replace(tx, &used, lost, &new, now).await?,
                _ => refresh_tokens::rotate(tx, &used, &new, now).await?,
            };
            if won && stale {
                grants::touch(tx, &new.family_id, TOUCH, now).await?;
            }
            Ok(won)
        })
        .await?;
    Ok(won.then_some(sent))
}

/// Somebody holds a copy: whoever it is, all of the family ends.
//= RFC9700#4.14.2
async fn reused(granting: Granting<'_>, family: &Family) -> Result<(), Failure> {
    let Granting { app, context, client, .. } = granting;
    let mut noted = event(app, context, EventKind::RefreshTokenReused)?;
    noted.actor = Actor::Client { id: client.id.clone() };
    noted.user_id = Some(family.user_id.clone());
    noted.session_id.clone_from(&family.session_id);
    noted.client_id = Some(client.id.clone());
    noted.application_id = Some(client.application_id.clone());
    noted.object = Some(family.id.to_string());
    let (id, now) = (family.id.clone(), context.now);
    let revocation = grants::Revocation { reason: FamilyEnd::Reuse, keep_until: family.expires_at };
    app.db
        .write(async move |tx| {
            if grants::revoke(tx, &id, revocation, now).await? {
                audit::record(tx, &noted).await?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}
