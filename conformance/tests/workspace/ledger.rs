//! Every requirement has its code and its test, and every mark its requirement.

use gapura_conformance::{Clause, Level, Mark, Side, clauses, holes, marks};

#[test]
fn the_ledger_has_no_hole() {
    let clauses = clauses().unwrap();
    let marks = marks().unwrap();
    let holes = holes(&clauses, &marks);
    assert!(holes.is_empty(), "{} holes:\n{}", holes.len(), holes.join("\n"));
}

#[test]
fn a_hole_and_a_stray_are_named() {
    let clause = |id: &str, level| Clause { id: id.into(), level, text: "text".into() };
    let mark = |id: &str, side| Mark { id: id.into(), side, file: "a.rs".into(), line: 3 };
    let clauses = [clause("RFC1#1", Level::Must), clause("RFC1#2", Level::Should), clause("SSO-01", Level::Row)];
    let marks = [mark("RFC1#1", Side::Code), mark("RFC1#1", Side::Test), mark("RFC1#2", Side::Test)];
    let strays = [mark("RFC1#9", Side::Code)];
    assert_eq!(
        holes(&clauses, &[marks.as_slice(), strays.as_slice()].concat()),
        [
            "RFC1#2 has no code mark (text)",
            "SSO-01 has no test mark (text)",
            "a.rs:3 marks RFC1#9, which no clause file lists",
        ]
    );
}
