//! What this server says of itself (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2). Only what works.

use serde_json::{Value, json};

use crate::oauth::{AuthMethod, GrantType, Prompt, Scope, SignatureAlg};

/// Claims an application may receive, for `claims_supported`.
const CLAIMS: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "sid",
    "at_hash",
    "name",
    "locale",
    "email",
    "email_verified",
    "opd",
    "opd_kode",
    "unit",
    "jabatan",
    "jenis_pegawai",
    "eselon",
    "golongan",
    "penugasan",
    "nip",
    "roles",
];

/// The document; both well-known paths answer with it.
//= OIDC-DISCOVERY#3
//= RFC8414#2
//= RFC9207#3
//= OIDC-CORE#15.1
pub fn metadata(issuer: &str) -> Value {
    let at = |path: &str| format!("{issuer}{path}");
    let confidential: Vec<AuthMethod> =
        AuthMethod::ALL.iter().copied().filter(|method| *method != AuthMethod::None).collect();
    json!({
        "issuer": issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/jwks"),
        "introspection_endpoint": at("/introspect"),
        "revocation_endpoint": at("/revoke"),
        "end_session_endpoint": at("/logout"),
        "scopes_supported": Scope::ALL,
        "claims_supported": CLAIMS,
        "claim_types_supported": ["normal"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": GrantType::ALL,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": SignatureAlg::ALL,
        "token_endpoint_auth_methods_supported": AuthMethod::ALL,
        "token_endpoint_auth_signing_alg_values_supported": SignatureAlg::ALL,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": SignatureAlg::ALL,
        "revocation_endpoint_auth_methods_supported": AuthMethod::ALL,
        "revocation_endpoint_auth_signing_alg_values_supported": SignatureAlg::ALL,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": Prompt::ALL,
        "ui_locales_supported": ["id", "en"],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "require_pushed_authorization_requests": false,
        "authorization_response_iss_parameter_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    //= OIDC-DISCOVERY#3 test
    //= RFC8414#2 test
    //= RFC9207#3 test
    //= OIDC-CORE#15.1 test
    #[test]
    fn the_required_members_are_there_and_true() {
        let document = metadata("https://sso.kota.go.id");
        for (member, path) in
            [("authorization_endpoint", "/authorize"), ("token_endpoint", "/token"), ("jwks_uri", "/jwks")]
        {
            assert_eq!(document[member], format!("https://sso.kota.go.id{path}"));
        }
        assert_eq!(document["issuer"], "https://sso.kota.go.id");
        assert_eq!(document["response_types_supported"], json!(["code"]));
        assert_eq!(document["subject_types_supported"], json!(["public"]));
        assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
        assert!(document["id_token_signing_alg_values_supported"].as_array().unwrap().contains(&json!("RS256")));
        assert!(document["scopes_supported"].as_array().unwrap().contains(&json!("openid")));
        assert_eq!(document["authorization_response_iss_parameter_supported"], json!(true));
        for endpoint in ["token", "introspection", "revocation"] {
            let methods = &document[format!("{endpoint}_endpoint_auth_methods_supported")];
            assert!(methods.as_array().unwrap().contains(&json!("private_key_jwt")), "{endpoint}");
            let algs = &document[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")];
            assert_eq!(algs, &json!(["ES256", "RS256", "PS256", "EdDSA"]), "{endpoint}");
        }
        assert!(!document["grant_types_supported"].as_array().unwrap().contains(&json!("password")));
    }
}
