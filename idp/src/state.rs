//! The one state, taken by every handler: one pointer to what they share.

use std::{ops::Deref, sync::Arc};

use arc_swap::ArcSwap;
use gapura_store::{
    Db, StoreError,
    copies::{Copies, Snapshot},
    ephemeral::{Ephemeral, EphemeralError},
};
use thiserror::Error;
use tokio::sync::Notify;

use crate::{
    clock::Clock,
    entropy::{Entropy, NoEntropy},
    failure::Trouble,
    foundation::Foundation,
    keys::{KeyError, Keys},
    oauth::Prepared,
    outbound::{Outbound, OutboundError},
    pages::texts::{BrokenTexts, Texts},
    settings::Settings,
    sign_in::{PasswordPool, PoolError, Size, pool},
};

/// Everything a handler may need; clones share it. A request is handed on several times, and counting each part's
/// owners at every hand was a tenth of a small answer's cost.
#[derive(Clone)]
pub struct App(Arc<Parts>);

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The parts. `now` is read once per request from `clock`.
#[derive(Clone)]
pub struct Parts {
    /// What the deployment decided.
    pub settings: Arc<Settings>,
    /// What lasts.
    pub db: Db,
    /// What is short-lived and authoritative.
    pub ephemeral: Ephemeral,
    /// Copies of clients, applications, organisation and keys.
    pub copies: Copies,
    /// What the protocol's endpoints prepare once.
    pub oauth: Arc<Prepared>,
    /// Sealing, signing, verifying.
    pub keys: Arc<Keys>,
    /// Where `now` comes from.
    pub clock: Clock,
    /// Where secrets come from.
    pub entropy: Entropy,
    /// Password hashes.
    pub hasher: Arc<PasswordPool>,
    /// The way out.
    pub outbound: Outbound,
    /// The words of all pages.
    pub texts: Arc<Texts>,
    /// Wakes the delivery of logout messages on this node.
    pub wake: Arc<Notify>,
}

/// The state of a serving process, which changes with its settings. Clones share it.
#[derive(Clone)]
pub struct Live(Arc<ArcSwap<App>>);

impl Live {
    /// This state, until it is replaced.
    pub fn new(app: App) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(app)))
    }

    /// The state now.
    pub fn app(&self) -> App {
        App::clone(&self.0.load())
    }

    /// From now on, this one.
    pub fn replace(&self, app: App) {
        self.0.store(Arc::new(app));
    }
}

impl From<&App> for Live {
    fn from(app: &App) -> Self {
        Self::new(app.clone())
    }
}

/// Why a server does not start. One sentence for a person.
#[derive(Debug, Error)]
pub enum StartError {
    /// Database or Redis.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Short-lived state.
    #[error(transparent)]
    Ephemeral(#[from] EphemeralError),
    /// Root key, purpose keys, signing keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// Password hashing.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// Certificates for requests of our own.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The catalogues.
    #[error(transparent)]
    Texts(#[from] BrokenTexts),
    /// Files and other nodes.
    #[error("{0}")]
    Environment(String),
}

impl App {
    /// Copies confirmed within the last second, with the signing keys of the same moment: a door that asks
    /// here accepts nothing of a key that is gone for longer.
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>, Trouble> {
        let snapshot = self.copies.current().await?;
        self.keys.follow_if_moved(&snapshot)?;
        Ok(snapshot)
    }

    /// The same state under other settings, of which only what may change while serving differs.
    pub fn with(&self, settings: Settings) -> Result<Self, OutboundError> {
        let (outbound, settings) = (Outbound::new(&settings)?, Arc::new(settings));
        Ok(Self(Arc::new(Parts { outbound, settings, ..Parts::clone(self) })))
    }

    /// Opens everything. Used by `gapura serve` and by tests that drive the router in their own
    /// process; jobs and sockets are the caller's.
    pub async fn build(settings: Settings, clock: Clock) -> Result<Self, StartError> {
        let base = Foundation::open_for_server(settings, clock).await?;
        let passwords = base.settings.passwords;
        let size = Size { workers: passwords.workers, queue: passwords.queue, idle: pool::IDLE };
        let ephemeral = match &base.settings.redis {
            Some(url) => Ephemeral::redis(url.expose(), "gapura").await?,
            None => Ephemeral::memory(),
        };
        // Asked once at the start, so that one-time assertions issued before it are known as such.
        ephemeral.marks_since(base.clock.now()).await?;
        let copies = Copies::open(base.db.clone()).await?;
        let snapshot = copies.current().await?;
        base.keys.follow_if_moved(&snapshot)?;
        Ok(Self(Arc::new(Parts {
            ephemeral,
            copies,
            oauth: Prepared::new(base.settings.server.public_url.as_str()),
            hasher: Arc::new(PasswordPool::start(passwords.cost, size, base.keys.pepper().clone())?),
            outbound: Outbound::new(&base.settings)?,
            texts: Arc::new(Texts::load()?),
            wake: Arc::new(Notify::new()),
            settings: base.settings,
            db: base.db,
            keys: base.keys,
            clock: base.clock,
            entropy: base.entropy,
        })))
    }
}
