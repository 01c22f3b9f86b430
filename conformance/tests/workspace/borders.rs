//! The borders of ARCHITECTURE.md, read from `cargo metadata`: the compiler keeps rules away from the
//! network and handlers away from SQL only as long as nobody adds the dependency.

use std::{
    collections::{HashMap, HashSet},
    process::Command,
};

use gapura_conformance::workspace;
use serde_json::Value;

/// Normal and build dependencies of every package, by package id, and names by id.
struct Graph {
    names: HashMap<String, String>,
    edges: HashMap<String, Vec<String>>,
}

impl Graph {
    fn read() -> Self {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let platform = host(&cargo);
        let run = Command::new(&cargo)
            .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &platform])
            .current_dir(workspace())
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let metadata: Value = serde_json::from_slice(&run.stdout).unwrap();
        let mut graph = Self { names: HashMap::new(), edges: HashMap::new() };
        for package in list(&metadata["packages"]) {
            graph.names.insert(text(&package["id"]), text(&package["name"]));
        }
        for node in list(&metadata["resolve"]["nodes"]) {
            let shipped = |dependency: &&Value| list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev");
            let edges = list(&node["deps"]).iter().filter(shipped).map(|dependency| text(&dependency["pkg"])).collect();
            graph.edges.insert(text(&node["id"]), edges);
        }
        graph
    }

    fn id(&self, name: &str) -> &String {
        self.names.iter().find(|(_, known)| *known == name).map(|(id, _)| id).unwrap()
    }

    /// Names of the packages `name` depends on itself.
    fn direct(&self, name: &str) -> HashSet<&str> {
        self.edges[self.id(name)].iter().map(|id| self.names[id].as_str()).collect()
    }

    /// Names of all packages `name` is built from.
    fn closure(&self, name: &str) -> HashSet<&str> {
        let mut open = vec![self.id(name)];
        let mut seen = HashSet::new();
        while let Some(id) = open.pop() {
            for next in &self.edges[id] {
                if seen.insert(next.as_str()) {
                    open.push(next);
                }
            }
        }
        seen.into_iter().map(|id| self.names[id].as_str()).collect()
    }
}

fn host(cargo: &str) -> String {
    let run = Command::new(cargo).arg("-vV").output().unwrap();
    let shown = String::from_utf8(run.stdout).unwrap();
    shown.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn assert_none(of: &HashSet<&str>, refused: &[&str], crate_name: &str) {
    let found = refused.iter().filter(|name| of.contains(**name)).collect::<Vec<_>>();
    assert!(found.is_empty(), "{crate_name} must not be built from {found:?}");
}

#[test]
fn core_can_do_no_input_or_output() {
    let graph = Graph::read();
    let io = ["tokio", "axum", "hyper", "sqlx", "sqlx-core", "rusqlite", "redis", "reqwest", "mio"];
    assert_none(&graph.closure("gapura-core"), &io, "gapura-core");
    // Metadata unites the features of all crates, so a digest of ours seems to reach the generator
    // that only others switch on; what core asks for itself decides.
    assert_none(&graph.direct("gapura-core"), &["getrandom", "rand", "rand_core"], "gapura-core");
}

#[test]
fn store_knows_no_web() {
    let graph = Graph::read();
    assert_none(&graph.closure("gapura-store"), &["axum", "reqwest", "askama"], "gapura-store");
    assert_none(&graph.direct("gapura-store"), &["hyper", "hyper-util"], "gapura-store");
}

#[test]
fn the_server_knows_no_sql() {
    let graph = Graph::read();
    let engines = ["sqlx", "sqlx-core", "sqlx-sqlite", "sqlx-postgres", "rusqlite", "libsqlite3-sys", "redis"];
    assert_none(&graph.direct("gapura-idp"), &engines, "gapura-idp");
}

#[test]
fn the_client_sdk_depends_on_nothing_of_ours() {
    let graph = Graph::read();
    let ours =
        graph.closure("gapura-client").into_iter().filter(|name| name.starts_with("gapura-")).collect::<Vec<_>>();
    assert!(ours.is_empty(), "{ours:?}");
}
