//! What one statement of the store says about the person behind a request.

use crate::{
    access::RoleGrant,
    id::ClientId,
    identity::{Session, User},
    oauth::Family,
    organization::Assignment,
};

/// The person, the session and family the request rests on, and everything that may give a role.
/// Read anew for each request; never copied or cached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The account.
    pub user: User,
    /// The session named by cookie or `sid`; absent where the token lives without one.
    pub session: Option<Session>,
    /// The refresh family named by the token.
    pub family: Option<Family>,
    /// Clients this session has entered.
    pub entered: Vec<ClientId>,
    /// Current assignments (not superseded), past and future ones included.
    pub assignments: Vec<Assignment>,
    /// Current direct grants of all applications.
    pub grants: Vec<RoleGrant>,
}
