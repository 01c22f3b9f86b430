//! A client that proves itself by a signed assertion (RFC 7523 section 2.2). The rules are core's; here its keys
//! are found, the signature is compared and the mark of `jti` is claimed.

use std::sync::Arc;

use gapura_core::{
    oauth::{Assertion, Caller, Client, ClientKeys},
    time::Instant,
};
use gapura_store::ephemeral::Kind;

use super::issuer;
use crate::{failure::Failure, keys::verifies, state::App};

/// The caller behind an assertion. No statement; one claim in short-lived state, after the signature was compared.
//= RFC7523#2.2
//= T19
pub(super) async fn proved(
    app: &App,
    found: Option<&Arc<Client>>,
    assertion: &Assertion,
    now: Instant,
) -> Result<Caller, Failure> {
    assertion.check(issuer(app), now)?;
    let (client, keys) = assertion.addressee(found)?;
    let signed = match keys {
        ClientKeys::Inline(keys) => assertion.prove(client, keys, verifies)?,
        ClientKeys::At(uri) => {
            let keys = app.oauth.client_keys.at(&app.outbound, (&client.id, uri), assertion.key(), now).await;
            assertion.prove(client, &keys, verifies)?
        }
    };
    let (mark, until) = signed.mark();
    let first = app.ephemeral.claim(Kind::JtiMark, mark, until, now).await?;
    // Asked after claiming: a memory that was lost in between is noticed.
    let since = app.ephemeral.marks_since(now).await?;
    Ok(signed.once(first, since)?)
}
