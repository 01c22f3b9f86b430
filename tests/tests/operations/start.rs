//! `gapura serve` in an empty folder, and every way in which it refuses to start.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use gapura_tests::{
    provider::{program, signal},
    servers::{free_port, postgres, wait_until},
    wire,
};

/// The program in a folder, told its ports by variables and nothing else.
fn gapura(folder: &Path, (port, ops): (u16, u16)) -> Command {
    let mut command = Command::new(program("gapura"));
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("GAPURA__SERVER__LISTEN", format!("127.0.0.1:{port}"));
    command.env("GAPURA__OPS__LISTEN", format!("127.0.0.1:{ops}"));
    command
}

fn ports() -> (u16, u16) {
    (free_port(), free_port())
}

/// Starts serving and reads notices until the one that holds `awaited`.
fn served(folder: &Path, ports: (u16, u16), awaited: &str) -> (Child, String) {
    let mut child = gapura(folder, ports).arg("serve").spawn().unwrap();
    let mut notices = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    while !notices.contains(awaited) {
        assert!(lines.read_line(&mut notices).unwrap() > 0, "ended: {notices}");
    }
    // Somebody must go on reading, or a full pipe stops the server.
    std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
    (child, notices)
}

fn refused(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn it_starts_with_no_configuration_and_names_the_next_command() {
    let folder = tempfile::tempdir().unwrap();
    let ports = ports();
    let (mut child, notices) = served(folder.path(), ports, "Next:");
    assert!(notices.contains(&format!("http://localhost:{}", ports.0)), "{notices}");
    assert!(notices.contains("gapura admin link"), "{notices}");
    for file in ["gapura.db", "gapura.key"] {
        let mode = fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    signal("TERM", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Red until the RSA key is there, then green; metrics stand apart from the pages.
#[tokio::test(flavor = "multi_thread")]
async fn operations_listen_apart() {
    let folder = tempfile::tempdir().unwrap();
    let ports = ports();
    let (mut child, _) = served(folder.path(), ports, "Next:");
    let (public, ops) = (wire::router(ports.0), wire::router(ports.1));
    while wire::get(&ops, "/readyz").await.0 != 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(wire::get(&ops, "/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(wire::get(&public, "/healthz").await.0, 200);
    assert_eq!(wire::get(&public, "/tidak-ada?x=1").await.0, 404);
    for path in ["/metrics", "/readyz"] {
        assert_eq!(wire::get(&public, path).await.0, 404, "{path}");
    }
    let page = wire::get(&ops, "/metrics").await.1;
    assert!(page.contains("route=\"/healthz\"") && page.contains("route=\"other\""), "{page}");
    assert!(!page.contains("tidak-ada"), "a label is never a path that was sent");
    signal("TERM", child.id());
    child.wait().unwrap();
}

#[test]
fn a_port_in_use_is_a_sentence_and_exit_3() {
    for taken_is_ops in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = holder.local_addr().unwrap().port();
        let ports = if taken_is_ops { (free_port(), taken) } else { (taken, free_port()) };
        let (code, said) = refused(gapura(folder.path(), ports).arg("serve"));
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains(&format!("127.0.0.1:{taken} is in use")), "{said}");
        assert!(!folder.path().join("gapura.db").exists(), "nothing was made");
    }
}

#[test]
fn a_second_server_on_one_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut first, _) = served(folder.path(), ports(), "Next:");
    let (code, said) = refused(gapura(folder.path(), ports()).arg("serve"));
    assert_eq!(code, Some(3), "{said}");
    signal("TERM", first.id());
    assert_eq!(first.wait().unwrap().code(), Some(0));
}

#[test]
fn an_unknown_key_is_refused_by_its_line_or_its_variable() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("gapura.toml"), "[city]\nname = \"Kota Contoh\"\nnama = \"Kota\"\n").unwrap();
    let (code, said) = refused(gapura(folder.path(), ports()).args(["keys", "list"]));
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("gapura.toml line 3") && said.contains("nama"), "{said}");
    fs::remove_file(folder.path().join("gapura.toml")).unwrap();
    let (code, said) = refused(gapura(folder.path(), ports()).env("GAPURA__CITY__NAMA", "x").args(["keys", "list"]));
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("GAPURA__CITY__NAMA"), "{said}");
}

#[test]
fn a_public_http_issuer_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let public = ("GAPURA__SERVER__PUBLIC_URL", "http://sso.kota-contoh.go.id");
    let (code, said) = refused(gapura(folder.path(), ports()).env(public.0, public.1).arg("serve"));
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("https"), "{said}");
}

//= SEC-07 test
#[test]
fn a_root_key_that_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(gapura(folder.path(), ports()).args(["keys", "list"]).output().unwrap().status.success());
    let key = folder.path().join("gapura.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    for command in [&["serve"][..], &["keys", "list"]] {
        let (code, said) = refused(gapura(folder.path(), ports()).args(command));
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains("chmod 600"), "{said}");
    }
}

