//! One person of a file against what is stored: who it is, what changes, and whether it may.
//!
//! One account a person (S0 Pasal 31A(1)): a NIP or NIK that an active account has already is
//! refused under any other PNS ID. A number corrected in the personnel system keeps the account and
//! its `sub`; the old number becomes history (HR-07).

use std::collections::HashMap;

use gapura_core::{
    audit::AuditEvent,
    id::{PositionId, UserId},
    identity::{Email, EmployeeNumber, LoginName, Status},
    organization::{Position, PositionClass},
    time::{Date, Period},
};
use gapura_store::users::{Listed, Profile};

use crate::{
    import::{
        ImportError,
        posts::{self, PostChanges, Wanted},
        record::{PersonRecord, PostRecord},
        report::{Code, Finding},
        snapshot::People,
        stamp::Stamps,
        story,
    },
    keys::Sealer,
};

/// Everything that comparing needs.
pub struct Comparison<'c> {
    /// Who is stored.
    pub people: &'c People,
    /// Known positions, by name, class and eselon.
    pub positions: &'c Positions,
    /// For NIK and telephone numbers.
    pub sealer: &'c Sealer,
    /// Time and keys.
    pub stamps: &'c Stamps,
}

/// Positions by what tells them apart.
#[derive(Default)]
pub struct Positions(HashMap<(String, PositionClass, Option<String>), Position>);

/// One person's change, ready to be stored.
#[derive(Clone, Debug)]
pub struct PersonChange {
    /// The sheet's row.
    pub row: u32,
    /// Who; a new key for a new person.
    pub user: UserId,
    /// The subject of a new person.
    pub sub: Option<String>,
    /// The profile to store.
    pub profile: Profile,
    /// A number to record, with the key of its row.
    pub number: Option<(String, EmployeeNumber)>,
    /// Login names to end.
    pub ended_names: Vec<String>,
    /// Login names to give.
    pub names: Vec<LoginName>,
    /// The definitive post.
    pub posts: PostChanges,
    /// Sessions and tokens end with this change.
    pub ends_sessions: bool,
    /// What to leave to an officer, each with its key.
    pub queued: Vec<(String, Finding)>,
    /// The audit event.
    pub event: AuditEvent,
    /// For the difference.
    pub kinds: Kinds,
}

/// In which ways a person differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    /// Not stored before.
    pub new: bool,
    /// Another legal status.
    pub status: bool,
    /// Another name or title.
    pub name: bool,
    /// The account closes, now or at its TMT.
    pub closes: bool,
}

/// What comparing one person came to.
#[derive(Debug)]
pub enum Compared {
    /// Everything is stored already.
    Unchanged(UserId),
    /// To be stored.
    Changed(Box<PersonChange>),
    /// Refused.
    Refused(Finding),
}

impl Positions {
    /// From the stored ones.
    pub fn new(stored: &[Position]) -> Self {
        Self(stored.iter().map(|p| ((p.name.clone(), p.class, p.eselon.clone()), p.clone())).collect())
    }

    /// The position a post names.
    pub fn of(&self, post: &PostRecord) -> Option<&Position> {
        self.0.get(&(post.position.clone(), post.class, post.eselon.clone()))
    }

    /// Makes the ones that these posts need and nobody had before.
    pub fn complete<'p>(
        &mut self,
        posts: impl Iterator<Item = &'p PostRecord>,
        stamps: &Stamps,
    ) -> Result<Vec<Position>, ImportError> {
        let mut made = Vec::new();
        for post in posts {
            if self.of(post).is_none() {
                let position = Position {
                    id: PositionId::new(stamps.key()?),
                    name: post.position.clone(),
                    class: post.class,
                    eselon: post.eselon.clone(),
                };
                self.0.insert((post.position.clone(), post.class, post.eselon.clone()), position.clone());
                made.push(position);
            }
        }
        Ok(made)
    }
}

