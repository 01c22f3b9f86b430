//! One small city: a person with a position, a grant and a session, an application with two clients.

use std::time::Duration;

use gapura_core::{
    id::{ApplicationId, ClientId, FamilyId, RefreshTokenId, SessionId, UserId},
    identity::Session,
    oauth::Family,
};
use gapura_store::{
    grants,
    refresh_tokens::{self, NewRefreshToken},
    sessions,
};

use crate::support::{NOW, Store, change};

/// Everything that is not the store's to write in these tests.
const CITY: &str = "
INSERT INTO users (id, sub, kind, status, full_name, title_after, official_email, golongan, epoch, created_at, changed_at)
  VALUES ('siti', 'sub-siti', 'asn_pns', 'active', 'Siti Aminah', 'S.Kom.', 'siti@kota.example', 'III/a', 1, 0, 0),
         ('budi', 'sub-budi', 'vendor', 'active', 'Budi', NULL, NULL, NULL, 7, 0, 0);
UPDATE users SET sponsor_opd_id = 'unit-1', valid_from = '2026-01-01', valid_until = '2027-01-01' WHERE id = 'budi';
INSERT INTO employee_numbers (row_id, number, user_id, recorded_at, superseded_at)
  VALUES ('n1', '198001012005012001', 'siti', 0, NULL), ('n0', '198001012005012999', 'siti', 0, 5);
INSERT INTO positions (id, name, class, eselon) VALUES ('p1', 'Bendahara Pengeluaran', 'fungsional_umum', '');
INSERT INTO assignments (row_id, id, user_id, unit_id, position_id, kind, valid_from, recorded_at, recorded_event, superseded_at)
  VALUES ('r1', 'as-1', 'siti', 'unit-1', 'p1', 'definitif', '2026-01-01', 0, 'e', NULL),
         ('r0', 'as-0', 'siti', 'unit-0', 'p1', 'plt', '2025-01-01', 0, 'e', 5);
INSERT INTO applications (id, name, name_normalized, identifier, kind, open_to_all, created_at, changed_at)
  VALUES ('app', 'Presensi', 'presensi', 'https://presensi.example', 'umum', FALSE, 0, 0);
INSERT INTO role_grants (row_id, id, user_id, application_id, role, reason, approved_by, valid_from, recorded_at, recorded_event)
  VALUES ('g1', 'gr-1', 'siti', 'app', 'verifikator', 'SK 1', 'kepala', '2026-01-01', 0, 'e');
INSERT INTO clients (id, application_id, name, enabled, auth_method, grant_types, redirect_uris, post_logout_redirect_uris,
  scopes, home_uri, backchannel_logout_uri, id_token_alg, pkce, refresh, asks_consent, created_at, changed_at)
  VALUES ('web', 'app', 'Presensi', TRUE, 'client_secret_basic', '[]', '[]', '[]', '[]', 'https://presensi.example/',
    'https://presensi.example/keluar', 'ES256', 'required', 'rotate', FALSE, 0, 0),
  ('quiet', 'app', 'Presensi', TRUE, 'none', '[]', '[]', '[]', '[]', 'https://presensi.example/',
    NULL, 'ES256', 'required', 'rotate', FALSE, 0, 0);
";

pub(crate) fn siti() -> UserId {
    UserId::new("siti")
}

pub(crate) fn web() -> ClientId {
    ClientId::new("web")
}

/// The city, without sessions.
pub(crate) async fn city(store: &Store) {
    store.run(CITY).await;
}

/// Siti's session of this name; its cookie hash is the name's bytes.
pub(crate) async fn session(store: &Store, name: &'static str) -> Session {
    let session = Session {
        id: SessionId::new(name),
        user_id: siti(),
        user_epoch: 1,
        acr: "1".to_owned(),
        amr: vec!["pwd".to_owned()],
        auth_time: NOW,
        last_seen_at: NOW,
        expires_at: NOW.plus(Duration::from_secs(12 * 3600)),
        ended: None,
    };
    let stored = session.clone();
    change!(store, |tx| sessions::start(tx, &stored, name.as_bytes()));
    session
}

/// An entry of a session into a client of the application.
pub(crate) fn entry(session: &str, client: &str) -> sessions::Entry {
    sessions::Entry {
        session_id: SessionId::new(session),
        client_id: ClientId::new(client),
        application_id: ApplicationId::new("app"),
        user_id: siti(),
    }
}

/// A family of this name on a session.
pub(crate) fn family(name: &str, session: &Session) -> Family {
    Family {
        id: FamilyId::new(name),
        user_id: siti(),
        client_id: web(),
        session_id: Some(session.id.clone()),
        offline: false,
        scopes: vec!["openid".to_owned()],
        user_epoch: 1,
        acr: session.acr.clone(),
        amr: session.amr.clone(),
        auth_time: session.auth_time,
        nonce: Some("n-0".to_owned()),
        last_used_at: NOW,
        expires_at: NOW.plus(Duration::from_secs(3600)),
        revoked: None,
    }
}

/// Stores a family that must be born.
pub(crate) async fn born(store: &Store, family: &Family) {
    let family = family.clone();
    assert!(change!(store, |tx| grants::create(tx, &family, NOW)));
}

/// A token of this name; its hash is the name's bytes.
pub(crate) fn token(name: &str, family: &str) -> NewRefreshToken {
    NewRefreshToken {
        id: RefreshTokenId::new(name),
        family_id: FamilyId::new(family),
        hash: name.as_bytes().to_vec(),
        expires_at: NOW.plus(Duration::from_secs(3600)),
    }
}

/// Stores a token that must be taken.
pub(crate) async fn stored(store: &Store, token: &NewRefreshToken) {
    let token = token.clone();
    assert!(change!(store, |tx| refresh_tokens::insert(tx, &token, NOW)));
}
