//! What an operator does and sees, by the real program.

mod kept_secret;
mod revoked_elsewhere;
mod unfinished_import;
mod wire_limits;
