//! A client that proves itself by a signed assertion (RFC 7523 section 2.2). The rules are core's; here its keys
//! are found, the signature is compared and the mark of `jti` is claimed.

use std::sync::Arc;

use gapura_core::{
    id::ClientId,
    oauth::{Assertion, Caller, ClientKeys, ErrorCode, OAuthError},
    time::Instant,
};
use gapura_store::{copies::Snapshot, ephemeral::Kind};

use super::issuer;
use crate::{failure::Failure, keys::verifies, state::App};

/// The caller behind an assertion, with the copies that it was found in. No statement; one claim in short-lived
/// state, after the signature was compared.
//= RFC7523#2.2
//= T19
pub(super) async fn proved(
    app: &App,
    snapshot: Arc<Snapshot>,
    assertion: &Assertion,
    now: Instant,
) -> Result<(Caller, Arc<Snapshot>), Failure> {
    assertion.check(issuer(app), now)?;
    let id = ClientId::new(assertion.client_id());
    let (client, keys) = assertion.addressee(snapshot.clients.get(&id))?;
    let (signed, snapshot) = match keys {
        ClientKeys::Inline(keys) => (assertion.prove(client, keys, verifies)?, snapshot),
        ClientKeys::At(uri) => {
            let found = app.oauth.client_keys.at(&app.outbound, (&id, uri), assertion.key(), &app.clock).await;
            // Asking may have taken seconds, in which the client was switched off or got other keys.
            let later = app.snapshot().await?;
            let (client, keys_now) = assertion.addressee(later.clients.get(&id))?;
            if keys_now != keys {
                let refused = OAuthError::new(ErrorCode::InvalidClient, "client authentication failed");
                return Err(refused.because("its keys were replaced meanwhile").into());
            }
            (assertion.prove(client, &found, verifies)?, later)
        }
    };
    let (mark, until) = signed.mark();
    let first = app.ephemeral.claim(Kind::JtiMark, mark, until, now).await?;
    // Asked after claiming: a memory that was lost in between is noticed.
    let since = app.ephemeral.marks_since(app.clock.now()).await?;
    Ok((signed.once(first, since)?, snapshot))
}
