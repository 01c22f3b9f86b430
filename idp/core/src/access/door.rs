//! The one door (incidents T7, T20: most findings elsewhere are an old rule missing at a newer endpoint).
//!
//! Whoever gives or honours a token asks [`pass`]: authorize, code, refresh, client credentials,
//! userinfo, introspection. Every rule is asked at every door; a rule that has nothing to look at
//! there (a machine has no session) says so itself. [`RULES`] is the whole list, in order.
//!
//! | rests on | doors |
//! |---|---|
//! | the browser's session | authorize, code |
//! | the family, and its session unless granted `offline_access` | refresh, userinfo, introspection |
//! | nothing but the client | client credentials, and its tokens at introspection |

use std::time::Duration;

use crate::{
    access::{ApplicationAccess, Entitlement, Standing, entitlement},
    identity::{Session, User},
    oauth::{Client, Family, GrantType},
    organization::UnitTree,
    time::{Date, Instant},
    words,
};

words! {
    /// Where one comes in.
    pub enum Door {
        /// The authorization endpoint.
        Authorize = "authorize",
        /// Redemption of a code.
        Code = "code",
        /// A refresh.
        Refresh = "refresh",
        /// A client in its own name.
        ClientCredentials = "client_credentials",
        /// Userinfo.
        Userinfo = "userinfo",
        /// Introspection, of the token's own client.
        Introspection = "introspection",
    }
}

words! {
    /// What is asked.
    pub enum Rule {
        /// The client is switched on.
        ClientEnabled = "client_enabled",
        /// The client is registered for the grant behind this door.
        GrantRegistered = "grant_registered",
        /// The account may sign in today.
        UserEnabled = "user_enabled",
        /// The family is there, of this client, neither ended nor revoked.
        FamilyAlive = "family_alive",
        /// The session is there, neither ended nor idle too long.
        SessionAlive = "session_alive",
        /// Nothing ended all tokens of the account since.
        EpochCurrent = "epoch_current",
        /// The person may enter the application.
        MayEnter = "may_enter",
    }
}

/// Who stands at the door.
#[derive(Clone, Copy, Debug)]
pub enum Guest<'a> {
    /// A client in its own name.
    Machine,
    /// A person, with the decision about them at this client's application.
    Person(&'a Standing, &'a Entitlement),
}

/// The moment and the limits that apply.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Now.
    pub now: Instant,
    /// Today in the Pemda's zone.
    pub today: Date,
    /// Longest pause of a session.
    pub idle: Duration,
}

/// One guest at one door.
#[derive(Clone, Copy, Debug)]
struct Visit<'a> {
    door: Door,
    client: &'a Client,
    guest: Guest<'a>,
    moment: Moment,
}

type Holds = fn(&Visit<'_>) -> bool;

/// Every rule, in order.
const RULES: &[(Rule, Holds)] = &[
    (Rule::ClientEnabled, client_enabled),
    (Rule::GrantRegistered, grant_registered),
    (Rule::UserEnabled, user_enabled),
    (Rule::FamilyAlive, family_alive),
    (Rule::SessionAlive, session_alive),
    (Rule::EpochCurrent, epoch_current),
    (Rule::MayEnter, may_enter),
];

/// Let in, and as what. Only [`pass`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    entitlement: Option<Entitlement>,
}

impl Admitted {
    /// Roles in the application; none for a machine.
    pub fn roles(&self) -> &[String] {
        self.entitlement.as_ref().map_or(&[], |entitlement| &entitlement.roles)
    }
}

/// Turned away, by the first rule that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// Which.
    pub rule: Rule,
    /// Why the application stays shut, where it is [`Rule::MayEnter`].
    pub entitlement: Option<Entitlement>,
}

