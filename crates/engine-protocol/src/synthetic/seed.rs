//! Numbers drawn from a task: the same on every machine.

use sha2::{Digest, Sha256};
use studio_protocol::Task;

/// The SHA-256 of a task's JSON, and a stream of numbers that follows from it.
#[derive(Debug, Clone)]
pub(super) struct Seed {
    hash: [u8; 32],
}

impl Seed {
    /// Of the whole task: prompt, size, format and all.
    pub(super) fn of(task: &Task) -> Self {
        let json = serde_json::to_vec(task).expect("a task has text keys and finite structure");
        Self { hash: Sha256::digest(&json).into() }
    }

    /// Of a text alone.
    pub(super) fn of_text(text: &str) -> Self {
        Self { hash: Sha256::digest(text).into() }
    }

    /// The start of the hash, for names.
    pub(super) fn short(&self) -> String {
        hex::encode(&self.hash[..12])
    }

    /// A stream of its own for each `purpose`.
    pub(super) fn draw(&self, purpose: u64) -> Draw {
        let first = u64::from_le_bytes(self.hash[..8].try_into().expect("eight bytes"));
        Draw(first ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// SplitMix64: small, fast, and the same everywhere.
#[derive(Debug, Clone)]
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.bits() % end.max(1) as u64) as usize
    }

    /// From `least` to `most`.
    pub(super) fn between(&mut self, least: f32, most: f32) -> f32 {
        least + (most - least) * ((self.bits() >> 40) as f32 / 16_777_216.0)
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}
