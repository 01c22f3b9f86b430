//! What the specifications ask, as a relying party or an attacker could see it.

mod algorithms;
mod audited;
mod authorize;
mod bad_input;
mod budget;
mod client_auth;
mod code;
mod confused_tokens;
mod discovery;
mod doors;
mod hostile_text;
mod introspection;
mod private_key_jwt;
mod refresh;
mod revocation;
mod session;
mod sign_out;
mod userinfo;
