//! `gapura user`: accounts of people. Each change writes its audit event; what ends an account ends
//! its sessions and tokens in the same transaction and tells the applications.

use std::io::{BufRead as _, IsTerminal as _};

use gapura_core::{
    audit::EventKind,
    id::UserId,
    identity::{
        Email, EmployeeNumber, LoginName, NumberLayout, PersonName, SessionEnd, Status, User, UserKind, password,
    },
    secret::Secret,
    time::Period,
};
use gapura_store::{
    audit, credentials, login_names, one_time_links, sessions,
    users::{self, Profile},
};
use serde_json::{Value, json};

use super::{
    Done, Failed, Outcome,
    arguments::{self, UserAdd},
    desk::Desk,
    note,
};
use crate::{
    settings::Settings,
    sign_in::{PasswordPool, Size, pool},
};

pub(super) async fn run(command: arguments::User, settings: Settings) -> Outcome {
    let desk = Desk::open(settings).await?;
    match command {
        arguments::User::Add(new) => add(&desk, new).await,
        arguments::User::Passwd(who) => passwd(&desk, &who.name).await,
        arguments::User::Disable(who) => set_status(&desk, &who.name, Status::Disabled).await,
        arguments::User::Enable(who) => set_status(&desk, &who.name, Status::Active).await,
        arguments::User::Show(who) => show(&desk, &who.name).await,
    }
}

/// The login names of a new account, checked.
struct Names {
    number: Option<EmployeeNumber>,
    email: Option<Email>,
    account: Option<LoginName>,
}

impl Names {
    fn read(new: &UserAdd) -> Result<Self, Failed> {
        let number = new.nip.as_deref().map(EmployeeNumber::parse).transpose();
        let number = number.map_err(|why| Failed::refused(format!("--nip: {why}")))?;
        let email = new
            .email
            .as_deref()
            .map(|text| Email::parse(text).ok_or_else(|| Failed::refused("--email is no mail address")));
        let account = new.account_name.as_deref().map(|text| {
            LoginName::account(text).ok_or_else(|| {
                Failed::refused(
                    "--account-name must be 3 to 64 of a-z 0-9 . _ - with a letter, beginning and ending with a \
                     letter or digit",
                )
            })
        });
        let names = Self { number, email: email.transpose()?, account: account.transpose()? };
        if names.all().is_empty() {
            return Err(Failed::usage("a person needs a name to sign in with: --nip, --email or --account-name"));
        }
        Ok(names)
    }

    fn all(&self) -> Vec<LoginName> {
        let number = self.number.as_ref().map(LoginName::number);
        let email = self.email.as_ref().map(LoginName::email);
        [number, email, self.account.clone()].into_iter().flatten().collect()
    }

    /// PNS or PPPK as the number's layout says; without a number nobody can tell.
    fn kind(&self, typed: Option<UserKind>) -> Result<UserKind, Failed> {
        match (typed, &self.number) {
            (Some(kind), _) => Ok(kind),
            (None, Some(number)) if number.layout() == NumberLayout::Pppk => Ok(UserKind::AsnPppk),
            (None, Some(_)) => Ok(UserKind::AsnPns),
            (None, None) => Err(Failed::usage(
                "without a NIP say what the person is: --kind pejabat_negara, dprd, non_asn, vendor or service",
            )),
        }
    }
}

async fn add(desk: &Desk, new: UserAdd) -> Outcome {
    let names = Names::read(&new)?;
    let profile = profile(desk, &new, &names).await?;
    let hash = match new.password_stdin {
        true => Some(hash(desk, read_password()?).await?),
        false => None,
    };
    let (id, sub) = (UserId::new(desk.base.entropy.random_id()?), desk.base.entropy.random_id()?);
    let (row, now) = (desk.key()?, desk.now);
    let mut event = desk.event(EventKind::UserAdded)?;
    event.user_id = Some(id.clone());
    event.after = Some(json!({"kind": profile.kind, "status": profile.status, "password": hash.is_some()}));
    let all = names.all();
    let made = id.clone();
    let taken = desk.base.db.write(async move |tx| {
        // Names first: where one is another's nothing else is written.
        users::add(tx, (&id, &sub), &profile, now).await?;
        for name in &all {
            if !login_names::add(tx, &id, name).await? {
                return Err(gapura_store::StoreError::Unique(name.kind().to_string()));
            }
        }
        if let Some(number) = &names.number {
            login_names::add_number(tx, &id, number, &row, now).await?;
        }
        if let Some(hash) = &hash {
            credentials::set_password(tx, &id, hash, now).await?;
        }
        audit::record(tx, &event).await
    });
    taken.await?;
    Ok(Done::new(format!("added, id {made}"), json!({"id": made, "added": true})))
}

