//! `gapura client`: OAuth clients of applications.

mod keys;
mod secret;

use std::fmt::Write as _;

use gapura_core::{
    access::Application,
    audit::EventKind,
    id::ClientId,
    oauth::{AuthMethod, Client, RefreshPolicy, Scope, registration},
};
use gapura_store::{
    audit,
    clients::{self, Enabled, NewSecret},
};
use serde_json::{Value, json};
use url::Url;

use super::{
    Done, Failed, Outcome,
    arguments::{self, ClientAdd, GrantType},
    desk::Desk,
    note,
};
use crate::{
    outbound::{Outbound, OutboundError},
    settings::Settings,
};

pub(super) async fn run(command: arguments::Client, settings: Settings) -> Outcome {
    let desk = Desk::open(settings).await?;
    match command {
        arguments::Client::Add(new) => add(&desk, *new).await,
        arguments::Client::Disable { id } => switch(&desk, &id, Enabled::Off).await,
        arguments::Client::Enable { id } => switch(&desk, &id, Enabled::On).await,
        arguments::Client::Keys { id, keys } => keys::replace(&desk, &id, keys).await,
        arguments::Client::RotateSecret { id, grace } => secret::rotate(&desk, &id, grace).await,
        arguments::Client::List => list(&desk).await,
    }
}

async fn add(desk: &Desk, mut new: ClientAdd) -> Outcome {
    let application = desk.application(&new.application).await?;
    let keys = keys::typed(std::mem::take(&mut new.keys))?;
    let client = Client { keys, ..client(new, &application)? };
    registration::check(&client).map_err(|why| Failed::refused(why.to_string()))?;
    if let Some(uri) = &client.backchannel_logout_uri {
        check_logout_address(desk, uri).await?;
    }
    keys::check_address(desk, client.keys.as_ref()).await?;
    let secret = match client.auth_method {
        AuthMethod::None | AuthMethod::PrivateKeyJwt => None,
        AuthMethod::Basic | AuthMethod::Post => Some(desk.base.entropy.token()?),
    };
    let hash = secret.as_deref().map(secret::hash);
    let (row, now) = (desk.key()?, desk.now);
    let mut event = desk.event(EventKind::ClientChanged)?;
    event.client_id = Some(client.id.clone());
    event.application_id = Some(client.application_id.clone());
    event.after = Some(shown(&client));
    let (id, stored) = (client.id.clone(), client.clone());
    let added = desk.base.db.write(async move |tx| {
        let added = clients::add(tx, &stored, now).await?;
        if added {
            if let Some(hash) = &hash {
                clients::add_secret(tx, &stored.id, &NewSecret { id: &row, hash, expires_at: None }, now).await?;
            }
            audit::record(tx, &event).await?;
        }
        Ok(added)
    });
    if !added.await? {
        return Err(Failed::refused(format!("a client called \"{id}\" is registered already")));
    }
    Ok(registered(desk, &client, secret.as_deref()))
}

fn registered(desk: &Desk, client: &Client, secret: Option<&str>) -> Done {
    let issuer = desk.base.settings.server.public_url.as_str();
    let mut text = format!("issuer         {issuer}\nclient_id      {}\n", client.id);
    let mut json = shown(client);
    if let Some(object) = json.as_object_mut() {
        object.insert("issuer".to_owned(), issuer.into());
        if let Some(secret) = secret {
            let _ = writeln!(text, "client_secret  {secret}");
            object.insert("client_secret".to_owned(), secret.into());
            note("the secret is shown this once; it is stored as a hash only");
        }
    }
    Done::new(text, json)
}

fn client(new: ClientAdd, application: &Application) -> Result<Client, Failed> {
    let auth_method = AuthMethod::from(new.auth);
    let public = auth_method == AuthMethod::None;
    let grants = match new.grants.as_slice() {
        [] => vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        typed => typed.to_vec(),
    };
    let home_uri = new.home_uri.or_else(|| home(new.redirect_uris.first()?)).unwrap_or_else(|| {
        // A machine: nobody is ever sent there.
        application.identifier.clone()
    });
    Ok(Client {
        id: ClientId::new(new.id),
        application_id: application.id.clone(),
        name: new.name.unwrap_or_else(|| application.name.clone()),
        enabled: true,
        auth_method,
        secrets: Vec::new(),
        keys: None,
        grant_types: grants.into_iter().map(|grant| grant.as_str().to_owned()).collect(),
        redirect_uris: new.redirect_uris,
        post_logout_redirect_uris: new.post_logout_redirect_uris,
        scopes: scopes(&new.scopes)?,
        home_uri,
        backchannel_logout_uri: new.logout_uri,
        id_token_alg: new.id_token_alg,
        pkce: new.pkce,
        refresh: if public { RefreshPolicy::Rotate } else { RefreshPolicy::RotateWithRetry },
        asks_consent: false,
    })
}

