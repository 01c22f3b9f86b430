//! The database: does it answer, is it at this version's schema, does it sort by bytes, is it this zone's,
//! and who else serves it.

use gapura_store::{
    Db, DbConfig, Fault,
    deployment::{self, Property},
    migrations::{MIGRATIONS, Schema},
    nodes,
};

use super::{Check, Finding, Findings, Visit, unread};
use crate::{
    foundation,
    jobs::ALIVE,
    settings::{Database, Settings},
};

/// The database, where it can be read at this version's schema, and what is to be said of it.
pub(super) async fn open(settings: &Settings) -> (Option<Db>, Findings) {
    let config: DbConfig = foundation::config(settings);
    let db = match Db::open_to_read(&config).await {
        Ok(db) => db,
        Err(fault) => return (None, refused(settings, &fault).alone()),
    };
    let mut findings = Finding::ok(Check::Database, "database-ok").with("place", place(settings)).alone();
    match db.collation().await {
        Ok(None) => {}
        Ok(Some(found)) if found.is_by_bytes() => findings.push(Finding::ok(Check::Collation, "collation-ok")),
        Ok(Some(found)) => findings.push(
            Finding::failure(Check::Collation, "collation-wrong")
                .with("collation", found.collation)
                .with("encoding", found.encoding),
        ),
        Err(why) => findings.extend(unread(Check::Collation, &why)),
    }
    match db.schema().await {
        Ok(schema) => {
            findings.push(judge(settings, &schema));
            ((schema == Schema::Current).then_some(db), findings)
        }
        Err(why) => {
            findings.extend(unread(Check::Schema, &why));
            (None, findings)
        }
    }
}

/// A PostgreSQL database is named without its URL, which may hold a password.
fn place(settings: &Settings) -> String {
    match &settings.database {
        Database::Sqlite(path) => path.display().to_string(),
        Database::Postgres(_) => "PostgreSQL".to_owned(),
    }
}

fn refused(settings: &Settings, fault: &Fault) -> Finding {
    let failure = |code| Finding::failure(Check::Database, code).with("place", place(settings));
    match fault {
        Fault::Url => failure("database-url"),
        Fault::Missing => Finding::warning(Check::Database, "database-missing").with("place", place(settings)),
        Fault::Unreadable(why) => failure("database-unreadable").with("why", why),
        Fault::NotSqlite => failure("database-not-sqlite"),
        Fault::Login => failure("database-login"),
        Fault::Absent => failure("database-absent"),
        Fault::Unreachable(why) => failure("database-unreachable").with("why", why),
    }
}

fn judge(settings: &Settings, schema: &Schema) -> Finding {
    let finding = match schema {
        Schema::Current => return Finding::ok(Check::Schema, "schema-ok").with("needed", MIGRATIONS.len()),
        Schema::Newer(found) => Finding::failure(Check::Schema, "schema-newer").with("found", found),
        Schema::Foreign(name) => Finding::failure(Check::Schema, "schema-foreign").with("name", name),
        Schema::None | Schema::Older(_) => {
            let found = if let Schema::Older(found) = schema { *found } else { 0 };
            match settings.database {
                Database::Sqlite(_) => Finding::warning(Check::Schema, "schema-older-file"),
                Database::Postgres(_) => Finding::failure(Check::Schema, "schema-older"),
            }
            .with("found", found)
        }
    };
    finding.with("needed", MIGRATIONS.len())
}

pub(super) async fn zone(visit: &Visit<'_>) -> Findings {
    let Some(db) = visit.db else { return Findings::new() };
    let set = visit.settings.city.zone.name();
    match deployment::stored(db, Property::Zone).await {
        Ok(Some(stored)) if stored != set => {
            Finding::failure(Check::Zone, "zone-differs").with("stored", stored).with("set", set).alone()
        }
        Ok(_) => Finding::ok(Check::Zone, "zone-ok").with("set", set).alone(),
        Err(why) => unread(Check::Zone, &why),
    }
}

/// Live nodes must share their short-lived state, among each other and with what is set here.
pub(super) async fn nodes(visit: &Visit<'_>) -> Findings {
    let Some(db) = visit.db else { return Findings::new() };
    let alive = match nodes::alive(db, visit.clock.now().minus(ALIVE)).await {
        Ok(alive) => alive,
        Err(why) => return unread(Check::Nodes, &why),
    };
    let alone = alive.iter().filter(|node| node.ephemeral == "memory").count();
    let shared = alive.len() - alone;
    let found = if alone > 0 && alive.len() > 1 && !matches!(visit.settings.database, Database::Sqlite(_)) {
        Finding::failure(Check::Nodes, "nodes-unshared").with("alone", alone)
    } else if shared > 0 && visit.settings.redis.is_none() {
        Finding::failure(Check::Nodes, "nodes-without-redis")
    } else if alone > 0 && visit.settings.redis.is_some() {
        Finding::failure(Check::Nodes, "nodes-in-memory")
    } else {
        Finding::ok(Check::Nodes, "nodes-ok")
    };
    found.with("count", alive.len()).alone()
}
