//! What an operator does and sees, by the real program.

mod backup;
mod first_admin;
mod kept_secret;
mod registration;
mod revoked_elsewhere;
mod start;
mod unfinished_import;
mod who_acted;
mod wire_limits;
