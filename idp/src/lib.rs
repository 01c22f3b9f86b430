//! The thin server that carries: axum endpoints, pages, jobs, settings and the command line.
//! Rules live in `gapura-core`, SQL and Redis in `gapura-store`.

pub mod clock;
pub mod commands;
pub mod doctor;
pub mod edge;
pub mod entropy;
pub mod failure;
pub mod foundation;
pub mod import;
pub mod interaction;
pub mod jobs;
pub mod keys;
pub mod logs;
pub mod metrics;
pub mod oauth;
pub mod operations;
pub mod outbound;
pub mod pages;
pub mod reload;
pub mod router;
pub mod server;
pub mod settings;
pub mod sign_in;
pub mod state;
