//! `gapura admin link`: a one-time link that sets the first administrator's password.
//!
//! The link lives 24 hours and works once, by POST; opening it changes nothing, since mail scanners
//! open links too. It is shown on the terminal or written into a file of mode 0600, and never logged.

use std::{
    fs::OpenOptions,
    io::{IsTerminal as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lc_rs::digest;
use gapura_core::{
    audit::EventKind,
    id::UserId,
    identity::{LoginName, PersonName, Status, UserKind},
};
use gapura_store::{
    StoreError, audit, login_names,
    one_time_links::{self, LinkPurpose, OneTimeLink},
    users::{self, Profile},
};
use serde_json::json;

use super::{Done, Failed, Outcome, arguments, desk::Desk};
use crate::settings::Settings;

const LIFETIME: Duration = Duration::from_secs(24 * 3600);

pub(super) async fn run(command: arguments::Admin, settings: Settings, json: bool) -> Outcome {
    let arguments::Admin::Link { account_name, name, file } = command;
    if file.is_none() && !json && !std::io::stdout().is_terminal() {
        return Err(Failed::usage(
            "standard output is no terminal, and a link must not stand in a log: give --file FILE",
        ));
    }
    let desk = Desk::open(settings).await?;
    let login = LoginName::account(&account_name).ok_or_else(|| Failed::usage("--account-name is no account name"))?;
    let user = match users::find(&desk.base.db, &login).await? {
        Some(user) => user.id,
        None => add(&desk, &login, name).await?,
    };
    let token = desk.base.entropy.token()?;
    let expires_at = desk.now.plus(LIFETIME);
    store(&desk, &user, &token).await?;
    let link = desk.base.settings.server.public_url.at(&format!("/tautan?kode={token}"));
    show(&link, file, json!({"account_name": account_name, "expires_at": expires_at}))
}

async fn add(desk: &Desk, login: &LoginName, name: String) -> Result<UserId, Failed> {
    let profile = Profile {
        kind: UserKind::Service,
        status: Status::Active,
        name: PersonName { full: name, title_before: None, title_after: None },
        gender: None,
        birth_date: None,
        siasn_person_id: None,
        nik_index: None,
        nik_sealed: None,
        phone_sealed: None,
        official_email: None,
        private_email_sealed: None,
        golongan: None,
        legal_status: None,
        working_agency: None,
        sponsor_opd: None,
        validity: None,
    };
    let (id, sub) = (UserId::new(desk.base.entropy.random_id()?), desk.base.entropy.random_id()?);
    let mut event = desk.event(EventKind::UserAdded)?;
    event.user_id = Some(id.clone());
    event.reason = Some("first administrator".to_owned());
    event.after = Some(json!({"kind": profile.kind, "status": profile.status}));
    let (made, login, now) = (id.clone(), login.clone(), desk.now);
    let added = desk.base.db.write(async move |tx| {
        users::add(tx, (&id, &sub), &profile, now).await?;
        if !login_names::add(tx, &id, &login).await? {
            return Err(StoreError::Unique(login.kind().to_string()));
        }
        audit::record(tx, &event).await
    });
    added.await?;
    Ok(made)
}

async fn store(desk: &Desk, user: &UserId, token: &str) -> Result<(), Failed> {
    let mut event = desk.event(EventKind::LinkMade)?;
    event.user_id = Some(user.clone());
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    let now = desk.now;
    let link =
        OneTimeLink { purpose: LinkPurpose::FirstPassword, user_id: user.clone(), expires_at: now.plus(LIFETIME) };
    let stored = desk.base.db.write(async move |tx| {
        one_time_links::add(tx, &hash, &link, now).await?;
        audit::record(tx, &event).await
    });
    Ok(stored.await?)
}

fn show(link: &str, file: Option<PathBuf>, mut json: serde_json::Value) -> Outcome {
    let Some(file) = file else {
        if let Some(object) = json.as_object_mut() {
            object.insert("link".to_owned(), link.into());
        }
        return Ok(Done::new(format!("{link}\nworks once, for 24 hours"), json));
    };
    write_private(&file, link).map_err(|why| Failed::environment(format!("{}: {why}", file.display())))?;
    if let Some(object) = json.as_object_mut() {
        object.insert("file".to_owned(), file.to_string_lossy().into());
    }
    Ok(Done::new(format!("written to {}; works once, for 24 hours", file.display()), json))
}

fn write_private(file: &Path, link: &str) -> std::io::Result<()> {
    let mut opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    writeln!(opened, "{link}")
}
