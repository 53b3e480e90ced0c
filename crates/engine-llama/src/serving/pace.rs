//! How many prompt tokens one step takes, so that no step takes long.

use std::time::Duration;

/// A step while answers wait for their next token: a pause in a stream that nobody minds.
const SHARED_STEP: Duration = Duration::from_millis(250);
/// A step with prompts only: short enough that a cancelled one frees the machine at once.
const ALONE_STEP: Duration = Duration::from_millis(700);
/// Before anything was measured.
const FIRST: usize = 64;
/// Fewer at once waste the machine.
const LEAST: usize = 16;

/// Learns how fast prompts are.
#[derive(Debug, Default)]
pub struct Pace {
    /// Tokens a second; 0 before the first measurement.
    speed: f64,
}

impl Pace {
    /// Prompt tokens for the next step.
    pub fn budget(&self, answers_wait: bool, most: usize) -> usize {
        let step = if answers_wait { SHARED_STEP } else { ALONE_STEP };
        let wanted = if self.speed > 0.0 { (self.speed * step.as_secs_f64()) as usize } else { FIRST };
        wanted.max(LEAST).min(most)
    }

    /// `tokens` of prompts took `time`.
    pub fn measured(&mut self, tokens: usize, time: Duration) {
        // A few tokens say more about the fixed cost of a step.
        if tokens < LEAST {
            return;
        }
        let speed = tokens as f64 / time.as_secs_f64().max(1e-6);
        self.speed = if self.speed > 0.0 { self.speed.midpoint(speed) } else { speed };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_machine_takes_small_steps() {
        let mut pace = Pace::default();
        assert_eq!(pace.budget(false, 512), FIRST);
        pace.measured(64, Duration::from_secs(1));
        assert_eq!((pace.budget(false, 512), pace.budget(true, 512)), (44, 16));
        for _ in 0..20 {
            pace.measured(512, Duration::from_millis(10));
        }
        assert_eq!((pace.budget(true, 512), pace.budget(true, 7)), (512, 7));
    }
}
