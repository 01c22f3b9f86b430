//! The logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4). Signed anew at each attempt, so it
//! is always fresh; both `sub` and `sid` always, so every application can find its session.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    id::{ClientId, SessionId},
    oidc::Issuing,
};

/// A logout token lives this long.
pub const LOGOUT_TOKEN_LIFETIME: Duration = Duration::from_secs(2 * 60);

/// The one member of `events`.
pub const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The claims of a logout token to `client`.
//= OIDC-BACKCHANNEL#2.4
pub fn claims(at: Issuing<'_>, client: &ClientId, sub: &str, session: &SessionId, jti: &str) -> Value {
    json!({
        "iss": at.issuer,
        "sub": sub,
        "aud": client,
        "iat": at.now.seconds(),
        "exp": at.now.plus(LOGOUT_TOKEN_LIFETIME).seconds(),
        "jti": jti,
        "sid": session,
        "events": { LOGOUT_EVENT: {} },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;

    //= OIDC-BACKCHANNEL#2.4 test
    //= DEV-09 test
    #[test]
    fn it_names_person_and_session_and_has_no_nonce() {
        let at = Issuing { issuer: "https://i", now: Instant::from_millis(1_000_000) };
        let made = claims(at, &ClientId::new("presensi"), "sub-1", &SessionId::new("sid-1"), "j");
        assert_eq!(
            made,
            json!({"iss": "https://i", "sub": "sub-1", "aud": "presensi", "iat": 1000, "exp": 1120, "jti": "j",
                   "sid": "sid-1", "events": {"http://schemas.openid.net/event/backchannel-logout": {}}})
        );
        assert!(made.get("nonce").is_none());
    }
}
