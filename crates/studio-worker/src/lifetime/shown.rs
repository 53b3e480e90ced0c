//! The window, as its owner sees it: opened once there is a display, and again when it breaks.
//!
//! It is a process of its own, because a driver or a display that goes takes its program along, and because
//! a program can try for a display only once.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use studio_runtime::backoff;
use tokio::io::{BufReader, Lines};
use tokio::process::{ChildStdout, Command};
use tokio::time::Instant;

use super::child::Spoken;
use super::display;
use super::words::{News, Wish};

/// How soon after a miss the display is looked for again.
const LOOK: Duration = Duration::from_secs(1);
/// How long somebody who logs in waits for the window at most.
const LONGEST_LOOK: Duration = Duration::from_secs(10);
/// How long a window that cannot open for want of something installed is left alone.
const LONG_REST: Duration = Duration::from_mins(5);
/// A window that was open as long did not fail to open.
const OPEN_AFTER: Duration = Duration::from_secs(30);
/// How long a window may take to close.
const CLOSE_LIMIT: Duration = Duration::from_secs(3);

/// How a window's process ends, beyond [`crate::Exit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum WindowExit {
    /// The user wants no more of it.
    Quit = 0,
    /// There is no display, or it went.
    NoDisplay = 10,
    /// A library is not installed; which one was told.
    MissingLibrary = 11,
    /// This program was built without it.
    NotBuilt = 12,
    /// Another process shows this worker.
    Elsewhere = 13,
}

/// How to open a window.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    pub(super) program: PathBuf,
    pub(super) args: Vec<OsString>,
}

/// What came from the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// It was opened: it knows nothing yet.
    Opened,
    /// The user quits.
    Quit,
    /// The user wants something of the owner.
    Wish(Wish),
    /// Nothing that others need to know.
    Nothing,
}

#[derive(Debug)]
enum State {
    Waiting { until: Instant },
    Open { child: Spoken, lines: Option<Box<Lines<BufReader<ChildStdout>>>>, since: Instant },
    Never,
}

#[derive(Debug)]
pub(super) struct Shown {
    recipe: Recipe,
    state: State,
    /// Tries in a row that showed no window.
    misses: u32,
    /// Whether it was said that there is no display.
    told: bool,
}

impl Shown {
    /// Opens as soon as there is a display.
    pub(super) fn new(recipe: Recipe) -> Self {
        Self { recipe, state: State::Waiting { until: Instant::now() }, misses: 0, told: false }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Waits for something that comes of it; may be dropped at any time.
    pub(super) async fn heard(&mut self) -> Heard {
        match &mut self.state {
            State::Waiting { until } => {
                tokio::time::sleep_until(*until).await;
                self.open()
            }
            State::Open { child, lines: Some(lines), .. } => {
                let ended = tokio::select! {
                    ended = child.ended() => ended,
                    line = lines.next_line() => return self.line(line),
                };
                self.ended(ended)
            }
            State::Open { child, lines: None, .. } => {
                let ended = child.ended().await;
                self.ended(ended)
            }
            State::Never => std::future::pending().await,
        }
    }

    pub(super) async fn tell(&mut self, news: News) {
        if let State::Open { child, .. } = &mut self.state {
            child.say(&news.to_string()).await;
        }
    }

    /// Returns when it is closed.
    pub(super) async fn close(mut self) {
        self.tell(News::Close).await;
        if let State::Open { mut child, .. } = self.state
            && tokio::time::timeout(CLOSE_LIMIT, child.ended()).await.is_err()
        {
            let _ = child.kill().await;
        }
    }

    fn open(&mut self) -> Heard {
        let Some(hints) = display::find() else {
            if !self.told {
                self.told = true;
                tracing::info!(
                    "there is no display, so no window: the worker runs without, and the window opens once \
                     DISPLAY or WAYLAND_DISPLAY leads to one"
                );
            }
            self.wait(LONGEST_LOOK);
            return Heard::Nothing;
        };
        let mut command = Command::new(&self.recipe.program);
        command.args(&self.recipe.args).envs(hints).stdout(Stdio::piped());
        match Spoken::start(&mut command) {
            Ok(mut child) => {
                tracing::debug!(pid = child.pid(), "opened the window");
                let lines = child.lines().map(Box::new);
                self.state = State::Open { child, lines, since: Instant::now() };
                Heard::Opened
            }
            Err(error) => {
                tracing::error!("could not start `{}`: {error}", self.recipe.program.display());
                self.wait(LONG_REST);
                Heard::Nothing
            }
        }
    }

    fn line(&mut self, line: std::io::Result<Option<String>>) -> Heard {
        match line.map(|line| line.map(|line| line.trim().parse())) {
            Ok(Some(Ok(wish))) => return Heard::Wish(wish),
            Ok(Some(Err(unknown))) => tracing::warn!("the window says {unknown}"),
            Ok(None) | Err(_) => {
                if let State::Open { lines, .. } = &mut self.state {
                    *lines = None;
                }
            }
        }
        Heard::Nothing
    }

    fn ended(&mut self, how: std::io::Result<ExitStatus>) -> Heard {
        if let State::Open { since, .. } = &self.state
            && since.elapsed() >= OPEN_AFTER
        {
            self.misses = 0;
        }
        let code = how.as_ref().ok().and_then(ExitStatus::code);
        match code.and_then(WindowExit::of_code) {
            Some(WindowExit::Quit) => {
                self.state = State::Never;
                return Heard::Quit;
            }
            Some(WindowExit::NotBuilt) => {
                tracing::info!("this build has no window; the worker runs without");
                self.state = State::Never;
            }
            // Told once; nobody installs it within seconds.
            Some(WindowExit::MissingLibrary) => {
                self.state = State::Waiting { until: Instant::now() + LONG_REST };
            }
            Some(WindowExit::NoDisplay | WindowExit::Elsewhere) => self.wait(LONGEST_LOOK),
            None => {
                let how = how.map_or_else(|error| error.to_string(), |how| how.to_string());
                tracing::error!(
                    "the window ended unexpectedly ({how}); the worker goes on, and it opens again soon"
                );
                self.wait(LONG_REST);
            }
        }
        Heard::Nothing
    }

    fn wait(&mut self, longest: Duration) {
        self.misses += 1;
        let wait = backoff(self.misses, LOOK, longest);
        self.state = State::Waiting { until: Instant::now() + wait };
    }
}

impl WindowExit {
    fn of_code(code: i32) -> Option<Self> {
        let all = [Self::Quit, Self::NoDisplay, Self::MissingLibrary, Self::NotBuilt, Self::Elsewhere];
        all.into_iter().find(|exit| i32::from(*exit as u8) == code)
    }
}