/// Compares one person.
pub fn compare(record: &PersonRecord, with: &Comparison<'_>) -> Result<Compared, ImportError> {
    let nik_index = record.nik.as_ref().map(|nik| with.sealer.blind_index("users.nik", nik.as_bytes()));
    let known = match identify(record, nik_index.as_deref(), with.people) {
        Ok(known) => known,
        Err((column, code)) => return Ok(Compared::Refused(refusal(record, column, code))),
    };
    let user = match known {
        Some(listed) => listed.id.clone(),
        None => UserId::new(with.stamps.random()?),
    };
    let profile = profile(record, known, nik_index, with)?;
    let names = names(record, known, &profile)?;
    if let Some(taken) = names.given.iter().find(|name| taken(name, &user, with.people)) {
        return Ok(Compared::Refused(refusal(record, taken.kind().as_str(), Code::NameTaken)));
    }
    let wanted = wanted(record, &profile, with.positions);
    let posts = posts::compare(&user, with.people.posts(&user), wanted, with.stamps)?;
    let row_id = with.stamps.key()?;
    let number = names.number.clone().map(|number| (row_id, number));
    let kinds = kinds(known, &profile);
    let same = known.is_some_and(|listed| listed.profile == profile);
    if same && number.is_none() && names.given.is_empty() && names.ended.is_empty() && posts.is_empty() {
        return Ok(Compared::Unchanged(user));
    }
    let mut event = with.stamps.event(story::kind(known, &profile, &posts))?;
    event.user_id = Some(user.clone());
    (event.before, event.after) = story::told(known, &profile, (number.as_ref().map(|(_, n)| n), &posts));
    Ok(Compared::Changed(Box::new(PersonChange {
        row: record.row,
        sub: if known.is_none() { Some(with.stamps.random()?) } else { None },
        ends_sessions: known.is_some_and(|old| may_sign_in(old.profile.status)) && !may_sign_in(profile.status),
        queued: queued(record, with.stamps)?,
        user,
        profile,
        number,
        ended_names: names.ended,
        names: names.given,
        posts,
        event,
        kinds,
    })))
}

/// Each finding with the key of its queue row.
pub fn queued(record: &PersonRecord, stamps: &Stamps) -> Result<Vec<(String, Finding)>, ImportError> {
    record.queued.iter().map(|finding| Ok((stamps.key()?, finding.clone()))).collect()
}

fn refusal(record: &PersonRecord, column: &str, code: Code) -> Finding {
    let detail = record.name.full.as_str();
    Finding::with(record.row, column, code, detail)
}

/// The stored person that a record speaks of; an error where it speaks of two.
//= SSO-02
fn identify<'p>(
    record: &PersonRecord,
    nik_index: Option<&[u8]>,
    people: &'p People,
) -> Result<Option<&'p Listed>, (&'static str, Code)> {
    let by_id = record.siasn_id.as_deref().and_then(|id| people.with_siasn_id(id));
    let by_number = record.number.as_deref().and_then(|number| people.with_number(number));
    let by_nik = nik_index.and_then(|index| people.with_nik(index));
    let by_account = match record.account_name.as_deref().and_then(|name| people.name(name)) {
        Some(name) if name.ended_at.is_some() => return Err(("NAMA AKUN", Code::NameTaken)),
        Some(name) => people.with_key(&name.user_id),
        None => None,
    };
    let known = by_id
        .or_else(|| by_number.filter(|listed| may_be_taken_over(record, listed)))
        .or_else(|| by_nik.filter(|listed| listed.profile.status == Status::Closed || listed.employee_number.is_none()))
        .or(by_account);
    let differs = |other: Option<&Listed>| other.is_some_and(|other| known.is_none_or(|known| known.id != other.id));
    if differs(by_number) {
        return Err(("NIP BARU", Code::SecondAccount));
    }
    if differs(by_nik) {
        return Err(("NIK", Code::SecondAccount));
    }
    if known.is_some_and(|known| record.account_name.is_some() && known.profile.kind.is_asn()) {
        return Err(("NAMA AKUN", Code::NameTaken));
    }
    Ok(known)
}

