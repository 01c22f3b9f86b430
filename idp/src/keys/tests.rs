use gapura_core::{
    id::ClientId,
    oauth::SigningKeyState,
    oidc::{Issuing, access_token::for_machine},
};

use super::{
    purpose::{Purpose, WrappedKey},
    signing::generate,
    *,
};
use crate::entropy::Entropy;

const NOW: gapura_core::time::Instant = gapura_core::time::Instant::from_millis(1_795_000_000_000);

/// Keys under a root key in a file.
fn keys(file: &std::path::Path) -> Keys {
    let root = RootKey::create(file, Entropy).unwrap();
    let wrapped: Vec<_> =
        Purpose::ALL.iter().map(|purpose| WrappedKey::generate(*purpose, &root, Entropy).unwrap()).collect();
    let purposes = PurposeKeys::open(&root, &wrapped).unwrap();
    Keys::new(root, purposes, Some(file.to_owned()))
}

fn key(root: &RootKey, state: SigningKeyState) -> StoredSigningKey {
    generate(SignatureAlg::Es256, state, root, NOW).unwrap()
}

fn reading(number: u64, stored: &[&StoredSigningKey]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    snapshot.signing_keys = Arc::new(stored.iter().copied().cloned().collect());
    snapshot.reading = number;
    snapshot
}

fn published(keys: &Keys) -> usize {
    let jwks: serde_json::Value = serde_json::from_slice(&keys.jwks()).unwrap();
    jwks["keys"].as_array().unwrap().len()
}

async fn signs(keys: &Keys) -> bool {
    keys.sign(SignatureAlg::Es256, TokenType::AccessToken, &serde_json::json!({"iss": "i"})).await.is_ok()
}

#[tokio::test]
async fn a_key_that_does_not_open_is_published_and_stops_nothing_until_it_must_sign() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gapura.key");
    let (keys, other) = (keys(&file), RootKey::from_bytes([9; 32]));
    let active = key(&keys.root(), SigningKeyState::Active);
    let next = key(&other, SigningKeyState::Next);
    keys.follow_if_moved(&reading(1, &[&active, &next])).unwrap();
    assert!(signs(&keys).await);
    assert_eq!(published(&keys), 2);

    let (retiring, now_active) = (
        StoredSigningKey { state: SigningKeyState::Retiring, ..active },
        StoredSigningKey { state: SigningKeyState::Active, ..next },
    );
    let moved = reading(2, &[&retiring, &now_active]);
    let tried = |keys: &Keys| keys.followed.lock().unwrap().failed.as_ref().map(|failed| failed.at);
    assert!(matches!(keys.follow_if_moved(&moved), Err(KeyError::Unopened(_))));
    let first = tried(&keys).unwrap();
    assert!(matches!(keys.follow_if_moved(&moved), Err(KeyError::Unopened(_))));
    let soon = first.elapsed() < Duration::from_millis(900);
    assert!(tried(&keys) == Some(first) || !soon, "not by every request");

    // The file gets the root key: nobody has to start anything again.
    other.put_beside(&file, Entropy).unwrap();
    while keys.follow_if_moved(&moved).is_err() {
        assert!(first.elapsed() < Duration::from_secs(20), "never tried again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(signs(&keys).await && tried(&keys).is_none());
}

/// As with a key made right after the root key was changed.
#[tokio::test]
async fn a_next_key_opens_with_another_root_key_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gapura.key");
    let (keys, other) = (keys(&file), RootKey::from_bytes([9; 32]));
    other.put_beside(&file, Entropy).unwrap();
    let (active, next) = (key(&keys.root(), SigningKeyState::Active), key(&other, SigningKeyState::Next));
    keys.follow_if_moved(&reading(1, &[&active])).unwrap();
    keys.follow_if_moved(&reading(2, &[&active, &next])).unwrap();
    assert_eq!((keys.root().id(), keys.now().shut().count()), (other.id(), 0));
}

#[test]
fn an_older_reading_brings_no_key_back() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keys(&folder.path().join("gapura.key"));
    let (gone, stays) = (key(&keys.root(), SigningKeyState::Retiring), key(&keys.root(), SigningKeyState::Active));
    let (before, after) = (reading(1, &[&gone, &stays]), reading(2, &[&stays]));
    keys.follow_if_moved(&before).unwrap();
    keys.follow_if_moved(&after).unwrap();
    keys.follow_if_moved(&before).unwrap();
    assert!(keys.now().get(gone.id.as_str()).is_none());
    assert_eq!(published(&keys), 1);
}

/// The memory skips the signature, and nothing else.
//= T15 test
#[tokio::test]
async fn a_token_that_was_looked_at_before_is_judged_again() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keys(&folder.path().join("gapura.key"));
    keys.follow_if_moved(&reading(1, &[&key(&keys.root(), SigningKeyState::Active)])).unwrap();
    let at = Issuing { issuer: "https://i", now: NOW };
    let claims = for_machine(at, &ClientId::new("c"), "urn:a", "j".into());
    let token = keys.sign(SignatureAlg::Es256, TokenType::AccessToken, &claims).await.unwrap();
    let hour = Duration::from_secs(3600);
    let verified = VerifiedTokens::default();
    for _ in 0..2 {
        assert_eq!(verified.access(&keys, &token, "https://i", NOW), Ok(claims.clone()));
        assert_eq!(verified.access(&keys, &token, "https://other", NOW), Err(TokenRefused::Issuer));
        assert_eq!(verified.access(&keys, &token, "https://i", NOW.plus(hour)), Err(TokenRefused::Expired));
        assert_eq!(verified.access(&keys, &token, "https://i", NOW.minus(hour)), Err(TokenRefused::Early));
    }
    let (message, _) = token.rsplit_once('.').unwrap();
    let unsigned = format!("{message}.{}", "A".repeat(86));
    assert_eq!(verified.access(&keys, &unsigned, "https://i", NOW), Err(TokenRefused::Signature));
}
