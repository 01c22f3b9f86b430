//! Registered OAuth clients and the hashes of their secrets. Nodes keep copies; every change raises
//! the generation of [`Copied::Clients`].

use gapura_core::{
    id::{ApplicationId, ClientId},
    oauth::{Client, ClientKeys, KeySet},
    time::Instant,
};

use crate::{
    Db, StoreError, Tx,
    columns::{instant, list, listed, word},
    door::{record, values},
    generations::{self, Copied},
};

/// A secret as stored: SHA-256 of 256 random bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSecret<'a> {
    /// Key of the row.
    pub id: &'a str,
    /// SHA-256.
    pub hash: &'a [u8],
    /// When it ceases to work, if ever.
    pub expires_at: Option<Instant>,
}

record! {
    struct Row {
        id: String,
        application_id: String,
        name: String,
        enabled: bool,
        auth_method: String,
        grant_types: String,
        redirect_uris: String,
        post_logout_redirect_uris: String,
        scopes: String,
        home_uri: String,
        backchannel_logout_uri: Option<String>,
        id_token_alg: String,
        pkce: String,
        refresh: String,
        asks_consent: bool,
        jwks: Option<String>,
        jwks_uri: Option<String>,
        secret_hash: Option<Vec<u8>>,
        secret_expires_at: Option<i64>,
    }
}

impl TryFrom<Row> for Client {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: ClientId::new(row.id),
            application_id: ApplicationId::new(row.application_id),
            name: row.name,
            enabled: row.enabled,
            auth_method: word(&row.auth_method, "clients.auth_method")?,
            keys: keys(row.jwks, row.jwks_uri)?,
            secrets: row.secret_hash.map(|hash| (hash, instant(row.secret_expires_at))).into_iter().collect(),
            grant_types: list(&row.grant_types, "clients.grant_types")?,
            redirect_uris: list(&row.redirect_uris, "clients.redirect_uris")?,
            post_logout_redirect_uris: list(&row.post_logout_redirect_uris, "clients.post_logout_redirect_uris")?,
            scopes: list(&row.scopes, "clients.scopes")?,
            home_uri: row.home_uri,
            backchannel_logout_uri: row.backchannel_logout_uri,
            id_token_alg: word(&row.id_token_alg, "clients.id_token_alg")?,
            pkce: word(&row.pkce, "clients.pkce")?,
            refresh: word(&row.refresh, "clients.refresh")?,
            asks_consent: row.asks_consent,
        })
    }
}

fn keys(jwks: Option<String>, jwks_uri: Option<String>) -> Result<Option<ClientKeys>, StoreError> {
    match (jwks, jwks_uri) {
        (Some(set), _) => {
            let set = KeySet::registered(set.as_bytes()).map_err(|_| StoreError::Corrupt("clients.jwks".to_owned()))?;
            Ok(Some(ClientKeys::Inline(set)))
        }
        (None, uri) => Ok(uri.map(ClientKeys::At)),
    }
}

/// The columns `jwks` and `jwks_uri`.
fn columns(keys: Option<&ClientKeys>) -> (Option<String>, Option<&str>) {
    match keys {
        Some(ClientKeys::Inline(set)) => (Some(set.to_json().to_string()), None),
        Some(ClientKeys::At(uri)) => (None, Some(uri)),
        None => (None, None),
    }
}

/// Every client, in order of id. There are some dozens; copies are rebuilt from this.
pub async fn all(db: &Db) -> Result<Vec<Client>, StoreError> {
    const SQL: &str = "SELECT c.id, c.application_id, c.name, c.enabled, c.auth_method, c.grant_types, \
         c.redirect_uris, c.post_logout_redirect_uris, c.scopes, c.home_uri, c.backchannel_logout_uri, \
         c.id_token_alg, c.pkce, c.refresh, c.asks_consent, c.jwks, c.jwks_uri, s.hash AS secret_hash, \
         s.expires_at AS secret_expires_at \
         FROM clients c LEFT JOIN client_secrets s ON s.client_id = c.id ORDER BY c.id, s.id";
    let mut clients: Vec<Client> = Vec::new();
    for row in db.all::<Row>(SQL, values![]).await? {
        let client = Client::try_from(row)?;
        match clients.last_mut() {
            Some(last) if last.id == client.id => last.secrets.extend(client.secrets),
            _ => clients.push(client),
        }
    }
    Ok(clients)
}

