//! What a change needs besides its values: keys, an audit event, the time. Drawn before the change
//! is handed to the store, because its closure may run again.

use gapura_core::{
    audit::{Actor, AuditEvent, EventKind},
    id::EventId,
    time::{Date, Instant},
};

use crate::entropy::{Entropy, NoEntropy};

/// One import's time and author, and the source of its keys.
#[derive(Clone, Debug)]
pub struct Stamps {
    /// When the import runs.
    pub now: Instant,
    /// The day in the deployment's zone.
    pub today: Date,
    /// Who runs it.
    pub actor: Actor,
    /// Where keys come from.
    pub entropy: Entropy,
}

impl Stamps {
    /// A time-ordered key.
    pub fn key(&self) -> Result<String, NoEntropy> {
        self.entropy.ordered_id(self.now)
    }

    /// A random text that says nothing about time: a `sub` or a person's key.
    pub fn random(&self) -> Result<String, NoEntropy> {
        self.entropy.random_id()
    }

    /// An event of this import.
    pub fn event(&self, kind: EventKind) -> Result<AuditEvent, NoEntropy> {
        let id = EventId::new(self.key()?);
        let mut event = AuditEvent::new(id, self.entropy.bytes()?, self.now, kind, self.actor.clone());
        event.reason = Some("import".to_owned());
        Ok(event)
    }
}
