//! The chain over audit events (`gapura_core::audit::chain`): written by one sealer, read by whoever verifies.

use gapura_core::{
    audit::chain::{Columns, Hash, Kept, Link},
    id::EventId,
    time::Instant,
};

use crate::{
    Db, StoreError, Tx,
    door::{record, values},
};

/// An event that has no place in the chain yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsealed {
    /// Its key.
    pub id: EventId,
    /// Its salt.
    pub salt: Vec<u8>,
    /// The canonical bytes.
    pub body: Vec<u8>,
}

record! {
    struct UnsealedRow {
        id: String,
        salt: Vec<u8>,
        body: Vec<u8>,
    }
}

impl From<UnsealedRow> for Unsealed {
    fn from(row: UnsealedRow) -> Self {
        Self { id: EventId::new(row.id), salt: row.salt, body: row.body }
    }
}

/// Events from the key `from` on (all where none is given) that have no place yet, oldest first, at most `limit`.
pub async fn unsealed(db: &Db, from: Option<&EventId>, limit: i64) -> Result<Vec<Unsealed>, StoreError> {
    const SQL: &str = "SELECT e.id, e.salt, e.body FROM audit_events e WHERE e.id >= $1 AND NOT EXISTS \
         (SELECT 1 FROM audit_chain c WHERE c.event_id = e.id AND c.event_id >= $1) ORDER BY e.id LIMIT $2";
    let rows: Vec<UnsealedRow> = db.walk(SQL, values![from.map_or("", EventId::as_str), limit]).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// One event, as its place needs it.
pub async fn event(db: &Db, id: &EventId) -> Result<Option<Unsealed>, StoreError> {
    const SQL: &str = "SELECT id, salt, body FROM audit_events WHERE id = $1";
    Ok(db.first::<UnsealedRow>(SQL, values![id]).await?.map(Into::into))
}

/// Whether an event has a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The event's key.
    pub id: EventId,
    /// Its number in the chain.
    pub number: Option<i64>,
}

record! {
    struct PlacedRow {
        id: String,
        number: Option<i64>,
    }
}

/// The events after the key `after` with their places, oldest first, at most `limit`: for whoever walks through all.
pub async fn places(db: &Db, after: &EventId, limit: i64) -> Result<Vec<Placed>, StoreError> {
    const SQL: &str = "SELECT e.id, c.number FROM audit_events e LEFT JOIN audit_chain c ON c.event_id = e.id \
         WHERE e.id > $1 ORDER BY e.id LIMIT $2";
    let rows: Vec<PlacedRow> = db.walk(SQL, values![after, limit]).await?;
    Ok(rows.into_iter().map(|row| Placed { id: EventId::new(row.id), number: row.number }).collect())
}

record! {
    struct LinkRow {
        number: i64,
        event_id: String,
        digest: Vec<u8>,
        previous: Vec<u8>,
    }
}

impl TryFrom<LinkRow> for Link {
    type Error = StoreError;

    fn try_from(row: LinkRow) -> Result<Self, StoreError> {
        Ok(Self {
            number: row.number,
            event: EventId::new(row.event_id),
            digest: hash(row.digest, "audit_chain.digest")?,
            previous: hash(row.previous, "audit_chain.previous")?,
        })
    }
}

fn hash(bytes: Vec<u8>, column: &str) -> Result<Hash, StoreError> {
    bytes.try_into().map_err(|_| StoreError::Corrupt(column.to_owned()))
}

const HEAD: &str = "SELECT number, event_id, digest, previous FROM audit_chain ORDER BY number DESC LIMIT 1";

record! {
    struct NewestRow {
        event_id: String,
    }
}

/// The sealed event with the greatest key. Not that of the last link: an event that came late has an old key.
pub async fn newest(db: &Db) -> Result<Option<EventId>, StoreError> {
    const SQL: &str = "SELECT event_id FROM audit_chain ORDER BY event_id DESC LIMIT 1";
    Ok(db.first::<NewestRow>(SQL, values![]).await?.map(|row| EventId::new(row.event_id)))
}

/// Gives events the next places, in the order given. Of two sealers at once one is refused: a number and an event have
/// one place each.
pub async fn append(tx: &mut Tx, events: &[(EventId, Hash)]) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO audit_chain (number, event_id, digest, previous) VALUES ($1, $2, $3, $4)";
    let mut head: Option<Link> = tx.first::<LinkRow>(HEAD, values![]).await?.map(TryInto::try_into).transpose()?;
    for (event, digest) in events {
        let link = Link::after(head.as_ref(), event.clone(), *digest);
        tx.execute(SQL, values![link.number, &link.event, &link.digest, &link.previous]).await?;
        head = Some(link);
    }
    Ok(())
}

record! {
    struct PlaceRow {
        number: i64,
        event_id: String,
        digest: Vec<u8>,
        previous: Vec<u8>,
        id: Option<String>,
        at: Option<i64>,
        kind: Option<String>,
        user_id: Option<String>,
        client_id: Option<String>,
        application_id: Option<String>,
        request_id: Option<String>,
        salt: Option<Vec<u8>>,
        body: Option<Vec<u8>>,
    }
}

impl TryFrom<PlaceRow> for (Link, Option<Kept>) {
    type Error = StoreError;

    fn try_from(row: PlaceRow) -> Result<Self, StoreError> {
        let kept = match (row.id, row.at, row.kind, row.salt, row.body) {
            (Some(id), Some(at), Some(kind), Some(salt), Some(body)) => {
                let PlaceRow { user_id, client_id, application_id, request_id, .. } = row;
                let columns =
                    Columns { at: Instant::from_millis(at), kind, user_id, client_id, application_id, request_id };
                Some(Kept { id: EventId::new(id), columns, salt, body })
            }
            _ => None,
        };
        let PlaceRow { number, event_id, digest, previous, .. } = row;
        Ok((LinkRow { number, event_id, digest, previous }.try_into()?, kept))
    }
}

/// The links from number `from` on, each with its event as it stands now, at most `limit`. Who verifies begins at
/// `i64::MIN`: a link in a place that no chain has would hide its event from the sealer and from them.
pub async fn page(db: &Db, from: i64, limit: i64) -> Result<Vec<(Link, Option<Kept>)>, StoreError> {
    const SQL: &str = "SELECT c.number, c.event_id, c.digest, c.previous, e.id, e.at, e.kind, e.user_id, \
         e.client_id, e.application_id, e.request_id, e.salt, e.body \
         FROM audit_chain c LEFT JOIN audit_events e ON e.id = c.event_id WHERE c.number >= $1 ORDER BY c.number LIMIT $2";
    db.walk::<PlaceRow>(SQL, values![from, limit]).await?.into_iter().map(TryInto::try_into).collect()
}
