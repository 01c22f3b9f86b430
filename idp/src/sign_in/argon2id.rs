//! Argon2id version 1.3 (RFC 9106): the only file that knows an implementation.
//!
//! Two are behind the one function [`argon2id`]. `argon2-rust` takes the widest vector unit it finds
//! at run time and keeps its memory between hashes, wiped; it is half again to twice as fast, which
//! is half again to twice as many people through the gate in a morning. It is also young and written
//! in `unsafe`. So it has to give the published tag of RFC 9106 section 5.3 before its first hash;
//! where it does not, `argon2` (RustCrypto) hashes instead. A test holds the two against each other.

use argon2_rust::{
    Algorithm, Argon2, Hasher, Params, Version,
    params::{Memory, TagLen},
};

/// Bytes of a tag.
pub const TAG_BYTES: usize = 32;

/// What one hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes. They are computed one after the other: a thread of the pool is one hash.
    pub parallelism: u32,
}

/// What is hashed.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The password.
    pub password: &'a [u8],
    /// Stored beside the tag.
    pub salt: &'a [u8],
    /// The pepper, stored elsewhere.
    pub secret: &'a [u8],
    /// Associated data; we use none.
    pub data: &'a [u8],
}

/// A cost or an input that Argon2id does not allow, or no memory for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Argon2id refuses this cost")]
pub struct Refused;

/// The memory of one thread, and which implementation fills it.
pub struct Arena(Implementation);

enum Implementation {
    Vector(Box<Hasher>),
    Portable,
}

/// The test vector of RFC 9106 section 5.3.
const PUBLISHED: (Cost, Input<'static>, [u8; TAG_BYTES]) = (
    Cost { memory_kib: 32, iterations: 3, parallelism: 4 },
    Input { password: &[1; 32], salt: &[2; 16], secret: &[3; 8], data: &[4; 12] },
    [
        0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b, 0x53, 0xc9, 0xd0, 0x1e,
        0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9, 0x6b, 0x01, 0xe6, 0x59,
    ],
);

impl Arena {
    /// Without memory yet. The fast implementation where it gives the published tag on this CPU.
    pub fn trusted() -> Self {
        let (cost, input, tag) = PUBLISHED;
        let mut fast = Self::vector();
        if argon2id(cost, input, &mut fast) == Ok(tag) {
            fast.give_back();
            return fast;
        }
        tracing::error!("the fast Argon2id does not give the published tag on this CPU: the portable one hashes");
        Self::portable()
    }

    fn vector() -> Self {
        Self(Implementation::Vector(Box::new(
            Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT).hasher(),
        )))
    }

    const fn portable() -> Self {
        Self(Implementation::Portable)
    }

    /// Memory kept for the next hash, in KiB.
    pub fn kept_kib(&self) -> usize {
        match &self.0 {
            Implementation::Vector(hasher) => hasher.reserved_blocks(),
            Implementation::Portable => 0,
        }
    }

    /// Gives the memory back to the system; the next hash takes it again.
    pub fn give_back(&mut self) {
        if let Implementation::Vector(hasher) = &mut self.0 {
            hasher.clear();
        }
    }
}

/// The tag (RFC 9106 section 3.2).
//= RFC9106#3.1
pub fn argon2id(cost: Cost, input: Input<'_>, arena: &mut Arena) -> Result<[u8; TAG_BYTES], Refused> {
    let mut tag = [0; TAG_BYTES];
    match &mut arena.0 {
        Implementation::Vector(hasher) => {
            let params = Params::builder()
                .memory(Memory::kib(u64::from(cost.memory_kib)))
                .passes(cost.iterations)
                .lanes(cost.parallelism)
                .threads(1)
                .tag_len(TagLen::bytes(TAG_BYTES as u64))
                .build()
                .map_err(|_| Refused)?;
            hasher.set_argon2(Argon2::new(Algorithm::Argon2id, Version::V0x13, params));
            hasher
                .hash_into_with_ad(input.password, input.salt, input.secret, input.data, &mut tag)
                .map_err(|_| Refused)?;
        }
        Implementation::Portable => portable(cost, input, &mut tag).map_err(|_| Refused)?,
    }
    Ok(tag)
}

