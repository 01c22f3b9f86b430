//! Where an authorization response may go (RFC 6749 section 3.1.2, RFC 9700 section 4.1.3).
//!
//! [`ReplyTo`] has no public constructor: holding one proves that the redirect URI was compared, byte
//! for byte, with one registered for the client. Whatever fails before that is shown on a page of ours.
//!
//! Every request names its redirect URI, even where only one is registered (OpenID Connect Core section
//! 3.1.2.1; RFC 6749 would let it be left out). The free port of loopback addresses (RFC 8252 section
//! 7.3) is not granted: no native application is registered, and "exact" without exception is what the
//! redirect tests can hold on to.

use crate::{
    oauth::{BadParam, Client, ErrorCode, OAuthError, Params, params::form_encode_into},
    words,
};

/// Longest redirect URI compared, in bytes.
const MAX_URI: usize = 2048;

words! {
    /// Why an authorization or logout request ends on a page of ours instead of a redirect. The word
    /// stands on the page as `data-code`.
    pub enum PageError {
        /// A parameter that decides where to go is missing, doubled or malformed.
        BadRequest = "invalid_request",
        /// No such client.
        ClientUnknown = "unknown_client",
        /// The client is switched off.
        ClientDisabled = "client_disabled",
        /// `redirect_uri` is not registered for the client.
        RedirectMismatch = "redirect_uri_mismatch",
        /// `post_logout_redirect_uri` is not registered, or no client is named for it.
        PostLogoutMismatch = "post_logout_redirect_uri_mismatch",
        /// `id_token_hint` is not an ID token of ours, or not of the client that is named.
        BadHint = "invalid_hint",
        /// The parked request is unknown, expired or belongs to another browser.
        InteractionExpired = "interaction_expired",
    }
}

/// A checked redirect URI with the request's `state`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    uri: String,
    state: Option<String>,
}

/// Checks where the answer to an authorization request may go.
//= RFC6749#3.1.2.3
//= RFC6749#3.1.2.4
//= RFC9700#2.1
//= OIDC-CORE#3.1.2.1
pub fn reply_to(client: &Client, params: &Params) -> Result<ReplyTo, PageError> {
    if !client.enabled {
        return Err(PageError::ClientDisabled);
    }
    let sent = params.one_within("redirect_uri", MAX_URI).map_err(|_: BadParam| PageError::BadRequest)?;
    let sent = sent.ok_or(PageError::BadRequest)?;
    let registered = client.redirect_uris.iter().find(|uri| uri.as_bytes() == sent.as_bytes());
    let uri = registered.ok_or(PageError::RedirectMismatch)?.clone();
    // A flawed state is reported by the checks and cannot be repeated.
    let state = params.one("state").ok().flatten().map(str::to_owned);
    Ok(ReplyTo { uri, state })
}

impl ReplyTo {
    /// The URI, as registered.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The address of a successful answer.
    //= RFC6749#4.1.2
    //= RFC9207#2
    pub fn grant(&self, code: &str, issuer: &str) -> String {
        self.with(&[("code", Some(code)), ("state", self.state.as_deref()), ("iss", Some(issuer))])
    }

    /// The address of a refusal.
    //= RFC6749#4.1.2.1
    //= RFC9207#2
    pub fn refuse(&self, error: &OAuthError, issuer: &str) -> String {
        let code: ErrorCode = error.code;
        self.with(&[
            ("error", Some(code.as_str())),
            ("error_description", Some(error.public)),
            ("state", self.state.as_deref()),
            ("iss", Some(issuer)),
        ])
    }

    fn with(&self, pairs: &[(&str, Option<&str>)]) -> String {
        append(&self.uri, pairs)
    }
}

