//! Sign-out asked for by an application (OpenID Connect RP-Initiated Logout 1.0).
//!
//! A request that is not in order ends on a page and never redirects. Whether somebody is signed out
//! without being asked depends on one thing: an `id_token_hint` of the very session this browser holds.

use std::sync::Arc;

use crate::{
    id::{ClientId, SessionId},
    oauth::{Client, IdTokenHint, MAX_TOKEN, PageError, Params, reply_to::append},
};

/// A request to sign out, in order.
#[derive(Clone, Debug)]
pub struct LogoutRequest {
    /// Who asks, where it said so.
    pub client: Option<Arc<Client>>,
    /// Whose session the application means.
    pub hint: Option<IdTokenHint>,
    /// Where to go afterwards.
    pub then: Option<SignedOutTo>,
}

/// A checked `post_logout_redirect_uri` with `state`; only [`read`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedOutTo {
    uri: String,
    state: Option<String>,
}

impl SignedOutTo {
    /// The address to redirect to.
    //= OIDC-RPLOGOUT#3
    pub fn address(&self) -> String {
        append(&self.uri, &[("state", self.state.as_deref())])
    }
}

/// The client a logout request names: by `client_id`, else by the audience of its hint.
pub fn named_client(params: &Params, hint: Option<&IdTokenHint>) -> Result<Option<ClientId>, PageError> {
    let sent = params.one_within("client_id", 256).map_err(|_| PageError::BadRequest)?.map(ClientId::new);
    let hinted = hint.map(|hint| hint.audience.clone());
    match (sent, hinted) {
        //= OIDC-RPLOGOUT#2
        (Some(sent), Some(hinted)) if sent != hinted => Err(PageError::BadHint),
        (sent, hinted) => Ok(sent.or(hinted)),
    }
}

/// Reads the request. `hint`: the verified hint, whatever its expiry; `client`: what [`named_client`] names.
//= OIDC-RPLOGOUT#3
//= OIDC-RPLOGOUT#4
pub fn read(
    params: &Params,
    hint: Option<IdTokenHint>,
    client: Option<Arc<Client>>,
) -> Result<LogoutRequest, PageError> {
    let bad = |_| PageError::BadRequest;
    let state = params.one("state").map_err(bad)?.map(str::to_owned);
    for (name, limit) in [("id_token_hint", MAX_TOKEN), ("logout_hint", 256), ("ui_locales", 256)] {
        params.one_within(name, limit).map_err(bad)?;
    }
    let then = match params.one_within("post_logout_redirect_uri", 2048).map_err(bad)? {
        None => None,
        Some(sent) => {
            let registered = client.iter().filter(|client| client.enabled);
            let mut uris = registered.flat_map(|client| &client.post_logout_redirect_uris);
            let uri = uris.find(|uri| uri.as_bytes() == sent.as_bytes()).ok_or(PageError::PostLogoutMismatch)?;
            Some(SignedOutTo { uri: uri.clone(), state })
        }
    };
    Ok(LogoutRequest { client, hint, then })
}

/// What a logout request leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoutDecision {
    /// Ask the person first.
    Ask,
    /// End this browser's session.
    End,
    /// Nobody is signed in here: say so, or go where the application wants.
    Nothing,
}

/// Decides from the hint and the session (`sid`, `sub`) this browser holds.
//= OIDC-RPLOGOUT#2
pub fn decide(hint: Option<&IdTokenHint>, session: Option<(&SessionId, &str)>) -> LogoutDecision {
    match (session, hint) {
        (None, _) => LogoutDecision::Nothing,
        (Some((id, sub)), Some(hint)) if hint.session.as_ref() == Some(id) && hint.sub == sub => LogoutDecision::End,
        (Some(_), _) => LogoutDecision::Ask,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::fixtures::client;

    fn hint(audience: &str, session: &str, sub: &str) -> IdTokenHint {
        IdTokenHint { sub: sub.into(), audience: ClientId::new(audience), session: Some(SessionId::new(session)) }
    }

    //= OIDC-RPLOGOUT#2 test
    #[test]
    fn only_a_hint_of_this_very_session_ends_it_unasked() {
        let session = SessionId::new("s1");
        let here = Some((&session, "sub-1"));
        let rows = [
            (Some(hint("a", "s1", "sub-1")), here, LogoutDecision::End),
            (Some(hint("a", "s2", "sub-1")), here, LogoutDecision::Ask),
            (Some(hint("a", "s1", "sub-2")), here, LogoutDecision::Ask),
            (Some(IdTokenHint { session: None, ..hint("a", "s1", "sub-1") }), here, LogoutDecision::Ask),
            (None, here, LogoutDecision::Ask),
            (Some(hint("a", "s1", "sub-1")), None, LogoutDecision::Nothing),
            (None, None, LogoutDecision::Nothing),
        ];
        for (hint, session, expected) in rows {
            assert_eq!(decide(hint.as_ref(), session), expected, "{hint:?}");
        }
    }

    //= OIDC-RPLOGOUT#3 test
    //= OIDC-RPLOGOUT#4 test
    //= T5 test
    #[test]
    fn only_a_registered_address_of_the_named_client_is_returned_to() {
        let known = Some(Arc::new(client()));
        let ask = |query: &str, client: Option<Arc<Client>>| {
            read(&Params::parse(query.as_bytes()), None, client).map(|r| r.then.map(|then| then.address()))
        };
        let uri = "post_logout_redirect_uri=https://presensi.kota.go.id/";
        assert_eq!(ask("", None), Ok(None));
        assert_eq!(ask("state=s", known.clone()), Ok(None));
        assert_eq!(ask(uri, known.clone()), Ok(Some("https://presensi.kota.go.id/".into())));
        let with_state = ask(&format!("{uri}&state=a%26b"), known.clone());
        assert_eq!(with_state, Ok(Some("https://presensi.kota.go.id/?state=a%26b".into())));
        assert_eq!(ask(uri, None), Err(PageError::PostLogoutMismatch), "no client is named");
        let disabled = Some(Arc::new(Client { enabled: false, ..client() }));
        assert_eq!(ask(uri, disabled), Err(PageError::PostLogoutMismatch));
        for added in ["?a=1", "x", "#f", "%2e", "%20"] {
            assert_eq!(ask(&format!("{uri}{added}"), known.clone()), Err(PageError::PostLogoutMismatch), "{added}");
        }
        for bad in [format!("{uri}&{uri}"), "state=%00".into(), "state=a&state=b".into(), "ui_locales=%ff".into()] {
            assert_eq!(ask(&bad, known.clone()), Err(PageError::BadRequest), "{bad}");
        }
    }

    //= OIDC-RPLOGOUT#2 test
    #[test]
    fn client_id_and_hint_must_name_the_same_client() {
        let by = |id: &str, hint: Option<&IdTokenHint>| named_client(&Params::from_pairs([("client_id", id)]), hint);
        let of_a = hint("a", "s", "u");
        assert_eq!(by("a", Some(&of_a)), Ok(Some(ClientId::new("a"))));
        assert_eq!(by("", Some(&of_a)), Ok(Some(ClientId::new("a"))));
        assert_eq!(by("b", None), Ok(Some(ClientId::new("b"))));
        assert_eq!(by("b", Some(&of_a)), Err(PageError::BadHint));
        assert_eq!(by("", None), Ok(None));
    }
}
