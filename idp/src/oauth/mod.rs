//! The endpoints of OAuth 2.0 and OpenID Connect: one file each, each *load → decide → record → reply*.
//!
//! | path | file | called by |
//! |---|---|---|
//! | `/.well-known/openid-configuration`, `/.well-known/oauth-authorization-server` | [`discovery`] | anybody |
//! | `/jwks` | [`jwks`] | anybody |
//! | `/authorize` | [`authorize`] | a browser sent by an application |
//! | `/token` | [`token`] | clients |
//! | `/userinfo` | [`userinfo`] | whoever holds an access token |
//! | `/introspect`, `/revoke` | [`introspect`], [`revoke`] | clients |
//! | `/logout` | [`logout`] | a browser sent by an application |

mod assertion;
pub mod authorize;
mod bearer;
mod caller;
mod client_keys;
mod code;
pub mod discovery;
pub mod introspect;
pub mod jwks;
pub mod logout;
mod mint;
mod refresh;
pub mod revoke;
pub mod token;
pub mod userinfo;

use gapura_core::access::door::Moment;
use std::sync::Arc;

use crate::{edge::RequestContext, keys::VerifiedTokens, state::App};

/// What is prepared once for all requests.
pub struct Prepared {
    metadata: discovery::Document,
    jwks: jwks::Published,
    verified: VerifiedTokens,
    client_keys: client_keys::ClientKeyCache,
}

impl Prepared {
    /// For this issuer.
    pub fn new(issuer: &str) -> Arc<Self> {
        Arc::new(Self {
            metadata: discovery::Document::of(issuer),
            jwks: jwks::Published::default(),
            verified: VerifiedTokens::default(),
            client_keys: client_keys::ClientKeyCache::default(),
        })
    }
}

/// The moment of a request, with the limits that apply to it.
pub(crate) fn moment(app: &App, context: &RequestContext) -> Moment {
    Moment { now: context.now, today: context.today, idle: app.settings.sessions.idle }
}

/// Our issuer.
pub(crate) fn issuer(app: &App) -> &str {
    app.settings.server.public_url.as_str()
}