/// Adds parameters to a URI whose query, if it has one, stays as registered.
//= RFC6749#3.1.2
pub(super) fn append(uri: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut address = uri.to_owned();
    let mut separator = if uri.contains('?') { '&' } else { '?' };
    if uri.ends_with(['?', '&']) {
        separator = '\0';
    }
    for (name, value) in pairs {
        let Some(value) = value else { continue };
        if separator != '\0' {
            address.push(separator);
        }
        separator = '&';
        address.push_str(name);
        address.push('=');
        form_encode_into(&mut address, value.as_bytes());
    }
    address
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::oauth::fixtures::client;

    const REGISTERED: &str = "https://presensi.kota.go.id/masuk/balik?a=1";

    fn sent(uri: &str) -> Result<ReplyTo, PageError> {
        let client = Client { redirect_uris: vec![REGISTERED.into()], ..client() };
        reply_to(&client, &Params::from_pairs([("redirect_uri", uri), ("state", "s&t")]))
    }

    //= T5 test
    //= BSSN4-2021#4.d test
    //= RFC6749#3.1.2.3 test
    //= RFC6749#3.1.2.4 test
    //= RFC9700#2.1 test
    #[test]
    fn only_the_registered_bytes_pass() {
        assert_eq!(sent(REGISTERED).unwrap().uri(), REGISTERED);
        let corpus = [
            "HTTPS://presensi.kota.go.id/masuk/balik?a=1",
            "https://PRESENSI.kota.go.id/masuk/balik?a=1",
            "https://presensi.kota.go.id:443/masuk/balik?a=1",
            "https://presensi.kota.go.id./masuk/balik?a=1",
            "https://presensi.kota.go.id/masuk/balik",
            "https://presensi.kota.go.id/masuk/balik?a=1&b=2",
            "https://presensi.kota.go.id/masuk/balik?a=1#f",
            "https://presensi.kota.go.id/masuk/balik/?a=1",
            "https://presensi.kota.go.id/masuk/./balik?a=1",
            "https://presensi.kota.go.id/masuk/x/../balik?a=1",
            "https://presensi.kota.go.id/masuk/..;/balik?a=1",
            "https://presensi.kota.go.id/masuk%2fbalik?a=1",
            "https://presensi.kota.go.id/masuk/bal%69k?a=1",
            "https://presensi.kota.go.id/masuk\\balik?a=1",
            "https://presensi.kota.go.id@jahat.example/masuk/balik?a=1",
            "https://jahat.example/https://presensi.kota.go.id/masuk/balik?a=1",
            "https://presensi.kota.go.id.jahat.example/masuk/balik?a=1",
            "http://presensi.kota.go.id/masuk/balik?a=1",
            "//presensi.kota.go.id/masuk/balik?a=1",
            " https://presensi.kota.go.id/masuk/balik?a=1",
            "https://presensi.kota.go.id/masuk/balik?a=1 ",
            "https://presensi.kota.go.id/masuk/balik?a=1\n",
            "javascript:alert(1)",
            "*",
        ];
        for uri in corpus {
            assert_eq!(sent(uri), Err(PageError::RedirectMismatch), "{uri}");
        }
        assert_eq!(sent(""), Err(PageError::BadRequest));
    }

    proptest! {
        //= T5 test
        #[test]
        fn no_change_of_the_registered_bytes_passes(at in 0..REGISTERED.len(), put in "\\PC{0,3}", cut in 0usize..3) {
            let mut changed: Vec<char> = REGISTERED.chars().collect();
            changed.splice(at..(at + cut).min(REGISTERED.len()), put.chars());
            let changed: String = changed.into_iter().collect();
            prop_assume!(changed != REGISTERED);
            prop_assert_eq!(sent(&changed), Err(PageError::RedirectMismatch));
        }
    }

    //= T5 test
    #[test]
    fn a_doubled_or_flawed_redirect_uri_is_a_page() {
        for query in [
            format!("redirect_uri={REGISTERED}&redirect_uri={REGISTERED}"),
            "redirect_uri=%ff".into(),
            "redirect_uri=%00".into(),
            format!("redirect_uri={}", "a".repeat(100_000)),
            String::new(),
        ] {
            let client = Client { redirect_uris: vec![REGISTERED.into()], ..client() };
            assert_eq!(reply_to(&client, &Params::parse(query.as_bytes())), Err(PageError::BadRequest));
        }
    }

    //= OIDC-CORE#3.1.2.1 test
    #[test]
    fn a_disabled_client_gets_no_redirect() {
        let client = Client { enabled: false, redirect_uris: vec![REGISTERED.into()], ..client() };
        let params = Params::from_pairs([("redirect_uri", REGISTERED)]);
        assert_eq!(reply_to(&client, &params), Err(PageError::ClientDisabled));
    }

    //= RFC6749#3.1.2 test
    //= RFC6749#4.1.2 test
    //= RFC9207#2 test
    #[test]
    fn an_answer_keeps_the_query_and_names_the_issuer() {
        let address = sent(REGISTERED).unwrap().grant("k", "https://sso.kota.go.id");
        assert_eq!(address, format!("{REGISTERED}&code=k&state=s%26t&iss=https%3A%2F%2Fsso.kota.go.id"));
        let error = OAuthError::new(ErrorCode::AccessDenied, "no role");
        let address = sent(REGISTERED).unwrap().refuse(&error, "https://i");
        assert_eq!(
            address,
            format!("{REGISTERED}&error=access_denied&error_description=no+role&state=s%26t&iss=https%3A%2F%2Fi")
        );
        assert_eq!(append("https://a/b", &[("c", Some("d")), ("e", None)]), "https://a/b?c=d");
        assert_eq!(append("https://a/b?", &[("c", Some("d"))]), "https://a/b?c=d");
    }
}
