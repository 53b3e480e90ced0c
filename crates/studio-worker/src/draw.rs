//! Randomness of the operating system.

use rand::RngExt as _;
use worker_core::{Draw, Secret};

/// Draws what must not be guessed.
#[derive(Debug, Default)]
pub struct SystemDraw;

impl Draw for SystemDraw {
    fn install_id(&mut self) -> String {
        uuid::Uuid::new_v4().to_string()
    }

    fn secret(&mut self) -> Secret {
        Secret::new(hex::encode(rand::random::<[u8; 32]>()))
    }

    fn jitter(&mut self) -> f64 {
        rand::rng().random_range(0.0..=1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_64_hex_characters_and_differ() {
        let (a, b) = (SystemDraw.secret(), SystemDraw.secret());
        assert_eq!(a.reveal().len(), 64);
        assert!(a.reveal().bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(a, b);
    }
}
