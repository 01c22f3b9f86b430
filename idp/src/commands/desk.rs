//! What a command works with: the opened deployment, one `now`, and who typed it.

use std::os::unix::fs::MetadataExt as _;

use gapura_core::{
    access::Application,
    audit::{Actor, AuditEvent, EventKind},
    id::{EventId, UnitId},
    identity::{LoginName, User},
    organization::Unit,
    time::{Date, Instant},
};
use gapura_store::{applications, organization, users};

use super::Failed;
use crate::{clock::Clock, entropy::NoEntropy, foundation::Foundation, settings::Settings};

/// One command at work.
pub(super) struct Desk {
    /// Database, keys, settings.
    pub(super) base: Foundation,
    /// Read once.
    pub(super) now: Instant,
    /// The day in the deployment's zone.
    pub(super) today: Date,
    /// The account of the operating system that runs this.
    pub(super) actor: Actor,
}

impl Desk {
    /// Opens everything, beside a server or alone.
    pub(super) async fn open(settings: Settings) -> Result<Self, Failed> {
        let base = Foundation::open_for_command(settings, Clock::System).await;
        let base = base.map_err(|why| Failed::environment(why.to_string()))?;
        let now = base.clock.now();
        let today = base.settings.city.zone.today(now);
        Ok(Self { base, now, today, actor: Actor::CommandLine { name: account() } })
    }

    /// An event of this command.
    pub(super) fn event(&self, kind: EventKind) -> Result<AuditEvent, NoEntropy> {
        let id = EventId::new(self.key()?);
        Ok(AuditEvent::new(id, self.base.entropy.bytes()?, self.now, kind, self.actor.clone()))
    }

    /// A time-ordered key.
    pub(super) fn key(&self) -> Result<String, NoEntropy> {
        self.base.entropy.ordered_id(self.now)
    }

    /// Who is meant by a name they sign in with. The name is not repeated: it may be a NIP.
    pub(super) async fn user(&self, typed: &str) -> Result<User, Failed> {
        let unknown = || Failed::refused("nobody signs in with this name");
        let name = LoginName::typed(typed).ok_or_else(unknown)?;
        users::find(&self.base.db, &name).await?.ok_or_else(unknown)
    }

    /// Which OPD is meant by its key, code, short name or name.
    pub(super) async fn opd(&self, typed: &str) -> Result<UnitId, Failed> {
        let tree = organization::tree(&self.base.db).await?;
        let wanted = typed.to_lowercase();
        let opds: Vec<&Unit> = tree.iter().filter(|unit| unit.parent.is_none()).collect();
        let found = opds.iter().find(|unit| {
            unit.id.as_str() == typed
                || unit.code == typed
                || unit.name.to_lowercase() == wanted
                || unit.short_name.as_ref().is_some_and(|short| short.to_lowercase() == wanted)
        });
        if let Some(unit) = found {
            return Ok(unit.id.clone());
        }
        let near = similar(typed, opds.iter().map(|unit| unit.short_name.as_deref().unwrap_or(&unit.name)));
        let advice = if near.is_empty() { String::new() } else { format!("; similar: {}", near.join(", ")) };
        Err(Failed::refused(format!("no OPD is called \"{typed}\"{advice}")))
    }

    /// Which application is meant by its name or identifier; otherwise a sentence with similar ones.
    pub(super) async fn application(&self, typed: &str) -> Result<Application, Failed> {
        let all: Vec<Application> =
            applications::all(&self.base.db).await?.into_iter().map(|registered| registered.application).collect();
        let wanted = typed.to_lowercase();
        let found = all.iter().find(|it| it.name.to_lowercase() == wanted || it.identifier == typed);
        found.cloned().ok_or_else(|| Failed::refused(unknown_application(typed, &all)))
    }
}

fn unknown_application(typed: &str, all: &[Application]) -> String {
    let similar = similar(typed, all.iter().map(|it| it.name.as_str()));
    let advice = if all.is_empty() {
        "there are none yet: gapura application add, or gapura import aplikasi".to_owned()
    } else if similar.is_empty() {
        "gapura application list shows all".to_owned()
    } else {
        format!("similar: {}", similar.join(", "))
    };
    format!("no application is called \"{typed}\"; {advice}")
}

/// Up to five names that share a beginning, a word or most letters with what was typed.
fn similar<'n>(typed: &str, names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let typed = typed.to_lowercase();
    let mut near: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let within = lower.contains(&typed) || typed.contains(&lower);
            let steps = distance(&typed, &lower);
            (within || steps <= 2 + typed.chars().count() / 4).then_some((if within { 0 } else { steps }, name))
        })
        .collect();
    near.sort_unstable();
    near.into_iter().take(5).map(|(_, name)| name).collect()
}

/// Letters to add, drop or change from one word to the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        let above = row.iter().zip(row.iter().skip(1));
        for ((diagonal, up), other) in above.zip(&b) {
            let left = next.last().copied().unwrap_or(i + 1);
            let change = diagonal + usize::from(letter != *other);
            next.push(change.min(up + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// The operating system's name of the account that runs this, by its number where it has none. Taken
/// from the kernel and the account list, not from the environment: it stands in audit events.
pub(super) fn account() -> String {
    let Ok(own) = std::fs::metadata("/proc/self") else { return "unknown".to_owned() };
    let number = own.uid().to_string();
    let list = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = list.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)? == number).then(|| name.to_owned())
    });
    named.unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_names_are_offered() {
        let names = ["Presensi", "e-Kinerja", "SIPD Keuangan", "Layanan Publik"];
        let near = |typed| similar(typed, names.into_iter());
        assert_eq!(near("presnsi"), ["Presensi"]);
        assert_eq!(near("keuangan"), ["SIPD Keuangan"]);
        assert_eq!(near("kinerja"), ["e-Kinerja"]);
        assert!(near("zzzzzz").is_empty());
        assert_eq!((distance("", "abc"), distance("kitten", "sitting"), distance("a", "a")), (3, 3, 0));
    }
}
