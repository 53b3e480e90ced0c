//! How long to wait before the next try.

use std::time::Duration;

use studio_protocol::{RECONNECT_BASE, RECONNECT_CAP};

/// The least delay: full jitter may draw zero, and a peer that refuses at once must not be hammered.
const MIN_DELAY: Duration = Duration::from_millis(50);

/// The longest reconnect delay while the studio still keeps a claim of ours: a network that was away for 20 s leaves
/// 10 s of the lease to come back in.
const HOLDING_CAP: Duration = Duration::from_secs(4);

/// The delay before the next connection is tried; shorter than [`full_jitter`]'s while a claim is `at_stake`.
pub(crate) fn reconnect_delay(failures: u32, jitter: f64, at_stake: bool) -> Duration {
    let cap = if at_stake { HOLDING_CAP } else { RECONNECT_CAP };
    delay(failures, jitter, cap)
}

/// The delay after the `failures`-th failure in a row, `jitter` drawn evenly from 0 to 1.
///
/// Full jitter spreads a fleet that lost its studio over the whole interval instead of its end.
pub fn full_jitter(failures: u32, jitter: f64) -> Duration {
    delay(failures, jitter, RECONNECT_CAP)
}

fn delay(failures: u32, jitter: f64, cap: Duration) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let ceiling = RECONNECT_BASE.saturating_mul(1 << doublings).min(cap);
    ceiling.mul_f64(jitter.clamp(0.0, 1.0)).max(MIN_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_cap() {
        let ceilings: Vec<u64> = (1..=7).map(|n| full_jitter(n, 1.0).as_secs()).collect();
        assert_eq!(ceilings, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(full_jitter(u32::MAX, 1.0), RECONNECT_CAP);
    }

    #[test]
    fn a_claim_at_stake_is_not_waited_away() {
        let ceilings: Vec<u64> = (1..=5).map(|n| reconnect_delay(n, 1.0, true).as_secs()).collect();
        assert_eq!(ceilings, [1, 2, 4, 4, 4]);
        assert_eq!(reconnect_delay(7, 1.0, false), RECONNECT_CAP);
    }

    #[test]
    fn jitter_spreads_over_the_whole_interval() {
        assert_eq!(full_jitter(3, 0.5), Duration::from_secs(2));
        assert_eq!(full_jitter(3, 0.0), MIN_DELAY);
        assert_eq!(full_jitter(1, f64::from(9)), RECONNECT_BASE);
    }
}
