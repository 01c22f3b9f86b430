//! Applications, app roles, role rules and direct grants.

use serde::{Deserialize, Serialize};

use crate::{
    id::{ApplicationId, RoleGrantId, RuleId, UnitId, UserId},
    identity::UserKind,
    organization::AssignmentKind,
    time::Period,
    words,
};

words! {
    /// Aplikasi Umum or Aplikasi Khusus (S0).
    pub enum ApplicationKind {
        /// Shared by all.
        Umum = "umum",
        /// For one field of government.
        Khusus = "khusus",
    }
}

/// An application of the city.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Key.
    pub id: ApplicationId,
    /// Name as shown.
    pub name: String,
    /// Audience of its access tokens (RFC 9068 section 2.2).
    pub identifier: String,
    /// Umum or khusus.
    pub kind: ApplicationKind,
    /// The OPD that owns it.
    pub owner_opd: Option<UnitId>,
    /// All staff may enter without a role; audited when set.
    pub open_to_all: bool,
}

/// A role of an application, as the application gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppRole {
    /// Which application.
    pub application_id: ApplicationId,
    /// Word on the wire, such as `bendahara`.
    pub code: String,
    /// Validity.
    pub period: Period,
}

/// Whom a rule means: every given condition must hold; an absent one is no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Predicate {
    /// OPD or unit at the root of a subtree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtree: Option<UnitId>,
    /// Unit kinds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unit_kinds: Vec<String>,
    /// Position names; a trailing `*` matches any continuation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub positions: Vec<String>,
    /// Eselon words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub eselon: Vec<String>,
    /// Golongan words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub golongan: Vec<String>,
    /// Kinds of user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<UserKind>,
    /// Capacities of assignment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assignment_kinds: Vec<AssignmentKind>,
}

/// A rule: who matches holds the role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRule {
    /// Key, stable over corrections.
    pub id: RuleId,
    /// The number people know it by, per application, from 1.
    pub number: i64,
    /// Which application.
    pub application_id: ApplicationId,
    /// Which of its roles.
    pub role: String,
    /// Whom it means.
    pub predicate: Predicate,
    /// When it holds.
    pub period: Period,
}

/// A role given to one person directly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleGrant {
    /// Key.
    pub id: RoleGrantId,
    /// To whom.
    pub user_id: UserId,
    /// For which application.
    pub application_id: ApplicationId,
    /// Which of its roles.
    pub role: String,
    /// Why; mandatory.
    pub reason: String,
    /// Who approved it; mandatory.
    pub approved_by: String,
    /// When it holds.
    pub period: Period,
}
