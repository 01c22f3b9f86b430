//! Values the tests of this crate start from.

use crate::{
    id::{ApplicationId, ClientId},
    oauth::{AuthMethod, Client, PkcePolicy, RefreshPolicy, SignatureAlg},
};

/// A confidential client with every grant and scope.
pub(crate) fn client() -> Client {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Client {
        id: ClientId::new("presensi"),
        application_id: ApplicationId::new("app-presensi"),
        name: "Presensi".into(),
        enabled: true,
        auth_method: AuthMethod::Basic,
        secrets: vec![],
        keys: None,
        grant_types: words(&["authorization_code", "refresh_token", "client_credentials"]),
        redirect_uris: words(&["https://presensi.kota.go.id/balik"]),
        post_logout_redirect_uris: words(&["https://presensi.kota.go.id/"]),
        scopes: words(&["openid", "profile", "email", "opd", "jabatan", "nip", "peran", "offline_access"]),
        home_uri: "https://presensi.kota.go.id/".into(),
        backchannel_logout_uri: Some("https://presensi.kota.go.id/keluar".into()),
        id_token_alg: SignatureAlg::Es256,
        pkce: PkcePolicy::Required,
        refresh: RefreshPolicy::RotateWithRetry,
        asks_consent: false,
    }
}
