//! Redemption of a code (RFC 6749 section 4.1.3): consumed first, by one atomic step, then one read and one
//! write. A crash between costs one redirect, never a second token. Whoever comes second learns the family
//! of the first from the tombstone and ends it, born or not.

use std::time::Duration;

use gapura_core::{
    access::{
        Standing,
        door::{self, Door},
    },
    audit::{Actor, EventKind},
    id::{FamilyId, RefreshTokenId},
    oauth::{
        CodeGrant, Family, FamilyEnd, GrantType, OAuthError, Scope,
        refresh::{hash, wire},
        token::{self, CODE_LIFETIME},
    },
    oidc::id_token::Occasion,
    time::Instant,
};
use gapura_store::{
    audit,
    ephemeral::{Consumed, Kind, Use},
    grants, refresh_tokens,
    standing::{self, TokenRef},
};

use super::{
    mint, moment,
    token::{Granted, Granting, shut},
};
use crate::{
    failure::{Failure, Trouble},
    sign_in::session::event,
};

/// How long a used code is remembered: long enough that every access token made from it has ended.
const TOMBSTONE: Duration = Duration::from_secs(15 * 60);

/// How long a family revoked before its birth is kept: a code cannot be redeemed any more by then.
const UNBORN: Duration = Duration::from_secs(60 * 60);

/// What was sent.
pub(super) struct Presented {
    pub(super) code: String,
    pub(super) redirect_uri: String,
    pub(super) verifier: Option<String>,
}

/// The key of a code in short-lived state.
pub(super) fn key(code: &str) -> String {
    gapura_core::hex(&hash(code))
}

/// Reads the person in one statement; writes the family and its first refresh token in one transaction.
///
/// The person is read before the code is consumed, so that nothing but the decision lies between the one
/// winner and its write: of racers, those who lose come to the database after it.
//= RFC6749#4.1.2
//= RFC6749#4.1.3
pub(super) async fn redeem(granting: Granting<'_>, presented: Presented) -> Result<Granted, Failure> {
    let Granting { app, context, client, access, snapshot } = granting;
    let key = key(&presented.code);
    let seen = seen(granting, &key).await?;
    let standing = match &seen {
        Some(seen) => standing_behind(granting, &seen.grant).await?,
        None => None,
    };
    let grant = consume(granting, &key, seen).await?;
    token::redeem(client, &grant, &presented.redirect_uri, presented.verifier.as_deref(), context.now)?;
    let standing = standing.ok_or_else(|| OAuthError::invalid_grant("the code is not valid").because("no person"))?;
    let admitted = door::pass(Door::Code, client, &standing, (access, &snapshot.tree), moment(app, context))
        .map_err(|turned| shut(&turned))?;
    let family = family(&grant, &standing, context.now)?;
    let refresh_token = give_birth(granting, &family).await?;
    let occasion = Occasion::Code;
    let approved =
        mint::Approved { standing: &standing, family: &family, scopes: &grant.scopes, admitted: &admitted, occasion };
    let granted = mint::for_person(granting, approved).await?;
    Ok(granted.with_refresh_token(refresh_token))
}

/// A live code as it is kept, and what it stands for.
struct Seen {
    value: Vec<u8>,
    grant: CodeGrant,
}

impl Seen {
    fn read(value: Vec<u8>) -> Result<Self, Failure> {
        let grant = serde_json::from_slice(&value).map_err(|_| Trouble::Corrupt("a code"))?;
        Ok(Self { value, grant })
    }
}

async fn seen(granting: Granting<'_>, key: &str) -> Result<Option<Seen>, Failure> {
    let Granting { app, context, .. } = granting;
    app.ephemeral.get(Kind::Code, key, context.now).await?.map(Seen::read).transpose()
}

async fn standing_behind(granting: Granting<'_>, grant: &CodeGrant) -> Result<Option<Standing>, Failure> {
    let who = TokenRef { user_sub: grant.sub.clone(), session: Some(grant.session_id.clone()), family: None };
    Ok(standing::by_token(&granting.app.db, &who).await?)
}

