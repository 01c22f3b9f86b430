//! What the city's applications are, which roles they have and which rules give them: a copy kept
//! in process, indexed by application, so that a request looks at the rules of one application only.

use std::collections::HashMap;

use crate::{
    access::{AppRole, Application, RoleRule},
    id::ApplicationId,
    time::Date,
};

/// One application with its roles and rules, all current as of their recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationAccess {
    /// The application.
    pub application: Application,
    /// Its roles, in order of code.
    pub roles: Vec<AppRole>,
    /// Its rules, in order of number.
    pub rules: Vec<RoleRule>,
}

impl ApplicationAccess {
    /// The role with this code, where it exists on that day.
    pub fn role(&self, code: &str, today: Date) -> Option<&AppRole> {
        self.roles.iter().find(|role| role.code == code && role.period.contains(today))
    }
}

/// All applications.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    applications: HashMap<ApplicationId, ApplicationAccess>,
}

impl Catalog {
    /// From current rows; a role or rule without its application is left out.
    pub fn new(applications: Vec<Application>, roles: Vec<AppRole>, rules: Vec<RoleRule>) -> Self {
        let mut by_id: HashMap<ApplicationId, ApplicationAccess> = applications
            .into_iter()
            .map(|application| {
                (application.id.clone(), ApplicationAccess { application, roles: Vec::new(), rules: Vec::new() })
            })
            .collect();
        for role in roles {
            if let Some(access) = by_id.get_mut(&role.application_id) {
                access.roles.push(role);
            }
        }
        for rule in rules {
            if let Some(access) = by_id.get_mut(&rule.application_id) {
                access.rules.push(rule);
            }
        }
        for access in by_id.values_mut() {
            access.roles.sort_by(|a, b| a.code.cmp(&b.code));
            access.rules.sort_by_key(|rule| rule.number);
        }
        Self { applications: by_id }
    }

    /// One application.
    pub fn of(&self, id: &ApplicationId) -> Option<&ApplicationAccess> {
        self.applications.get(id)
    }

    /// The application people call so: its id, its audience or its name in any case.
    pub fn find(&self, name: &str) -> Option<&ApplicationAccess> {
        self.applications.get(&ApplicationId::new(name)).or_else(|| {
            let folded = name.trim().to_lowercase();
            self.applications.values().find(|access| {
                access.application.identifier == name || access.application.name.to_lowercase() == folded
            })
        })
    }

    /// All applications, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &ApplicationAccess> {
        self.applications.values()
    }
}
