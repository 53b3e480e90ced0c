//! How long to wait before trying again.

use std::time::Duration;

/// The longest wait after `failures` failures in a row (from 1): `base` doubled each time, at most `cap`.
pub fn backoff(failures: u32, base: Duration, cap: Duration) -> Duration {
    let doublings = failures.saturating_sub(1).min(31);
    base.saturating_mul(1 << doublings).min(cap)
}

/// Spreads waits over the whole of `[0, longest]`, so that a fleet does not come back in step.
///
/// `draw` is a random number in `[0, 1]`; others are brought to the nearest edge.
pub fn full_jitter(longest: Duration, draw: f64) -> Duration {
    longest.mul_f64(if draw.is_finite() { draw.clamp(0.0, 1.0) } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Duration = Duration::from_secs(1);
    const CAP: Duration = Duration::from_secs(30);

    #[test]
    fn doubles_up_to_the_cap() {
        let secs: Vec<u64> = (1..=7).map(|n| backoff(n, BASE, CAP).as_secs()).collect();
        assert_eq!(secs, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(backoff(0, BASE, CAP), BASE);
        assert_eq!(backoff(u32::MAX, BASE, CAP), CAP);
    }

    #[test]
    fn jitter_stays_within_the_wait() {
        assert_eq!(full_jitter(CAP, 0.0), Duration::ZERO);
        assert_eq!(full_jitter(CAP, 0.5), Duration::from_secs(15));
        assert_eq!(full_jitter(CAP, 7.0), CAP);
        assert_eq!(full_jitter(CAP, f64::NAN), CAP);
    }
}