async fn profile(desk: &Desk, new: &UserAdd, names: &Names) -> Result<Profile, Failed> {
    let kind = names.kind(new.kind)?;
    if kind.needs_sponsor() && (new.sponsor.is_none() || new.until.is_none()) {
        return Err(Failed::usage(format!("{kind} needs --sponsor OPD and --until YYYY-MM-DD")));
    }
    if new.name.trim().is_empty() {
        return Err(Failed::usage("--name is empty"));
    }
    let sponsor_opd = match &new.sponsor {
        Some(typed) => Some(desk.opd(typed).await?),
        None => None,
    };
    Ok(Profile {
        kind,
        status: Status::Active,
        name: PersonName { full: new.name.trim().to_owned(), title_before: None, title_after: None },
        gender: None,
        birth_date: None,
        siasn_person_id: None,
        nik_index: None,
        nik_sealed: None,
        phone_sealed: None,
        official_email: names.email.as_ref().map(|email| email.as_str().to_owned()),
        private_email_sealed: None,
        golongan: None,
        legal_status: None,
        working_agency: None,
        sponsor_opd,
        validity: new.until.map(|last| Period { from: desk.today, until: Some(last.plus_days(1)) }),
    })
}

async fn passwd(desk: &Desk, name: &str) -> Outcome {
    let user = desk.user(name).await?;
    let hash = hash(desk, read_password()?).await?;
    let mut event = desk.event(EventKind::PasswordSet)?;
    event.user_id = Some(user.id.clone());
    let (id, now) = (user.id.clone(), desk.now);
    let set = desk.base.db.write(async move |tx| {
        credentials::set_password(tx, &id, &hash, now).await?;
        one_time_links::end_all_of(tx, &id, now).await?;
        users::raise_epoch(tx, &id, now).await?;
        sessions::end_all_of(tx, &id, SessionEnd::PasswordReset, now).await?;
        audit::record(tx, &event).await
    });
    set.await?;
    Ok(Done::new("password set; all sessions ended", json!({"id": user.id, "password_set": true})))
}

async fn set_status(desk: &Desk, name: &str, status: Status) -> Outcome {
    let user = desk.user(name).await?;
    if user.status == Status::Closed {
        return Err(Failed::refused("the account is closed: the personnel record decides, not this command"));
    }
    let mut event = desk.event(EventKind::UserStatusChanged)?;
    event.user_id = Some(user.id.clone());
    event.before = Some(json!({"status": user.status}));
    event.after = Some(json!({"status": status}));
    let (id, now) = (user.id.clone(), desk.now);
    let changed = desk.base.db.write(async move |tx| {
        let changed = users::set_status(tx, &id, status, now).await?;
        if changed {
            if status != Status::Active {
                sessions::end_all_of(tx, &id, SessionEnd::AccountEnded, now).await?;
            }
            audit::record(tx, &event).await?;
        }
        Ok(changed)
    });
    let changed = changed.await?;
    let text = if changed { format!("now {status}") } else { format!("was {status} already") };
    Ok(Done::new(text, json!({"id": user.id, "status": status, "changed": changed})))
}

async fn show(desk: &Desk, name: &str) -> Outcome {
    let user = desk.user(name).await?;
    let password = credentials::password(&desk.base.db, &user.id).await?.is_some();
    let text = format!(
        "{}\n  id        {}\n  kind      {}\n  status    {}\n  password  {}",
        user.name.display(),
        user.id,
        user.kind,
        user.status,
        if password { "set" } else { "none" }
    );
    Ok(Done::new(text, shown(&user, password)))
}

fn shown(user: &User, password: bool) -> Value {
    json!({
        "id": user.id,
        "sub": user.sub,
        "name": user.name.display(),
        "kind": user.kind,
        "status": user.status,
        "employee_number": user.employee_number,
        "official_email": user.official_email,
        "sponsor_opd": user.sponsor_opd,
        "validity": user.validity,
        "password": password,
    })
}

/// One line from standard input; at a terminal it is not shown while it is typed.
fn read_password() -> Result<Secret<String>, Failed> {
    let input = std::io::stdin();
    let line = if input.is_terminal() {
        note("new password (not shown):");
        console::Term::stderr().read_secure_line()
    } else {
        let mut line = String::new();
        input.lock().read_line(&mut line).map(|_| line)
    };
    let line = line.map_err(|why| Failed::usage(format!("no password on standard input: {why}")))?;
    let line = Secret::new(line);
    let typed = line.expose().trim_end_matches(['\r', '\n']);
    password::prepare(typed).map_err(|why| Failed::refused(format!("password: {why}")))
}

async fn hash(desk: &Desk, password: Secret<String>) -> Result<String, Failed> {
    let set = desk.base.settings.passwords;
    let size = Size { workers: 1, queue: 1, idle: pool::IDLE };
    let pool = PasswordPool::start(set.cost, size, desk.base.keys.pepper().clone());
    let pool = pool.map_err(|why| Failed::environment(why.to_string()))?;
    let salt = desk.base.entropy.bytes()?;
    pool.hash(password, salt).await.map_err(|why| Failed::environment(why.to_string()))
}
