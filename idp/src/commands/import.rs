//! `gapura import KIND FILE` and `gapura import resume`.

use std::{fs, io::IsTerminal as _, path::Path};

use gapura_core::audit::Actor;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{Done, Failed, Outcome, arguments::Import};
use crate::{
    foundation::Foundation,
    import::{ImportError, Importer, Kind, Report, Request},
    settings::Settings,
};

/// Runs the command: exit 1 where rows or the whole file were refused.
pub(super) async fn run(typed: Import, settings: Settings) -> Outcome {
    if typed.kind == "resume" {
        if typed.file.is_some() {
            return Err(Failed::usage("import resume takes no file: it goes on with what was cut off"));
        }
        return resume(settings).await;
    }
    let kind: Kind = typed
        .kind
        .parse()
        .map_err(|_| Failed::usage("import what? opd, pegawai, akun, penugasan, aplikasi or peran, or resume"))?;
    let Some(file) = typed.file else { return Err(Failed::usage(format!("import {kind} needs a file"))) };
    let bytes =
        fs::read(&file).map_err(|why| Failed::environment(format!("{} cannot be read: {why}", file.display())))?;
    let file_name = name_of(&file);
    let request =
        Request { kind, file_name: &file_name, bytes: &bytes, dry_run: typed.dry_run, skip_errors: typed.skip_errors };
    let base = super::open(settings).await?;
    let bar = bar();
    let report = importer(&base).import(&request, &|done, of| show(&bar, done, of)).await;
    bar.finish_and_clear();
    base.db.close().await;
    let report = report.map_err(failed)?;
    let refused = !report.errors.is_empty();
    let mut text = report.text();
    if typed.dry_run {
        text.push_str("Uji coba: tidak ada yang diterapkan.\n");
    } else if refused && !typed.skip_errors {
        text.push_str("Tidak ada yang diterapkan karena ada galat; betulkan, atau lewati dengan --skip-errors.\n");
    }
    Ok(Done { text, json: json_of(&report)?, exit: u8::from(refused) })
}

async fn resume(settings: Settings) -> Outcome {
    let base = super::open(settings).await?;
    let bar = bar();
    let resumed = importer(&base).resume(&|done, of| show(&bar, done, of)).await;
    bar.finish_and_clear();
    base.db.close().await;
    let resumed = resumed.map_err(failed)?;
    let mut text = String::new();
    let mut batches = Vec::new();
    for batch in &resumed {
        text.push_str(&format!("Impor {} dari {} dilanjutkan sampai selesai.\n", batch.kind, batch.file_name));
        text.push_str(&batch.report.text());
        let report = json_of(&batch.report)?;
        batches.push(json!({ "kind": batch.kind, "file": batch.file_name, "report": report }));
    }
    if resumed.is_empty() {
        text.push_str("Tidak ada impor yang terpotong.\n");
    }
    Ok(Done::new(text, json!({ "resumed": batches })))
}

fn importer(base: &Foundation) -> Importer {
    Importer {
        db: base.db.clone(),
        sealer: base.keys.sealer().clone(),
        clock: base.clock.clone(),
        entropy: base.entropy,
        zone: base.settings.city.zone,
        domains: base.settings.mail.official_domains.clone(),
        actor: Actor::CommandLine { name: super::desk::account() },
    }
}

/// The name without its folder, and without what no name should have.
fn name_of(file: &Path) -> String {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn json_of(report: &Report) -> Result<Value, Failed> {
    serde_json::to_value(report).map_err(|why| Failed::environment(why.to_string()))
}

fn failed(error: ImportError) -> Failed {
    match error {
        ImportError::File(refusal) => Failed::refused(refusal.to_string()),
        ImportError::Unfinished(_) => Failed::refused(error.to_string()),
        ImportError::Store(why) => why.into(),
        ImportError::Keys(why) => why.into(),
        ImportError::Entropy(why) => why.into(),
        ImportError::Item => Failed::environment(error.to_string()),
    }
}

/// On the standard error, for people only.
fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:40} {pos}/{len} {eta}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

fn show(bar: &ProgressBar, done: usize, of: usize) {
    bar.set_length(u64::try_from(of).unwrap_or(u64::MAX));
    bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
}
