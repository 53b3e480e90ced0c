//! Measured speeds, in steps that noise does not move.

use crate::SPEED_RATIO;

/// How far beyond the bounds of its step a speed may be before it takes another, in steps.
const SLACK: f64 = 0.5;
/// Steps are within this: no machine is so fast or so slow, but a worker may say so.
const MAX_STEP: f64 = 1_000.0;

/// The step of a speed: each is [`SPEED_RATIO`] times as fast as the one below; `former` is kept while it fits.
///
/// `None` when it is no speed.
pub(crate) fn step(speed: f64, former: Option<i32>) -> Option<i32> {
    if !(speed.is_finite() && speed > 0.0) {
        return None;
    }
    let exact = (speed.ln() / SPEED_RATIO.ln()).clamp(-MAX_STEP, MAX_STEP);
    if let Some(former) = former {
        let middle = f64::from(former) + 0.5;
        if (exact - middle).abs() <= 0.5 + SLACK {
            return Some(former);
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "clamped above")]
    let step = exact.floor() as i32;
    Some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fourth_faster_is_a_step() {
        let slow = step(1.0, None).unwrap();
        assert_eq!(step(1.3, None), Some(slow + 1));
        assert_eq!(step(0.79, None), Some(slow - 2));
        assert!(step(12.0, None) > step(9.0, None));
    }

    #[test]
    fn noise_around_a_bound_moves_nothing() {
        let bound = SPEED_RATIO.powi(3);
        let at = step(bound * 1.01, None);
        for noise in [0.92, 1.0, 1.08, 0.95] {
            assert_eq!(step(bound * noise, at), at);
        }
        assert_eq!(step(bound * 2.0, at), Some(at.unwrap() + 3));
    }

    #[test]
    fn what_is_no_speed_has_no_step() {
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(step(speed, None), None);
        }
        assert_eq!(step(f64::MIN_POSITIVE, None), Some(-1_000));
    }
}
