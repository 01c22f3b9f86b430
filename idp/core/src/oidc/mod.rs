//! OpenID Connect: ID tokens, access tokens, claims.
