//! Imports in progress and what they left to decide.
//!
//! A batch is visible from its first moment. Its items are sealed by the caller, applied in groups
//! and deleted with the group's own change, so that a batch that was cut off goes on where it was.

use gapura_core::{
    id::{BatchId, UserId},
    time::Instant,
    words,
};

use crate::{
    Db, StoreError, Tx,
    columns::word,
    door::{record, values},
};

words! {
    /// Where a batch stands.
    pub enum BatchState {
        /// Its items are being stored; it changed nothing yet.
        Preparing = "preparing",
        /// Being applied, or cut off while it was.
        Applying = "applying",
        /// Applied to its end.
        Done = "done",
    }
}

/// One import of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Key, time-ordered.
    pub id: BatchId,
    /// What was imported.
    pub kind: String,
    /// Name of the file, without its folder.
    pub file_name: String,
    /// SHA-256 of the file, in hexadecimal.
    pub file_digest: String,
    /// Where it stands.
    pub state: BatchState,
    /// Items at the beginning.
    pub total: i64,
    /// When it began.
    pub started_at: Instant,
    /// Who ran it.
    pub actor: String,
    /// The report so far, as JSON.
    pub report: Option<String>,
}

/// Something an officer must decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued<'q> {
    /// Key.
    pub id: &'q str,
    /// The import that found it.
    pub batch: &'q BatchId,
    /// Row of the sheet.
    pub row: i64,
    /// About whom.
    pub user: Option<&'q UserId>,
    /// What, as a word.
    pub code: &'q str,
    /// In words.
    pub detail: &'q str,
}

const BEGIN: &str = "INSERT INTO import_batches (id, kind, file_name, file_digest, state, total, started_at, actor, \
     report) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const SET_STATE: &str = "UPDATE import_batches SET state = $2, total = $3 WHERE id = $1";

const END: &str = "UPDATE import_batches SET state = $2, ended_at = $3, report = $4 WHERE id = $1";

const UNFINISHED: &str = "SELECT id, kind, file_name, file_digest, state, total, started_at, actor, report \
     FROM import_batches WHERE ended_at IS NULL ORDER BY id";

const BY_ID: &str = "SELECT id, kind, file_name, file_digest, state, total, started_at, actor, report \
     FROM import_batches WHERE id = $1";

const DROP_BATCH: &str = "DELETE FROM import_batches WHERE id = $1 AND state = $2";

const ADD_ITEM: &str = "INSERT INTO import_items (batch_id, number, sealed) VALUES ($1, $2, $3)";

const ITEMS: &str = "SELECT number, sealed FROM import_items WHERE batch_id = $1 ORDER BY number";

/// The guard of a group: whoever deletes an item applies it, once.
const TAKE_ITEM: &str = "DELETE FROM import_items WHERE batch_id = $1 AND number = $2";

const DROP_ITEMS: &str = "DELETE FROM import_items WHERE batch_id = $1";

const QUEUE: &str = "INSERT INTO import_queue (id, batch_id, source_row, user_id, code, detail, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

const OPEN_QUEUE: &str = "SELECT user_id, code, detail FROM import_queue WHERE resolved_at IS NULL ORDER BY id";

/// Begins a batch.
pub async fn begin(tx: &mut Tx, batch: &Batch) -> Result<(), StoreError> {
    tx.execute(
        BEGIN,
        values![
            &batch.id,
            batch.kind.as_str(),
            batch.file_name.as_str(),
            batch.file_digest.as_str(),
            batch.state.as_str(),
            batch.total,
            batch.started_at,
            batch.actor.as_str(),
            batch.report.as_deref(),
        ],
    )
    .await?;
    Ok(())
}

/// Moves a batch on.
pub async fn set_state(tx: &mut Tx, id: &BatchId, state: BatchState, total: i64) -> Result<(), StoreError> {
    tx.execute(SET_STATE, values![id, state.as_str(), total]).await?;
    Ok(())
}

/// Ends a batch with its report; whatever items are left go with it.
pub async fn end(tx: &mut Tx, id: &BatchId, report: &str, now: Instant) -> Result<(), StoreError> {
    tx.execute(DROP_ITEMS, values![id]).await?;
    tx.execute(END, values![id, BatchState::Done.as_str(), now, report]).await?;
    Ok(())
}

/// Drops a batch that was cut off before it changed anything.
pub async fn drop_unprepared(tx: &mut Tx, id: &BatchId) -> Result<(), StoreError> {
    tx.execute(DROP_ITEMS, values![id]).await?;
    tx.execute(DROP_BATCH, values![id, BatchState::Preparing.as_str()]).await?;
    Ok(())
}

/// Batches that did not end: running, or cut off. The oldest first.
pub async fn unfinished(db: &Db) -> Result<Vec<Batch>, StoreError> {
    let rows: Vec<BatchRow> = db.all(UNFINISHED, values![]).await?;
    rows.into_iter().map(BatchRow::into_batch).collect()
}

/// One batch.
pub async fn by_id(db: &Db, id: &BatchId) -> Result<Option<Batch>, StoreError> {
    let row: Option<BatchRow> = db.first(BY_ID, values![id]).await?;
    row.map(BatchRow::into_batch).transpose()
}

/// Stores an item.
pub async fn add_item(tx: &mut Tx, batch: &BatchId, number: i64, sealed: &[u8]) -> Result<(), StoreError> {
    tx.execute(ADD_ITEM, values![batch, number, sealed]).await?;
    Ok(())
}

/// The items that were not applied yet, in order.
pub async fn items(db: &Db, batch: &BatchId) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    let rows: Vec<ItemRow> = db.walk(ITEMS, values![batch]).await?;
    Ok(rows.into_iter().map(|row| (row.number, row.sealed)).collect())
}

/// Takes an item to apply it in this same change; `false` where somebody did already.
pub async fn take_item(tx: &mut Tx, batch: &BatchId, number: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(TAKE_ITEM, values![batch, number]).await? == 1)
}

/// Leaves something to decide.
pub async fn queue(tx: &mut Tx, queued: &Queued<'_>, now: Instant) -> Result<(), StoreError> {
    let Queued { id, batch, row, user, code, detail } = queued;
    tx.execute(QUEUE, values![*id, *batch, *row, *user, *code, *detail, now]).await?;
    Ok(())
}

/// What is still to decide: about whom, the code and the words.
pub async fn open_queue(db: &Db) -> Result<Vec<(Option<UserId>, String, String)>, StoreError> {
    let rows: Vec<QueueRow> = db.walk(OPEN_QUEUE, values![]).await?;
    Ok(rows.into_iter().map(|row| (row.user_id.map(UserId::new), row.code, row.detail)).collect())
}

record! {
    struct BatchRow {
        id: String,
        kind: String,
        file_name: String,
        file_digest: String,
        state: String,
        total: i64,
        started_at: i64,
        actor: String,
        report: Option<String>,
    }
}

impl BatchRow {
    fn into_batch(self) -> Result<Batch, StoreError> {
        Ok(Batch {
            id: BatchId::new(self.id),
            kind: self.kind,
            file_name: self.file_name,
            file_digest: self.file_digest,
            state: word(&self.state, "import_batches.state")?,
            total: self.total,
            started_at: Instant::from_millis(self.started_at),
            actor: self.actor,
            report: self.report,
        })
    }
}

record! {
    struct ItemRow {
        number: i64,
        sealed: Vec<u8>,
    }
}

record! {
    struct QueueRow {
        user_id: Option<String>,
        code: String,
        detail: String,
    }
}
