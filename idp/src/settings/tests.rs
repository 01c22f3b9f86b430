use std::io::Write as _;

use super::*;

fn load(file: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let mut written = tempfile::NamedTempFile::new().unwrap();
    written.write_all(file.as_bytes()).unwrap();
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let source = Source { file: Some(written.path().to_owned()), variables };
    Settings::load(&source).map_err(|why| why.to_string())
}

fn refusal(file: &str, variables: &[(&str, &str)]) -> String {
    load(file, variables).err().expect("refused")
}

#[test]
fn nothing_set_is_a_working_local_server() {
    let settings = load("", &[]).unwrap();
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.server.public_url.as_str(), "http://localhost:8080");
    assert_eq!(settings.ops.to_string(), "127.0.0.1:9080");
    assert!(matches!(&settings.database, Database::Sqlite(path) if path == Path::new("gapura.db")));
    assert_eq!(settings.root_key, Path::new("gapura.key"));
    assert!(settings.redis.is_none());
    assert_eq!(settings.sessions.absolute, Duration::from_secs(12 * 3600));
    assert_eq!(settings.sessions.idle, Duration::from_secs(4 * 3600));
}

#[test]
fn a_variable_overrides_the_file() {
    let file = "[server]\nlisten = \"127.0.0.1:8080\"\n[city]\nname = \"Kota A\"\n";
    let settings = load(
        file,
        &[
            ("GAPURA__CITY__NAME", "2045"),
            ("GAPURA__SERVER__LISTEN", "127.0.0.1:8099"),
            ("GAPURA__PASSWORDS__QUEUE", "7"),
            ("GAPURA__OUTBOUND__ALLOW", "10.0.0.0/8, 192.168.1.7"),
            ("GAPURA__CITY__ZONE", "Asia/Jayapura"),
        ],
    )
    .unwrap();
    assert_eq!(settings.city.name, "2045");
    assert_eq!(settings.city.zone, Zone::Jayapura);
    assert_eq!(settings.server.public_url.as_str(), "http://localhost:8099");
    assert_eq!(settings.passwords.queue, 7);
    assert_eq!(settings.outbound.allow.len(), 2);
}

#[test]
fn an_unknown_key_is_refused_by_its_line_or_variable() {
    let line = refusal("[server]\nlisten = \"127.0.0.1:8080\"\nlisen = \"x\"\n", &[]);
    assert!(line.contains("line 3") && line.contains("lisen"), "{line}");
    let section = refusal("\n[sever]\nlisten = \"x\"\n", &[]);
    assert!(section.contains("line 2") && section.contains("sever"), "{section}");
    for name in ["GAPURA__SERVER__LISEN", "GAPURA__SEVER__LISTEN", "GAPURA__SERVER", "GAPURA__"] {
        let sentence = refusal("", &[(name, "127.0.0.1:1")]);
        assert!(sentence.contains(name), "{sentence}");
    }
}

#[test]
fn a_secret_comes_in_place_or_by_file_but_not_twice() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"postgres://gapura:rahasia@localhost/gapura\n").unwrap();
    let path = file.path().to_str().unwrap();
    let settings = load("", &[("GAPURA__DATABASE__URL_FILE", path)]).unwrap();
    assert!(
        matches!(&settings.database, Database::Postgres(url) if url.expose() == "postgres://gapura:rahasia@localhost/gapura")
    );
    let twice = refusal("", &[("GAPURA__DATABASE__URL_FILE", path), ("GAPURA__DATABASE__URL", "postgres://x")]);
    assert!(twice.contains("database.url_file"), "{twice}");
    let both = refusal("[database]\npath = \"a.db\"\nurl = \"postgres://x\"\n", &[]);
    assert!(both.contains("database.path"), "{both}");
}

#[test]
fn values_that_cannot_be_are_named() {
    for (file, key) in [
        ("[server]\nlisten = \"0.0.0.0:8080\"\n", "server.public_url"),
        ("[server]\npublic_url = \"http://sso.kota.go.id\"\n", "server.public_url"),
        ("[server]\ntrusted_proxies = [\"10.0.0.0/33\"]\n", "server.trusted_proxies"),
        ("[outbound]\nallow = [\"intranet\"]\n", "outbound.allow"),
        ("[sessions]\nabsolute_minutes = 10\nidle_minutes = 11\n", "sessions.idle_minutes"),
        ("[passwords]\nworkers = 0\n", "passwords.workers"),
        ("[passwords]\nmemory_kib = 31\nparallelism = 4\n", "passwords.memory_kib"),
        ("[logs]\nformat = \"xml\"\n", "logs.format"),
        ("[redis]\nurl = \"http://x\"\n", "redis.url"),
        ("[database]\nurl = \"mysql://x\"\n", "database.url"),
        ("[city]\nname = \"a\\nb\"\n", "city.name"),
        ("[city]\nzone = \"Europe/Paris\"\n", "line 2"),
    ] {
        let sentence = refusal(file, &[]);
        assert!(sentence.contains(key), "{sentence}");
    }
}

#[test]
fn the_root_key_lies_beside_the_database() {
    let settings = load("[database]\npath = \"/var/lib/gapura/gapura.db\"\n", &[]).unwrap();
    assert_eq!(settings.root_key, Path::new("/var/lib/gapura/gapura.key"));
    let settings = load("[keys]\nroot_file = \"/etc/gapura/root.key\"\n", &[]).unwrap();
    assert_eq!(settings.root_key, Path::new("/etc/gapura/root.key"));
}

/// `UPDATE_DOCS=1 cargo test -p gapura-idp settings` writes the table anew.
#[test]
fn the_documentation_lists_every_key_as_it_is() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- settings: generated -->\n", "<!-- /settings -->");
    let (before, rest) = page.split_once(begin).unwrap();
    let (table, after) = rest.split_once(end).unwrap();
    let mut now = "| key | default | meaning |\n|---|---|---|\n".to_owned();
    for setting in Source::default().settings().unwrap() {
        now.push_str(&format!("| `{}` | {} | {} |\n", setting.name, setting.default, setting.meaning));
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{begin}{now}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(table, now, "docs/operations.md is old: run this test with UPDATE_DOCS=1");
}

//= BSSN4-2021#13.b test
#[test]
fn a_setting_says_who_set_it_and_keeps_a_secret() {
    let mut written = tempfile::NamedTempFile::new().unwrap();
    written.write_all(b"[database]\nurl = \"postgres://gapura:rahasia@localhost/gapura\"\n").unwrap();
    let variables = vec![("GAPURA__CITY__NAME".to_owned(), "Kota A".to_owned())];
    let source = Source { file: Some(written.path().to_owned()), variables };
    let all = source.settings().unwrap();
    let of = |name: &str| all.iter().find(|setting| setting.name == name).unwrap();
    assert_eq!((of("city.name").value.as_str(), &of("city.name").from), (Some("Kota A"), &variable()));
    assert_eq!((of("database.url").value.as_str(), &of("database.url").from), (Some("(hidden)"), &From::File));
    assert_eq!((of("server.connections").value.as_u64(), &of("server.connections").from), (Some(4096), &From::Default));
    assert!(!format!("{all:?}").contains("rahasia"));

    fn variable() -> From {
        From::Variable("GAPURA__CITY__NAME".to_owned())
    }
}