/// Takes the code, once. The tombstone names the family; whoever saw no live code leaves no tombstone.
async fn consume(granting: Granting<'_>, key: &str, seen: Option<Seen>) -> Result<CodeGrant, Failure> {
    let Granting { app, context, .. } = granting;
    let now = context.now;
    let refused = |private| Err(OAuthError::invalid_grant("the code is not valid").because(private).into());
    let mark = seen.as_ref().map_or("", |seen| seen.grant.family_id.as_str());
    let by = Use { mark, until: now.plus(TOMBSTONE) };
    match app.ephemeral.consume(Kind::Code, key, by, now).await? {
        Consumed::Fresh(value) => match seen.filter(|seen| seen.value == value) {
            Some(seen) => Ok(seen.grant),
            None => Ok(Seen::read(value)?.grant),
        },
        Consumed::Spent(family) => {
            reused(granting, FamilyId::new(family)).await?;
            refused("used before")
        }
        Consumed::Unknown => refused("unknown or expired"),
    }
}

/// A second use: what came out of the first ends, and what has not come out yet never does.
//= RFC6749#4.1.2
async fn reused(granting: Granting<'_>, family: FamilyId) -> Result<(), Failure> {
    let Granting { app, context, client, .. } = granting;
    let mut noted = event(app, context, EventKind::CodeReused)?;
    noted.actor = Actor::Client { id: client.id.clone() };
    noted.client_id = Some(client.id.clone());
    noted.application_id = Some(client.application_id.clone());
    noted.object = Some(family.to_string());
    let now = context.now;
    let revocation = grants::Revocation { reason: FamilyEnd::Reuse, keep_until: now.plus(UNBORN) };
    app.db
        .write(async move |tx| {
            if grants::revoke(tx, &family, revocation, now).await? {
                audit::record(tx, &noted).await?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}

fn family(grant: &CodeGrant, standing: &Standing, now: Instant) -> Result<Family, Failure> {
    let session = standing.session.as_ref().ok_or(Trouble::Corrupt("the session"))?;
    Ok(Family {
        id: grant.family_id.clone(),
        user_id: standing.user.id.clone(),
        client_id: grant.client_id.clone(),
        session_id: Some(session.id.clone()),
        offline: grant.scopes.has(Scope::OfflineAccess),
        scopes: grant.scopes.words(),
        user_epoch: session.user_epoch,
        acr: session.acr.clone(),
        amr: session.amr.clone(),
        auth_time: session.auth_time,
        nonce: grant.nonce.clone(),
        last_used_at: now,
        expires_at: token::family_end(&grant.scopes, session.expires_at, now),
        revoked: None,
    })
}

/// Writes the family, and a refresh token where the client is registered for it. A family revoked before is not
/// born, and neither is one whose session or person changed since they were read.
async fn give_birth(granting: Granting<'_>, family: &Family) -> Result<Option<String>, Failure> {
    let Granting { app, context, client, .. } = granting;
    let now = context.now;
    let (first, sent) = if client.has_grant(GrantType::RefreshToken.as_str()) {
        let (id, secret) = (RefreshTokenId::new(app.entropy.ordered_id(now)?), app.entropy.token()?);
        let wire = wire(&id, &secret);
        let hash = hash(&secret).to_vec();
        let family_id = family.id.clone();
        (Some(refresh_tokens::NewRefreshToken { id, family_id, hash, expires_at: family.expires_at }), Some(wire))
    } else {
        (None, None)
    };
    let family = family.clone();
    let born = app
        .db
        .write(async move |tx| {
            let born = grants::create(tx, &family, now).await?;
            if let (true, Some(first)) = (born, &first) {
                refresh_tokens::insert(tx, first, now).await?;
            }
            Ok(born)
        })
        .await?;
    if born { Ok(sent) } else { Err(OAuthError::invalid_grant("the code is not valid").because("not born").into()) }
}

/// The lifetime of a code bounds how long a family can be unborn.
const _: () = assert!(CODE_LIFETIME.as_secs() < UNBORN.as_secs() && CODE_LIFETIME.as_secs() < TOMBSTONE.as_secs());
