//! Runs an import, and goes on with one that was cut off.

use std::{sync::Arc, time::Duration};

use gapura_core::{
    audit::{Actor, AuditEvent, EventKind},
    id::BatchId,
    time::{Instant, Zone},
};
use gapura_store::{
    Db, StoreError, audit,
    imports::{self, Batch, BatchState},
};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    clock::Clock,
    entropy::Entropy,
    import::{
        ImportError, Kind,
        apply::{self, Change},
        pace::Pace,
        plan::{self, Grounds, Plan, Records},
        report::{Code, Finding, Report},
        snapshot::Snapshot,
        stamp::Stamps,
    },
    keys::Sealer,
};

/// People in one item, hence in one transaction at least.
const ITEM: usize = 8;
/// Items stored in one transaction while a batch is prepared.
const PREPARED: usize = 16;
/// People or positions of one statement each in one transaction.
const MARKED: usize = 100;

/// No batch is being prepared longer than this.
const LONGEST_PREPARATION: Duration = Duration::from_secs(3600);

const CONTEXT: &str = "import_items.sealed";

/// Imports into one deployment.
pub struct Importer {
    /// The database.
    pub db: Db,
    /// For NIK, telephone numbers and items.
    pub sealer: Sealer,
    /// Where `now` comes from.
    pub clock: Clock,
    /// Where keys come from.
    pub entropy: Entropy,
    /// The zone of dates.
    pub zone: Zone,
    /// Domains of official mail; empty: `go.id`.
    pub domains: Vec<String>,
    /// Who imports.
    pub actor: Actor,
}

/// One file to import.
pub struct Request<'r> {
    /// What it holds.
    pub kind: Kind,
    /// Its name, without folder.
    pub file_name: &'r str,
    /// Its bytes.
    pub bytes: &'r [u8],
    /// Say what would happen; change nothing.
    pub dry_run: bool,
    /// Apply the rows without errors.
    pub skip_errors: bool,
}

/// A batch that was gone on with.
#[derive(Debug)]
pub struct Resumed {
    /// What it holds.
    pub kind: String,
    /// Its file.
    pub file_name: String,
    /// The whole report: what was done before the cut and after.
    pub report: Report,
}

/// One item: its number and what it holds, as records to seal and as changes to store.
struct Item {
    number: i64,
    rows: usize,
    changes: Vec<Change>,
}

impl Importer {
    /// Imports one file. `progress` hears how many of how many changed records are stored.
    pub async fn import(&self, request: &Request<'_>, progress: &dyn Fn(usize, usize)) -> Result<Report, ImportError> {
        if !request.dry_run {
            self.make_way().await?;
        }
        let stamps = self.stamps();
        let stored = Snapshot::load(&self.db).await?;
        let on = Grounds { stored: &stored, sealer: &self.sealer, domains: &self.domains, stamps: &stamps };
        let (records, report) = plan::read(request.kind, request.bytes, &on)?;
        let (plan, report) = plan::plan(&records, &on, report)?;
        let mut report = report.in_order();
        if request.dry_run || (!report.errors.is_empty() && !request.skip_errors) {
            return Ok(report);
        }
        if plan.is_empty() {
            return Ok(report);
        }
        let changed = plan.changes.len();
        let (batch, items) = self.prepare(request, &records, (&plan, &report), &stamps).await?;
        report.batch = Some(batch.to_string());
        let report = self.apply(&batch, (items, report), changed, progress).await?;
        self.end(&batch, report).await
    }

    /// Goes on with every batch that was cut off.
    pub async fn resume(&self, progress: &dyn Fn(usize, usize)) -> Result<Vec<Resumed>, ImportError> {
        let mut resumed = Vec::new();
        for batch in imports::unfinished(&self.db).await? {
            if batch.state == BatchState::Preparing {
                let id = batch.id.clone();
                self.db.write(async move |tx| imports::drop_unprepared(tx, &id).await).await?;
                continue;
            }
            let report = self.go_on(&batch, progress).await?;
            resumed.push(Resumed { kind: batch.kind, file_name: batch.file_name, report });
        }
        Ok(resumed)
    }

    /// Refuses beside an import that did not end. One that was cut off before it changed anything is
    /// dropped with its sealed items, once it can be no running one any more.
    async fn make_way(&self) -> Result<(), ImportError> {
        let now = self.clock.now();
        for batch in imports::unfinished(&self.db).await? {
            match batch.state {
                BatchState::Preparing if now.since(batch.started_at) > LONGEST_PREPARATION => {
                    let id = batch.id;
                    self.db.write(async move |tx| imports::drop_unprepared(tx, &id).await).await?;
                }
                BatchState::Preparing | BatchState::Done => {}
                BatchState::Applying => {
                    return Err(ImportError::Unfinished(format!("{} ({})", batch.kind, batch.file_name)));
                }
            }
        }
        Ok(())
    }

