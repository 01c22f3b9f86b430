//! The chain over audit events: each link carries a salted digest of one event and the hash of the link
//! before it, so that an event changed, removed, added or moved afterwards is seen by whoever recomputes.
//!
//! Links are made after the events, by one sealer: a transaction that commits late gets a later number. They
//! cover digests, not bodies. Who can write the whole database can also write another chain; a number and its
//! hash noted elsewhere (an anchor) shows that.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{id::EventId, time::Instant, words};

/// SHA-256 (FIPS 180-4).
pub type Hash = [u8; 32];

/// What every link's hash begins with, so that it is the hash of nothing else.
const LABEL: &[u8] = b"gapura audit chain 1\n";

/// One place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// From 1, without gaps.
    pub number: i64,
    /// The event in this place.
    pub event: EventId,
    /// Its [`digest`].
    pub digest: Hash,
    /// The hash of the link before; zeros before the first.
    pub previous: Hash,
}

impl Link {
    /// The link that follows `head`.
    pub fn after(head: Option<&Self>, event: EventId, digest: Hash) -> Self {
        let (number, previous) = next(head);
        Self { number, event, digest, previous }
    }

    /// What the next link carries: SHA-256 over label, number (eight bytes, big endian), the hash before, digest, and
    /// the event's key.
    pub fn hash(&self) -> Hash {
        let mut hash = Sha256::new();
        hash.update(LABEL);
        hash.update(self.number.to_be_bytes());
        hash.update(self.previous);
        hash.update(self.digest);
        hash.update(self.event.as_str());
        hash.finalize().into()
    }
}

fn next(head: Option<&Link>) -> (i64, Hash) {
    head.map_or((1, [0; 32]), |head| (head.number.saturating_add(1), head.hash()))
}

/// The digest of an event: SHA-256 over its salt (16 bytes) and its canonical bytes. Without the salt, whoever holds
/// the chain cannot guess a body back.
pub fn digest(salt: &[u8], body: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(body);
    hash.finalize().into()
}

words! {
    /// What does not fit at a place in the chain.
    pub enum Broken {
        /// Numbers have a gap: links are missing.
        Number = "number",
        /// The link before is not the one this was made after.
        Previous = "previous",
        /// The event is gone.
        Gone = "gone",
        /// The event is not what it was.
        Altered = "altered",
        /// The columns beside the body say something else than the body.
        Columns = "columns",
    }
}

/// An event as it stands in the database now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its key.
    pub id: EventId,
    /// What it is searched by.
    pub columns: Columns,
    /// Its salt.
    pub salt: Vec<u8>,
    /// The canonical bytes.
    pub body: Vec<u8>,
}

/// The columns beside the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// When.
    pub at: Instant,
    /// What.
    pub kind: String,
    /// Whose account.
    pub user_id: Option<String>,
    /// Which client.
    pub client_id: Option<String>,
    /// Which application.
    pub application_id: Option<String>,
    /// Which request.
    pub request_id: Option<String>,
}

/// Whether a link follows `head` and its event is the one that was sealed.
pub fn check(head: Option<&Link>, link: &Link, event: Option<&Kept>) -> Result<(), Broken> {
    let (number, previous) = next(head);
    if link.number != number {
        return Err(Broken::Number);
    }
    if link.previous != previous {
        return Err(Broken::Previous);
    }
    let event = event.ok_or(Broken::Gone)?;
    if event.id != link.event || digest(&event.salt, &event.body) != link.digest {
        return Err(Broken::Altered);
    }
    if !columns_agree(event) {
        return Err(Broken::Columns);
    }
    Ok(())
}

/// Columns are for searching; a search must not be led astray by what the digest does not cover. Each says what the
/// body says, and nothing where the body says nothing.
fn columns_agree(event: &Kept) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(&event.body) else { return false };
    let said = |name: &str| body.get(name).cloned().unwrap_or_default();
    let Columns { at, kind, user_id, client_id, application_id, request_id } = &event.columns;
    let searched = [
        ("user_id", user_id),
        ("client_id", client_id),
        ("application_id", application_id),
        ("request_id", request_id),
    ];
    said("id") == event.id.as_str()
        && said("at") == at.millis()
        && said("kind") == kind.as_str()
        && searched.into_iter().all(|(name, column)| said(name) == Value::from(column.as_deref()))
}

/// The smallest key an event of this moment can have: keys begin with 48 bits of milliseconds in hexadecimal.
pub fn first_id(at: Instant) -> EventId {
    EventId::new(format!("{:012x}", at.millis().max(0)))
}

