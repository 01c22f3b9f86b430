//! Scopes (RFC 6749 section 3.3) and what each opens (docs/claims.md).

use serde::{Deserialize, Serialize};

use crate::{
    oauth::{Client, ErrorCode, OAuthError},
    words,
};

words! {
    /// Scopes this server knows.
    pub enum Scope {
        /// OpenID Connect Core section 3.1.2.1.
        Openid = "openid",
        /// OpenID Connect Core section 5.4.
        Profile = "profile",
        /// OpenID Connect Core section 5.4.
        Email = "email",
        /// OPD and unit of the main assignment.
        Opd = "opd",
        /// Position, kind of employee and all current assignments.
        Jabatan = "jabatan",
        /// Employee number.
        Nip = "nip",
        /// Roles in the application.
        Peran = "peran",
        /// OpenID Connect Core section 11.
        OfflineAccess = "offline_access",
    }
}

/// Granted scopes, each once, in the order of [`Scope::ALL`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// From words already granted; unknown ones are dropped.
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut scopes: Vec<Scope> = words.into_iter().filter_map(|word| word.parse().ok()).collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes)
    }

    /// Whether one is among them.
    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether every scope of `other` is among these.
    pub fn cover(&self, other: &Self) -> bool {
        other.0.iter().all(|scope| self.has(*scope))
    }

    /// The words, as stored.
    pub fn words(&self) -> Vec<String> {
        self.0.iter().map(|scope| scope.as_str().to_owned()).collect()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for Scopes {
    /// Separated by spaces, as on the wire.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

/// What a client asks for: words nobody knows are left out (OpenID Connect Core section 3.1.2.1), words
/// we know but the client is not registered for are an error its developer should see.
//= RFC6749#3.3
pub(super) fn requested(client: &Client, sent: Option<&str>) -> Result<Scopes, OAuthError> {
    let error = |public| OAuthError::new(ErrorCode::InvalidScope, public);
    let sent = sent.ok_or_else(|| error("scope is missing"))?;
    let token = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    if !sent.split(' ').all(|word| !word.is_empty() && word.bytes().all(token)) {
        return Err(error("scope is malformed"));
    }
    let scopes = Scopes::of(sent.split(' '));
    if scopes.is_empty() {
        return Err(error("no requested scope is known"));
    }
    if !Scopes::of(client.scopes.iter().map(String::as_str)).cover(&scopes) {
        return Err(error("the client is not registered for a requested scope"));
    }
    Ok(scopes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::fixtures::client;

    //= RFC6749#3.3 test
    #[test]
    fn scopes_are_known_registered_and_well_formed() {
        let client = Client { scopes: vec!["openid".into(), "profile".into(), "peran".into()], ..client() };
        let ask = |sent: &str| requested(&client, Some(sent)).map(|scopes| scopes.to_string()).map_err(|e| e.public);
        assert_eq!(ask("profile openid openid"), Ok("openid profile".into()));
        assert_eq!(ask("openid tidak_dikenal"), Ok("openid".into()));
        assert_eq!(ask("openid email"), Err("the client is not registered for a requested scope"));
        assert_eq!(ask("tidak_dikenal"), Err("no requested scope is known"));
        for malformed in ["openid  profile", " openid", "openid ", "openid \"x\"", "openid\tprofile", "openid é"] {
            assert_eq!(ask(malformed), Err("scope is malformed"), "{malformed}");
        }
        assert_eq!(requested(&client, None).unwrap_err().code, ErrorCode::InvalidScope);
    }
}
