//! `gapura doctor` on set-ups that are broken for real: each is found by its code, said in both languages,
//! and answered by the exit code of its side.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
};

use gapura_tests::{
    Pair,
    front::{self, Certificate},
    provider::{Provider, program},
    servers::{Redis, free_port, postgres, psql, wait_until},
};
use serde_json::Value;

/// What one visit found.
struct Found {
    exit: i32,
    printed: String,
    report: Value,
}

impl Found {
    fn of(done: &Output) -> Self {
        let printed = String::from_utf8(done.stdout.clone()).unwrap();
        let report: Value = serde_json::from_str(&printed).unwrap_or_else(|why| panic!("{why}: {done:?}"));
        let found = Self { exit: done.status.code().unwrap(), printed, report };
        for finding in found.findings() {
            let well = finding["level"] == "ok";
            for language in ["id", "en"] {
                let says = |key: &str| finding[key][language].as_str().is_some_and(|text| !text.is_empty());
                assert!(says("cause") && says("remedy") != well, "{finding}");
            }
        }
        found
    }

    fn findings(&self) -> impl Iterator<Item = &Value> {
        self.report["findings"].as_array().unwrap().iter()
    }

    fn level(&self, code: &str) -> &str {
        let found = self.findings().find(|finding| finding["code"] == code);
        found.unwrap_or_else(|| panic!("{code} is not in {}", self.printed))["level"].as_str().unwrap()
    }

    /// Every finding that is not as it should be.
    fn wrong(&self) -> Vec<&str> {
        let wrong = self.findings().filter(|it| it["level"] != "ok").map(|it| it["code"].as_str().unwrap());
        // The disk is this machine's and no part of the set-up.
        wrong.filter(|code| !code.starts_with("disk-")).collect()
    }
}

/// A visit to a deployment, with variables that break it.
fn visit_with(provider: &Provider, arguments: &[&str], variables: &[(&str, &str)]) -> Found {
    let mut command = provider.command(&[&["doctor", "--json"], arguments].concat());
    Found::of(&command.envs(variables.iter().copied()).output().unwrap())
}

fn visit(provider: &Provider) -> Found {
    visit_with(provider, &[], &[])
}

/// A deployment with database and key, not serving; its own files are private.
fn deployment(pair: Pair) -> Provider {
    let provider = Provider::new(pair);
    provider.gapura(&["keys", "list"]);
    chmod(&provider.folder().join("satu.toml"), 0o600);
    provider
}

fn chmod(file: &Path, mode: u32) {
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
}

/// Files and what they hold; but for the index of SQLite's log, in which readers note where they are.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let all = entries.map(|it| (it.file_name().into_string().unwrap(), fs::read(it.path()).unwrap()));
    all.filter(|(name, _)| !name.ends_with("-shm")).collect()
}

