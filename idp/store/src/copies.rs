//! Copies in process of what rarely changes: clients, applications with their roles and rules, the
//! organisation, signing keys. Never of people, sessions, families, assignments or grants.
//!
//! Each noun has a generation, raised in the transaction of its change. A job confirms the copies every
//! 250 ms; a request that finds them unconfirmed for a second confirms them itself first, and fails
//! where that fails: no stale answer.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use gapura_core::{
    access::Catalog,
    id::ClientId,
    oauth::{Client, StoredSigningKey},
    organization::UnitTree,
};
use tokio::sync::Mutex;

use crate::{
    Db, StoreError, clients,
    generations::{self, Generations},
    organization, rules, signing_keys,
};

/// Copies older than this are confirmed before they are used.
const CONFIRMED_FOR: Duration = Duration::from_secs(1);

/// Everything copied, as of one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Registered clients.
    pub clients: Arc<HashMap<ClientId, Arc<Client>>>,
    /// Applications, their roles and rules.
    pub catalog: Arc<Catalog>,
    /// The organisation.
    pub tree: Arc<UnitTree>,
    /// Signing keys.
    pub signing_keys: Arc<Vec<StoredSigningKey>>,
    /// Which reading of this process it is: who holds two of them knows the later one.
    pub reading: u64,
    generations: Generations,
}

struct Confirmed {
    snapshot: Arc<Snapshot>,
    at: Instant,
}

/// The last confirmation that failed, and when it did: whoever waited behind it is answered by it, or a
/// silent database would be waited for by one after the other.
struct Failed {
    why: StoreError,
    at: Instant,
}

/// The copies of this process. Clones share them.
#[derive(Clone)]
pub struct Copies {
    db: Db,
    held: Arc<ArcSwap<Confirmed>>,
    refreshing: Arc<Mutex<Option<Failed>>>,
}

impl Copies {
    /// Reads everything once.
    pub async fn open(db: Db) -> Result<Self, StoreError> {
        let db = db.following();
        let at = Instant::now();
        let before = Snapshot {
            generations: Generations { clients: -1, keys: -1, applications: -1, organization: -1 },
            ..Snapshot::default()
        };
        let snapshot = Arc::new(rebuilt(&db, &before).await?);
        let held = Arc::new(ArcSwap::from_pointee(Confirmed { snapshot, at }));
        Ok(Self { db, held, refreshing: Arc::default() })
    }

    /// Copies confirmed within the last second.
    pub async fn current(&self) -> Result<Arc<Snapshot>, StoreError> {
        let held = self.held.load();
        if held.at.elapsed() < CONFIRMED_FOR {
            return Ok(Arc::clone(&held.snapshot));
        }
        drop(held);
        self.confirm(CONFIRMED_FOR).await
    }

    /// Copies confirmed now: after a change of one's own, and by the job.
    pub async fn refresh(&self) -> Result<Arc<Snapshot>, StoreError> {
        self.confirm(Duration::ZERO).await
    }

    async fn confirm(&self, younger_than: Duration) -> Result<Arc<Snapshot>, StoreError> {
        let asked = Instant::now();
        let mut one_at_a_time = self.refreshing.lock().await;
        let held = self.held.load_full();
        if held.at >= asked || held.at.elapsed() < younger_than {
            return Ok(Arc::clone(&held.snapshot));
        }
        if let Some(failed) = &*one_at_a_time
            && failed.at >= asked
        {
            return Err(failed.why.clone());
        }
        let at = Instant::now();
        match self.read_anew(&held.snapshot).await {
            Ok(snapshot) => {
                self.held.store(Arc::new(Confirmed { snapshot: Arc::clone(&snapshot), at }));
                Ok(snapshot)
            }
            Err(why) => {
                *one_at_a_time = Some(Failed { why: why.clone(), at: Instant::now() });
                Err(why)
            }
        }
    }

    async fn read_anew(&self, held: &Arc<Snapshot>) -> Result<Arc<Snapshot>, StoreError> {
        if generations::current(&self.db).await? == held.generations {
            return Ok(Arc::clone(held));
        }
        Ok(Arc::new(rebuilt(&self.db, held).await?))
    }
}

/// Reads again what moved. Generations are read first: a change that comes in between is read twice, never missed.
async fn rebuilt(db: &Db, before: &Snapshot) -> Result<Snapshot, StoreError> {
    let generations = generations::current(db).await?;
    let mut after = before.clone();
    if generations.clients != before.generations.clients {
        let all = clients::all(db).await?;
        after.clients = Arc::new(all.into_iter().map(|client| (client.id.clone(), Arc::new(client))).collect());
    }
    if generations.applications != before.generations.applications {
        after.catalog = Arc::new(rules::catalog(db).await?);
    }
    if generations.organization != before.generations.organization {
        after.tree = Arc::new(organization::tree(db).await?);
    }
    if generations.keys != before.generations.keys {
        after.signing_keys = Arc::new(signing_keys::all(db).await?);
    }
    after.generations = generations;
    after.reading += 1;
    Ok(after)
}
