//! How far the batch is: one line that changes in a terminal, now and then a line elsewhere.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _, stdout};
use std::time::{Duration, Instant};

use super::studio_api::{BatchState, RunningJob};

/// Characters of the bar.
const BAR: usize = 24;
/// How often a line is printed where it cannot be replaced.
const LINE_INTERVAL: Duration = Duration::from_secs(2);

/// Columns of a terminal that does not tell.
const USUAL_COLUMNS: usize = 80;

/// Prints how far the batch is.
pub struct Progress {
    total: u64,
    started: Instant,
    terminal: bool,
    printed: Option<Instant>,
}

impl Progress {
    pub fn new(total: u64) -> Self {
        Self { total, started: Instant::now(), terminal: stdout().is_terminal(), printed: None }
    }

    pub fn show(&mut self, state: &BatchState, running: &[RunningJob]) {
        let due = self.printed.is_none_or(|printed| printed.elapsed() >= LINE_INTERVAL);
        if !self.terminal && !due && state.done < self.total {
            return;
        }
        self.printed = Some(Instant::now());
        let line = self.line(state.done, running);
        if self.terminal {
            let line: String = line.chars().take(columns()).collect();
            // Back to the first column, and clear what a longer line left behind.
            print!("\r{line}\u{1b}[K");
            let _ = stdout().flush();
        } else {
            println!("{line}");
        }
    }

    /// A line that stays.
    pub fn say(&mut self, what: &str) {
        let clear = if self.terminal { "\r\u{1b}[K" } else { "" };
        println!("{clear}{what}");
    }

    pub fn end(&self) {
        if self.terminal {
            println!();
        }
    }

    fn line(&self, done: u64, running: &[RunningJob]) -> String {
        let filled = BAR * done as usize / (self.total as usize).max(1);
        let rate = done as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        let bar = format!("{}{}", "#".repeat(filled), ".".repeat(BAR - filled));
        let mut line = format!("[{bar}] {done:>2}/{} {rate:.1}/s", self.total);
        for job in running {
            let percent = job.steps.filter(|(_, steps)| *steps > 0).map(|(step, steps)| 100 * step / steps);
            let percent = percent.map(|percent| format!(" {percent} %")).unwrap_or_default();
            let _ = write!(line, "  {}: {}{percent}", job.worker, job.asset_name);
        }
        line
    }
}

/// What fits in a line of the terminal: a longer one would wrap, and could not be replaced.
fn columns() -> usize {
    match rustix::termios::tcgetwinsize(stdout()) {
        Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
        Ok(_) | Err(_) => USUAL_COLUMNS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_who_does_what() {
        let job =
            |worker: &str, steps| RunningJob { worker: worker.into(), asset_name: "a fox".into(), steps };
        let line = Progress::new(32).line(16, &[job("attic", Some((3, 12))), job("cellar", None)]);
        assert!(line.starts_with("[############............] 16/32 "), "{line}");
        assert!(line.ends_with("/s  attic: a fox 25 %  cellar: a fox"), "{line}");
    }

    #[test]
    fn an_empty_batch_has_a_line_too() {
        assert!(Progress::new(0).line(0, &[]).contains(" 0/0 "));
    }
}