#[test]
fn an_empty_folder_is_a_new_deployment_and_stays_empty() {
    let folder = tempfile::tempdir().unwrap();
    let (port, ops) = (free_port(), free_port());
    let mut command = Command::new(program("gapura"));
    command.current_dir(folder.path()).args(["doctor", "--json"]);
    command.env("GAPURA__SERVER__LISTEN", format!("127.0.0.1:{port}"));
    command.env("GAPURA__OPS__LISTEN", format!("127.0.0.1:{ops}"));
    let found = Found::of(&command.output().unwrap());
    assert_eq!((found.exit, found.level("root-key-none-yet")), (0, "ok"));
    assert_eq!(found.wrong(), ["database-missing", "public-url-not-serving"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn a_stopped_deployment_is_looked_at_and_not_touched() {
    let provider = deployment(Pair::SqliteMemory);
    let before = contents(provider.folder());
    let found = visit(&provider);
    assert_eq!((found.exit, found.wrong()), (0, vec!["public-url-not-serving"]));
    assert!(contents(provider.folder()) == before, "{:?}", contents(provider.folder()).keys());
}

#[test]
fn a_served_deployment_is_well_on_both_pairs() {
    for pair in [Pair::SqliteMemory, Pair::PostgresRedis] {
        let mut provider = deployment(pair);
        provider.serve();
        wait_until("readiness", || visit(&provider).wrong().is_empty(), || visit(&provider).printed);
        let found = visit(&provider);
        for code in ["database-ok", "schema-ok", "zone-ok", "root-key-ok", "port-ours", "public-url-ok", "nodes-ok"] {
            assert_eq!(found.level(code), "ok");
        }
        assert_eq!(found.exit, 0);
        assert_eq!(provider.stop(), Some(0));
    }
}

#[test]
fn a_root_key_that_does_not_serve_is_told_apart() {
    let provider = deployment(Pair::SqliteMemory);
    let key = provider.folder().join("gapura.key");
    chmod(&key, 0o644);
    let found = visit(&provider);
    assert_eq!((found.exit, found.level("root-key-readable")), (3, "failure"));
    assert!(found.printed.contains("chmod 600"), "{}", found.printed);
    let whole = fs::read(&key).unwrap();
    fs::write(&key, &whole[..20]).unwrap();
    chmod(&key, 0o600);
    assert_eq!(visit(&provider).wrong()[0], "root-key-malformed");
    fs::copy(deployment(Pair::SqliteMemory).folder().join("gapura.key"), &key).unwrap();
    assert_eq!(visit(&provider).wrong()[0], "root-key-wrong");
    fs::remove_file(&key).unwrap();
    let found = visit(&provider);
    assert_eq!((found.exit, found.wrong()[0]), (3, "root-key-missing"));
    assert!(!key.exists(), "the doctor makes no key");
}

#[test]
fn files_that_others_may_read_are_named() {
    let provider = deployment(Pair::SqliteMemory);
    provider.gapura(&["backup", "kemarin.db"]);
    for file in ["gapura.db", "kemarin.db"] {
        chmod(&provider.folder().join(file), 0o644);
        let found = visit(&provider);
        assert_eq!((found.exit, found.level("file-readable")), (3, "failure"), "{file}");
        assert!(found.printed.contains(file), "{}", found.printed);
        chmod(&provider.folder().join(file), 0o600);
    }
    chmod(provider.folder(), 0o777);
    assert_eq!(visit(&provider).level("folder-writable"), "failure");
    let shared = deployment(Pair::PostgresRedis);
    chmod(&shared.folder().join("satu.toml"), 0o644);
    let found = visit(&shared);
    assert_eq!(found.level("file-readable"), "failure", "the file holds the URLs with their passwords");
    assert!(found.printed.contains("satu.toml"), "{}", found.printed);
}

#[test]
fn another_zone_and_cheap_hashes_are_found() {
    let provider = deployment(Pair::SqliteMemory);
    let found = visit_with(
        &provider,
        &[],
        &[("GAPURA__CITY__ZONE", "Asia/Jayapura"), ("GAPURA__PASSWORDS__MEMORY_KIB", "1024")],
    );
    assert_eq!((found.exit, found.level("zone-differs")), (3, "failure"));
    assert_eq!(found.level("passwords-cheap"), "warning");
}

#[test]
fn settings_that_cannot_be_are_found() {
    let provider = deployment(Pair::SqliteMemory);
    let found = visit_with(&provider, &[], &[("GAPURA__SERVER__LISEN", "127.0.0.1:1")]);
    assert_eq!((found.exit, found.wrong()), (3, vec!["settings-invalid"]));
    assert!(found.printed.contains("GAPURA__SERVER__LISEN"));
    let found = visit_with(&provider, &[], &[("GAPURA__OUTBOUND__CA_FILE", "gapura.key")]);
    assert_eq!((found.exit, found.wrong()), (3, vec!["settings-ca-file"]));
}

#[test]
fn a_file_that_is_no_database_is_found() {
    let provider = deployment(Pair::SqliteMemory);
    let elsewhere = |path: &str| visit_with(&provider, &[], &[("GAPURA__DATABASE__PATH", path)]);
    assert_eq!(elsewhere("gapura.key").level("database-not-sqlite"), "failure");
    assert_eq!(elsewhere("lain.db").level("database-missing"), "warning");
    assert_eq!(elsewhere(".").level("database-unreadable"), "failure");
}

/// A deployment on PostgreSQL alone, told by a variable which database.
fn on_postgres(url: &str) -> Found {
    let provider = deployment(Pair::SqliteMemory);
    let text = fs::read_to_string(provider.folder().join("satu.toml")).unwrap();
    fs::write(provider.folder().join("satu.toml"), text.replace("path = \"gapura.db\"", "")).unwrap();
    visit_with(&provider, &[], &[("GAPURA__DATABASE__URL", url)])
}

#[test]
fn a_postgres_that_cannot_be_served_with_is_told_apart() {
    let cluster = postgres();
    let url = cluster.database(None);
    psql(&url, "CREATE ROLE penguji LOGIN PASSWORD 'sangat-rahasia'");
    let rules = psql(&url, "SHOW hba_file");
    let rule = "COPY (SELECT unnest(ARRAY['host all penguji 127.0.0.1/32 scram-sha-256', 'host all all 127.0.0.1/32 trust'])) TO";
    psql(&url, &format!("{rule} '{}'", rules.trim()));
    psql(&url, "SELECT pg_reload_conf()");
    let with_password = |password: &str| url.replace("gapura@", &format!("penguji:{password}@"));
    wait_until("the rule to hold", || on_postgres(&with_password("salah")).wrong()[0] == "database-login", String::new);
    let nobody = format!("postgres://gapura:salah-sekali@127.0.0.1:{}/gapura", free_port());
    for (url, code) in [
        (with_password("salah-sekali").as_str(), "database-login"),
        (cluster.url("tidak_ada").as_str(), "database-absent"),
        (nobody.as_str(), "database-unreachable"),
        ("postgres://gapura:salah-sekali@[", "database-url"),
        (url.as_str(), "schema-older"),
    ] {
        let found = on_postgres(url);
        assert_eq!((found.exit, found.level(code)), (3, "failure"));
        assert!(!found.printed.contains("salah-sekali"), "{}", found.printed);
    }
    assert_eq!(on_postgres(&with_password("sangat-rahasia")).level("database-ok"), "ok");
}

#[test]
fn a_schema_of_another_version_is_found() {
    let provider = deployment(Pair::PostgresRedis);
    let url = provider.database.clone().unwrap();
    psql(&url, "INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, '9999_x.sql', 'x')");
    let found = visit(&provider);
    assert_eq!((found.exit, found.level("schema-newer")), (3, "failure"));
    psql(&url, "UPDATE schema_migrations SET checksum = 'x' WHERE version = 2");
    assert_eq!(visit(&provider).level("schema-foreign"), "failure");
}

#[test]
fn a_database_that_sorts_by_language_is_found() {
    let url = postgres().database(None);
    let name = "uji_kolasi";
    psql(&url, &format!("CREATE DATABASE {name} TEMPLATE template0 LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"));
    let found = on_postgres(&postgres().url(name));
    assert_eq!((found.exit, found.level("collation-wrong")), (3, "failure"));
}

#[test]
fn nodes_that_do_not_share_are_found() {
    let provider = deployment(Pair::PostgresRedis);
    let url = provider.database.clone().unwrap();
    let beat = |id: &str, ephemeral: &str| {
        let now = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) + 3600000";
        psql(&url, &format!("INSERT INTO nodes VALUES ('{id}', '{ephemeral}', {now}, {now})"));
    };
    beat("satu", "redis");
    let without = visit_with(&provider, &[], &[("GAPURA__REDIS__URL", "")]);
    assert_eq!(without.level("settings-invalid"), "failure", "an empty URL is none");
    assert_eq!(visit(&provider).level("nodes-ok"), "ok");
    beat("dua", "memory");
    let found = visit(&provider);
    assert_eq!((found.exit, found.level("nodes-unshared")), (3, "failure"));
    psql(&url, "DELETE FROM nodes WHERE id = 'satu'");
    assert_eq!(visit(&provider).level("nodes-in-memory"), "failure");
    psql(&url, "UPDATE nodes SET ephemeral = 'redis'");
    assert_eq!(on_postgres(&url).level("nodes-without-redis"), "failure");
}

#[test]
fn a_redis_that_cannot_be_served_with_is_told_apart() {
    let provider = deployment(Pair::PostgresRedis);
    let with = |url: &str| visit_with(&provider, &[], &[("GAPURA__REDIS__URL", url)]);
    assert_eq!(visit(&provider).level("redis-ok-forgets"), "ok");
    let server = Redis::start();
    server.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let found = with(&server.database());
    assert_eq!((found.exit, found.level("redis-evicts")), (3, "failure"));
    assert!(found.printed.contains("allkeys-lru"), "{}", found.printed);
    server.ask(&["CONFIG", "SET", "requirepass", "sangat-rahasia"]);
    assert_eq!(with(&server.database()).level("redis-login"), "failure");
    let wrong = server.database().replace("redis://", "redis://:salah-sekali@");
    let found = with(&wrong);
    assert_eq!((found.exit, found.level("redis-login")), (3, "failure"));
    assert!(!found.printed.contains("salah-sekali"), "{}", found.printed);
    assert_eq!(with(&format!("redis://127.0.0.1:{}/0", free_port())).level("redis-unreachable"), "failure");
    assert_eq!(with("redis:///x/y").level("redis-url"), "failure");
}

/// Answers every connection with these bytes; its port.
fn answering(bytes: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(bytes.as_bytes());
        }
    });
    port
}

