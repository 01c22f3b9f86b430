//! What becomes of a person's definitive post: kept, ended, or changed for another.

use gapura_core::{
    id::{AssignmentId, UserId},
    organization::{Assignment, AssignmentKind, Position},
    time::{Date, Period},
};

use crate::{
    entropy::NoEntropy,
    import::{record::PostRecord, stamp::Stamps},
};

/// What the file wants of the definitive post.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'w> {
    /// Nothing is known: stays as it is.
    AsIs,
    /// None any more: the account closed.
    Ended,
    /// This one, in this position.
    Post(&'w PostRecord, &'w Position),
}

/// Changes of stored rows. Each superseded assignment may be recorded again with another period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostChanges {
    /// Assignments whose current state becomes history.
    pub superseded: Vec<AssignmentId>,
    /// Assignments recorded anew, each with the key of its row and the date of its decree.
    pub recorded: Vec<(String, Assignment, Option<Date>)>,
    /// Into another unit.
    pub moved: bool,
    /// Another position in the same unit.
    pub position: bool,
}

impl PostChanges {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.superseded.is_empty() && self.recorded.is_empty()
    }
}

/// Compares. TMT is not compared: a move takes effect at the new TMT or, where the file still
/// names an older one, today.
pub fn compare(
    user: &UserId,
    stored: &[Assignment],
    wanted: Wanted<'_>,
    stamps: &Stamps,
) -> Result<PostChanges, NoEntropy> {
    let today = stamps.today;
    let open = stored
        .iter()
        .filter(|post| post.kind == AssignmentKind::Definitif && post.period.until.is_none_or(|until| until > today));
    let mut changes = PostChanges::default();
    let (post, position) = match wanted {
        Wanted::AsIs => return Ok(changes),
        Wanted::Ended => {
            for old in open {
                end(&mut changes, old, today, stamps)?;
            }
            return Ok(changes);
        }
        Wanted::Post(post, position) => (post, position),
    };
    let mut found = false;
    let mut begins = post.from;
    for old in open {
        if old.unit_id == post.unit && old.position == *position {
            found = true;
            if old.period.until != post.until {
                let period = Period { until: post.until, ..old.period };
                changes.superseded.push(old.id.clone());
                changes.recorded.push((stamps.key()?, Assignment { period, ..old.clone() }, post.decree_date));
            }
        } else {
            begins = if post.from > old.period.from { post.from } else { today };
            changes.moved |= old.unit_id != post.unit;
            changes.position |= old.unit_id == post.unit;
            end(&mut changes, old, begins, stamps)?;
        }
    }
    if !found {
        let period = Period { from: begins, until: post.until };
        changes.recorded.push((stamps.key()?, assignment(user, (post, position), period, stamps)?, post.decree_date));
    }
    Ok(changes)
}

/// A new assignment.
pub fn assignment(
    user: &UserId,
    (post, position): (&PostRecord, &Position),
    period: Period,
    stamps: &Stamps,
) -> Result<Assignment, NoEntropy> {
    Ok(Assignment {
        id: AssignmentId::new(stamps.key()?),
        user_id: user.clone(),
        unit_id: post.unit.clone(),
        position: position.clone(),
        kind: post.kind,
        period,
        decree_number: post.decree_number.clone(),
    })
}

/// Ends an assignment on a day; one that would end before it began is only superseded.
fn end(changes: &mut PostChanges, old: &Assignment, on: Date, stamps: &Stamps) -> Result<(), NoEntropy> {
    changes.superseded.push(old.id.clone());
    if on > old.period.from {
        let period = Period { until: Some(on), ..old.period };
        changes.recorded.push((stamps.key()?, Assignment { period, ..old.clone() }, None));
    }
    Ok(())
}
