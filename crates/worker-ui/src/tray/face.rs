//! What the tray shows of a view, and what can be chosen from its menu.

use studio_protocol::Timestamp;
use worker_local::{PauseAsk, PauseUntil, PauseWhen, RunningJob, Status, WorkerState};

use crate::{Command, Link, View, link, words};

/// More lines than these are no glance any more.
const JOBS: usize = 3;
/// Finer steps would make the desktop draw the text anew all the time.
const PERCENT_STEP: u32 = 10;

/// The worker as the tray shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Face {
    /// Which icon.
    pub state: WorkerState,
    /// In a few words.
    pub words: String,
    /// The jobs that run, a line each, or why there are none.
    pub more: String,
    /// Whether a pause can begin.
    pub can_pause: bool,
    /// Whether one can end.
    pub can_resume: bool,
}

impl Face {
    /// What `view` looks like from far.
    pub fn of(view: &View) -> Self {
        let gone = |words: &str, more: &str| Self {
            state: WorkerState::Disconnected,
            words: words.to_owned(),
            more: more.to_owned(),
            can_pause: false,
            can_resume: false,
        };
        match (&view.link, &view.status) {
            (Link::Up, Some(status)) => Self {
                state: status.state,
                words: words::state(status, &view.clock).0,
                more: more(status),
                can_pause: status.pause.is_none() && !status.ending,
                can_resume: status.pause.is_some() && !status.ending,
            },
            (Link::Up | Link::Starting, _) => gone("Starting", ""),
            (Link::Unreachable { words }, _) => match view.ended {
                Some(code) => gone(&link::ended_title(code), ""),
                None => gone("Not running", words),
            },
            (Link::OtherVersion { daemon }, _) => {
                gone("Other version", &format!("The worker is version {daemon}"))
            }
        }
    }

    /// Everything, for a tooltip.
    pub fn tooltip(&self) -> String {
        if self.more.is_empty() { self.words.clone() } else { format!("{}\n{}", self.words, self.more) }
    }
}

fn more(status: &Status) -> String {
    let mut lines: Vec<String> = status.jobs.iter().take(JOBS).map(job).collect();
    let left = status.jobs.len().saturating_sub(JOBS);
    if left > 0 {
        lines.push(format!("and {left} more"));
    }
    if lines.is_empty() {
        lines.extend(
            status.holds.first().map(|hold| hold.reason.clone()).or_else(|| status.last_trouble.clone()),
        );
    }
    lines.join("\n")
}

fn job(job: &RunningJob) -> String {
    let what = if job.name.is_empty() { words::kind(job.kind) } else { &job.name };
    let done = (job.step * 100).checked_div(job.steps).map(|percent| percent / PERCENT_STEP * PERCENT_STEP);
    match done {
        Some(percent) => format!("{what}, {}, {percent} %", job.model),
        None => format!("{what}, {}", job.model),
    }
}

/// An entry of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Show the window.
    Open,
    /// A quarter of an hour.
    PauseQuarter,
    /// An hour.
    PauseHour,
    /// Until midnight.
    PauseTomorrow,
    /// Until it is resumed.
    Pause,
    /// Take jobs again.
    Resume,
    /// End the window, and the worker where it belongs to it.
    Quit,
}

impl Choice {
    /// In the menu's order; the pauses are one submenu.
    pub const ALL: [Self; 7] = [
        Self::Open,
        Self::PauseQuarter,
        Self::PauseHour,
        Self::PauseTomorrow,
        Self::Pause,
        Self::Resume,
        Self::Quit,
    ];

    /// Its text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::PauseQuarter => "For 15 minutes",
            Self::PauseHour => "For 1 hour",
            Self::PauseTomorrow => "Until tomorrow",
            Self::Pause => "Until I resume",
            Self::Resume => "Resume",
            Self::Quit => "Quit",
        }
    }

    /// What it asks of the daemon, if anything; a job that runs is finished first.
    pub fn command(self, now: Timestamp) -> Option<Command> {
        let until = match self {
            Self::Open | Self::Quit => return None,
            Self::Resume => return Some(Command::Resume),
            Self::PauseQuarter => PauseUntil::Minutes { minutes: 15 },
            Self::PauseHour => PauseUntil::Minutes { minutes: 60 },
            Self::PauseTomorrow => {
                crate::Clock::here(now).tomorrow(now).map_or(PauseUntil::Resumed, |at| PauseUntil::At { at })
            }
            Self::Pause => PauseUntil::Resumed,
        };
        Some(Command::Pause(PauseAsk { until, when: PauseWhen::AfterJob, free_memory: false }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_busy_worker_shows_its_jobs() {
        let face = Face::of(&samples::few());
        assert_eq!(face.state, WorkerState::Busy);
        assert!(face.words.starts_with("Busy"), "{face:?}");
        assert!(!face.more.is_empty() && face.tooltip().contains('\n'), "{face:?}");
        assert!(face.can_pause && !face.can_resume);
    }

    #[test]
    fn a_pause_can_only_be_ended_while_there_is_one() {
        let face = Face::of(&samples::paused());
        assert_eq!(face.state, WorkerState::Paused);
        assert!(face.can_resume && !face.can_pause);
        for away in [samples::starting(), samples::unreachable(), samples::other_version()] {
            let face = Face::of(&away);
            assert_eq!(face.state, WorkerState::Disconnected);
            assert!(!face.can_resume && !face.can_pause && !face.words.is_empty(), "{face:?}");
        }
    }

    #[test]
    fn why_the_worker_ended_is_said_in_place_of_its_absence() {
        let face = Face::of(&View { ended: Some(3), ..samples::unreachable() });
        assert_eq!(face.tooltip(), "The studio refused this worker");
        assert_eq!(Face::of(&samples::unreachable()).words, "Not running");
    }

    #[test]
    fn progress_changes_the_face_only_now_and_then() {
        let mut status = samples::busy();
        status.jobs.truncate(1);
        status.jobs[0].steps = 100;
        let mut at = |step| {
            status.jobs[0].step = step;
            more(&status)
        };
        assert_eq!(at(31), at(39));
        assert_ne!(at(39), at(40));
    }

    #[test]
    fn choices_are_commands() {
        let now = Timestamp::now();
        assert_eq!(Choice::Open.command(now), None);
        assert_eq!(Choice::Resume.command(now), Some(Command::Resume));
        for choice in Choice::ALL {
            assert!(!choice.label().is_empty());
        }
        let Some(Command::Pause(ask)) = Choice::PauseTomorrow.command(now) else { panic!("no pause") };
        assert!(matches!(ask.until, PauseUntil::At { at } if at > now), "{ask:?}");
    }
}
