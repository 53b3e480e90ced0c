//! Percentiles.

use std::time::Duration;

/// Measured values; what is asked of none is not a number.
#[derive(Debug, Default)]
pub struct Samples {
    sorted: Vec<f64>,
}

impl Samples {
    /// Durations, in milliseconds.
    pub fn millis(durations: impl IntoIterator<Item = Duration>) -> Self {
        durations.into_iter().map(|duration| duration.as_secs_f64() * 1e3).collect()
    }

    /// The value that `share` (0 to 1) of them do not exceed.
    pub fn at(&self, share: f64) -> f64 {
        let last = self.sorted.len().saturating_sub(1);
        let rank = (share * self.sorted.len() as f64).ceil() as usize;
        self.sorted.get(rank.saturating_sub(1).min(last)).copied().unwrap_or(f64::NAN)
    }

    /// The one in the middle.
    pub fn median(&self) -> f64 {
        self.at(0.5)
    }

    /// The largest.
    pub fn max(&self) -> f64 {
        self.at(1.0)
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Self { sorted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_of_the_values_themselves() {
        let hundred: Samples = (1..=100).rev().map(f64::from).collect();
        let whole = |samples: &Samples, shares: [f64; 3]| shares.map(|share| samples.at(share) as u32);
        assert_eq!(whole(&hundred, [0.5, 0.99, 1.0]), [50, 99, 100]);
        let three: Samples = [3.0, 1.0, 2.0].into_iter().collect();
        assert_eq!(whole(&three, [0.0, 0.5, 0.99]), [1, 2, 3]);
        assert!(Samples::default().median().is_nan());
    }
}
