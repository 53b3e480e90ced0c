//! Where randomness comes in.

use crate::Secret;

/// Draws what must not be predictable; a simulation draws from its seed.
pub trait Draw: Send + Sync {
    /// A UUID for a new install.
    fn install_id(&mut self) -> String;
    /// 32 random bytes as 64 hex characters.
    fn secret(&mut self) -> Secret;
    /// Evenly from 0 to 1.
    fn jitter(&mut self) -> f64;
}