fn portable(cost: Cost, input: Input<'_>, tag: &mut [u8; TAG_BYTES]) -> argon2::Result<()> {
    let params = argon2::ParamsBuilder::new()
        .m_cost(cost.memory_kib)
        .t_cost(cost.iterations)
        .p_cost(cost.parallelism)
        .output_len(TAG_BYTES)
        .data(argon2::AssociatedData::new(input.data)?)
        .build()?;
    argon2::Argon2::new_with_secret(input.secret, argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)?
        .hash_password_into(input.password, input.salt, tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    //= RFC9106#3.1 test
    #[test]
    fn both_give_the_published_tag() {
        let (cost, input, tag) = PUBLISHED;
        assert_eq!(argon2id(cost, input, &mut Arena::vector()), Ok(tag));
        assert_eq!(argon2id(cost, input, &mut Arena::portable()), Ok(tag));
        assert!(matches!(Arena::trusted().0, Implementation::Vector(_)), "the fast one is trusted here");
    }

    /// Numbers that are the same in every run (xorshift).
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, end: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % end
        }

        fn bytes(&mut self, least: u64, most: u64) -> Vec<u8> {
            let length = least + self.below(most - least + 1);
            (0..length).map(|_| u8::try_from(self.below(256)).unwrap()).collect()
        }
    }

    /// Two implementations by different people agree on many costs and lengths, with memory that
    /// was used for another hash before.
    #[test]
    fn two_implementations_agree() {
        let mut numbers = Numbers(9106);
        let (mut fast, mut slow) = (Arena::vector(), Arena::portable());
        for _ in 0..600 {
            let parallelism = 1 + u32::try_from(numbers.below(4)).unwrap();
            let cost = Cost {
                memory_kib: 8 * parallelism + u32::try_from(numbers.below(300)).unwrap(),
                iterations: 1 + u32::try_from(numbers.below(3)).unwrap(),
                parallelism,
            };
            let (password, salt) = (numbers.bytes(0, 300), numbers.bytes(8, 80));
            let (secret, data) = (numbers.bytes(0, 100), numbers.bytes(0, 32));
            let input = Input { password: &password, salt: &salt, secret: &secret, data: &data };
            let tag = argon2id(cost, input, &mut fast);
            assert!(tag.is_ok(), "{cost:?}");
            assert_eq!(tag, argon2id(cost, input, &mut slow), "{cost:?}");
        }
    }

    #[test]
    fn two_implementations_agree_at_the_real_cost() {
        let cost = Cost { memory_kib: 19_456, iterations: 2, parallelism: 1 };
        let input = Input { password: b"kata sandi", salt: &[1; 16], secret: &[7; 32], data: &[] };
        let mut fast = Arena::trusted();
        assert_eq!(argon2id(cost, input, &mut fast), argon2id(cost, input, &mut Arena::portable()));
        assert_eq!(fast.kept_kib(), 19_456);
        fast.give_back();
        assert_eq!(fast.kept_kib(), 0);
    }

    #[test]
    fn both_refuse_the_same() {
        let sound = Cost { memory_kib: 32, iterations: 1, parallelism: 1 };
        let input = Input { password: b"x", salt: &[1; 16], secret: &[], data: &[] };
        let bad = [
            (Cost { memory_kib: 7, ..sound }, input),
            (Cost { iterations: 0, ..sound }, input),
            (Cost { parallelism: 0, ..sound }, input),
            (Cost { memory_kib: 15, parallelism: 2, ..sound }, input),
            (sound, Input { salt: &[1; 7], ..input }),
        ];
        for (cost, input) in bad {
            assert_eq!(argon2id(cost, input, &mut Arena::vector()), Err(Refused), "{cost:?}");
            assert_eq!(argon2id(cost, input, &mut Arena::portable()), Err(Refused), "{cost:?}");
        }
    }
}
