//! Tokens for jobs that act as the application itself (client_credentials), kept until shortly before they end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use openidconnect::{OAuth2TokenResponse, Scope};
use tokio::sync::Mutex;

use crate::error::Error;
use crate::gapura::Gapura;
use crate::keys::KeySet;
use crate::provider::token_error;

/// A token that ends within this time is replaced before it is handed out, in seconds.
const RENEW_BEFORE: i64 = 30;

type Slot = Arc<Mutex<Option<(String, i64)>>>;

/// One slot per scope; the lock on a slot is held while asking, so that one request asks for all.
#[derive(Debug, Default)]
pub(crate) struct MachineTokens(Lock<HashMap<String, Slot>>);

impl MachineTokens {
    fn slot(&self, scope: &str) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(scope.to_owned()).or_default())
    }
}

impl Gapura {
    /// An access token of the application itself for `scope` (several separated by spaces), for jobs without a person.
    /// Kept in memory until shortly before it ends.
    ///
    /// # Errors
    /// The provider does not answer, or refuses the scope or the grant.
    pub async fn client_token(&self, scope: &str) -> Result<String, Error> {
        let slot = self.machine_tokens().slot(scope);
        let mut kept = slot.lock().await;
        if let Some((token, until)) = kept.as_ref().filter(|(_, until)| until - self.now() > RENEW_BEFORE) {
            tracing::trace!(scope, until, "client token from memory");
            return Ok(token.clone());
        }
        let provider = self.provider().await?;
        let relying_party = provider.relying_party(self.settings(), &KeySet::default())?;
        let mut request = relying_party
            .exchange_client_credentials()
            .add_scopes(scope.split_whitespace().map(|name| Scope::new(name.to_owned())));
        for (name, value) in self.proof()? {
            request = request.add_extra_param(name, value);
        }
        let answer = request
            .request_async(self.outbound())
            .await
            .map_err(|error| token_error(relying_party.token_uri().as_str(), error))?;
        let lasts = answer.expires_in().map_or(0, |duration| i64::try_from(duration.as_secs()).unwrap_or(0));
        let token = answer.access_token().secret().clone();
        *kept = Some((token.clone(), self.now().saturating_add(lasts)));
        Ok(token)
    }
}
