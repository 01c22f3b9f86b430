//! What an operator does and sees, by the real program.

mod audit_chain;
mod backup;
mod doctor;
mod first_admin;
mod kept_secret;
mod keys_rotate;
mod registration;
mod reload;
mod revoked_elsewhere;
mod root_key;
mod secret_rotation;
mod start;
mod tls;
mod unfinished_import;
mod who_acted;
mod wire_limits;