    async fn go_on(&self, batch: &Batch, progress: &dyn Fn(usize, usize)) -> Result<Report, ImportError> {
        let stamps = self.stamps();
        let stored = Snapshot::load(&self.db).await?;
        let on = Grounds { stored: &stored, sealer: &self.sealer, domains: &self.domains, stamps: &stamps };
        let mut report: Report =
            batch.report.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let sealed = imports::items(&self.db, &batch.id).await?;
        let left = sealed.len();
        let total = usize::try_from(batch.total).unwrap_or(left);
        let (mut items, mut positions, mut rows_left) = (Vec::new(), Vec::new(), 0);
        for (number, sealed) in sealed {
            let opened = self.sealer.open(CONTEXT, &sealed)?;
            let records: Records = serde_json::from_slice(opened.expose()).map_err(|_| ImportError::Item)?;
            let (plan, found) = plan::plan(&records, &on, Report::default())?;
            report.errors.extend(found.errors);
            positions.extend(plan.positions);
            let rows = records.rows();
            rows_left += rows;
            items.push(Item { number, rows, changes: plan.changes.into_iter().map(|(_, change)| change).collect() });
        }
        let known = Plan { positions, ..Plan::default() };
        self.store_positions(&known).await?;
        // What the cut-off run stored before its cut is the rest of what it had planned.
        report.applied = report.applied.saturating_sub(rows_left);
        tracing::info!(left, total, "an import goes on");
        let report = self.apply(&batch.id, (items, report), left * ITEM, progress).await?;
        self.end(&batch.id, report).await
    }

    fn stamps(&self) -> Stamps {
        let now = self.clock.now();
        Stamps { now, today: self.zone.today(now), actor: self.actor.clone(), entropy: self.entropy }
    }

    /// Stores the batch and its sealed items, in small transactions; nothing else changes yet.
    async fn prepare(
        &self,
        request: &Request<'_>,
        records: &Records,
        (plan, report): (&Plan, &Report),
        stamps: &Stamps,
    ) -> Result<(BatchId, Vec<Item>), ImportError> {
        let id = BatchId::new(stamps.key()?);
        let groups: Vec<&[(usize, Change)]> = plan.changes.chunks(ITEM).collect();
        let mut items = Vec::with_capacity(groups.len());
        let mut sealed = Vec::with_capacity(groups.len());
        for (number, group) in (0_i64..).zip(&groups) {
            let places: Vec<usize> = group.iter().map(|(place, _)| *place).collect();
            let picked = records.pick(&places);
            let plain = serde_json::to_vec(&picked).map_err(|_| ImportError::Item)?;
            sealed.push((number, self.sealer.seal(CONTEXT, &plain)?));
            let changes = group.iter().map(|(_, change)| change.clone()).collect();
            items.push(Item { number, rows: picked.rows(), changes });
        }
        for (number, marks) in (i64::try_from(items.len()).unwrap_or(0)..).zip(plan.marks(records, MARKED)) {
            let plain = serde_json::to_vec(&Records::Marks(marks.clone())).map_err(|_| ImportError::Item)?;
            sealed.push((number, self.sealer.seal(CONTEXT, &plain)?));
            items.push(Item { number, rows: 0, changes: vec![Change::Marks(marks)] });
        }
        // As if all were applied: a resumed batch takes off what is left.
        let whole = Report { applied: items.iter().map(|item| item.rows).sum(), ..report.clone() };
        let batch = self.batch(&id, request, &whole, stamps.now)?;
        let begun = self.event(stamps, &id, request)?;
        self.db
            .write(async move |tx| {
                audit::record(tx, &begun).await?;
                imports::begin(tx, &batch).await
            })
            .await?;
        for group in sealed.chunks(PREPARED) {
            let (id, group) = (id.clone(), group.to_vec());
            self.db
                .write(async move |tx| {
                    for (number, sealed) in &group {
                        imports::add_item(tx, &id, *number, sealed).await?;
                    }
                    Ok(())
                })
                .await?;
        }
        self.store_positions(plan).await?;
        let (moved, total) = (id.clone(), i64::try_from(items.len()).unwrap_or(i64::MAX));
        self.db.write(async move |tx| imports::set_state(tx, &moved, BatchState::Applying, total).await).await?;
        Ok((id, items))
    }

    fn batch(&self, id: &BatchId, request: &Request<'_>, report: &Report, now: Instant) -> Result<Batch, ImportError> {
        Ok(Batch {
            id: id.clone(),
            kind: request.kind.to_string(),
            file_name: request.file_name.to_owned(),
            file_digest: gapura_core::hex(&Sha256::digest(request.bytes)),
            state: BatchState::Preparing,
            total: 0,
            started_at: now,
            actor: serde_json::to_string(&self.actor).map_err(|_| ImportError::Item)?,
            report: Some(serde_json::to_string(report).map_err(|_| ImportError::Item)?),
        })
    }

