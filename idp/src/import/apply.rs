//! Stores changes. A group of changes is one transaction with the deletion of its sealed item, so a
//! person's change is whole or absent and an import that was cut off goes on at the next item.

use gapura_core::{id::BatchId, identity::SessionEnd, organization::Position, time::Instant};
use gapura_store::{
    StoreError, Tx, applications,
    arrivals::{self, Arrival},
    assignments, audit,
    imports::{self, Queued},
    login_names, organization,
    recording::Recording,
    roles, rules, sessions, users,
};

use crate::import::{
    others::{ActingChange, ApplicationChange, RuleChange, UnitChange},
    people::PersonChange,
    plan::Marks,
};

/// One change of any kind.
#[derive(Clone, Debug)]
pub enum Change {
    /// A person.
    Person(Box<PersonChange>),
    /// A unit.
    Unit(Box<UnitChange>),
    /// An acting assignment.
    Acting(Box<ActingChange>),
    /// An application.
    Application(Box<ApplicationChange>),
    /// A rule.
    Rule(Box<RuleChange>),
    /// Who is missing from the file, who is back.
    Marks(Marks),
}

impl Change {
    /// The sheet's row it comes from, where it is a person's.
    pub fn row(&self) -> u32 {
        match self {
            Self::Person(change) => change.row,
            Self::Unit(_) | Self::Acting(_) | Self::Application(_) | Self::Rule(_) | Self::Marks(_) => 0,
        }
    }

    /// A new person like most: with a number and a post, and nothing to decide.
    fn arrival(&self) -> Option<Arrival<'_>> {
        let Self::Person(change) = self else { return None };
        let (row_id, number) = change.number.as_ref()?;
        let [(post_row, post, decree_date)] = change.posts.recorded.as_slice() else { return None };
        let names = match change.names.as_slice() {
            [one] => [Some(one), None],
            [one, two] => [Some(one), Some(two)],
            _ => return None,
        };
        change.queued.is_empty().then_some(Arrival {
            user: &change.user,
            sub: change.sub.as_deref()?,
            profile: &change.profile,
            number: (row_id, number),
            names,
            post: (post_row, post),
            decree_date: *decree_date,
            event: &change.event,
        })
    }

    /// Stores it with its audit event.
    pub async fn store(&self, tx: &mut Tx, batch: &BatchId, now: Instant) -> Result<(), StoreError> {
        match self {
            Self::Person(change) => person(tx, change, batch, now).await,
            Self::Unit(change) => {
                audit::record(tx, &change.event).await?;
                let new = Recording { row_id: &change.row_id, at: now, event: &change.event.id };
                organization::record_unit(tx, &change.unit, &change.sort_key, new).await
            }
            Self::Acting(change) => acting(tx, change, now).await,
            Self::Application(change) => application(tx, change, now).await,
            Self::Rule(change) => {
                audit::record(tx, &change.event).await?;
                let new = Recording { row_id: &change.row_id, at: now, event: &change.event.id };
                rules::record(tx, &change.rule, new).await
            }
            Self::Marks(marks) => {
                for user in &marks.absent {
                    users::mark_absent(tx, user, now).await?;
                }
                for user in &marks.present {
                    users::mark_present(tx, user).await?;
                }
                Ok(())
            }
        }
    }
}

/// Stores the changes of one item. Eight new people go in together.
pub async fn item(tx: &mut Tx, changes: &[Change], batch: &BatchId, now: Instant) -> Result<(), StoreError> {
    let arrivals: Vec<Arrival<'_>> = changes.iter().filter_map(Change::arrival).collect();
    if let Ok(eight) = <&[Arrival<'_>; arrivals::AT_ONCE]>::try_from(arrivals.as_slice())
        && changes.len() == arrivals::AT_ONCE
    {
        return arrivals::add(tx, eight, now).await;
    }
    for change in changes {
        change.store(tx, batch, now).await?;
    }
    Ok(())
}

/// Stores positions that nobody had before.
pub async fn positions(tx: &mut Tx, made: &[Position]) -> Result<(), StoreError> {
    for position in made {
        organization::add_position(tx, position).await?;
    }
    Ok(())
}

async fn person(tx: &mut Tx, change: &PersonChange, batch: &BatchId, now: Instant) -> Result<(), StoreError> {
    audit::record(tx, &change.event).await?;
    match &change.sub {
        Some(sub) => users::add(tx, (&change.user, sub), &change.profile, now).await?,
        None => users::change(tx, &change.user, &change.profile, now).await?,
    }
    for name in &change.ended_names {
        login_names::end(tx, &change.user, name, now).await?;
    }
    if let Some((row_id, number)) = &change.number {
        if change.sub.is_none() {
            login_names::supersede_number(tx, &change.user, now).await?;
        }
        login_names::add_number(tx, &change.user, number, row_id, now).await?;
    }
    for name in &change.names {
        if !login_names::add(tx, &change.user, name).await? {
            return Err(StoreError::Unique("login_names".to_owned()));
        }
    }
    let event = &change.event.id;
    for id in &change.posts.superseded {
        assignments::supersede(tx, id, Recording { row_id: "", at: now, event }).await?;
    }
    for (row_id, post, decree_date) in &change.posts.recorded {
        assignments::record(tx, post, *decree_date, Recording { row_id, at: now, event }).await?;
    }
    for (id, finding) in &change.queued {
        let queued = Queued {
            id,
            batch,
            row: i64::from(finding.row),
            user: Some(&change.user),
            code: finding.code.as_str(),
            detail: &finding.text,
        };
        imports::queue(tx, &queued, now).await?;
    }
    if change.ends_sessions {
        users::raise_epoch(tx, &change.user, now).await?;
        sessions::end_all_of(tx, &change.user, SessionEnd::AccountEnded, now).await?;
    }
    Ok(())
}

async fn acting(tx: &mut Tx, change: &ActingChange, now: Instant) -> Result<(), StoreError> {
    audit::record(tx, &change.event).await?;
    let new = Recording { row_id: &change.row_id, at: now, event: &change.event.id };
    if change.known {
        assignments::supersede(tx, &change.assignment.id, new).await?;
    }
    assignments::record(tx, &change.assignment, change.decree_date, new).await
}

async fn application(tx: &mut Tx, change: &ApplicationChange, now: Instant) -> Result<(), StoreError> {
    audit::record(tx, &change.event).await?;
    match (change.known, change.differs) {
        (false, _) => applications::add(tx, &change.registered, now).await?,
        (true, true) => applications::change(tx, &change.registered, now).await?,
        (true, false) => {}
    }
    for (row_id, role) in &change.roles {
        roles::record(tx, role, Recording { row_id, at: now, event: &change.event.id }).await?;
    }
    Ok(())
}
