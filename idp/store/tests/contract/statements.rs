//! Every SQL literal of the crate is prepared on both migrated databases, and no statement on the way
//! of a request walks through a table that grows with people.

use std::{fs, path::Path};

use gapura_store::standing::STATEMENTS;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, SqlSafeStr as _};

use crate::support::{Engine, Store};

/// Statements of the door itself: control, and questions that one engine understands.
const DOOR: [&str; 2] = ["src/door/", "src/migrations.rs"];

/// Tables with a row a person, session or token.
const GROWING: [&str; 14] = [
    "users",
    "employee_numbers",
    "login_names",
    "passwords",
    "assignments",
    "role_grants",
    "application_entries",
    "sessions",
    "session_clients",
    "refresh_families",
    "refresh_tokens",
    "audit_events",
    "consents",
    "sign_in_throttles",
];

/// A literal and where it stands.
struct Statement {
    file: String,
    sql: String,
}

/// Every string literal under `src` that begins like a statement.
fn statements() -> Vec<Statement> {
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found.extend(STATEMENTS.map(|sql| Statement { file: "src/standing.rs".to_owned(), sql: sql.to_owned() }));
    assert!(found.len() > 40, "only {} found: the finder is blind", found.len());
    found
}

fn collect(folder: &Path, found: &mut Vec<Statement>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") && !DOOR.iter().any(|door| name.starts_with(door)) {
            let source = fs::read_to_string(&path).unwrap();
            let literals = literals(&source).into_iter().filter(|text| is_statement(text));
            found.extend(literals.map(|sql| Statement { file: name.clone(), sql }));
        }
    }
}

/// Standing is put together of pieces; they come whole from [`STATEMENTS`].
fn is_statement(text: &str) -> bool {
    let piece = text.starts_with("WITH who") || text.contains("FROM who");
    !piece && ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "].iter().any(|verb| text.starts_with(verb))
}

/// The string literals of a source text, with their escapes resolved as far as SQL uses them.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '/' if rest.peek() == Some(&'/') => while rest.next_if(|c| *c != '\n').is_some() {},
            '\'' => {
                // A character literal, or a lifetime, which has no second quote.
                if rest.next_if_eq(&'\\').is_some() {
                    rest.next();
                } else if rest.clone().nth(1) != Some('\'') {
                    continue;
                }
                rest.next();
                rest.next_if_eq(&'\'');
            }
            '"' => {
                let mut text = String::new();
                while let Some(inner) = rest.next() {
                    match inner {
                        '"' => break,
                        '\\' => match rest.next() {
                            Some('\n') => while rest.next_if(|c| c.is_whitespace()).is_some() {},
                            Some(escaped) => text.push(escaped),
                            None => break,
                        },
                        plain => text.push(plain),
                    }
                }
                found.push(text);
            }
            _ => {}
        }
    }
    found
}

#[test]
fn the_finder_sees_literals_and_not_comments() {
    let source = "// \"no\" \nlet a = 'x'; fn f<'a>() { g('\"', \"SELECT \\\n      1\", \"a\\\"b\", '\\'') }";
    assert_eq!(literals(source), ["SELECT 1", "a\"b"]);
}

