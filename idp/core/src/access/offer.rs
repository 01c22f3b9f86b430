//! What an application offers: its roles, who gets them, and whom to ask. The words of a refusal.

use crate::{
    access::{ApplicationAccess, Predicate},
    organization::UnitTree,
    time::Date,
};

/// The offer of one application on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Name of the application.
    pub application: String,
    /// Name of the OPD that owns it: whom to ask.
    pub owner: Option<String>,
    /// Its roles.
    pub roles: Vec<OfferedRole>,
}

/// A role and the rules that give it; none: by direct grant only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedRole {
    /// The role's code.
    pub role: String,
    /// Its rules in force.
    pub rules: Vec<OfferedRule>,
}

/// A rule in parts that a page or the command line puts into words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedRule {
    /// Its number within the application.
    pub number: i64,
    /// Name of the OPD or unit it is limited to; `None`: all of them.
    pub within: Option<String>,
    /// Its further conditions.
    pub predicate: Predicate,
}

/// Reads the offer off the catalog.
pub fn offer(access: &ApplicationAccess, tree: &UnitTree, today: Date) -> Offer {
    let rules_of = |code: &str| {
        access
            .rules
            .iter()
            .filter(|rule| rule.role == code && rule.period.contains(today))
            .map(|rule| OfferedRule {
                number: rule.number,
                within: rule
                    .predicate
                    .subtree
                    .as_ref()
                    .map(|root| tree.get(root).map_or_else(|| root.to_string(), |unit| unit.name.clone())),
                predicate: rule.predicate.clone(),
            })
            .collect()
    };
    let roles = access.roles.iter().filter(|role| role.period.contains(today));
    Offer {
        application: access.application.name.clone(),
        owner: access
            .application
            .owner_opd
            .as_ref()
            .map(|opd| tree.get(opd).map_or_else(|| opd.to_string(), |unit| unit.name.clone())),
        roles: roles.map(|role| OfferedRole { role: role.code.clone(), rules: rules_of(&role.code) }).collect(),
    }
}
