//! `gapura client rotate-secret`: a new secret beside the old one, which works until the application has
//! changed over.

use std::time::Duration;

use aws_lc_rs::digest;
use gapura_core::{
    audit::EventKind,
    id::ClientId,
    oauth::{AuthMethod, Client},
    time::Instant,
};
use gapura_store::{
    audit,
    clients::{self, NewSecret},
};
use serde_json::{Value, json};

use super::{
    super::{Done, Failed, Outcome, desk::Desk, note},
    find,
};

/// What is stored of a secret of 256 random bits.
pub(super) fn hash(secret: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, secret.as_bytes()).as_ref().to_vec()
}

pub(super) async fn rotate(desk: &Desk, id: &str, grace: u32) -> Outcome {
    let client = find(desk, &ClientId::new(id)).await?;
    if !matches!(client.auth_method, AuthMethod::Basic | AuthMethod::Post) {
        return Err(Failed::refused(format!(
            "client \"{id}\" has no secret: it proves itself by {}",
            client.auth_method
        )));
    }
    let (secret, row, now) = (desk.base.entropy.token()?, desk.key()?, desk.now);
    let ends = now.plus(Duration::from_secs(u64::from(grace) * 3600));
    let mut event = desk.event(EventKind::ClientChanged)?;
    event.client_id = Some(client.id.clone());
    event.application_id = Some(client.application_id.clone());
    event.after = Some(json!({"secret": "new", "old_secret_ends_at": ends}));
    let (id, hash) = (client.id.clone(), hash(&secret));
    let rotated = desk.base.db.write(async move |tx| {
        let new = NewSecret { id: &row, hash: &hash, expires_at: None };
        let rotated = clients::rotate_secret(tx, &id, &new, ends, now).await?;
        if rotated {
            audit::record(tx, &event).await?;
        }
        Ok(rotated)
    });
    if !rotated.await? {
        return Err(Failed::refused(
            "its former secret still works until the end of its grace time: wait for that, or end it now by --grace 0",
        ));
    }
    note("the secret is shown this once; it is stored as a hash only");
    let zone = desk.base.settings.city.zone;
    let old = if grace == 0 {
        "the old one is void".to_owned()
    } else {
        format!("the old one works for {grace} h, until {}", zone.today(ends))
    };
    note(&old);
    let text = format!("client_id      {}\nclient_secret  {secret}", client.id);
    Ok(Done::new(text, json!({"client_id": client.id, "client_secret": secret, "old_secret_ends_at": ends})))
}

/// When the secret that runs out does so.
fn runs_out(client: &Client, now: Instant) -> Option<Instant> {
    client.secrets.iter().filter_map(|(_, end)| *end).filter(|end| *end > now).min()
}

/// The day on which the secret that runs out does so.
pub(super) fn ends(client: &Client, desk: &Desk) -> Option<String> {
    runs_out(client, desk.now).map(|at| desk.base.settings.city.zone.today(at).to_string())
}

/// A client as listed, with the end of the secret that runs out.
pub(super) fn with_ends(mut shown: Value, client: &Client, desk: &Desk) -> Value {
    if let Some(object) = shown.as_object_mut() {
        object.insert("old_secret_ends_at".to_owned(), json!(runs_out(client, desk.now)));
    }
    shown
}
