//! The one state: a cheap clone of shared parts, taken by every handler.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::{clock::Clock, entropy::Entropy, keys::Keys, pages::Texts, settings::Settings, sign_in::PasswordPool};

/// Everything a handler may need. `now` is read once per request from `clock`.
#[derive(Clone)]
pub struct App {
    /// What the deployment decided.
    pub settings: Arc<Settings>,
    /// Sealing, signing, verifying.
    pub keys: Arc<Keys>,
    /// Where `now` comes from.
    pub clock: Clock,
    /// Where secrets come from.
    pub entropy: Entropy,
    /// Hashes and checks passwords.
    pub hasher: Arc<PasswordPool>,
    /// The words of all pages.
    pub texts: Arc<Texts>,
    /// Wakes the delivery of logout messages on this node.
    pub wake: Arc<Notify>,
}
