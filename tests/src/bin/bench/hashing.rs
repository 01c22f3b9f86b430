//! Argon2id at the provider's usual cost and by its implementation, memory kept between hashes.

use gapura_idp::sign_in::argon2id::{self, Cost, Input, argon2id};

const COST: Cost = Cost { memory_kib: 19_456, iterations: 2, parallelism: 1 };

/// One thread's memory.
pub(crate) struct Arena(argon2id::Arena);

impl Arena {
    pub(crate) fn new() -> Self {
        Self(argon2id::Arena::trusted())
    }

    /// The tag of a password with a pepper.
    pub(crate) fn tag(&mut self, password: &str, salt: &[u8], pepper: &[u8]) -> [u8; 32] {
        let input = Input { password: password.as_bytes(), salt, secret: pepper, data: &[] };
        argon2id(COST, input, &mut self.0).unwrap()
    }
}

/// The cost as a stored hash begins.
pub(crate) fn cost() -> String {
    let Cost { memory_kib, iterations, parallelism } = COST;
    format!("$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}$")
}