/// A number found at a person without PNS ID, or at a closed account, is that person's own.
fn may_be_taken_over(record: &PersonRecord, listed: &Listed) -> bool {
    let id = &listed.profile.siasn_person_id;
    id.is_none() || record.siasn_id.is_none() || *id == record.siasn_id || listed.profile.status == Status::Closed
}

fn may_sign_in(status: Status) -> bool {
    matches!(status, Status::Active | Status::Limited)
}

/// The profile to store. What the file leaves out or spoils stays as it is stored.
fn profile(
    record: &PersonRecord,
    known: Option<&Listed>,
    nik_index: Option<Vec<u8>>,
    with: &Comparison<'_>,
) -> Result<Profile, ImportError> {
    let stored = known.map(|listed| &listed.profile);
    let kept =
        |new: Option<&String>, old: fn(&Profile) -> Option<&String>| new.or_else(|| stored.and_then(old)).cloned();
    let same_nik = stored.is_some_and(|old| nik_index.is_none() || old.nik_index == nik_index);
    let (nik_index, nik_sealed) = match (&record.nik, stored) {
        (Some(nik), _) if !same_nik => (nik_index, Some(with.sealer.seal("users.nik", nik.as_bytes())?)),
        (_, Some(old)) => (old.nik_index.clone(), old.nik_sealed.clone()),
        (_, None) => (None, None),
    };
    Ok(Profile {
        kind: record.kind,
        status: status(record, stored),
        name: record.name.clone(),
        gender: record.gender.or(stored.and_then(|old| old.gender)),
        birth_date: record.birth_date.or(stored.and_then(|old| old.birth_date)),
        siasn_person_id: kept(record.siasn_id.as_ref(), |old| old.siasn_person_id.as_ref()),
        nik_index,
        nik_sealed,
        phone_sealed: sealed(
            "users.phone",
            record.phone.as_ref(),
            stored.and_then(|old| old.phone_sealed.as_ref()),
            with.sealer,
        )?,
        official_email: official_email(record, known, with.people),
        private_email_sealed: sealed(
            "users.private_email",
            record.private_email.as_ref(),
            stored.and_then(|old| old.private_email_sealed.as_ref()),
            with.sealer,
        )?,
        golongan: kept(record.golongan.as_ref(), |old| old.golongan.as_ref()),
        legal_status: kept(record.legal_status.as_ref(), |old| old.legal_status.as_ref()),
        working_agency: kept(record.working_agency.as_ref(), |old| old.working_agency.as_ref()),
        sponsor_opd: record.sponsor_opd.clone().or_else(|| stored.and_then(|old| old.sponsor_opd.clone())),
        validity: validity(record, stored, with.stamps.today),
    })
}

/// An officer's decision to disable outlives the file, and a file without status changes none.
fn status(record: &PersonRecord, stored: Option<&Profile>) -> Status {
    match (record.status, stored.map(|old| old.status)) {
        (None, None) => Status::Limited,
        (None, Some(old)) => old,
        (Some(_), Some(old)) if !record.kind.is_asn() => old,
        (Some(new), Some(Status::Disabled)) if new != Status::Closed => Status::Disabled,
        (Some(new), _) => new,
    }
}

fn validity(record: &PersonRecord, stored: Option<&Profile>, today: Date) -> Option<Period> {
    let until = record.valid_until;
    let begun = stored.and_then(|old| old.validity).map(|days| days.from);
    match (record.valid_from, until) {
        (Some(from), until) => Some(Period { from, until }),
        (None, Some(_)) => Some(Period { from: begun.unwrap_or(today), until }),
        (None, None) => None,
    }
}

