//! What is wrong with this deployment, and what to do about it.
//!
//! The story: the settings are read, the database is opened for reading only, and every check runs beside
//! the others, each bounded in time, whether a server is serving or not. A check that fails or hangs is a
//! finding like any other. Nothing is ever changed. A finding carries a stable code; its words are in
//! `locales/doctor.id.ftl` and `locales/doctor.en.ftl`, cause and remedy.

mod clients;
mod clock;
mod database;
mod files;
mod ports;
mod public;
mod redis;

use std::{fmt::Display, time::Duration};

use gapura_core::words;
use gapura_store::Db;
use tokio::time::timeout;

use crate::{
    clock::Clock,
    edge::Language,
    outbound::Probe,
    pages::texts::{BrokenTexts, Texts},
    settings::{Settings, Source},
};

/// The longest one check may take.
const TIME: Duration = Duration::from_secs(6);

words! {
    /// What is looked at, in the order of the report.
    pub enum Check {
        /// The settings themselves.
        Settings = "settings",
        /// The database answers.
        Database = "database",
        /// Its schema is this version's.
        Schema = "schema",
        /// It sorts text by bytes.
        Collation = "collation",
        /// The zone that was fixed is the zone that is set.
        Zone = "zone",
        /// Redis answers and forgets nothing.
        Redis = "redis",
        /// The root key's file.
        RootKey = "root_key",
        /// Who may read files that hold secrets or people.
        Permissions = "permissions",
        /// Room for the database.
        Disk = "disk",
        /// This machine's clock.
        Clock = "clock",
        /// The sockets.
        Ports = "ports",
        /// The public address.
        PublicUrl = "public_url",
        /// Other servers on the same database.
        Nodes = "nodes",
        /// The cost of password hashes.
        Passwords = "passwords",
        /// Weak properties of clients.
        Clients = "clients",
        /// Logout messages that cannot arrive.
        Logout = "logout",
    }
}

words! {
    /// How bad it is.
    pub enum Level {
        /// As it should be.
        Ok = "ok",
        /// It works, and should be looked at.
        Warning = "warning",
        /// It does not work, or not safely.
        Failure = "failure",
    }
}

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// What was found: a stable word, and the key of its texts.
    pub code: &'static str,
    /// How bad it is.
    pub level: Level,
    with: Vec<(&'static str, String)>,
}

/// Everything that was found.
pub struct Report {
    /// In the order of [`Check`].
    pub findings: Vec<Finding>,
    texts: Texts,
}

/// What one check found.
type Findings = Vec<Finding>;

impl Finding {
    fn new(level: Level, check: Check, code: &'static str) -> Self {
        Self { check, code, level, with: Vec::new() }
    }

    fn ok(check: Check, code: &'static str) -> Self {
        Self::new(Level::Ok, check, code)
    }

    fn warning(check: Check, code: &'static str) -> Self {
        Self::new(Level::Warning, check, code)
    }

    fn failure(check: Check, code: &'static str) -> Self {
        Self::new(Level::Failure, check, code)
    }

    fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.with.push((name, value.to_string()));
        self
    }

    fn alone(self) -> Findings {
        vec![self]
    }
}

impl Report {
    fn new(mut findings: Findings) -> Result<Self, BrokenTexts> {
        findings.sort_by_key(|finding| finding.check);
        Ok(Self { findings, texts: Texts::of_doctor()? })
    }

    /// What is the matter.
    pub fn cause(&self, finding: &Finding, language: Language) -> String {
        self.say(finding, language, finding.code)
    }

    /// What to do; nothing where all is well.
    pub fn remedy(&self, finding: &Finding, language: Language) -> Option<String> {
        (finding.level != Level::Ok).then(|| self.say(finding, language, &format!("{}-remedy", finding.code)))
    }

    fn say(&self, finding: &Finding, language: Language, key: &str) -> String {
        let with: Vec<_> = finding.with.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.texts.plain(language, key, &with)
    }

    /// The worst of all findings about the deployment's environment, or about what is registered in it.
    pub fn worst(&self, side: Side) -> Level {
        let of_side = self.findings.iter().filter(|finding| finding.check.side() == side);
        of_side.map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }
}

/// Whose affair a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Settings, files, ports, other machines.
    Environment,
    /// What is registered: clients and their addresses.
    Content,
}

impl Check {
    /// Whose affair it is.
    pub const fn side(self) -> Side {
        match self {
            Self::Clients | Self::Logout => Side::Content,
            _ => Side::Environment,
        }
    }
}

/// What the checks share.
struct Visit<'v> {
    source: &'v Source,
    settings: &'v Settings,
    /// None where the database cannot be read at this version's schema.
    db: Option<&'v Db>,
    clock: Clock,
    probe: &'v Probe,
}

/// Runs every check.
pub async fn examine(source: &Source, clock_from: Option<&str>) -> Result<Report, BrokenTexts> {
    let settings = match Settings::load(source) {
        Ok(settings) => settings,
        Err(why) => {
            return Report::new(Finding::failure(Check::Settings, "settings-invalid").with("why", why).alone());
        }
    };
    let probe = match Probe::new(&settings.outbound) {
        Ok(probe) => probe,
        Err(why) => {
            return Report::new(Finding::failure(Check::Settings, "settings-ca-file").with("why", why).alone());
        }
    };
    let opened = timeout(TIME, database::open(&settings)).await;
    let (db, mut findings) = opened.unwrap_or_else(|_| (None, late(Check::Database)));
    findings.push(match &source.file {
        Some(file) => Finding::ok(Check::Settings, "settings-ok").with("file", file.display()),
        None => Finding::ok(Check::Settings, "settings-default"),
    });
    let visit = Visit { source, settings: &settings, db: db.as_ref(), clock: Clock::System, probe: &probe };
    let found = tokio::join!(
        bounded(Check::Zone, database::zone(&visit)),
        bounded(Check::Nodes, database::nodes(&visit)),
        bounded(Check::Redis, redis::check(&visit)),
        bounded(Check::RootKey, files::root_key(&visit)),
        bounded(Check::Permissions, files::permissions(&visit)),
        bounded(Check::Disk, files::disk(&visit)),
        bounded(Check::Clock, clock::check(&visit, clock_from)),
        bounded(Check::Ports, ports::check(&visit)),
        bounded(Check::PublicUrl, public::check(&visit)),
        bounded(Check::Passwords, async { clients::passwords(&settings) }),
        bounded(Check::Clients, clients::check(&visit)),
        bounded(Check::Logout, clients::logout(&visit)),
    );
    let (zone, nodes, redis, root, permissions, disk, clock, ports, public, passwords, clients, logout) = found;
    for more in [zone, nodes, redis, root, permissions, disk, clock, ports, public, passwords, clients, logout] {
        findings.extend(more);
    }
    Report::new(findings)
}

async fn bounded(check: Check, findings: impl Future<Output = Findings>) -> Findings {
    within(TIME, check, findings).await
}

async fn within(time: Duration, check: Check, findings: impl Future<Output = Findings>) -> Findings {
    timeout(time, findings).await.unwrap_or_else(|_| late(check))
}

fn late(check: Check) -> Findings {
    Finding::failure(check, "timed-out").with("seconds", TIME.as_secs()).alone()
}

/// A statement of a check did not come through.
fn unread(check: Check, why: &gapura_store::StoreError) -> Findings {
    Finding::failure(check, "not-read").with("why", why).alone()
}

#[cfg(test)]
mod tests;
