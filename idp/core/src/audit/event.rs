//! One event and its canonical bytes.

use serde::Serialize;
use serde_json::Value;

use crate::{
    id::{ApplicationId, ClientId, EventId, SessionId, UserId},
    time::Instant,
    words,
};

words! {
    /// What happened. The closed list of audited events.
    pub enum EventKind {
        /// A person signed in.
        SignedIn = "sign_in",
        /// A sign-in was refused.
        SignInFailed = "sign_in_failed",
        /// A person signed out.
        SignedOut = "sign_out",
        /// A session ended otherwise.
        SessionEnded = "session_ended",
        /// A session entered a client for the first time.
        Entered = "entered",
        /// A person was refused at an application's door.
        EntryRefused = "entry_refused",
        /// A code was used twice.
        CodeReused = "code_reused",
        /// A refresh token was used twice.
        RefreshTokenReused = "refresh_token_reused",
        /// A client revoked a token.
        TokenRevoked = "token_revoked",
        /// An account was made.
        UserAdded = "user_added",
        /// An account's data changed.
        UserChanged = "user_changed",
        /// An account's status changed.
        UserStatusChanged = "user_status_changed",
        /// A password was set.
        PasswordSet = "password_set",
        /// A one-time link was made.
        LinkMade = "link_made",
        /// A unit was added, changed or closed.
        UnitChanged = "unit_changed",
        /// An assignment was added, changed or closed.
        AssignmentChanged = "assignment_changed",
        /// An application was added or changed.
        ApplicationChanged = "application_changed",
        /// A role of an application was added or closed.
        RoleChanged = "role_changed",
        /// A role rule was added or closed.
        RuleChanged = "rule_changed",
        /// A direct grant was added or closed.
        RoleGrantChanged = "role_grant_changed",
        /// A client was registered or changed.
        ClientChanged = "client_changed",
        /// A signing key was made or moved on.
        KeyChanged = "key_changed",
        /// An import began, ended or was resumed.
        Import = "import",
    }
}

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Actor {
    /// A signed-in person.
    User {
        /// Their account.
        id: UserId,
    },
    /// Somebody at the command line of the server; the operating system's name of the account.
    CommandLine {
        /// Login name on the server.
        name: String,
    },
    /// A client in its own name.
    Client {
        /// `client_id`.
        id: ClientId,
    },
    /// A job of the server.
    System,
    /// Nobody known: a failed sign-in.
    Anonymous,
}

/// One event. Never holds a secret, a password, a NIK or a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEvent {
    /// Time-ordered key.
    pub id: EventId,
    /// When.
    pub at: Instant,
    /// What.
    pub kind: EventKind,
    /// Who.
    pub actor: Actor,
    /// On behalf of whom, where not the actor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<UserId>,
    /// Whose account it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Which session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Which client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// Which application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_id: Option<ApplicationId>,
    /// The key of the thing changed, where it is none of the above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// State before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// State after, or details of what happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The request's id, as in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Version of the guideline (pedoman) in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guideline: Option<String>,
    /// 128 random bits, so that a digest cannot be guessed back to its body.
    #[serde(skip)]
    pub salt: [u8; 16],
}

impl AuditEvent {
    /// A new event with the three things every event has.
    pub fn new(id: EventId, salt: [u8; 16], at: Instant, kind: EventKind, actor: Actor) -> Self {
        Self {
            id,
            at,
            kind,
            actor,
            on_behalf_of: None,
            user_id: None,
            session_id: None,
            client_id: None,
            application_id: None,
            object: None,
            before: None,
            after: None,
            reason: None,
            request_id: None,
            guideline: None,
            salt,
        }
    }

    /// The canonical bytes (RFC 8785): what a chain will hash, the same on every version and build.
    pub fn canonical(&self) -> Vec<u8> {
        serde_json::to_value(self).map(|value| super::canonical::bytes(&value)).unwrap_or_default()
    }
}
