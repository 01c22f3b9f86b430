//! `gapura audit verify`: whether the trail of audit events is the one that was written. In Indonesian, for whoever
//! inspects the city. The database is only read, and no key is needed: the chain is made of digests without one.

use std::{fmt::Write as _, time::Duration};

use gapura_core::{
    audit::chain::{self, Broken, Link},
    hex,
    id::EventId,
    time::Instant,
};
use gapura_store::{Db, StoreError, audit_chain, migrations::Schema};
use serde_json::{Value, json};

use super::{
    Done, Failed, Outcome,
    arguments::{Anchor, Audit},
};
use crate::{clock::Clock, foundation, settings::Settings};

/// Links read at once.
const PAGE: i64 = 500;
/// Keys of events read at once.
const KEYS: i64 = 5000;
/// The sealer of a serving server needs seconds, and ten minutes where a clock was set back.
const SEALED_WITHIN: Duration = Duration::from_secs(10 * 60);

/// Runs the command.
pub(super) async fn run(command: Audit, settings: &Settings) -> Outcome {
    let Audit::Verify { anchors } = command;
    let verdict = Verdict::reach(&look(settings).await?, anchors, Clock::System.now()).await?;
    Ok(Done { exit: u8::from(verdict.refused()), text: verdict.text(), json: verdict.json() })
}

/// The database, opened for reading. Why it cannot be read is said by the doctor, in words.
async fn look(settings: &Settings) -> Result<Db, Failed> {
    if let Ok(db) = Db::open_to_read(&foundation::config(settings)).await
        && db.schema().await? == Schema::Current
    {
        return Ok(db);
    }
    Err(Failed::environment("the database cannot be read as it is: `gapura doctor` says why, and what to do"))
}

/// What was found.
#[derive(Default)]
struct Verdict {
    /// The last link that fits.
    head: Option<Link>,
    /// The first that does not.
    broken: Option<(Link, Broken)>,
    /// Anchors that the chain does not hold.
    lost: Vec<Anchor>,
    /// Events without a place yet.
    unsealed: usize,
    /// Those of them that should have one.
    left_out: usize,
}

impl Verdict {
    async fn reach(db: &Db, mut anchors: Vec<Anchor>, now: Instant) -> Result<Self, StoreError> {
        let (mut verdict, mut newest) = (Self::default(), None);
        'pages: loop {
            let page = audit_chain::page(db, verdict.next(), PAGE).await?;
            if page.is_empty() {
                break;
            }
            for (link, event) in page {
                if let Err(broken) = chain::check(verdict.head.as_ref(), &link, event.as_ref()) {
                    verdict.broken = Some((link, broken));
                    break 'pages;
                }
                anchors.retain(|anchor| anchor.number != link.number || anchor.hash != hex(&link.hash()));
                newest = newest.max(chain::moment(&link.event));
                verdict.head = Some(link);
            }
        }
        verdict.lost = anchors;
        verdict.count_unsealed(db, newest.map_or(now, |newest| newest.min(now))).await?;
        Ok(verdict)
    }

    /// Walks through the keys of all events. What is older than the newest sealed event by more than the sealer needs
    /// was left out of the chain, or its link was taken away; where nothing is sealed, what is older than now.
    async fn count_unsealed(&mut self, db: &Db, newest: Instant) -> Result<(), StoreError> {
        let (due, mut after) = (newest.minus(SEALED_WITHIN), EventId::new(""));
        loop {
            let page = audit_chain::places(db, &after, KEYS).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id.clone();
            for event in page.iter().filter(|event| event.number.is_none()) {
                self.unsealed += 1;
                self.left_out += usize::from(chain::moment(&event.id).is_none_or(|at| at < due));
            }
        }
    }

    /// Where to read on. From the smallest number there is: the first link must be number 1.
    fn next(&self) -> i64 {
        self.head.as_ref().map_or(i64::MIN, |head| head.number.saturating_add(1))
    }

    fn number(&self) -> i64 {
        self.head.as_ref().map_or(0, |head| head.number)
    }

    const fn refused(&self) -> bool {
        self.broken.is_some() || !self.lost.is_empty() || self.left_out > 0
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if let Some((link, broken)) = &self.broken {
            let _ = writeln!(
                text,
                "Rantai audit PUTUS pada nomor {} (peristiwa {}): {}.",
                link.number,
                link.event,
                words(*broken)
            );
        }
        for anchor in &self.lost {
            let _ = writeln!(text, "Rantai audit TIDAK memuat jangkar {}:{}.", anchor.number, anchor.hash);
        }
        if self.left_out > 0 {
            let _ = writeln!(
                text,
                "Rantai audit TIDAK memuat {} peristiwa lama, yang seharusnya sudah masuk.",
                self.left_out
            );
        }
        if !self.refused() {
            let _ = writeln!(text, "Rantai audit utuh: {} peristiwa.", self.number());
        }
        if let Some(head) = &self.head {
            let _ = writeln!(text, "Jangkar (catat di luar server ini): {}:{}", head.number, hex(&head.hash()));
        }
        if self.unsealed > 0 {
            let _ = writeln!(text, "Belum masuk rantai: {} peristiwa.", self.unsealed);
        }
        text
    }

    fn json(&self) -> Value {
        json!({
            "intact": !self.refused(),
            "events": self.number(),
            "anchor": self.head.as_ref().map(|head| format!("{}:{}", head.number, hex(&head.hash()))),
            "broken": self.broken.as_ref().map(|(link, why)| json!({
                "number": link.number, "event": link.event, "why": why,
            })),
            "lost_anchors": self.lost.iter().map(|lost| format!("{}:{}", lost.number, lost.hash)).collect::<Vec<_>>(),
            "unsealed": self.unsealed,
            "left_out": self.left_out,
        })
    }
}

const fn words(broken: Broken) -> &'static str {
    match broken {
        Broken::Number => "nomor sebelumnya hilang",
        Broken::Previous => "tidak menyambung dengan nomor sebelumnya",
        Broken::Gone => "peristiwanya sudah tidak ada",
        Broken::Altered => "isi peristiwanya berubah",
        Broken::Columns => "kolom pencariannya tidak sama dengan isinya",
    }
}
