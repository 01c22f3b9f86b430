//! The words of all pages: Bahasa Indonesia first, English second.
//!
//! `locales/id.ftl` and `locales/en.ftl` are compiled in and parsed once. A message may hold our
//! own markup such as `<b>`; what is put into it never does: arguments are escaped.

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use gapura_core::time::{Date, Instant, Zone};
use thiserror::Error;
use unic_langid::langid;

use crate::edge::Language;

const INDONESIAN: &str = include_str!("../../locales/id.ftl");
const ENGLISH: &str = include_str!("../../locales/en.ftl");
const DOCTOR_INDONESIAN: &str = include_str!("../../locales/doctor.id.ftl");
const DOCTOR_ENGLISH: &str = include_str!("../../locales/doctor.en.ftl");

/// A catalogue that was compiled in broken; tests keep it from happening.
#[derive(Debug, Error)]
#[error("the texts in {0} cannot be read: {1}")]
pub struct BrokenTexts(&'static str, String);

/// Both catalogues.
pub struct Texts {
    indonesian: FluentBundle<FluentResource>,
    english: FluentBundle<FluentResource>,
}

impl Texts {
    /// Parses the catalogues.
    pub fn load() -> Result<Self, BrokenTexts> {
        Ok(Self {
            indonesian: bundle("id.ftl", INDONESIAN, langid!("id"))?,
            english: bundle("en.ftl", ENGLISH, langid!("en"))?,
        })
    }

    /// Parses the catalogues of `gapura doctor`, which no page needs.
    pub fn of_doctor() -> Result<Self, BrokenTexts> {
        Ok(Self {
            indonesian: bundle("doctor.id.ftl", DOCTOR_INDONESIAN, langid!("id"))?,
            english: bundle("doctor.en.ftl", DOCTOR_ENGLISH, langid!("en"))?,
        })
    }

    /// A message without markup and without arguments, to be escaped by the template.
    pub fn say(&self, language: Language, key: &str) -> String {
        self.format(language, key, None)
    }

    /// A message with its arguments as they are: plain text, not yet safe inside HTML.
    pub fn plain(&self, language: Language, key: &str, arguments: &[(&str, &str)]) -> String {
        let mut given = FluentArgs::new();
        for (name, value) in arguments {
            given.set((*name).to_owned(), FluentValue::from((*value).to_owned()));
        }
        self.format(language, key, Some(&given))
    }

    /// A message as HTML, its arguments escaped.
    pub fn html(&self, language: Language, key: &str, arguments: &[(&str, &str)]) -> String {
        let mut escaped = FluentArgs::new();
        for (name, value) in arguments {
            escaped.set((*name).to_owned(), FluentValue::from(escape(value)));
        }
        self.format(language, key, Some(&escaped))
    }

    fn format(&self, language: Language, key: &str, arguments: Option<&FluentArgs<'_>>) -> String {
        let bundle = match language {
            Language::Indonesian => &self.indonesian,
            Language::English => &self.english,
        };
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            tracing::error!(key, "a text is missing");
            return key.to_owned();
        };
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, arguments, &mut errors).into_owned();
        if !errors.is_empty() {
            tracing::error!(key, "a text misses an argument");
        }
        text
    }

    /// Whether the catalogue has this message.
    pub fn has(&self, key: &str) -> bool {
        self.indonesian.has_message(key)
    }
}

fn bundle(
    file: &'static str,
    text: &str,
    language: unic_langid::LanguageIdentifier,
) -> Result<FluentBundle<FluentResource>, BrokenTexts> {
    let resource =
        FluentResource::try_new(text.to_owned()).map_err(|(_, errors)| BrokenTexts(file, format!("{errors:?}")))?;
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // Isolating marks would stand in the HTML; both languages run from left to right.
    bundle.set_use_isolating(false);
    bundle.add_resource(resource).map_err(|errors| BrokenTexts(file, format!("{errors:?}")))?;
    Ok(bundle)
}

/// What stood in a request or in the directory, safe inside HTML.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A time of day as people read it: `07.31.12 WIB`, `07:31:12 WIB`.
pub fn clock(language: Language, zone: Zone, at: Instant) -> String {
    let (hour, minute, second) = zone.clock(at);
    let dot = separator(language);
    format!("{hour:02}{dot}{minute:02}{dot}{second:02} {}", zone.abbreviation())
}

/// A time of day without seconds: `07.31 WIB`.
pub fn short_clock(language: Language, zone: Zone, at: Instant) -> String {
    let (hour, minute, _) = zone.clock(at);
    format!("{hour:02}{}{minute:02} {}", separator(language), zone.abbreviation())
}

const fn separator(language: Language) -> char {
    match language {
        Language::Indonesian => '.',
        Language::English => ':',
    }
}

const MONTHS: [(&str, &str); 12] = [
    ("Januari", "January"),
    ("Februari", "February"),
    ("Maret", "March"),
    ("April", "April"),
    ("Mei", "May"),
    ("Juni", "June"),
    ("Juli", "July"),
    ("Agustus", "August"),
    ("September", "September"),
    ("Oktober", "October"),
    ("November", "November"),
    ("Desember", "December"),
];

/// A day as people read it: `24 November 2026`.
pub fn day(language: Language, date: Date) -> String {
    let (year, month, day) = date.parts();
    let (indonesian, english) = MONTHS.get(usize::from(month).saturating_sub(1)).copied().unwrap_or_default();
    let month = match language {
        Language::Indonesian => indonesian,
        Language::English => english,
    };
    format!("{day} {month} {year}")
}

#[cfg(test)]
#[path = "texts_tests.rs"]
mod tests;
