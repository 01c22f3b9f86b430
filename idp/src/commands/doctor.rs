//! `gapura doctor`: what is wrong with this deployment, and what to do about it. Changes nothing.
//!
//! Exit 0 where nothing failed (warnings allowed), 3 where something of the environment failed (settings,
//! files, clock, ports, database), else 1 where something registered failed (clients, logout addresses).

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Done, Failed, Outcome, arguments};
use crate::{
    doctor::{self, Finding, Level, Report, Side},
    edge::Language,
    settings::Source,
};

pub(super) async fn run(typed: arguments::Doctor, source: &Source) -> Outcome {
    let report = doctor::examine(source, typed.clock_from.as_deref()).await;
    let report = report.map_err(|why| Failed::environment(why.to_string()))?;
    let language = typed.lang.unwrap_or_else(|| spoken(std::env::var("LANG").ok().as_deref()));
    let exit = match (report.worst(Side::Environment), report.worst(Side::Content)) {
        (Level::Failure, _) => 3,
        (_, Level::Failure) => 1,
        _ => 0,
    };
    Ok(Done { exit, ..Done::new(text(&report, language), json_of(&report)) })
}

/// English where the terminal speaks English, Bahasa Indonesia everywhere else.
fn spoken(lang: Option<&str>) -> Language {
    match lang {
        Some(lang) if lang.starts_with("en") => Language::English,
        _ => Language::Indonesian,
    }
}

fn text(report: &Report, language: Language) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let _ = writeln!(
            text,
            "{:<11} {:<12} {}",
            mark(finding, language),
            finding.check.as_str(),
            report.cause(finding, language)
        );
        if let Some(remedy) = report.remedy(finding, language) {
            let _ = writeln!(text, "{:<24} → {remedy}", "");
        }
    }
    text
}

const fn mark(finding: &Finding, language: Language) -> &'static str {
    match (finding.level, language) {
        (Level::Ok, Language::Indonesian) => "baik",
        (Level::Ok, Language::English) => "ok",
        (Level::Warning, Language::Indonesian) => "PERINGATAN",
        (Level::Warning, Language::English) => "WARNING",
        (Level::Failure, Language::Indonesian) => "GAGAL",
        (Level::Failure, Language::English) => "FAILURE",
    }
}

fn json_of(report: &Report) -> Value {
    let both = |say: &dyn Fn(Language) -> Option<String>| match (say(Language::Indonesian), say(Language::English)) {
        (Some(id), Some(en)) => json!({"id": id, "en": en}),
        _ => Value::Null,
    };
    let finding = |finding: &Finding| {
        json!({
            "check": finding.check.as_str(),
            "code": finding.code,
            "level": finding.level,
            "cause": both(&|language| Some(report.cause(finding, language))),
            "remedy": both(&|language| report.remedy(finding, language)),
        })
    };
    let worst = report.worst(Side::Environment).max(report.worst(Side::Content));
    json!({"level": worst, "findings": report.findings.iter().map(finding).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_speaks_indonesian_unless_the_terminal_speaks_english() {
        for lang in [None, Some("C.UTF-8"), Some("id_ID.UTF-8"), Some("")] {
            assert_eq!(spoken(lang), Language::Indonesian);
        }
        assert_eq!(spoken(Some("en_US.UTF-8")), Language::English);
    }
}
