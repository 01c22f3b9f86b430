//! How a command ends: what it says to a person, what it says to a program, and its exit code.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use gapura_store::StoreError;
use serde_json::{Value, json};

use crate::{entropy::NoEntropy, keys::KeyError, state::StartError};

/// A command did what it could.
#[derive(Clone, Debug)]
pub struct Done {
    /// For a person, on standard output.
    pub text: String,
    /// For a program, one object.
    pub json: Value,
    /// Exit code: 0, or 1 where content was refused and the report is given all the same.
    pub exit: u8,
}

/// A command did nothing, and says why in one sentence.
#[derive(Clone, Debug)]
pub struct Failed {
    exit: u8,
    sentence: String,
}

/// The end of a command.
pub type Outcome = Result<Done, Failed>;

impl Done {
    /// Done, in both forms.
    pub fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, exit: 0 }
    }
}

impl Failed {
    /// Exit 1: what was asked for cannot be.
    pub fn refused(sentence: impl Into<String>) -> Self {
        Self { exit: 1, sentence: sentence.into() }
    }

    /// Exit 2: asked for in the wrong way.
    pub fn usage(sentence: impl Into<String>) -> Self {
        Self { exit: 2, sentence: sentence.into() }
    }

    /// Exit 3: files, ports, database, settings.
    pub fn environment(sentence: impl Into<String>) -> Self {
        Self { exit: 3, sentence: sentence.into() }
    }
}

impl From<StoreError> for Failed {
    fn from(why: StoreError) -> Self {
        match why {
            StoreError::Unique(key) => Self::refused(format!("already taken: {key}")),
            other => Self::environment(other.to_string()),
        }
    }
}

impl From<KeyError> for Failed {
    fn from(why: KeyError) -> Self {
        Self::environment(why.to_string())
    }
}

impl From<StartError> for Failed {
    fn from(why: StartError) -> Self {
        match why {
            StartError::Store(why) => why.into(),
            other => Self::environment(other.to_string()),
        }
    }
}

impl From<NoEntropy> for Failed {
    fn from(why: NoEntropy) -> Self {
        Self::environment(why.to_string())
    }
}

/// Prints an outcome and gives its exit code. A closed pipe is the reader's affair.
pub(super) fn print(outcome: &Outcome, json: bool) -> ExitCode {
    match outcome {
        Ok(done) => {
            say(if json { done.json.to_string() } else { done.text.clone() });
            ExitCode::from(done.exit)
        }
        Err(failed) => {
            if json {
                say(json!({"error": failed.sentence}).to_string());
            }
            note(&failed.sentence);
            ExitCode::from(failed.exit)
        }
    }
}

fn say(mut text: String) {
    if text.is_empty() {
        return;
    }
    text.truncate(text.trim_end().len());
    let _ = writeln!(io::stdout(), "{text}");
}

/// A note for the person in front of the terminal.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "gapura: {text}");
}
