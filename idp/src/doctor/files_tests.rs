use std::fs::Permissions;

use super::*;
use crate::entropy::Entropy;

#[test]
fn a_root_key_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gapura.key");
    let judge =
        |needed: &[&str]| judge_root_key(&file, &needed.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).code;
    assert_eq!(judge(&[]), "root-key-none-yet");
    assert_eq!(judge(&["x"]), "root-key-missing");
    let key = RootKey::create(&file, Entropy).unwrap();
    assert_eq!(judge(&[key.id(), key.id()]), "root-key-ok");
    assert_eq!(judge(&["x"]), "root-key-wrong");
    let second = RootKey::from_bytes([4; 32]);
    second.put_beside(&file, Entropy).unwrap();
    assert_eq!((judge(&[second.id()]), judge(&["x"])), ("root-key-ok", "root-key-wrong"));
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(judge(&[key.id()]), "root-key-readable");
    for text in ["", "YWJj\n", "not base64url\n"] {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(judge(&[key.id()]), "root-key-malformed", "{text:?}");
    }
}

#[test]
fn a_disk_is_low_before_it_is_full() {
    for (free, total, code) in [
        (99 * MIB, GIB, "disk-full"),
        (100 * MIB, GIB, "disk-low"),
        (GIB - 1, 2 * GIB, "disk-low"),
        (GIB, 2 * GIB, "disk-ok"),
        (9 * GIB, 100 * GIB, "disk-low"),
        (10 * GIB, 100 * GIB, "disk-ok"),
    ] {
        assert_eq!(judge_disk(free, total).code, code, "{free} of {total}");
    }
}

#[test]
fn copies_of_the_database_are_found_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("gapura.db");
    for name in ["gapura.db", "kemarin.db"] {
        fs::write(folder.path().join(name), b"SQLite format 3\0").unwrap();
    }
    fs::write(folder.path().join("notes"), "hello").unwrap();
    assert_eq!(copies(&database), [folder.path().join("kemarin.db")]);
}
