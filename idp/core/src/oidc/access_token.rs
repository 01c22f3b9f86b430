//! The JWT access token (RFC 9068 section 2.2): who, for which application, by which client, how long.
//!
//! It names the session and the family it rests on, so that our own doors learn of a revocation at
//! once; an API that checks offline learns it at `exp`, at most five minutes later.

use serde::{Deserialize, Serialize};

use crate::{
    id::{ClientId, FamilyId, SessionId},
    oauth::{Family, Scopes, token::ACCESS_TOKEN_LIFETIME},
    oidc::Issuing,
};

/// The claims of an access token. Names and shapes are fixed (docs/claims.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Issuer.
    pub iss: String,
    /// The person, or the client where it acts in its own name.
    pub sub: String,
    /// Identifier of the application.
    pub aud: String,
    /// To whom it was issued.
    pub client_id: ClientId,
    /// Seconds.
    pub iat: i64,
    /// Seconds.
    pub exp: i64,
    /// Unique.
    pub jti: String,
    /// Granted scopes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// Family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fam: Option<FamilyId>,
    /// Of the sign-in behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Of the sign-in behind it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Of the sign-in behind it, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// Roles in the application (RFC 9068 section 2.2.3.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
}

/// Whose token, where and as what.
#[derive(Clone, Copy, Debug)]
pub struct Bearer<'a> {
    /// The person's `sub`.
    pub sub: &'a str,
    /// The application's identifier.
    pub audience: &'a str,
    /// The family it rests on.
    pub family: &'a Family,
    /// What it may do: the family's scopes or fewer.
    pub scopes: &'a Scopes,
    /// Roles held.
    pub roles: &'a [String],
}

/// For a person.
//= RFC9068#2.2
pub fn for_person(at: Issuing<'_>, bearer: Bearer<'_>, jti: String) -> AccessClaims {
    let family = bearer.family;
    AccessClaims {
        sub: bearer.sub.to_owned(),
        scope: bearer.scopes.to_string(),
        sid: family.session_id.clone(),
        fam: Some(family.id.clone()),
        acr: Some(family.acr.clone()),
        amr: family.amr.clone(),
        auth_time: Some(family.auth_time.seconds()),
        roles: Some(bearer.roles.to_vec()),
        ..for_machine(at, &family.client_id, bearer.audience, jti)
    }
}

/// For a client in its own name: no person, no session, no family.
//= RFC9068#2.2
//= RFC6749#4.4
pub fn for_machine(at: Issuing<'_>, client: &ClientId, audience: &str, jti: String) -> AccessClaims {
    AccessClaims {
        iss: at.issuer.to_owned(),
        sub: client.to_string(),
        aud: audience.to_owned(),
        client_id: client.clone(),
        iat: at.now.seconds(),
        exp: at.now.plus(ACCESS_TOKEN_LIFETIME).seconds(),
        jti,
        scope: String::new(),
        sid: None,
        fam: None,
        acr: None,
        amr: Vec::new(),
        auth_time: None,
        roles: None,
    }
}

impl AccessClaims {
    /// Whether a person stands behind it.
    pub fn is_personal(&self) -> bool {
        self.fam.is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{access::fixtures::family, time::Instant};

    const AT: Issuing<'_> = Issuing { issuer: "https://i", now: Instant::from_millis(1_000_999) };

    //= RFC9068#2.2 test
    #[test]
    fn a_persons_token_says_who_where_and_on_what_it_rests() {
        let (family, scopes) = (family(), Scopes::of(["openid", "peran"]));
        let roles = ["guru".to_owned()];
        let bearer = Bearer { sub: "sub-1", audience: "urn:app", family: &family, scopes: &scopes, roles: &roles };
        let claims = serde_json::to_value(for_person(AT, bearer, "j".into())).unwrap();
        assert_eq!(
            claims,
            json!({
                "iss": "https://i", "sub": "sub-1", "aud": "urn:app", "client_id": "presensi", "iat": 1000, "exp": 1300,
                "jti": "j", "scope": "openid peran", "sid": "sid-1", "fam": "fam-1", "acr": "pwd", "amr": ["pwd"],
                "auth_time": 0, "roles": ["guru"],
            })
        );
    }

    //= RFC9068#2.2 test
    //= RFC6749#4.4 test
    #[test]
    fn a_machines_token_names_nobody() {
        let claims = for_machine(AT, &ClientId::new("presensi"), "urn:app", "j".into());
        assert!(!claims.is_personal());
        let claims = serde_json::to_value(claims).unwrap();
        assert_eq!(
            claims,
            json!({ "iss": "https://i", "sub": "presensi", "aud": "urn:app", "client_id": "presensi", "iat": 1000,
                    "exp": 1300, "jti": "j" })
        );
    }
}