fn http(headers: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

/// The variables that lead the pages' socket to a port.
fn listening(port: u16) -> [(&'static str, String); 2] {
    [
        ("GAPURA__SERVER__LISTEN", format!("127.0.0.1:{port}")),
        ("GAPURA__SERVER__PUBLIC_URL", format!("http://sso.localhost:{port}")),
    ]
}

fn visit_at(provider: &Provider, variables: &[(&'static str, String)]) -> Found {
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    visit_with(provider, &[], &variables)
}

#[test]
fn a_port_that_somebody_else_holds_is_found() {
    let provider = deployment(Pair::SqliteMemory);
    let stranger = answering("SSH-2.0-x\r\n".to_owned());
    let found = visit_at(&provider, &listening(stranger));
    assert_eq!((found.exit, found.level("port-taken")), (3, "failure"));
    assert_eq!(found.level("public-url-no-http"), "failure");
    let other = answering(http("", r#"{"issuer": "https://sso.kota-lain.go.id"}"#));
    let found = visit_at(&provider, &listening(other));
    assert_eq!(found.level("port-other-issuer"), "failure");
    assert_eq!(found.level("public-url-other-issuer"), "failure");
    let web = answering(http("", "<h1>It works</h1>"));
    assert_eq!(visit_at(&provider, &listening(web)).level("public-url-not-ours"), "failure");
    let ops = ("GAPURA__OPS__LISTEN", format!("127.0.0.1:{web}"));
    assert_eq!(visit_at(&provider, &[ops]).level("port-taken"), "failure");
    let waiting = answering(http("", r#"{"ready": false, "waiting_for": ["signing keys"]}"#));
    let found = visit_at(&provider, &[("GAPURA__OPS__LISTEN", format!("127.0.0.1:{waiting}"))]);
    assert_eq!((found.exit, found.level("port-waits-keys")), (0, "warning"));
}

/// A listener that accepts and says nothing: the visit ends all the same.
#[test]
fn silence_does_not_hold_the_visit_up() {
    let provider = deployment(Pair::SqliteMemory);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let found = visit_at(&provider, &listening(port));
    assert_eq!((found.exit, found.level("public-url-silent")), (3, "failure"));
    assert_eq!(found.level("root-key-ok"), "ok", "the other checks go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_the_public_address_is_looked_at() {
    let provider = deployment(Pair::SqliteMemory);
    for (certificate, trusted, code, level) in [
        (Certificate::new(&["sso.localhost"], 90), true, "public-url-ok", "ok"),
        (Certificate::new(&["sso.localhost"], 9), true, "certificate-ends", "warning"),
        (Certificate::new(&["sso.localhost"], -1), true, "certificate-ended", "failure"),
        (Certificate::new(&["lain.localhost"], 90), true, "certificate-wrong-name", "failure"),
        (Certificate::new(&["sso.localhost"], 90), false, "certificate-untrusted", "failure"),
    ] {
        let server = free_port();
        let port = front::tls_by(&certificate, server).await;
        let public = format!("https://sso.localhost:{port}");
        let described = http("", &format!(r#"{{"issuer": "{public}"}}"#));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", server)).await.unwrap();
        tokio::spawn(async move {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(described.as_bytes()).await;
            }
        });
        let authority = provider.folder().join("ca.pem");
        fs::write(&authority, &certificate.pem).unwrap();
        let mut variables = vec![("GAPURA__SERVER__PUBLIC_URL", public)];
        if trusted {
            variables.push(("GAPURA__OUTBOUND__CA_FILE", authority.display().to_string()));
        }
        let found = tokio::task::block_in_place(|| visit_at(&provider, &variables));
        assert_eq!(found.level(code), level, "{}", found.printed);
    }
    let nobody = format!("https://sso.localhost:{}", free_port());
    let plain = answering(http("", ""));
    for (public, code) in [
        (nobody, "public-url-not-serving"),
        (format!("https://sso.localhost:{plain}"), "public-url-no-tls"),
        ("https://sso.tidak-ada.invalid".to_owned(), "public-url-unresolved"),
    ] {
        let found = tokio::task::block_in_place(|| visit_at(&provider, &[("GAPURA__SERVER__PUBLIC_URL", public)]));
        assert!(found.wrong().contains(&code) || found.wrong().contains(&"timed-out"), "{code}: {}", found.printed);
    }
}

//= BSSN4-2021#6.g test
#[test]
fn a_clock_that_drifts_is_found() {
    let provider = deployment(Pair::SqliteMemory);
    let from = |headers: &str| {
        let url = format!("http://127.0.0.1:{}/", answering(http(headers, "")));
        visit_with(&provider, &["--clock-from", &url], &[])
    };
    let found = from("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    assert_eq!((found.exit, found.level("clock-far")), (3, "failure"));
    assert_eq!(from("").level("clock-unknown"), "failure");
    let mut served = deployment(Pair::PostgresRedis);
    served.serve();
    let url = format!("http://127.0.0.1:{}/healthz", served.port());
    assert_eq!(visit(&served).level("clock-ok"), "ok", "PostgreSQL's and Redis's");
    let ahead = ["-f", "+1h"];
    let fake = |arguments: &[&str]| {
        let mut command = Command::new("faketime");
        command.args(ahead).arg(program("gapura")).args(["--config", "satu.toml"]).args(arguments);
        command.current_dir(served.folder()).output().unwrap()
    };
    let found = Found::of(&fake(&["doctor", "--json", "--clock-from", &url]));
    assert_eq!(found.findings().filter(|it| it["code"] == "clock-far").count(), 3, "{}", found.printed);
    let mut command = Command::new("faketime");
    command.args(ahead).arg(program("gapura")).args(["--config", "satu.toml"]).current_dir(provider.folder());
    command.args(["application", "add", "--name", "Masa Depan", "--identifier", "https://masa-depan.go.id"]);
    assert!(command.status().unwrap().success());
    let found = visit(&provider);
    assert_eq!((found.exit, found.level("clock-behind")), (3, "failure"));
}

#[test]
fn weak_clients_and_addresses_that_cannot_be_reached_are_found() {
    let provider = deployment(Pair::SqliteMemory);
    provider.gapura(&["application", "add", "--name", "e-Presensi", "--identifier", "https://presensi.go.id"]);
    let add = |id: &str, more: &[&str]| {
        let arguments = [&["client", "add", "--id", id, "--application", "e-Presensi"], more].concat();
        let mut command = provider.command(&arguments);
        let done = command.env("GAPURA__OUTBOUND__ALLOW", "10.0.0.0/8").output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    let at = "https://presensi.go.id/callback";
    add("lemah", &["--redirect-uri", at, "--pkce", "where_sent"]);
    let found = visit(&provider);
    assert_eq!((found.exit, found.level("client-pkce")), (0, "warning"));
    assert_eq!(found.level("client-no-logout"), "warning");
    add("dalam", &["--redirect-uri", at, "--logout-uri", "http://10.1.2.3/logout"]);
    let found = visit(&provider);
    assert_eq!((found.exit, found.level("logout-refused")), (1, "failure"), "registered, and it cannot be reached");
    add("hilang", &["--redirect-uri", at, "--logout-uri", "https://presensi.tidak-ada.invalid/logout"]);
    let found = visit_with(&provider, &[], &[("GAPURA__OUTBOUND__ALLOW", "10.0.0.0/8")]);
    assert_eq!((found.exit, found.level("logout-unresolved")), (1, "failure"));
    let broken = visit_with(&provider, &[], &[("GAPURA__CITY__ZONE", "Asia/Jayapura")]);
    assert_eq!(broken.exit, 3, "the environment comes first");
    provider.gapura(&["client", "disable", "dalam"]);
    assert!(!visit(&provider).printed.contains("logout-refused"), "who is switched off is nobody's worry");
}

#[test]
fn it_speaks_to_a_person_in_their_language() {
    let provider = deployment(Pair::SqliteMemory);
    chmod(&provider.folder().join("gapura.key"), 0o644);
    let say = |arguments: &[&str], lang: &str| {
        let done = provider.command(&[&["doctor"], arguments].concat()).env("LANG", lang).output().unwrap();
        assert_eq!(done.status.code(), Some(3));
        String::from_utf8(done.stdout).unwrap()
    };
    for (arguments, lang) in [(&[][..], "C.UTF-8"), (&["--lang", "id"], "en_US.UTF-8")] {
        let said = say(arguments, lang);
        assert!(said.contains("GAGAL") && said.contains("dapat dibaca pihak lain"), "{said}");
    }
    for (arguments, lang) in [(&[][..], "en_US.UTF-8"), (&["--lang", "en"], "")] {
        let said = say(arguments, lang);
        assert!(said.contains("FAILURE") && said.contains("may be read by others"), "{said}");
    }
    let wrong = provider.command(&["doctor", "--lang", "xx"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}
