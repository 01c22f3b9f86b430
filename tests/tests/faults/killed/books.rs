//! Every row, read past the program by the databases' own tools: whole, in agreement with its audit
//! events and they with it, and in agreement with what people were answered.

use std::{
    collections::{HashMap, HashSet},
    process::Command,
};

use gapura_tests::{provider::Provider, servers::psql};
use serde_json::Value;

use super::{
    Tally,
    ledger::{Fate, Known},
    person::Person,
};
use crate::faults::receiver::Receiver;

/// What the database holds.
pub(super) struct Books {
    events: Vec<Value>,
    users: Vec<Value>,
    clients: Vec<Value>,
    sessions: Vec<Value>,
    entries: Vec<Value>,
    families: Vec<Value>,
    tokens: Vec<Value>,
    grants: Vec<Value>,
    messages: Vec<Value>,
}

fn text<'r>(row: &'r Value, column: &str) -> &'r str {
    row[column].as_str().unwrap_or_default()
}

/// The values of a column.
fn all<'r>(rows: &'r [Value], column: &str) -> HashSet<&'r str> {
    rows.iter().map(|row| text(row, column)).filter(|value| !value.is_empty()).collect()
}

impl Books {
    /// Reads everything; first the engine's own proof that its file is whole.
    pub(super) fn read(provider: &Provider) -> Self {
        if provider.database.is_none() {
            let verdict = sqlite(provider, &["PRAGMA integrity_check; PRAGMA foreign_key_check;"]);
            assert_eq!(verdict.trim(), "ok", "the file is damaged");
        }
        let rows = |sql: &str| rows(provider, sql);
        let body = if provider.database.is_some() { "convert_from(body, 'UTF8')" } else { "CAST(body AS TEXT)" };
        let mut events = rows(&format!("SELECT id, at, kind, user_id, client_id, {body} AS body FROM audit_events"));
        for event in &mut events {
            event["body"] = serde_json::from_str(text(event, "body")).unwrap();
        }
        Self {
            events,
            users: rows("SELECT id, status FROM users"),
            clients: rows("SELECT id FROM clients"),
            sessions: rows("SELECT id, user_id, ended_at, end_reason FROM sessions"),
            entries: rows("SELECT session_id, client_id FROM session_clients"),
            families: rows("SELECT id, session_id, user_id, revoked_at, revoke_reason FROM refresh_families"),
            tokens: rows("SELECT id, family_id, consumed_at, successor_id FROM refresh_tokens"),
            grants: rows("SELECT id, recorded_event, superseded_event FROM role_grants"),
            messages: rows("SELECT session_id, client_id, state FROM logout_messages"),
        }
    }

    /// Logout messages that nobody took yet.
    pub(super) fn pending(&self) -> usize {
        self.messages.iter().filter(|message| message["state"] == "pending").count()
    }

