//! How long to wait before trying again.

use std::time::Duration;

/// The longest wait after `failures` failures in a row (from 1): `base` doubled each time, at most `cap`.
pub fn backoff(failures: u32, base: Duration, cap: Duration) -> Duration {
    let doublings = failures.saturating_sub(1).min(31);
    base.saturating_mul(1 << doublings).min(cap)
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
}