/// Asks every rule about a person.
pub fn pass(
    door: Door,
    client: &Client,
    standing: &Standing,
    (access, tree): (&ApplicationAccess, &UnitTree),
    moment: Moment,
) -> Result<Admitted, Turned> {
    let entitlement = entitlement(standing, access, tree, moment.today);
    // A copy of another application's rules says nothing about this client's.
    let ours = access.application.id == client.application_id;
    let visit = Visit { door, client, guest: Guest::Person(standing, &entitlement), moment };
    match first_broken(&visit).or_else(|| (!ours).then_some(Rule::MayEnter)) {
        None => Ok(Admitted { entitlement: Some(entitlement) }),
        Some(rule) => Err(Turned { rule, entitlement: (rule == Rule::MayEnter).then_some(entitlement) }),
    }
}

/// Asks every rule about a client in its own name.
pub fn pass_machine(door: Door, client: &Client, moment: Moment) -> Result<Admitted, Turned> {
    let visit = Visit { door, client, guest: Guest::Machine, moment };
    match first_broken(&visit) {
        None => Ok(Admitted { entitlement: None }),
        Some(rule) => Err(Turned { rule, entitlement: None }),
    }
}

fn first_broken(visit: &Visit<'_>) -> Option<Rule> {
    RULES.iter().find(|(_, holds)| !holds(visit)).map(|(rule, _)| *rule)
}

/// Whether a session still stands for its person: the same question at every door and page.
pub fn session_stands(session: &Session, user: &User, moment: Moment) -> bool {
    session.user_id == user.id
        && session.ended.is_none()
        && moment.now < session.expires_at
        && !session.auth_time.is_ahead_of(moment.now)
        && moment.now.since(session.last_seen_at) < moment.idle
        && session.user_epoch == user.epoch
        && user.may_sign_in(moment.today)
}

//= T7
fn client_enabled(visit: &Visit<'_>) -> bool {
    visit.client.enabled
}

fn grant_registered(visit: &Visit<'_>) -> bool {
    let grant = match visit.door {
        Door::Authorize | Door::Code => GrantType::AuthorizationCode,
        Door::Refresh => GrantType::RefreshToken,
        Door::ClientCredentials => GrantType::ClientCredentials,
        Door::Userinfo | Door::Introspection => return true,
    };
    visit.client.has_grant(grant.as_str())
}

//= T7
fn user_enabled(visit: &Visit<'_>) -> bool {
    match visit.guest {
        Guest::Machine => true,
        Guest::Person(standing, _) => standing.user.may_sign_in(visit.moment.today),
    }
}

fn family_alive(visit: &Visit<'_>) -> bool {
    let Guest::Person(standing, _) = visit.guest else { return true };
    match visit.door {
        // Not born yet.
        Door::Authorize | Door::Code | Door::ClientCredentials => true,
        Door::Refresh | Door::Userinfo | Door::Introspection => standing.family.as_ref().is_some_and(|family| {
            family.client_id == visit.client.id
                && family.user_id == standing.user.id
                && family.revoked.is_none()
                && visit.moment.now < family.expires_at
                && !family.auth_time.is_ahead_of(visit.moment.now)
        }),
    }
}

//= OIDC-CORE#11
fn session_alive(visit: &Visit<'_>) -> bool {
    let Guest::Person(standing, _) = visit.guest else { return true };
    let needed = match (visit.door, &standing.family) {
        (Door::Authorize | Door::Code, _) | (_, None) => true,
        (_, Some(family)) => !family.offline,
    };
    !needed || standing.session.as_ref().is_some_and(|session| session_stands(session, &standing.user, visit.moment))
}

fn epoch_current(visit: &Visit<'_>) -> bool {
    let Guest::Person(standing, _) = visit.guest else { return true };
    let current = |family: &Family| family.user_epoch == standing.user.epoch;
    match visit.door {
        // The session carries it, and a session of another epoch does not stand.
        Door::Authorize | Door::Code | Door::ClientCredentials => true,
        Door::Refresh | Door::Userinfo | Door::Introspection => standing.family.as_ref().is_some_and(current),
    }
}

// Not only at authorize: a role taken away closes refresh, userinfo and introspection too.
//= T20
fn may_enter(visit: &Visit<'_>) -> bool {
    match visit.guest {
        Guest::Machine => true,
        Guest::Person(_, entitlement) => entitlement.may_enter(),
    }
}

#[cfg(test)]
mod tests;
