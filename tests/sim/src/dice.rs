//! All chance of a run: drawn from its seed, in the order of its events.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use worker_core::{Draw, Secret};

/// The only source of chance.
#[derive(Debug)]
pub(crate) struct Dice(StdRng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Dice of their own, so that their owner's draws do not shift those of others.
    pub fn fork(&mut self) -> Self {
        Self::new(self.0.random())
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Evenly from 0 to 1.
    pub fn unit(&mut self) -> f64 {
        self.0.random()
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    pub fn number(&mut self) -> u64 {
        self.0.random()
    }

    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        self.micros(from * 1_000, to * 1_000)
    }

    pub fn micros(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_micros(self.0.random_range(from..=to))
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        (!items.is_empty()).then(|| &items[self.below(items.len())])
    }
}

/// What a worker draws.
pub(crate) struct Drawn(pub Dice);

impl Draw for Drawn {
    fn install_id(&mut self) -> String {
        format!("install-{:016x}", self.0.number())
    }

    fn secret(&mut self) -> Secret {
        Secret::new(format!("{:016x}", self.0.number()))
    }

    fn jitter(&mut self) -> f64 {
        self.0.unit()
    }
}