/// Registers a client; false where the id is taken. Its secrets are added by [`add_secret`].
pub async fn add(tx: &mut Tx, client: &Client, now: Instant) -> Result<bool, StoreError> {
    const SQL: &str = "INSERT INTO clients (id, application_id, name, enabled, auth_method, grant_types, \
         redirect_uris, post_logout_redirect_uris, scopes, home_uri, backchannel_logout_uri, id_token_alg, \
         pkce, refresh, asks_consent, created_at, changed_at, jwks, jwks_uri) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17, $18) \
         ON CONFLICT (id) DO NOTHING";
    let (jwks, jwks_uri) = columns(client.keys.as_ref());
    let values = values![
        &client.id,
        &client.application_id,
        &client.name,
        client.enabled,
        client.auth_method.as_str(),
        listed(&client.grant_types),
        listed(&client.redirect_uris),
        listed(&client.post_logout_redirect_uris),
        listed(&client.scopes),
        &client.home_uri,
        client.backchannel_logout_uri.as_deref(),
        client.id_token_alg.as_str(),
        client.pkce.as_str(),
        client.refresh.as_str(),
        client.asks_consent,
        now,
        jwks.as_deref(),
        jwks_uri,
    ];
    if tx.execute(SQL, values).await? == 0 {
        return Ok(false);
    }
    generations::raise(tx, Copied::Clients).await?;
    Ok(true)
}

/// Gives a client one more secret.
pub async fn add_secret(
    tx: &mut Tx,
    client: &ClientId,
    secret: &NewSecret<'_>,
    now: Instant,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO client_secrets (id, client_id, hash, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5)";
    tx.execute(SQL, values![secret.id, client, secret.hash, now, secret.expires_at]).await?;
    generations::raise(tx, Copied::Clients).await
}

/// Replaces the keys of a client that proves itself by one; false where there is no such client.
pub async fn set_keys(tx: &mut Tx, client: &ClientId, keys: &ClientKeys, now: Instant) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE clients SET jwks = $2, jwks_uri = $3, changed_at = $4 \
         WHERE id = $1 AND auth_method = 'private_key_jwt'";
    let (jwks, jwks_uri) = columns(Some(keys));
    if tx.execute(SQL, values![client, jwks.as_deref(), jwks_uri, now]).await? == 0 {
        return Ok(false);
    }
    generations::raise(tx, Copied::Clients).await?;
    Ok(true)
}

/// Gives a client a new secret and lets the old ones work until `ends` at most. False where one is running
/// out already and would go on: a client has two secrets, never three.
pub async fn rotate_secret(
    tx: &mut Tx,
    client: &ClientId,
    secret: &NewSecret<'_>,
    ends: Instant,
    now: Instant,
) -> Result<bool, StoreError> {
    const RUNNING_OUT: &str =
        "SELECT id FROM client_secrets WHERE client_id = $1 AND expires_at > $2 ORDER BY id LIMIT 1";
    const OVER: &str = "DELETE FROM client_secrets WHERE client_id = $1 AND expires_at <= $2";
    const END: &str =
        "UPDATE client_secrets SET expires_at = $2 WHERE client_id = $1 AND (expires_at IS NULL OR expires_at > $2)";
    if ends > now && tx.first::<Key>(RUNNING_OUT, values![client, now]).await?.is_some() {
        return Ok(false);
    }
    tx.execute(END, values![client, ends]).await?;
    tx.execute(OVER, values![client, now]).await?;
    add_secret(tx, client, secret, now).await?;
    Ok(true)
}

record! {
    struct Key {
        #[expect(dead_code, reason = "that there is a row is the answer")]
        id: String,
    }
}

/// Switches a client on or off; false where there is none, or it already is so.
pub async fn set_enabled(tx: &mut Tx, client: &ClientId, enabled: Enabled, now: Instant) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE clients SET enabled = $2, changed_at = $3 WHERE id = $1 AND enabled <> $2";
    if tx.execute(SQL, values![client, enabled == Enabled::On, now]).await? == 0 {
        return Ok(false);
    }
    generations::raise(tx, Copied::Clients).await?;
    Ok(true)
}

/// Whether every door opens to a client, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enabled {
    /// It works.
    On,
    /// Every door refuses.
    Off,
}
