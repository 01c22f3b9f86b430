//! Argon2id at the provider's usual cost, memory kept between hashes.

use argon2::{Algorithm, Argon2, Block, Params, Version};

const MEMORY_KIB: u32 = 19_456;
const ITERATIONS: u32 = 2;
const PARALLELISM: u32 = 1;

/// One thread's memory.
pub(crate) struct Arena {
    params: Params,
    blocks: Vec<Block>,
}

impl Arena {
    pub(crate) fn new() -> Self {
        let params = Params::new(MEMORY_KIB, ITERATIONS, PARALLELISM, Some(32)).unwrap();
        let blocks = vec![Block::default(); params.block_count()];
        Self { params, blocks }
    }

    /// The tag of a password with a pepper.
    pub(crate) fn tag(&mut self, password: &str, salt: &[u8], pepper: &[u8]) -> [u8; 32] {
        let hasher = Argon2::new_with_secret(pepper, Algorithm::Argon2id, Version::V0x13, self.params.clone()).unwrap();
        let mut tag = [0; 32];
        hasher.hash_password_into_with_memory(password.as_bytes(), salt, &mut tag, &mut self.blocks).unwrap();
        tag
    }
}

/// The cost as a stored hash begins.
pub(crate) fn cost() -> String {
    format!("$argon2id$v=19$m={MEMORY_KIB},t={ITERATIONS},p={PARALLELISM}$")
}
