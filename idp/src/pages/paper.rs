//! The frame that all pages share, and how a page becomes an answer.

use std::time::Duration;

use askama::Template;
use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use gapura_core::time::{Instant, Zone};

use super::{
    assets::{ASSETS, Assets},
    texts::{self, Texts},
};
use crate::{
    edge::{Language, RequestContext, headers},
    settings::City,
    state::App,
};

/// What a page is drawn on.
pub struct Paper<'a> {
    /// Addresses of styles, script, font and drawings.
    pub assets: &'static Assets,
    /// The local government.
    pub city: &'a City,
    texts: &'a Texts,
    language: Language,
    here: &'a str,
}

impl<'a> Paper<'a> {
    /// For this request; the language link leads to the address it came to.
    pub fn of(app: &'a App, context: &'a RequestContext) -> Self {
        Self {
            assets: &ASSETS,
            city: &app.settings.city,
            texts: &app.texts,
            language: context.language,
            here: &context.here,
        }
    }

    /// The same, where a page drawn after a post has another address of its own.
    #[must_use]
    pub const fn at(mut self, here: &'a str) -> Self {
        self.here = here;
        self
    }

    /// A text without markup, escaped by the template.
    pub fn say(&self, key: &str) -> String {
        self.texts.say(self.language, key)
    }

    /// A text with markup.
    pub fn html(&self, key: &str) -> String {
        self.with(key, &[])
    }

    /// A text with markup and arguments, which are escaped.
    pub fn with(&self, key: &str, arguments: &[(&str, &str)]) -> String {
        self.texts.html(self.language, key, arguments)
    }

    /// A text with arguments, nothing escaped: for texts that are put together before they are.
    pub fn plain(&self, key: &str, arguments: &[(&str, &str)]) -> String {
        self.texts.plain(self.language, key, arguments)
    }

    /// Whether the catalogue has this text.
    pub fn knows(&self, key: &str) -> bool {
        self.texts.has(key)
    }

    /// `lang` of the page.
    pub const fn tag(&self) -> &'static str {
        self.language.tag()
    }

    /// The language of the page.
    pub const fn language(&self) -> Language {
        self.language
    }

    /// Whether the page is in Bahasa Indonesia.
    pub fn is_indonesian(&self) -> bool {
        self.language == Language::Indonesian
    }

    /// The same page in the other language.
    pub fn other_language(&self) -> String {
        let joint = if self.here.contains('?') { '&' } else { '?' };
        format!("{}{joint}bahasa={}", self.here, self.language.other().tag())
    }

    /// The government's name.
    pub fn government(&self) -> String {
        self.with("government", &[("city", &self.city.name)])
    }

    /// Whom to ask.
    pub fn help(&self) -> String {
        if self.city.help.is_empty() {
            self.html("sign-in-help")
        } else {
            self.with("sign-in-help-city", &[("help", &self.city.help)])
        }
    }

    /// The deployment's zone.
    pub const fn zone(&self) -> Zone {
        self.city.zone
    }

    /// A time of day in words.
    pub fn clock(&self, at: Instant) -> String {
        texts::clock(self.language, self.city.zone, at)
    }

    /// A time of day that lies at or after `at`: nobody who waits for it comes too early.
    pub fn clock_rounded_up(&self, at: Instant) -> String {
        self.clock(at.plus(Duration::from_millis(999)))
    }

    /// A time of day without seconds.
    pub fn short_clock(&self, at: Instant) -> String {
        texts::short_clock(self.language, self.city.zone, at)
    }

    /// A day and a time in words.
    pub fn moment(&self, at: Instant) -> String {
        format!("{}, {}", texts::day(self.language, self.city.zone.today(at)), self.clock(at))
    }
}

/// A page as an answer. `target` is the checked redirect URI its form may lead to.
pub fn answer(page: &impl Template, status: StatusCode, target: Option<&str>) -> Response {
    match page.render() {
        Ok(html) => {
            let headers = [
                (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
                (CONTENT_SECURITY_POLICY, headers::page_policy(target)),
            ];
            (status, headers, html).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be drawn");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A message at the place of the problem.
pub struct Notice {
    /// `n-bad`, `n-warn` or `n-ok`.
    pub tone: &'static str,
    /// The same in both languages; what tests and tools read.
    pub code: &'static str,
    /// What happened.
    pub title: String,
    /// What to do, as HTML.
    pub text: String,
}