/// The moment in an event's key.
pub fn moment(id: &EventId) -> Option<Instant> {
    let millis = i64::from_str_radix(id.as_str().get(..12)?, 16).ok()?;
    Some(Instant::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::{Actor, AuditEvent, EventKind},
        id::UserId,
    };

    const NOW: Instant = Instant::from_millis(1_795_000_000_000);

    fn event(number: u8) -> Kept {
        let id = EventId::new(format!("{}{number:020x}", first_id(NOW).as_str()));
        let mut event = AuditEvent::new(id.clone(), [number; 16], NOW, EventKind::SignedIn, Actor::System);
        event.user_id = Some(UserId::new("siti"));
        let columns = Columns {
            at: NOW,
            kind: "sign_in".into(),
            user_id: Some("siti".into()),
            client_id: None,
            application_id: None,
            request_id: None,
        };
        Kept { id, columns, salt: event.salt.to_vec(), body: event.canonical() }
    }

    fn chain(events: &[Kept]) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        for event in events {
            links.push(Link::after(links.last(), event.id.clone(), digest(&event.salt, &event.body)));
        }
        links
    }

    fn first_broken(links: &[Link], events: &[Kept]) -> Option<(i64, Broken)> {
        let mut head = None;
        for link in links {
            let event = events.iter().find(|event| event.id == link.event);
            if let Err(broken) = check(head, link, event) {
                return Some((link.number, broken));
            }
            head = Some(link);
        }
        None
    }

    #[test]
    fn what_was_changed_afterwards_is_found_where_it_stands() {
        let events: Vec<_> = (1..=5).map(event).collect();
        let links = chain(&events);
        assert_eq!(first_broken(&links, &events), None);
        type Change = fn(&mut Vec<Link>, &mut Vec<Kept>);
        let table: [(&str, Change, (i64, Broken)); 13] = [
            ("a body changed", |_, e| e[2].body[40] ^= 1, (3, Broken::Altered)),
            ("a salt changed", |_, e| e[2].salt[0] ^= 1, (3, Broken::Altered)),
            ("an event removed", |_, e| drop(e.remove(1)), (2, Broken::Gone)),
            ("event and link removed", |l, e| drop((e.remove(1), l.remove(1))), (3, Broken::Number)),
            (
                "two events exchanged",
                |l, _| {
                    let (a, b) = (l[1].event.clone(), l[2].event.clone());
                    (l[1].event, l[2].event) = (b, a);
                },
                (2, Broken::Altered),
            ),
            (
                "two links exchanged",
                |l, _| {
                    l.swap(1, 2);
                    (l[1].number, l[2].number) = (2, 3);
                },
                (2, Broken::Previous),
            ),
            (
                "a digest made to fit",
                |l, e| {
                    e[2].body = event(9).body;
                    l[2].digest = digest(&e[2].salt, &e[2].body);
                },
                (3, Broken::Columns),
            ),
            (
                "event and digest made to fit",
                |l, e| {
                    e[2].salt = vec![7; 16];
                    l[2].digest = digest(&e[2].salt, &e[2].body);
                },
                (4, Broken::Previous),
            ),
            (
                "a time column changed",
                |_, e| e[0].columns.at = NOW.plus(std::time::Duration::from_secs(1)),
                (1, Broken::Columns),
            ),
            ("a kind column changed", |_, e| e[4].columns.kind = "sign_out".into(), (5, Broken::Columns)),
            ("another account's column", |_, e| e[1].columns.user_id = Some("budi".into()), (2, Broken::Columns)),
            ("an account's column emptied", |_, e| e[1].columns.user_id = None, (2, Broken::Columns)),
            ("a column the body lacks", |_, e| e[1].columns.client_id = Some("web".into()), (2, Broken::Columns)),
        ];
        for (name, change, expected) in table {
            let (mut links, mut events) = (links.clone(), events.clone());
            change(&mut links, &mut events);
            assert_eq!(first_broken(&links, &events), Some(expected), "{name}");
        }
    }

    #[test]
    fn the_hash_covers_every_member() {
        let link = Link::after(None, event(1).id, [1; 32]);
        let others = [
            Link { number: 2, ..link.clone() },
            Link { event: event(2).id, ..link.clone() },
            Link { digest: [2; 32], ..link.clone() },
            Link { previous: [3; 32], ..link.clone() },
        ];
        for other in others {
            assert_ne!(other.hash(), link.hash(), "{other:?}");
        }
    }

    #[test]
    fn a_key_tells_its_moment() {
        assert_eq!(moment(&event(1).id), Some(NOW));
        assert_eq!(moment(&EventId::new("e1")), None);
        assert!(first_id(NOW) < event(1).id);
    }
}