/// A stop signal ends a server even while somebody holds a connection open and says nothing.
#[test]
fn a_stop_signal_ends_it_in_spite_of_silent_connections() {
    let folder = tempfile::tempdir().unwrap();
    let ports = ports();
    let (mut child, _) = served(folder.path(), ports, "Next:");
    let mut silent = Vec::new();
    wait_until(
        "connections",
        || std::net::TcpStream::connect(("127.0.0.1", ports.0)).map(|stream| silent.push(stream)).is_ok(),
        String::new,
    );
    signal("TERM", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(silent);
}

#[test]
fn every_command_says_one_object_with_json_and_exits_by_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = gapura(folder.path(), ports()).args(arguments).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let table: &[(&[&str], i32)] = &[
        (&["migrate"], 0),
        (&["keys", "list"], 0),
        (&["client", "list"], 0),
        (&["application", "list"], 0),
        (&["rule", "list"], 0),
        (&["logout", "list"], 0),
        (&["user", "add", "--name", "Budi", "--account-name", "budi", "--kind", "dprd"], 0),
        (&["user", "show", "budi"], 0),
        (&["user", "add", "--name", "Budi", "--account-name", "budi", "--kind", "dprd"], 1),
        (&["user", "show", "siapa"], 1),
        (&["user", "add", "--name", "Budi"], 2),
        (&["client", "disable", "tidak-ada"], 1),
        (&["client", "add", "--id", "x", "--application", "Tidak Ada"], 1),
        (&["backup", "cadangan.db"], 0),
        (&["backup", "cadangan.db"], 3),
        (&["restore", "cadangan.db"], 3),
    ];
    for (arguments, code) in table {
        let (exit, said) = run(&[arguments, &["--json"][..]].concat());
        assert_eq!(exit, *code, "{arguments:?}: {said}");
        let object: serde_json::Value = serde_json::from_str(&said).unwrap_or_else(|why| panic!("{why}: {said}"));
        assert!(object.is_object(), "{arguments:?}: {said}");
    }
    assert_eq!(run(&["nonsense"]).0, 2);
}

/// The machine is measured before anything is made of it.
#[test]
fn calibrating_makes_no_database_and_prints_settings_that_a_server_takes() {
    let folder = tempfile::tempdir().unwrap();
    let calibrate = |more: &[&str]| {
        let arguments = [&["calibrate", "--staff", "10", "--seconds", "1"], more].concat();
        let output = gapura(folder.path(), (1, 1)).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = calibrate(&["--json"]);
    assert_eq!(code, Some(0), "{said}");
    let object: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(object["measured"].as_array().unwrap().len(), 4, "{object}");
    assert!(object["measured"][0]["one_core"].as_f64().unwrap() > 0.0, "{object}");
    assert_eq!((&object["carries"], &object["staff"]), (&true.into(), &10.into()), "{object}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is made");
    fs::write(folder.path().join("gapura.toml"), object["settings"].as_str().unwrap()).unwrap();
    let (code, said) = calibrate(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Pagi 10 pegawai") && said.contains("A morning of 10 staff"), "{said}");
    assert!(said.contains("[passwords]"), "{said}");
}

/// Two nodes that each keep codes and replay marks in memory would miss each other's.
#[test]
fn two_nodes_without_a_shared_memory_refuse_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let url = postgres().database(None);
    let node = || {
        let mut command = gapura(folder.path(), ports());
        command.env("GAPURA__DATABASE__URL", &url);
        command
    };
    assert!(node().arg("migrate").output().unwrap().status.success());
    let mut first = node().arg("serve").stderr(Stdio::null()).spawn().unwrap();
    let listed = || node().args(["keys", "list"]).output().unwrap().stdout.iter().filter(|b| **b == b'\n').count() == 2;
    wait_until("the first node to be complete", listed, String::new);
    // Were it gone, the second would be alone and serve for ever.
    assert_eq!(first.try_wait().unwrap(), None, "the first node lives");
    let (code, said) = refused(node().arg("serve"));
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("another server"), "{said}");
    signal("TERM", first.id());
    assert_eq!(first.wait().unwrap().code(), Some(0));
}

/// A vendor's person needs an OPD that answers for the account, and an end.
#[test]
fn a_sponsor_must_be_an_opd_that_exists() {
    let folder = tempfile::tempdir().unwrap();
    let opds = gapura_tests::provider::samples().join("opd.csv");
    let run = |arguments: &[&str]| {
        let output = gapura(folder.path(), ports()).args(arguments).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(run(&["import", "opd", opds.to_str().unwrap()]).0, 0);
    let add = ["user", "add", "--name", "Budi", "--account-name", "budi.vendor", "--kind", "vendor"];
    assert_eq!(run(&add).0, 2);
    let with = |sponsor| run(&[&add[..], &["--until", "2030-12-31", "--sponsor", sponsor]].concat());
    let (code, said) = with("diskominf");
    assert!(code == 1 && said.contains("diskominfo"), "{said}");
    assert_eq!(with("Diskominfo").0, 0);
}
