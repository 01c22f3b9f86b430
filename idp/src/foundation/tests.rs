use std::{fs, os::unix::fs::PermissionsExt as _};

use gapura_core::time::Zone;

use super::*;

fn settings(directory: &Path) -> Settings {
    Settings::defaults(directory).unwrap()
}

async fn open(directory: &Path) -> Result<Foundation, String> {
    Foundation::open_for_command(settings(directory), Clock::System).await.map_err(|why| why.to_string())
}

#[tokio::test]
async fn a_first_start_makes_private_files_and_one_set_of_keys() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = tokio::join!(open(directory.path()), open(directory.path()));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.keys.jwks(), two.keys.jwks());
    assert!(!one.keys.complete(), "RSA comes in the background");
    let sealed = one.keys.sealer().seal("users.nik", b"x").unwrap();
    assert_eq!(two.keys.sealer().open("users.nik", &sealed).unwrap().expose(), b"x");
    for entry in fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn a_lost_root_key_is_said_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).await.unwrap();
    let key = directory.path().join("gapura.key");
    fs::rename(&key, directory.path().join("aside")).unwrap();
    let why = open(directory.path()).await.err().unwrap();
    assert!(why.contains("is missing") && !key.exists(), "{why}");
    RootKey::create(&key, Entropy).unwrap();
    let why = open(directory.path()).await.err().unwrap();
    assert!(why.contains("keys.root_file"), "{why}");
}

#[tokio::test]
async fn the_zone_is_fixed_at_first_start() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).await.unwrap();
    let mut moved = settings(directory.path());
    moved.city.zone = Zone::Jayapura;
    let why = Foundation::open_for_command(moved, Clock::System).await.err().unwrap().to_string();
    assert!(why.contains("Asia/Jakarta") && why.contains("Asia/Jayapura"), "{why}");
}

#[tokio::test]
async fn of_two_that_make_the_first_key_one_wins() {
    let directory = tempfile::tempdir().unwrap();
    let base = open(directory.path()).await.unwrap();
    let now = base.clock.now();
    let (one, two) = tokio::join!(
        ensure_signing_key(&base.db, &base.keys, SignatureAlg::Rs256, now),
        ensure_signing_key(&base.db, &base.keys, SignatureAlg::Rs256, now),
    );
    assert!(one.unwrap() ^ two.unwrap());
    assert!(ensure_signing_key(&base.db, &base.keys, SignatureAlg::Ps256, now).await.unwrap());
    base.keys.follow(&signing_keys::all(&base.db).await.unwrap()).unwrap();
    assert!(base.keys.complete());
}