    fn event(&self, stamps: &Stamps, id: &BatchId, request: &Request<'_>) -> Result<AuditEvent, ImportError> {
        let mut event = stamps.event(EventKind::Import)?;
        event.object = Some(id.to_string());
        event.after = Some(json!({ "state": "begun", "kind": request.kind, "file": request.file_name }));
        Ok(event)
    }

    async fn store_positions(&self, plan: &Plan) -> Result<(), ImportError> {
        for group in plan.positions.chunks(MARKED) {
            let group = group.to_vec();
            self.db.write(async move |tx| apply::positions(tx, &group).await).await?;
        }
        Ok(())
    }

    /// Applies items in groups that hold the writer a short time, with rests between.
    async fn apply(
        &self,
        batch: &BatchId,
        (items, mut report): (Vec<Item>, Report),
        changed: usize,
        progress: &dyn Fn(usize, usize),
    ) -> Result<Report, ImportError> {
        let mut pace = Pace::default();
        let mut waiting: Vec<Arc<Item>> = items.into_iter().rev().map(Arc::new).collect();
        let mut done = 0;
        while !waiting.is_empty() {
            let at = waiting.len().saturating_sub(pace.items());
            let group: Vec<Arc<Item>> = waiting.split_off(at).into_iter().rev().collect();
            match self.group(batch, &group).await {
                Ok(held) => {
                    report.applied += group.iter().map(|item| item.rows).sum::<usize>();
                    pace = pace.after(held);
                }
                Err(StoreError::Busy) => {
                    waiting.extend(group.into_iter().rev());
                    tokio::time::sleep(BUSY).await;
                    continue;
                }
                Err(StoreError::Unique(_)) => {
                    for item in &group {
                        report = self.one_by_one(batch, item, report).await?;
                    }
                }
                Err(error) => return Err(error.into()),
            }
            done += group.iter().map(|item| item.changes.len()).sum::<usize>();
            progress(done, changed);
            tokio::time::sleep(pace.rest()).await;
        }
        Ok(report)
    }

    /// One transaction: each item taken and applied. How long it held the writer.
    async fn group(&self, batch: &BatchId, group: &[Arc<Item>]) -> Result<Duration, StoreError> {
        let (batch, group, now) = (batch.clone(), group.to_vec(), self.clock.now());
        self.db
            .write(async move |tx| {
                let began = std::time::Instant::now();
                for item in &group {
                    if imports::take_item(tx, &batch, item.number).await? {
                        apply::item(tx, &item.changes, &batch, now).await?;
                    }
                }
                Ok(began.elapsed())
            })
            .await
    }

    /// Somebody changed the same person meanwhile: the others of the item are stored all the same,
    /// and that one is reported.
    async fn one_by_one(&self, batch: &BatchId, item: &Arc<Item>, mut report: Report) -> Result<Report, ImportError> {
        for at in 0..item.changes.len() {
            let (id, one, now) = (batch.clone(), Arc::clone(item), self.clock.now());
            let stored = self.db.write(async move |tx| match one.changes.get(at) {
                Some(change) => change.store(tx, &id, now).await,
                None => Ok(()),
            });
            match stored.await {
                Ok(()) => report.applied += 1,
                Err(StoreError::Unique(_)) => {
                    let row = item.changes.get(at).map_or(0, Change::row);
                    report.errors.push(Finding::with(row, "", Code::NotStored, "data kembar"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        let (id, number) = (batch.clone(), item.number);
        self.db.write(async move |tx| imports::take_item(tx, &id, number).await).await?;
        Ok(report)
    }

    async fn end(&self, batch: &BatchId, mut report: Report) -> Result<Report, ImportError> {
        report.batch = Some(batch.to_string());
        let stamps = self.stamps();
        let mut event = stamps.event(EventKind::Import)?;
        event.object = Some(batch.to_string());
        event.after = Some(json!({
            "state": "ended", "rows": report.rows, "applied": report.applied, "errors": report.errors.len(),
            "queued": report.queued.len(), "diff": report.diff,
        }));
        let text = serde_json::to_string(&report).map_err(|_| ImportError::Item)?;
        let (id, now) = (batch.clone(), stamps.now);
        self.db
            .write(async move |tx| {
                audit::record(tx, &event).await?;
                imports::end(tx, &id, &text, now).await
            })
            .await?;
        Ok(report)
    }
}

/// Before a full queue is tried again.
const BUSY: Duration = Duration::from_millis(100);
