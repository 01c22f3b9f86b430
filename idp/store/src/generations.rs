//! Which copied nouns have moved: one row each, raised in the transaction of the change.

use crate::{
    Db, StoreError, Tx,
    door::{Value, record, values},
};

gapura_core::words! {
    /// What nodes keep copies of.
    pub enum Copied {
        /// Clients and their secrets.
        Clients = "clients",
        /// Signing keys.
        Keys = "keys",
        /// Applications, their roles and rules.
        Applications = "applications",
        /// The organisation tree.
        Organization = "organization",
    }
}

/// The generation of each copied noun at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generations {
    /// Of [`Copied::Clients`].
    pub clients: i64,
    /// Of [`Copied::Keys`].
    pub keys: i64,
    /// Of [`Copied::Applications`].
    pub applications: i64,
    /// Of [`Copied::Organization`].
    pub organization: i64,
}

record! {
    struct Row {
        noun: String,
        generation: i64,
    }
}

/// Says that every copy of a noun is old. Part of every change to that noun.
pub async fn raise(tx: &mut Tx, noun: Copied) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE generations SET generation = generation + 1 WHERE noun = $1";
    tx.execute(SQL, values![noun.as_str()]).await.map(drop)
}

/// All generations, in one statement.
pub async fn current(db: &Db) -> Result<Generations, StoreError> {
    const SQL: &str = "SELECT noun, generation FROM generations";
    let mut now = Generations::default();
    for row in db.all::<Row>(SQL, Vec::<Value>::new()).await? {
        match row.noun.parse() {
            Ok(Copied::Clients) => now.clients = row.generation,
            Ok(Copied::Keys) => now.keys = row.generation,
            Ok(Copied::Applications) => now.applications = row.generation,
            Ok(Copied::Organization) => now.organization = row.generation,
            // A newer node copies a noun that this one does not know.
            Err(_) => {}
        }
    }
    Ok(now)
}
