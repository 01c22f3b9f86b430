//! The published schemas of `docs/schemas/`, one a scope: every userinfo answer in the tests is valid by them.

use std::{fs, path::Path};

use serde_json::Value;

/// Checks a userinfo answer by the schema of each scope that was asked for.
pub fn check(scope: &str, claims: &Value) {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/schemas"));
    for name in scope.split(' ').filter(|name| *name != "offline_access") {
        let path = folder.join(format!("{name}.json"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let schema: Value = serde_json::from_str(&text).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        let found = validator.iter_errors(claims).map(|error| error.to_string()).collect::<Vec<_>>();
        assert!(found.is_empty(), "userinfo is not what docs/schemas/{name}.json says: {found:?}\n{claims}");
    }
}
