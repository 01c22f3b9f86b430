//! What is stored, read once before a file is compared with it. Outside the writer: an import may
//! take its time to think.

use std::collections::{HashMap, HashSet};

use gapura_core::{
    access::Catalog,
    id::UserId,
    organization::{Assignment, Position, Unit, UnitTree},
};
use gapura_store::{
    Db, StoreError, applications, applications::Registered, assignments, imports, login_names, login_names::StoredName,
    organization, rules, users, users::Listed,
};

/// The stored state.
pub struct Snapshot {
    /// Current units in official order.
    pub units: Vec<Unit>,
    /// The same as a tree.
    pub tree: UnitTree,
    /// All positions.
    pub positions: Vec<Position>,
    /// Everybody.
    pub people: People,
    /// Applications with what is stored beside the rules' needs.
    pub registered: Vec<Registered>,
    /// Applications, roles and rules.
    pub catalog: Catalog,
    /// Findings that wait for an officer.
    pub queue: HashSet<(Option<UserId>, String, String)>,
}

/// Everybody, found by whatever a file may know them by.
#[derive(Default)]
pub struct People {
    listed: Vec<Listed>,
    by_siasn: HashMap<String, usize>,
    by_number: HashMap<String, usize>,
    by_nik: HashMap<Vec<u8>, usize>,
    by_key: HashMap<UserId, usize>,
    names: HashMap<String, StoredName>,
    posts: HashMap<UserId, Vec<Assignment>>,
}

impl Snapshot {
    /// Reads it.
    pub async fn load(db: &Db) -> Result<Self, StoreError> {
        let units = organization::units(db).await?;
        let people =
            People::new(users::directory(db).await?, login_names::all(db).await?, assignments::current(db).await?);
        Ok(Self {
            tree: UnitTree::new(units.iter().cloned()),
            units,
            positions: organization::positions(db).await?,
            people,
            registered: applications::all(db).await?,
            catalog: rules::catalog(db).await?,
            queue: imports::open_queue(db).await?.into_iter().collect(),
        })
    }

    /// People by current number, with their names: for files that name people by NIP.
    pub fn by_number(&self) -> HashMap<String, (UserId, String)> {
        let named = |listed: &Listed| {
            let number = listed.employee_number.clone()?;
            Some((number, (listed.id.clone(), listed.profile.name.full.clone())))
        };
        self.people.listed.iter().filter_map(named).collect()
    }
}

impl People {
    /// Indexes what was read.
    pub fn new(listed: Vec<Listed>, names: Vec<StoredName>, posts: Vec<Assignment>) -> Self {
        let mut people = Self { listed, ..Self::default() };
        for (at, person) in people.listed.iter().enumerate() {
            people.by_key.insert(person.id.clone(), at);
            people.by_number.extend(person.employee_number.clone().map(|number| (number, at)));
            people.by_siasn.extend(person.profile.siasn_person_id.clone().map(|id| (id, at)));
            people.by_nik.extend(person.profile.nik_index.clone().map(|index| (index, at)));
        }
        people.names = names.into_iter().map(|name| (name.normalized.clone(), name)).collect();
        for post in posts {
            people.posts.entry(post.user_id.clone()).or_default().push(post);
        }
        people
    }

    /// Everybody, in order of key.
    pub fn iter(&self) -> impl Iterator<Item = &Listed> {
        self.listed.iter()
    }

    /// By PNS ID.
    pub fn with_siasn_id(&self, id: &str) -> Option<&Listed> {
        self.by_siasn.get(id).and_then(|at| self.listed.get(*at))
    }

    /// By current employee number.
    pub fn with_number(&self, number: &str) -> Option<&Listed> {
        self.by_number.get(number).and_then(|at| self.listed.get(*at))
    }

    /// By the keyed hash of the NIK.
    pub fn with_nik(&self, index: &[u8]) -> Option<&Listed> {
        self.by_nik.get(index).and_then(|at| self.listed.get(*at))
    }

    /// By key.
    pub fn with_key(&self, id: &UserId) -> Option<&Listed> {
        self.by_key.get(id).and_then(|at| self.listed.get(*at))
    }

    /// A login name, in force or ended.
    pub fn name(&self, normalized: &str) -> Option<&StoredName> {
        self.names.get(normalized)
    }

    /// A person's current assignments, past and future ones included.
    pub fn posts(&self, id: &UserId) -> &[Assignment] {
        self.posts.get(id).map_or(&[], Vec::as_slice)
    }
}
