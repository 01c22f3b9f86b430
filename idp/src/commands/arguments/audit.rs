//! What can be typed about the trail of audit events.

use std::str::FromStr;

use clap::Subcommand;

/// The trail of audit events.
#[derive(Subcommand)]
pub enum Audit {
    /// Recompute the chain; names the first event that was changed, removed or moved.
    Verify {
        /// A number and its hash, as an earlier run printed them and somebody kept elsewhere; may be repeated.
        #[arg(long = "anchor", value_name = "NUMBER:HASH")]
        anchors: Vec<Anchor>,
    },
}

/// A place in the chain as noted elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The place.
    pub number: i64,
    /// The hash of the link there, in hexadecimal.
    pub hash: String,
}

impl FromStr for Anchor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: &str = "an anchor is NUMBER:HASH, the hash 64 hexadecimal digits";
        let (number, hash) = text.split_once(':').ok_or(SHAPE)?;
        let number = number.parse().map_err(|_| SHAPE)?;
        if hash.len() != 64 || !hash.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(SHAPE);
        }
        Ok(Self { number, hash: hash.to_ascii_lowercase() })
    }
}
