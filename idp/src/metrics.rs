//! Figures for operations. Labels come from closed sets: a label made of a request's text would
//! let anybody fill the memory.

use std::{
    collections::BTreeMap,
    sync::{OnceLock, PoisonError, RwLock},
    time::Duration,
};

use gapura_core::words;
use metrics::{Counter, Histogram, counter, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

words! {
    /// What is counted instead of audited, and what is counted beside it.
    pub enum Counted {
        /// Code redeemed.
        Code = "authorization_code",
        /// Token refreshed.
        Refresh = "refresh_token",
        /// Token for a client itself.
        ClientCredentials = "client_credentials",
        /// Introspection answered.
        Introspection = "introspection",
        /// Claims given.
        Userinfo = "userinfo",
        /// Password sign-in.
        SignIn = "sign_in",
        /// Entry into an application.
        Entry = "entry",
        /// Logout message.
        LogoutMessage = "logout_message",
    }
}

words! {
    /// How it went.
    pub enum Outcome {
        /// Done.
        Done = "done",
        /// Refused by a rule.
        Refused = "refused",
        /// Failed for our or the network's reason.
        Failed = "failed",
    }
}

words! {
    /// A level that goes up and down.
    pub enum Level {
        /// Sign-ins waiting for a password hash.
        PasswordQueue = "gapura_password_queue",
        /// Logout messages waiting.
        LogoutPending = "gapura_logout_messages_pending",
    }
}

/// The one recorder of this process: the facade is global by design.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// Starts recording; again in one process, it changes nothing.
pub fn start() -> Result<(), BuildError> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_ok() {
        let _ = RECORDER.set(handle);
    }
    Ok(())
}

/// The page (Prometheus text format); empty while nothing records.
pub fn page() -> String {
    RECORDER.get().map(PrometheusHandle::render).unwrap_or_default()
}

/// Keeps histograms small; called by a job.
pub fn tidy() {
    if let Some(handle) = RECORDER.get() {
        handle.run_upkeep();
    }
}

/// Counts one.
pub fn count(what: Counted, outcome: Outcome) {
    counter!("gapura_events_total", "what" => what.as_str(), "outcome" => outcome.as_str()).increment(1);
}

/// Sets a level.
#[expect(clippy::cast_precision_loss, reason = "a figure for a graph")]
pub fn level(what: Level, value: usize) {
    gauge!(what.as_str()).set(value as f64);
}

/// One answered request; `route` is the pattern of our route list, never the path that was sent.
pub fn answered(route: &str, status: u16, took: Duration) {
    // What is found while nothing records counts nothing, and would be kept.
    if RECORDER.get().is_none() {
        return;
    }
    let known = ROUTES.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(figures) = known.get(route) {
        return figures.add(status, took);
    }
    drop(known);
    let mut known = ROUTES.write().unwrap_or_else(PoisonError::into_inner);
    known.entry(route.to_owned()).or_insert_with(|| Figures::of(route)).add(status, took);
}

/// The figures of each route, found once: by name and labels takes allocations and two lookups a request.
static ROUTES: RwLock<BTreeMap<String, Figures>> = RwLock::new(BTreeMap::new());

struct Figures {
    requests: [Counter; 4],
    seconds: Histogram,
}

impl Figures {
    fn of(route: &str) -> Self {
        let requests = ["2xx", "3xx", "4xx", "5xx"]
            .map(|class| counter!("gapura_http_requests_total", "route" => route.to_owned(), "status" => class));
        Self { requests, seconds: histogram!("gapura_http_request_seconds", "route" => route.to_owned()) }
    }

    fn add(&self, status: u16, took: Duration) {
        let [fine, elsewhere, refused, failed] = &self.requests;
        let class = match status {
            200..=299 => fine,
            300..=399 => elsewhere,
            400..=499 => refused,
            _ => failed,
        };
        class.increment(1);
        self.seconds.record(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_stands_on_the_page() {
        start().unwrap();
        count(Counted::Refresh, Outcome::Done);
        level(Level::PasswordQueue, 3);
        for status in [200, 404, 204] {
            answered("/hitungan", status, Duration::from_millis(3));
        }
        let page = page();
        assert!(page.contains(r#"gapura_events_total{what="refresh_token",outcome="done"}"#), "{page}");
        assert!(page.contains("gapura_password_queue 3"), "{page}");
        for line in [
            r#"gapura_http_requests_total{route="/hitungan",status="2xx"} 2"#,
            r#"gapura_http_requests_total{route="/hitungan",status="4xx"} 1"#,
            r#"gapura_http_request_seconds_bucket{route="/hitungan",le="0.005"} 3"#,
        ] {
            assert!(page.contains(line), "{line} in {page}");
        }
    }
}
