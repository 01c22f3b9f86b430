//! Tokens of a grant that passed the door: claims from core, signatures from the keys.

use gapura_core::{
    access::{ApplicationAccess, Standing, door::Admitted},
    oauth::{Family, Scope, Scopes, SignatureAlg, TokenType},
    oidc::{
        Issuing,
        access_token::{self, Bearer},
        id_token::{self, Occasion},
    },
};

use super::{
    issuer,
    token::{Granted, Granting},
};
use crate::failure::Failure;

/// Whose tokens, on what they rest, and what they may do.
#[derive(Clone, Copy)]
pub(super) struct Approved<'a> {
    pub(super) standing: &'a Standing,
    pub(super) family: &'a Family,
    pub(super) scopes: &'a Scopes,
    pub(super) admitted: &'a Admitted,
    pub(super) occasion: Occasion,
}

/// An access token, and an ID token where `openid` was granted.
//= OIDC-CORE#3.1.3.3
pub(super) async fn for_person(granting: Granting<'_>, approved: Approved<'_>) -> Result<Granted, Failure> {
    let Granting { app, context, client, access, .. } = granting;
    let Approved { standing, family, scopes, admitted, occasion } = approved;
    let at = Issuing { issuer: issuer(app), now: context.now };
    let bearer = Bearer {
        sub: &standing.user.sub,
        audience: &access.application.identifier,
        family,
        scopes,
        roles: admitted.roles(),
    };
    let claims = access_token::for_person(at, bearer, app.entropy.random_id()?);
    let token = app.keys.sign(SignatureAlg::Es256, TokenType::AccessToken, &claims).await?;
    let mut granted = Granted::new(token, scopes.to_string());
    if scopes.has(Scope::Openid) {
        let person = (standing.user.sub.as_str(), family);
        let alg = client.id_token_alg;
        let claims = id_token::claims(at, person, (&granted.access_token, alg), admitted.roles(), occasion);
        granted.id_token = Some(app.keys.sign(alg, TokenType::IdToken, &claims).await?);
    }
    Ok(granted)
}

/// An access token for a client in its own name.
//= RFC9068#2.1
pub(super) async fn for_machine(granting: Granting<'_>, access: &ApplicationAccess) -> Result<String, Failure> {
    let Granting { app, context, client, .. } = granting;
    let at = Issuing { issuer: issuer(app), now: context.now };
    let claims = access_token::for_machine(at, &client.id, &access.application.identifier, app.entropy.random_id()?);
    Ok(app.keys.sign(SignatureAlg::Es256, TokenType::AccessToken, &claims).await?)
}
