//! `gapura audit verify`: whether the trail of audit events is the one that was written. In Indonesian, for whoever
//! inspects the city. The database is only read, and no key is needed: the chain is made of digests without one.

use std::fmt::Write as _;

use gapura_core::{
    audit::chain::{self, Broken, Link},
    hex,
};
use gapura_store::{Db, StoreError, audit_chain, migrations::Schema};
use serde_json::{Value, json};

use super::{
    Done, Failed, Outcome,
    arguments::{Anchor, Audit},
};
use crate::{foundation, settings::Settings};

/// Links read at once.
const PAGE: i64 = 500;

/// Runs the command.
pub(super) async fn run(command: Audit, settings: &Settings) -> Outcome {
    let Audit::Verify { anchors } = command;
    let verdict = Verdict::reach(&look(settings).await?, anchors).await?;
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
    unsealed: i64,
}

impl Verdict {
    async fn reach(db: &Db, mut anchors: Vec<Anchor>) -> Result<Self, StoreError> {
        let mut verdict = Self::default();
        'pages: loop {
            let page = audit_chain::page(db, verdict.number(), PAGE).await?;
            if page.is_empty() {
                break;
            }
            for (link, event) in page {
                if let Err(broken) = chain::check(verdict.head.as_ref(), &link, event.as_ref()) {
                    verdict.broken = Some((link, broken));
                    break 'pages;
                }
                anchors.retain(|anchor| anchor.number != link.number || anchor.hash != hex(&link.hash()));
                verdict.head = Some(link);
            }
        }
        verdict.lost = anchors;
        verdict.unsealed = audit_chain::count_unsealed(db).await?;
        Ok(verdict)
    }

    fn number(&self) -> i64 {
        self.head.as_ref().map_or(0, |head| head.number)
    }

    const fn refused(&self) -> bool {
        self.broken.is_some() || !self.lost.is_empty()
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::settings::Source;

    fn settings(folder: &std::path::Path) -> Settings {
        let variables = [("DATABASE__PATH", "gapura.db"), ("KEYS__ROOT_FILE", "gapura.key")]
            .map(|(key, file)| (format!("GAPURA__{key}"), folder.join(file).display().to_string()));
        Settings::load(&Source { file: None, variables: variables.to_vec() }).unwrap()
    }

    fn verify() -> Audit {
        Audit::Verify { anchors: Vec::new() }
    }

    #[tokio::test]
    async fn it_makes_no_database_and_needs_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path());
        assert!(run(verify(), &settings).await.is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
        Db::migrate(&foundation::config(&settings)).await.unwrap();
        let done = run(verify(), &settings).await.unwrap();
        assert_eq!((done.exit, &done.json["unsealed"]), (0, &0.into()));
        assert!(!folder.path().join("gapura.key").exists());
    }
}
