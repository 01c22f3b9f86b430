//! The one place where randomness is drawn: the operating system's generator.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gapura_core::{hex, time::Instant};

/// The operating system's generator failed; nothing that needs a secret may go on.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system gives no randomness")]
pub struct NoEntropy;

/// Draws secrets and identifiers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entropy;

impl Entropy {
    /// `N` random bytes.
    #[expect(clippy::disallowed_methods, reason = "the one place where randomness is drawn")]
    pub fn bytes<const N: usize>(self) -> Result<[u8; N], NoEntropy> {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).map_err(|_| NoEntropy)?;
        Ok(bytes)
    }

    /// 256 random bits in base64url: 43 characters.
    pub fn token(self) -> Result<String, NoEntropy> {
        Ok(URL_SAFE_NO_PAD.encode(self.bytes::<32>()?))
    }

    /// A time-ordered identifier: 48 bits of milliseconds, then 80 random bits, as 32 hexadecimal
    /// digits (the layout of UUIDv7 without its version bits, RFC 9562 section 5.7). Keys that grow
    /// keep the write path's index pages warm.
    pub fn ordered_id(self, now: Instant) -> Result<String, NoEntropy> {
        let random = hex(&self.bytes::<10>()?);
        Ok(format!("{:012x}{random}", now.millis().max(0) & 0xffff_ffff_ffff))
    }

    /// A random identifier that says nothing about time, such as a `sub`: 128 bits in hexadecimal.
    pub fn random_id(self) -> Result<String, NoEntropy> {
        Ok(hex(&self.bytes::<16>()?))
    }
}