/// The stored ciphertext stays where it holds the same text, and where the file has none.
fn sealed(
    context: &str,
    new: Option<&String>,
    old: Option<&Vec<u8>>,
    sealer: &Sealer,
) -> Result<Option<Vec<u8>>, ImportError> {
    let Some(new) = new else { return Ok(old.cloned()) };
    if let Some(sealed) = old
        && sealer.open(context, sealed)?.expose().as_slice() == new.as_bytes()
    {
        return Ok(Some(sealed.clone()));
    }
    Ok(Some(sealer.seal(context, new.as_bytes())?))
}

/// An address that is another person's login name is not taken.
fn official_email(record: &PersonRecord, known: Option<&Listed>, people: &People) -> Option<String> {
    let stored = known.and_then(|listed| listed.profile.official_email.clone());
    let free = |email: &&String| people.name(email).is_none_or(|name| known.is_some_and(|k| k.id == name.user_id));
    record.official_email.as_ref().filter(free).cloned().or(stored)
}

struct NameChanges {
    number: Option<EmployeeNumber>,
    given: Vec<LoginName>,
    ended: Vec<String>,
}

/// Login names that begin and end.
//= HR-07
fn names(record: &PersonRecord, known: Option<&Listed>, profile: &Profile) -> Result<NameChanges, ImportError> {
    let mut changes = NameChanges { number: None, given: Vec::new(), ended: Vec::new() };
    let old_number = known.and_then(|listed| listed.employee_number.as_ref());
    if let Some(text) = record.number.as_ref().filter(|number| old_number != Some(number)) {
        let number = EmployeeNumber::parse(text).map_err(|_| ImportError::Item)?;
        changes.given.push(LoginName::number(&number));
        changes.ended.extend(old_number.cloned());
        changes.number = Some(number);
    }
    let old_email = known.and_then(|listed| listed.profile.official_email.as_ref());
    if profile.official_email.as_ref() != old_email {
        changes.ended.extend(old_email.cloned());
        changes
            .given
            .extend(profile.official_email.as_deref().and_then(Email::parse).map(|email| LoginName::email(&email)));
    }
    if known.is_none() {
        changes.given.extend(record.account_name.as_deref().and_then(LoginName::account));
    }
    Ok(changes)
}

fn taken(name: &LoginName, user: &UserId, people: &People) -> bool {
    people.name(name.as_str()).is_some_and(|stored| stored.user_id != *user)
}

fn wanted<'w>(record: &'w PersonRecord, profile: &Profile, positions: &'w Positions) -> Wanted<'w> {
    if profile.status == Status::Closed {
        return Wanted::Ended;
    }
    match record.post.as_ref().and_then(|post| Some((post, positions.of(post)?))) {
        Some((post, position)) => Wanted::Post(post, position),
        None => Wanted::AsIs,
    }
}

fn kinds(known: Option<&Listed>, profile: &Profile) -> Kinds {
    let Some(stored) = known.map(|listed| &listed.profile) else {
        return Kinds { new: true, ..Kinds::default() };
    };
    let end = |profile: &Profile| profile.validity.and_then(|days| days.until);
    let status = stored.legal_status != profile.legal_status || stored.status != profile.status;
    Kinds {
        new: false,
        status,
        name: stored.name != profile.name,
        closes: status
            && stored.status != Status::Closed
            && (profile.status == Status::Closed || (end(profile).is_some() && end(stored) != end(profile))),
    }
}

/// Those who are in the personnel system's care and not in its file.
pub fn missing(records: &[PersonRecord], people: &People) -> Vec<UserId> {
    let present: std::collections::HashSet<&str> =
        records.iter().filter_map(|record| record.siasn_id.as_deref()).collect();
    people
        .iter()
        .filter(|listed| listed.profile.kind.is_asn() && listed.profile.status != Status::Closed)
        .filter(|listed| listed.profile.siasn_person_id.as_deref().is_some_and(|id| !present.contains(id)))
        .map(|listed| listed.id.clone())
        .collect()
}
