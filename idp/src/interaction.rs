//! A parked authorization request, while the person signs in.
//!
//! Its id stands in the page's address, so three tabs work side by side; it is bound to this browser by
//! the hash of a random cookie, so a link opened elsewhere starts again instead of going on. It lives
//! ten minutes in short-lived state. The address also names the client, whose home address is where
//! "Mulai lagi" leads once the interaction is gone.

use std::time::Duration;

use axum::http::HeaderValue;
use gapura_core::{
    id::ClientId,
    oauth::{Params, decide::LoginReason},
    time::Instant,
};
use gapura_store::ephemeral::{Entry, Kind};
use serde::{Deserialize, Serialize};

use crate::{
    edge::{RequestContext, cookies},
    failure::{Failure, Trouble},
    sign_in::session::first_browser_cookie,
    state::App,
};

/// How long a request stays parked.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// A parked request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Interaction {
    /// 256 random bits.
    #[serde(skip)]
    pub id: String,
    /// Who asked.
    pub client_id: ClientId,
    /// What it asked.
    pub params: Params,
    /// SHA-256 of the browser's cookie.
    pub browser_hash: [u8; 32],
    /// When it was parked: a sign-in since then is fresh.
    pub created_at: Instant,
    /// Why the person must sign in.
    pub reason: LoginReason,
}

impl Interaction {
    /// The address of the sign-in page for it.
    pub fn address(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("interaksi", &self.id).append_pair("client_id", self.client_id.as_str());
        format!("/masuk?{}", query.finish())
    }
}

/// Parks a request for this browser. The second value is the browser's first cookie, where it had none.
//= RFC6749#10.12
pub async fn park(
    app: &App,
    context: &RequestContext,
    client_id: &ClientId,
    params: &Params,
    reason: LoginReason,
) -> Result<(Interaction, Option<HeaderValue>), Failure> {
    let (browser, cookie) = first_browser_cookie(app, context)?;
    let interaction = Interaction {
        id: app.entropy.token()?,
        client_id: client_id.clone(),
        params: params.clone(),
        browser_hash: cookies::hash(&browser),
        created_at: context.now,
        reason,
    };
    let value = serde_json::to_vec(&interaction).map_err(|_| Trouble::Corrupt("an interaction"))?;
    let entry = Entry { value: &value, expires_at: context.now.plus(LIFETIME) };
    app.ephemeral.put(Kind::Interaction, &interaction.id, entry, context.now).await?;
    Ok((interaction, cookie))
}

/// The request parked under this id, if it is alive. Whether it is of this browser is the caller's question:
/// one opened elsewhere starts again instead of going on.
pub async fn find(app: &App, id: &str, now: Instant) -> Result<Option<Interaction>, Trouble> {
    let Some(value) = app.ephemeral.get(Kind::Interaction, id, now).await? else { return Ok(None) };
    let found: Interaction = serde_json::from_slice(&value).map_err(|_| Trouble::Corrupt("an interaction"))?;
    // A clock that was set back gives no ended request a second life.
    Ok((!found.created_at.is_ahead_of(now)).then(|| Interaction { id: id.to_owned(), ..found }))
}

/// Forgets a request that was answered.
pub async fn finish(app: &App, interaction: &Interaction) -> Result<(), Failure> {
    Ok(app.ephemeral.remove(Kind::Interaction, &interaction.id).await?)
}
