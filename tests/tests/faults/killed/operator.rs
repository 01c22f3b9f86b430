//! The one at the command line, who switches a client off and on; and how a command's answer is heard.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use gapura_tests::{
    relying_party::{RelyingParty, pairs},
    wire,
};

use super::{Scene, Tally, ledger::Known};

/// Copies are at most this old.
const FOLLOWED: Duration = Duration::from_secs(1);

/// Runs a command; whether it said "done". `None`: it was cut off, and nobody knows.
pub(super) async fn command(scene: &Scene<'_>, arguments: &[&str]) -> Option<()> {
    let mut command = tokio::process::Command::from(scene.provider.command(arguments));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let status = loop {
        match tokio::time::timeout(Duration::from_millis(5), child.wait()).await {
            Ok(status) => break status.unwrap(),
            // What is under way dies with the rest.
            Err(_) if scene.is_cut() => child.start_kill().unwrap(),
            Err(_) => {}
        }
    };
    match status.code() {
        Some(0) => {
            Tally::add(&scene.tally.answered, 1);
            Tally::add(&scene.tally.changes, 1);
            Some(())
        }
        Some(3) | None => {
            Tally::add(&scene.tally.in_doubt, 1);
            None
        }
        Some(other) => {
            let said = child.wait_with_output().await.unwrap();
            panic!("{arguments:?}: exit {other}: {}", String::from_utf8_lossy(&said.stderr))
        }
    }
}

/// Who switches the client `mesin`.
pub(super) struct Operator {
    secret: String,
    enabled: Known,
    /// When that was answered or found.
    since: Instant,
}

impl Operator {
    pub(super) fn new(secret: &str) -> Self {
        Self { secret: secret.to_owned(), enabled: Known::Yes, since: Instant::now() }
    }

    pub(super) async fn live(&mut self, scene: &Scene<'_>) {
        while !scene.is_cut() && self.enabled != Known::Perhaps {
            let (word, then) = if self.enabled == Known::Yes { ("disable", Known::No) } else { ("enable", Known::Yes) };
            let answered = command(scene, &["client", word, "mesin"]).await;
            self.enabled = answered.map_or(Known::Perhaps, |()| then);
            self.since = Instant::now();
        }
    }

    /// Copies follow: the door is as the last answered command left it, within a second.
    pub(super) async fn check(&mut self, scene: &Scene<'_>) {
        let router = wire::router(scene.provider.port());
        let rp = RelyingParty::new(router, scene.public(), "mesin", Some(self.secret.clone()), "");
        if self.enabled == Known::Perhaps {
            let listed = scene.provider.gapura_json(&["client", "list"]);
            let all = listed["clients"].as_array().unwrap_or_else(|| panic!("{listed}"));
            let mesin = all.iter().find(|client| client["client_id"] == "mesin").unwrap();
            self.enabled = if mesin["enabled"] == true { Known::Yes } else { Known::No };
            self.since = Instant::now();
        }
        let wanted = if self.enabled == Known::Yes { 200 } else { 401 };
        loop {
            let asked = self.since.elapsed();
            let status = rp.token(&pairs(&[("grant_type", "client_credentials")])).await.status;
            if status == wanted {
                break;
            }
            // A node that was not killed may learn of a change of just now within a second.
            assert!(asked < FOLLOWED, "mesin is {:?} since {asked:?}, and the door says {status}", self.enabled);
        }
        Tally::add(&scene.tally.checks, 1);
    }
}
