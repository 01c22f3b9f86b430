//! Log lines: readable alone, their fields searchable, without personal data.
//!
//! What came from outside is a field written through [`outside`]. Never logged: what was typed as a
//! name (people type passwords there), NIP and NIK, tokens, cookies, query strings.

use std::{fmt, time::Duration};

use axum::http::Method;
use tracing_subscriber::EnvFilter;

use crate::settings::LogFormat;

/// Our own lines from `info`; of libraries only what went wrong.
const FILTER: &str = "warn,gapura_idp=info,gapura_store=info,gapura=info,hyper=error,sqlx=error";

/// Starts logging to standard error. A second start in one process changes nothing.
pub fn start(format: LogFormat) {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(FILTER))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false);
    let _ = match format {
        LogFormat::Human => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
    };
}

/// Panics become log lines like others, in the span of their request. Where, but not what: a panic's own text
/// may hold what came from outside.
pub fn panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic");
    }));
}

/// One answered request, inside the span that carries its request id. `route` is the pattern of our
/// route list: a path may hold what must not stand here. What went well is counted in metrics and
/// logged for whoever asks for more than the usual.
pub fn answered(method: &Method, route: &str, status: u16, took: Duration) {
    let method = if KNOWN_METHODS.contains(method) { method.as_str() } else { "other" };
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    match status {
        ..=399 => tracing::debug!(method, route, status, micros, "answered"),
        400..=499 => tracing::info!(method, route, status, micros, "answered"),
        _ => tracing::warn!(method, route, status, micros, "answered"),
    }
}

const KNOWN_METHODS: [Method; 5] = [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS, Method::PUT];

/// A text from outside, as a log line may hold it: control characters escaped, cut at 200 bytes.
pub const fn outside(text: &str) -> Outside<'_> {
    Outside(text)
}

/// See [`outside`].
pub struct Outside<'a>(&'a str);

/// Bytes of a text from outside that a line may hold.
const CUT: usize = 200;

impl fmt::Display for Outside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = CUT;
        for c in self.0.chars() {
            let Some(after) = left.checked_sub(c.len_utf8()) else {
                return f.write_str("…");
            };
            left = after;
            // Line and paragraph separators and direction marks forge lines as well as U+000A does.
            if c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}') {
                write!(f, "{}", c.escape_default())?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Outside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    //= BSSN4-2021#6.f test
    #[test]
    fn a_text_from_outside_forges_no_line() {
        assert_eq!(outside("a\r\nlevel=ERROR\u{1b}[31m\u{0}").to_string(), "a\\r\\nlevel=ERROR\\u{1b}[31m\\u{0}");
        assert_eq!(outside("a\u{2028}b\u{202e}c").to_string(), "a\\u{2028}b\\u{202e}c");
        assert_eq!(outside("Bogor é").to_string(), "Bogor é");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(outside(&"é".repeat(101)).to_string(), format!("{}…", "é".repeat(100)));
        assert_eq!(outside(&"x".repeat(200)).to_string(), "x".repeat(200));
    }
}
