//! Identifiers: opaque text, one type a noun, so that none passes for another.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes a text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )*};
}

ids! {
    /// A person's account. Random, never derived from NIP or e-mail.
    UserId
    /// A browser's signed-in state; the `sid` of tokens. The cookie carries another secret.
    SessionId
    /// A registered OAuth client (RFC 6749 section 2.2).
    ClientId
    /// An application of the city.
    ApplicationId
    /// A unit of the organisation, an OPD being the root of its subtree.
    UnitId
    /// A person's hold on a position in a unit for a period.
    AssignmentId
    /// A rule that gives a role.
    RuleId
    /// A role given directly to a person.
    RoleGrantId
    /// A refresh token and all that descend from it.
    FamilyId
    /// A refresh token's public part.
    RefreshTokenId
    /// An audit event.
    EventId
    /// A signing key (`kid`).
    KeyId
    /// A position (jabatan).
    PositionId
    /// An import of a file.
    BatchId
    /// A back-channel logout message.
    MessageId
}
