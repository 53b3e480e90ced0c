//! Which of a model's 80 mel bins hears which pitch.

use super::TONES;

/// Bins of both kinds of features.
pub(super) const BINS: usize = 80;
/// How far a bin may lie from a pitch's own to count for it.
const REACH: f32 = 2.0;
/// How far a pitch must stand out of the mean of all bins, as logarithms of energies: beyond what a neighbour lets through.
pub(super) const LEAST_CONTRAST: f32 = 7.0;

/// A mel scale and the part of it that the bins divide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    mel: fn(f32) -> f32,
    low: f32,
    high: f32,
}

/// Slaney's scale from 0 to 8 kHz: features of NeMo's models.
pub(super) const SLANEY: Scale = Scale { mel: slaney, low: 0.0, high: 8_000.0 };
/// HTK's scale from 20 Hz to 7.6 kHz: features of icefall's models.
pub(super) const HTK: Scale = Scale { mel: htk, low: 20.0, high: 7_600.0 };
/// The same to 8 kHz: features of FunASR's models.
pub(super) const FULL_HTK: Scale = Scale { mel: htk, low: 20.0, high: 8_000.0 };

impl Scale {
    /// The bin in whose middle `pitch` lies, with a fraction.
    fn bin(self, pitch: f32) -> f32 {
        let (low, high) = ((self.mel)(self.low), (self.mel)(self.high));
        ((self.mel)(pitch) - low) / (high - low) * (BINS + 1) as f32 - 1.0
    }

    /// A matrix of [`BINS`] rows and a column for each pitch: the mean of its bins less the mean of all.
    pub(super) fn contrasts(self) -> Vec<f32> {
        let mut matrix = vec![-1.0 / BINS as f32; BINS * TONES.len()];
        for (column, (_, pitch)) in TONES.iter().enumerate() {
            let middle = self.bin(*pitch);
            let near: Vec<usize> = (0..BINS).filter(|bin| (*bin as f32 - middle).abs() < REACH).collect();
            for bin in &near {
                matrix[bin * TONES.len() + column] += 1.0 / near.len() as f32;
            }
        }
        matrix
    }
}

fn slaney(hertz: f32) -> f32 {
    if hertz < 1_000.0 { hertz * 3.0 / 200.0 } else { 15.0 + (hertz / 1_000.0).ln() * 27.0 / 6.4_f32.ln() }
}

fn htk(hertz: f32) -> f32 {
    1_127.0 * (1.0 + hertz / 700.0).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pitches_lie_apart() {
        for scale in [SLANEY, HTK, FULL_HTK] {
            for pair in TONES.windows(2) {
                assert!(scale.bin(pair[1].1) - scale.bin(pair[0].1) > 2.0 * REACH, "{scale:?} {pair:?}");
            }
            let sums: f32 = scale.contrasts().iter().sum();
            assert!(sums.abs() < 1e-3, "a flat spectrum has no contrast: {sums}");
        }
    }
}