#[tokio::test]
async fn every_statement_prepares_on_both_engines() {
    let [sqlite, postgres] = [Store::new(Engine::Sqlite).await, Store::new(Engine::Postgres).await];
    let on_sqlite = sqlite.sqlite();
    let mut on_postgres = PgConnection::connect(postgres.place()).await.unwrap();
    let mut refused = Vec::new();
    for Statement { file, sql } in statements() {
        if let Err(error) = on_sqlite.prepare(&sql) {
            refused.push(format!("SQLite, {file}: {error}\n  {sql}"));
        }
        if let Err(error) = on_postgres.prepare(AssertSqlSafe(sql.clone()).into_sql_str()).await {
            refused.push(format!("PostgreSQL, {file}: {error}\n  {sql}"));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[tokio::test]
async fn no_statement_walks_through_a_growing_table() {
    let store = Store::new(Engine::Sqlite).await;
    let connection = store.sqlite();
    let mut walks = Vec::new();
    for Statement { file, sql } in statements() {
        let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = explained.raw_query().mapped(|step| step.get::<_, String>("detail"));
        // Inserted rows walk nowhere; the plan names what foreign keys would look at after a violation.
        let plan: Vec<_> =
            if sql.starts_with("INSERT INTO users ") { Vec::new() } else { steps.map(Result::unwrap).collect() };
        for step in plan {
            let table = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
            let one_of_any = sql.ends_with(" LIMIT 1") && !sql.contains(" WHERE ");
            if GROWING.contains(&full_name(&sql, table)) && !one_of_any {
                walks.push(format!("{file}: {step}\n  {sql}"));
            }
        }
    }
    let unexpected: Vec<_> = walks.iter().filter(|walk| !WALKS.iter().any(|known| walk.contains(known))).collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
}

/// Files with a statement that reads everything on purpose: imports compare a month with all there is, and whoever
/// inspects the audit trail counts all of it.
const WALKS: [&str; 4] = ["src/assignments.rs", "src/users.rs", "src/login_names.rs", "src/audit_chain.rs"];

/// The table behind an alias of a statement.
fn full_name<'s>(sql: &'s str, alias: &'s str) -> &'s str {
    let words: Vec<_> = sql.split([' ', ',', '(', ')']).filter(|word| !word.is_empty()).collect();
    let named = words.windows(2).find(|pair| pair[1] == alias && GROWING.contains(&pair[0]));
    named.map_or(alias, |pair| pair[0])
}

/// Every function of a noun is called somewhere in this suite, and so on both engines.
#[test]
fn every_store_function_is_under_contract() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let suite: String = fs::read_dir(root.join("tests/contract"))
        .unwrap()
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    let mut missing = Vec::new();
    for file in fs::read_dir(root.join("src")).unwrap() {
        let path = file.unwrap().path();
        let Some(noun) = path.file_name().unwrap().to_str().unwrap().strip_suffix(".rs") else { continue };
        for line in fs::read_to_string(&path).unwrap().lines() {
            let Some(rest) = line.strip_prefix("pub async fn ") else { continue };
            let call = format!("{noun}::{}(", rest.split(['(', '<']).next().unwrap());
            if !suite.contains(&call) {
                missing.push(call);
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

/// PostgreSQL plans by the size of tables: in a city of some thousands standing is read by index alone,
/// also by the plan that is made once for all values.
#[tokio::test]
async fn standing_walks_through_no_table_of_a_real_city() {
    const CITY: &str = "
        INSERT INTO users (id, sub, kind, status, full_name, epoch, created_at, changed_at)
          SELECT 'u' || n, 's' || n, 'asn_pns', 'active', 'N', 0, 0, 0 FROM generate_series(1, 5000) n;
        INSERT INTO employee_numbers (row_id, number, user_id, recorded_at) SELECT id, id, id, 0 FROM users;
        INSERT INTO positions (id, name, class, eselon) SELECT 'p' || n, 'P' || n, 'lainnya', '' FROM generate_series(1, 500) n;
        INSERT INTO assignments (row_id, id, user_id, unit_id, position_id, kind, valid_from, recorded_at, recorded_event)
          SELECT id, id, id, 'unit', 'p1', 'definitif', '2026-01-01', 0, 'e' FROM users;
        INSERT INTO applications (id, name, name_normalized, identifier, kind, open_to_all, created_at, changed_at)
          VALUES ('a', 'a', 'a', 'a', 'umum', FALSE, 0, 0);
        INSERT INTO role_grants (row_id, id, user_id, application_id, role, reason, approved_by, valid_from, recorded_at,
          recorded_event) SELECT id, id, id, 'a', 'r', 'r', 'k', '2026-01-01', 0, 'e' FROM users;
        INSERT INTO clients (id, application_id, name, enabled, auth_method, grant_types, redirect_uris,
          post_logout_redirect_uris, scopes, home_uri, id_token_alg, pkce, refresh, asks_consent, created_at, changed_at)
          VALUES ('c', 'a', 'c', TRUE, 'none', '[]', '[]', '[]', '[]', 'h', 'ES256', 'required', 'rotate', FALSE, 0, 0);
        INSERT INTO sessions (id, cookie_hash, user_id, user_epoch, acr, amr, auth_time, last_seen_at, expires_at)
          SELECT id, decode(md5(id), 'hex'), id, 0, '1', '[]', 0, 0, 0 FROM users;
        INSERT INTO session_clients (session_id, client_id, entered_at) SELECT id, 'c', 0 FROM sessions;
        INSERT INTO refresh_families (id, user_id, client_id, session_id, offline, created_at, last_used_at, expires_at)
          SELECT id, id, 'c', id, FALSE, 0, 0, 0 FROM sessions;
        INSERT INTO refresh_tokens (id, family_id, token_hash, issued_at, expires_at) SELECT id, id, '\\x00', 0, 0 FROM sessions;
        ANALYZE";
    let store = Store::new(Engine::Postgres).await;
    store.run(CITY).await;
    let mut connection = PgConnection::connect(store.place()).await.unwrap();
    sqlx::raw_sql("SET plan_cache_mode = force_generic_plan").execute(&mut connection).await.unwrap();
    let values = ["'\\x00'", "'s7', 'u7', 'u7'", "'u7'", "'u7', '\\x00'"];
    for (number, (standing, values)) in STATEMENTS.into_iter().zip(values).enumerate() {
        let prepare = format!("PREPARE standing_{number} AS {standing}");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut connection).await.unwrap();
        let explain = format!("EXPLAIN EXECUTE standing_{number} ({values})");
        let plan = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut connection).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|step| step.get(0)).collect();
        let walks: Vec<_> = plan.iter().filter(|step| step.contains("Seq Scan")).collect();
        assert!(plan.len() > 20 && walks.is_empty(), "{standing}\n{}", plan.join("\n"));
    }
}