    /// Everything that must agree, does.
    pub(super) fn check(&self, people: &[Person], receiver: &Receiver, tally: &Tally) {
        let mut wrong = Vec::new();
        self.sessions_have_events(&mut wrong);
        self.entries_have_events(&mut wrong);
        self.families_have_events(&mut wrong);
        self.directory_has_events(&mut wrong);
        self.tokens_are_whole(&mut wrong);
        self.messages_are_due(&mut wrong);
        for person in people {
            self.agree_with(person, &mut wrong);
            for session in person.living_sessions() {
                if ["ponsel", "presensi"].iter().any(|client| receiver.times(session, client) > 0) {
                    wrong.push(format!("an application heard of the end of session {session}, which lives"));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let rows = [&self.events, &self.sessions, &self.families, &self.tokens, &self.messages].map(Vec::len);
        Tally::add(&tally.checks, rows.iter().sum());
    }

    fn of_kind<'b>(&'b self, kind: &'b str) -> impl Iterator<Item = &'b Value> {
        self.events.iter().filter(move |event| event["kind"] == kind)
    }

    /// Values of a member of the events of some kinds; each change has one event, so none stands twice.
    fn once<'b>(&'b self, kinds: &[&'b str], member: &str, wrong: &mut Vec<String>) -> HashSet<&'b str> {
        let mut found = HashSet::new();
        for event in kinds.iter().flat_map(|kind| self.of_kind(kind)) {
            let value = text(&event["body"], member);
            if value.is_empty() || !found.insert(value) {
                wrong.push(format!("{} stands twice or says no {member}: {event}", event["kind"]));
            }
        }
        found
    }

    fn sessions_have_events(&self, wrong: &mut Vec<String>) {
        let begun = self.of_kind("sign_in").map(|event| text(&event["body"], "session_id")).collect::<HashSet<_>>();
        same("sessions and sign-ins", &all(&self.sessions, "id"), &begun, wrong);
        let ended = |reasons: &[&str]| {
            let those = self.sessions.iter().filter(|session| reasons.contains(&text(session, "end_reason")));
            those.map(|session| text(session, "id")).collect::<HashSet<_>>()
        };
        let told = self.once(&["sign_out"], "session_id", wrong);
        same("signed out sessions and their events", &ended(&["signed_out"]), &told, wrong);
        let told = self.once(&["session_ended"], "session_id", wrong);
        same("other ended sessions and their events", &ended(&["expired", "replaced"]), &told, wrong);
        let switched = self.of_kind("user_status_changed").map(|event| (text(event, "user_id"), event["at"].as_i64()));
        let switched = switched.collect::<HashSet<_>>();
        for session in self.sessions.iter().filter(|session| session["end_reason"] == "account_ended") {
            if !switched.contains(&(text(session, "user_id"), session["ended_at"].as_i64())) {
                wrong.push(format!("no event ended {session}"));
            }
        }
    }

    fn entries_have_events(&self, wrong: &mut Vec<String>) {
        let key = |session: &str, client: &str| format!("{session} {client}");
        let rows = self.entries.iter().map(|row| key(text(row, "session_id"), text(row, "client_id")));
        let told =
            self.of_kind("entered").map(|event| key(text(&event["body"], "session_id"), text(event, "client_id")));
        let (rows, told) = (rows.collect::<Vec<_>>(), told.collect::<Vec<_>>());
        if rows.len() != told.len() {
            wrong.push(format!("{} entries, {} events of entry", rows.len(), told.len()));
        }
        let [rows, told] = [&rows, &told].map(|list| list.iter().map(String::as_str).collect());
        same("entries and their events", &rows, &told, wrong);
    }

    fn families_have_events(&self, wrong: &mut Vec<String>) {
        for (reason, kinds) in
            [("revoked", &["token_revoked"][..]), ("reuse", &["refresh_token_reused", "code_reused"][..])]
        {
            let told = self.once(kinds, "object", wrong);
            let ended = self.families.iter().filter(|family| family["revoke_reason"] == reason);
            let ended = ended.map(|family| text(family, "id")).collect();
            same(&format!("families ended by {reason} and their events"), &ended, &told, wrong);
        }
        let over = self.sessions.iter().filter(|session| !session["ended_at"].is_null());
        let over = over.map(|session| text(session, "id")).collect::<HashSet<_>>();
        for family in &self.families {
            if over.contains(text(family, "session_id")) && family["revoked_at"].is_null() {
                wrong.push(format!("{family} outlived its session"));
            }
        }
    }

    fn directory_has_events(&self, wrong: &mut Vec<String>) {
        let added = self.of_kind("user_added").map(|event| text(event, "user_id")).collect();
        same("accounts and their events", &all(&self.users, "id"), &added, wrong);
        let clients = self.of_kind("client_changed").map(|event| text(event, "client_id")).collect();
        same("clients and their events", &all(&self.clients, "id"), &clients, wrong);
        let told = self.of_kind("role_grant_changed").map(|event| text(event, "id")).collect();
        let [recorded, superseded] = ["recorded_event", "superseded_event"].map(|column| all(&self.grants, column));
        same("recordings of roles and their events", &recorded.union(&superseded).copied().collect(), &told, wrong);
        for user in &self.users {
            let mut changes =
                self.of_kind("user_status_changed").filter(|event| event["user_id"] == user["id"]).collect::<Vec<_>>();
            changes.sort_by_key(|event| (event["at"].as_i64(), text(event, "id")));
            let mut status = "active";
            for change in changes {
                if change["body"]["before"]["status"] != status {
                    wrong.push(format!("an event is missing before {change}"));
                }
                status = change["body"]["after"]["status"].as_str().unwrap();
            }
            if user["status"] != status {
                wrong.push(format!("{user} has a status that no event gave"));
            }
        }
    }

    fn tokens_are_whole(&self, wrong: &mut Vec<String>) {
        let known = all(&self.tokens, "id");
        let mut fresh: HashMap<&str, u32> = HashMap::new();
        for token in &self.tokens {
            if token["consumed_at"].is_null() {
                *fresh.entry(text(token, "family_id")).or_default() += 1;
            }
            if !token["successor_id"].is_null() && !known.contains(text(token, "successor_id")) {
                wrong.push(format!("{token} was used up for nothing"));
            }
        }
        for family in self.families.iter().filter(|family| !family["user_id"].is_null()) {
            if fresh.get(text(family, "id")) != Some(&1) {
                wrong.push(format!("{family} has {:?} unused tokens", fresh.get(text(family, "id"))));
            }
        }
    }

    /// One message for each client that an ended session entered, and none for a session that lives.
    fn messages_are_due(&self, wrong: &mut Vec<String>) {
        let over = self.sessions.iter().filter(|session| !session["ended_at"].is_null());
        let over = over.map(|session| text(session, "id")).collect::<HashSet<_>>();
        let pair = |row: &Value| format!("{} {}", text(row, "session_id"), text(row, "client_id"));
        let due = self.entries.iter().filter(|row| over.contains(text(row, "session_id"))).map(pair);
        let (due, kept) = (due.collect::<HashSet<_>>(), self.messages.iter().map(pair).collect::<HashSet<_>>());
        for odd in due.symmetric_difference(&kept) {
            wrong.push(format!("a logout message is missing or too many: {odd}"));
        }
        if self.messages.iter().any(|message| message["state"] == "given_up") {
            wrong.push("a logout message was given up".to_owned());
        }
    }

    /// What was answered to a person stands in the rows.
    fn agree_with(&self, person: &Person, wrong: &mut Vec<String>) {
        let ended = |rows: &[Value], column: &str| {
            rows.iter().map(|row| (text(row, "id").to_owned(), !row[column].is_null())).collect::<HashMap<_, _>>()
        };
        let [sessions, families, used] = [
            ended(&self.sessions, "ended_at"),
            ended(&self.families, "revoked_at"),
            ended(&self.tokens, "consumed_at"),
        ];
        let mut wants = |what: &str, found: Option<&bool>, wanted: bool| {
            if found != Some(&wanted) {
                wrong.push(format!("{what}: answered {wanted}, found {found:?}"));
            }
        };
        for session in &person.sessions {
            if let Some(id) = &session.id {
                wants(&format!("session {id} ended"), sessions.get(id), session.fate == Fate::Ended);
            }
        }
        for family in &person.families {
            wants(&format!("family {} ended", family.id), families.get(&family.id), family.fate == Fate::Ended);
            for token in &family.used {
                wants("token used", used.get(token.split('.').next().unwrap()), true);
            }
            if family.fate == Fate::Stands {
                wants("newest token used", used.get(family.head.split('.').next().unwrap()), false);
            }
        }
        assert!(person.enabled == Known::Yes, "checks end with an account that is on");
    }
}

/// Both sets hold the same.
fn same(what: &str, left: &HashSet<&str>, right: &HashSet<&str>, wrong: &mut Vec<String>) {
    for odd in left.difference(right) {
        wrong.push(format!("{what}: {odd} has no event"));
    }
    for odd in right.difference(left) {
        wrong.push(format!("{what}: event without a row: {odd}"));
    }
}

fn rows(provider: &Provider, sql: &str) -> Vec<Value> {
    let printed = match &provider.database {
        Some(url) => psql(url, &format!("SELECT COALESCE(json_agg(r), '[]') FROM ({sql}) AS r")),
        None => sqlite(provider, &["-json", sql]),
    };
    if printed.trim().is_empty() {
        return Vec::new();
    }
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

fn sqlite(provider: &Provider, arguments: &[&str]) -> String {
    let (sql, options) = arguments.split_last().unwrap();
    let mut command = Command::new("sqlite3");
    command.args(options).args(["-cmd", ".timeout 10000"]).arg(provider.folder().join("gapura.db")).arg(sql);
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}