/// What an application of the city usually needs. The employee number and access that outlives the
/// session are asked for by name.
const USUAL: &[Scope] = &[Scope::Openid, Scope::Profile, Scope::Email, Scope::Opd, Scope::Jabatan, Scope::Peran];

fn scopes(typed: &[String]) -> Result<Vec<String>, Failed> {
    if typed.is_empty() {
        return Ok(USUAL.iter().map(Scope::to_string).collect());
    }
    for word in typed {
        if word.parse::<Scope>().is_err() {
            let known: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
            return Err(Failed::refused(format!("no scope is called \"{word}\"; there are {}", known.join(", "))));
        }
    }
    Ok(typed.to_vec())
}

fn home(redirect_uri: &str) -> Option<String> {
    let origin = Url::parse(redirect_uri).ok()?.origin();
    origin.is_tuple().then(|| format!("{}/", origin.ascii_serialization()))
}

/// An address that would never be called is said now, not at the first sign-out.
async fn check_logout_address(desk: &Desk, uri: &str) -> Result<(), Failed> {
    let outbound = Outbound::new(&desk.base.settings).map_err(|why| Failed::environment(why.to_string()))?;
    match outbound.check(uri).await {
        Ok(()) => Ok(()),
        Err(OutboundError::Refused(why)) => Err(Failed::refused(format!("logout address {uri}: {why}"))),
        Err(why) => {
            note(&format!("logout address {uri}: {why}; messages will wait until it does"));
            Ok(())
        }
    }
}

/// The client of this id, or a sentence.
pub(super) async fn find(desk: &Desk, id: &ClientId) -> Result<Client, Failed> {
    let all = clients::all(&desk.base.db).await?;
    let found = all.into_iter().find(|client| client.id == *id);
    found.ok_or_else(|| Failed::refused(format!("no client is called \"{id}\"; gapura client list shows all")))
}

async fn switch(desk: &Desk, id: &str, to: Enabled) -> Outcome {
    let id = ClientId::new(id);
    let client = find(desk, &id).await?;
    let mut event = desk.event(EventKind::ClientChanged)?;
    event.client_id = Some(id.clone());
    event.application_id = Some(client.application_id.clone());
    event.before = Some(json!({"enabled": client.enabled}));
    event.after = Some(json!({"enabled": to == Enabled::On}));
    let (key, now) = (id.clone(), desk.now);
    let changed = desk.base.db.write(async move |tx| {
        let changed = clients::set_enabled(tx, &key, to, now).await?;
        if changed {
            audit::record(tx, &event).await?;
        }
        Ok(changed)
    });
    let changed = changed.await?;
    let state = if to == Enabled::On { "enabled" } else { "disabled" };
    let text = if changed { format!("now {state}") } else { format!("was {state} already") };
    Ok(Done::new(text, json!({"client_id": id, "enabled": to == Enabled::On, "changed": changed})))
}

async fn list(desk: &Desk) -> Outcome {
    let all = clients::all(&desk.base.db).await?;
    let mut text = String::new();
    for client in &all {
        let state = if client.enabled { "enabled" } else { "disabled" };
        let ends = secret::ends(client, desk).map_or_else(String::new, |at| format!(", old secret until {at}"));
        let _ = writeln!(text, "{:<20} {state:<8} {:<19} {}{ends}", client.id, client.auth_method, client.name);
    }
    let list: Vec<Value> = all.iter().map(|client| secret::with_ends(shown(client), client, desk)).collect();
    Ok(Done::new(text, json!({"clients": list})))
}

fn shown(client: &Client) -> Value {
    let (jwks, jwks_uri) = keys::shown(client.keys.as_ref());
    json!({
        "client_id": client.id,
        "application_id": client.application_id,
        "name": client.name,
        "enabled": client.enabled,
        "token_endpoint_auth_method": client.auth_method,
        "jwks": jwks,
        "jwks_uri": jwks_uri,
        "grant_types": client.grant_types,
        "redirect_uris": client.redirect_uris,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "scopes": client.scopes,
        "home_uri": client.home_uri,
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "id_token_signed_response_alg": client.id_token_alg,
        "pkce": client.pkce,
        "refresh": client.refresh,
    })
}
