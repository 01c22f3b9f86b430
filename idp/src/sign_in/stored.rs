//! A password as it is stored: `$argon2id$v=19$m=…,t=…,p=…$salt$tag` (the PHC string format), without
//! the pepper. Each hash says its own cost, so that a cost can be raised without asking anybody for
//! a new password: the next sign-in stores the same password at today's.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use super::argon2id::{Cost, TAG_BYTES};

/// A stored hash.
pub(super) struct Stored {
    /// What it cost to make.
    pub(super) cost: Cost,
    /// Its salt.
    pub(super) salt: Vec<u8>,
    /// Its tag, of [`TAG_BYTES`].
    pub(super) tag: Vec<u8>,
}

impl Stored {
    /// The text to store.
    pub(super) fn write(&self) -> String {
        let Cost { memory_kib, iterations, parallelism } = self.cost;
        let (salt, tag) = (STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(&self.tag));
        format!("$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${salt}${tag}")
    }

    /// Reads it; `None` where it is something else.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let (cost, salt, tag) = (parts.next()?, parts.next()?, parts.next()?);
        let mut cost = cost.split(',');
        let mut number = |name: &str| -> Option<u32> { cost.next()?.strip_prefix(name)?.parse().ok() };
        let cost = Cost { memory_kib: number("m=")?, iterations: number("t=")?, parallelism: number("p=")? };
        let salt = STANDARD_NO_PAD.decode(salt).ok()?;
        let tag = STANDARD_NO_PAD.decode(tag).ok()?;
        (parts.next().is_none() && tag.len() == TAG_BYTES).then_some(Self { cost, salt, tag })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    //= BSSN4-2021#1.f test
    #[test]
    fn the_stored_text_names_algorithm_version_cost_and_salt() {
        let cost = Cost { memory_kib: 19_456, iterations: 2, parallelism: 1 };
        let text = Stored { cost, salt: vec![0xff; 16], tag: vec![1; TAG_BYTES] }.write();
        let (salt, tag) = ("/////////////////////w", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE");
        assert_eq!(text, format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${tag}"));
        let read = Stored::read(&text).unwrap();
        assert_eq!((read.cost, read.salt, read.tag), (cost, vec![0xff; 16], vec![1; TAG_BYTES]));
    }

    #[test]
    fn what_is_no_such_text_is_not_read() {
        let tag = "A".repeat(43);
        for bad in [
            String::new(),
            "rahasia".to_owned(),
            format!("$argon2i$v=19$m=64,t=1,p=1$AAAA${tag}"),
            format!("$argon2id$v=16$m=64,t=1,p=1$AAAA${tag}"),
            format!("$argon2id$v=19$m=64,p=1,t=1$AAAA${tag}"),
            format!("$argon2id$v=19$m=64,t=1,p=1$AAAA${tag}$x"),
            "$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAA".to_owned(),
        ] {
            assert!(Stored::read(&bad).is_none(), "{bad}");
        }
    }
}
