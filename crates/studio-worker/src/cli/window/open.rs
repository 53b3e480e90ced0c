//! Opens the window, and says in plain words why that cannot be done.

use std::io::{self, BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use studio_runtime::init_telemetry;
use worker_ui::controller::{Controller, ControllerOptions, StartDaemon};
use worker_ui::notify::Notifier;
use worker_ui::tray::Tray;
use worker_ui::{Command, Commands, Ended, Options, Page, ThemePreference, WindowHandle, window_channel};

use super::super::{output, ui};
use super::{Theme, Window, missing};
use crate::lifetime::{News, WindowExit, Wish};
use crate::lock::{Holder, Lock, LockError};
use crate::{Exit, Home};

/// Shown unless `RUST_LOG` says otherwise.
const DEFAULT_FILTER: &str = "info";
/// A window that hangs must not outlive the one that opened it for longer.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// What a panic of the main thread said, for those who tell it in other words.
type LastPanic = Arc<Mutex<Option<String>>>;

impl Window {
    /// `None` when something is wrong that was told.
    pub(super) fn open(&self, home: &Home) -> Option<WindowExit> {
        let _telemetry = match init_telemetry(DEFAULT_FILTER, self.log_format, Some(ui::log_file(home))) {
            Ok(telemetry) => telemetry,
            Err(error) => {
                output::failed(&error.into());
                return None;
            }
        };
        let _shown = match Lock::take(&home.shown_lock(), &Holder::this_process()) {
            Ok(lock) => Some(lock),
            // One whose owner was killed is about to close.
            Err(LockError::Held { .. }) => return Some(WindowExit::Elsewhere),
            // Only a second start asks for it.
            Err(error) => {
                tracing::warn!("{}", studio_runtime::told(&error));
                None
            }
        };
        let last_panic = quiet_panics();
        let shown = catch_unwind(AssertUnwindSafe(|| self.show(home)));
        let why = match shown {
            Ok(Ok(Ended::Quit | Ended::Closed)) => return Some(WindowExit::Quit),
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => last_panic.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default(),
        };
        Some(if let Some(advice) = missing::advice(&why) {
            tracing::error!("the window cannot open: {advice}; the worker goes on without");
            WindowExit::MissingLibrary
        } else if is_about_the_display(&why) {
            tracing::info!("there is no display any more, or it refuses: {why}");
            WindowExit::NoDisplay
        } else {
            tracing::error!("the window broke: {why}");
            return None;
        })
    }

    fn show(&self, home: &Home) -> anyhow::Result<Ended> {
        #[cfg(target_os = "linux")]
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))
            .context("could not ask to be told of the end of the program that opened this window")?;
        let (window, asks) = window_channel();
        let ((tray, mut to_tray), (notifier, mut to_notifier)) = (Tray::new(), Notifier::new());
        let mut options = ControllerOptions::new(home.dir().to_path_buf(), window.clone());
        options.start_daemon = Some(starter());
        options.on_view = Some(Box::new(move |view| {
            to_tray(view);
            to_notifier(view);
        }));
        let controller = Controller::start(options).context("could not start the window's threads")?;
        listen(window.clone(), controller.commands().clone())
            .context("could not start the window's threads")?;
        notifier.start().context("could not start the window's threads")?;
        tray.start(window, controller.commands().clone()).context("could not start the tray's threads")?;
        let page = self.look.page.and_then(|number| Page::ALL.get(number.checked_sub(1)?).copied());
        let theme = match self.look.theme {
            Some(Theme::Dark) => ThemePreference::Dark,
            Some(Theme::Light) => ThemePreference::Light,
            None => ThemePreference::System,
        };
        let mut options = Options { controller, asks, hidden: false, page: page.unwrap_or_default(), theme };
        // It may hold what cannot leave this thread, so only its words do.
        worker_ui::run(&mut options).map_err(|error| anyhow::Error::msg(studio_runtime::told(&error)))
    }
}

/// Follows what the owner says.
fn listen(window: WindowHandle, commands: Commands) -> io::Result<()> {
    // Not joined: a blocking read cannot be called off.
    std::thread::Builder::new().name("owner".to_owned()).spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            match line.trim().parse() {
                Ok(News::Close) => break,
                Ok(news) => {
                    if let Some(keep) = keeps(news) {
                        window.set_keep(keep);
                    }
                    if let Some(command) = command(news) {
                        commands.send(command);
                    }
                }
                Err(unknown) => tracing::warn!("the owner of this window says {unknown}"),
            }
        }
        window.quit();
        std::thread::sleep(CLOSE_LIMIT);
        give_up();
    })?;
    Ok(())
}

/// Whether the worker ends with the window, where the news are about that.
fn keeps(news: News) -> Option<bool> {
    match news {
        News::RunsOwn => Some(true),
        News::Runs => Some(false),
        News::Rests | News::Ended(_) | News::Ends | News::Close => None,
    }
}

/// What the news mean to those who show the daemon.
fn command(news: News) -> Option<Command> {
    match news {
        News::Runs | News::RunsOwn => Some(Command::DaemonEnded(None)),
        // How it crashed is in the log of its owner; what is shown is that it did.
        News::Rests => Some(Command::DaemonEnded(Some(Exit::Failed as i32))),
        News::Ended(exit) => Some(Command::DaemonEnded(Some(exit as i32))),
        // Its last status says that it ends.
        News::Ends | News::Close => None,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the main thread hangs in a driver, and nobody is left to wait for it"
)]
fn give_up() -> ! {
    std::process::exit(WindowExit::Quit as i32)
}

/// The owner of this window starts daemons.
fn starter() -> StartDaemon {
    Arc::new(|| {
        writeln!(io::stdout(), "{}", Wish::Start)
            .map_err(|_| "The program that opened this window is gone; start it again".to_owned())
    })
}

/// Keeps panics of the main thread, which are told in other words, and leaves others as they are.
fn quiet_panics() -> LastPanic {
    let last = LastPanic::default();
    let (kept, usual) = (Arc::clone(&last), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name() != Some("main") {
            return usual(info);
        }
        let said = info.payload_as_str().unwrap_or("a panic without words");
        let place = info.location().map(|place| format!(" ({place})")).unwrap_or_default();
        *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{said}{place}"));
    }));
    last
}

/// The words of the window system's libraries for a display that is not there or turns a program away.
fn is_about_the_display(why: &str) -> bool {
    const WORDS: [&str; 6] =
        ["XOpenDisplay", "NoCompositor", "WAYLAND_DISPLAY", "DISPLAY", "Broken pipe", "Connection"];
    WORDS.iter().any(|word| why.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_daemon_is_shown_until_one_runs() {
        for (news, shown) in [
            (News::Ended(Exit::AuthFailed), Some(3)),
            (News::Ended(Exit::DuplicateWorker), Some(4)),
            (News::Ended(Exit::ReconnectsSpent), Some(5)),
            (News::Ended(Exit::Clean), Some(0)),
            (News::Rests, Some(1)),
            (News::Runs, None),
            (News::RunsOwn, None),
        ] {
            assert_eq!(command(news), Some(Command::DaemonEnded(shown)), "{news:?}");
        }
        assert_eq!(
            (keeps(News::RunsOwn), keeps(News::Runs), keeps(News::Rests)),
            (Some(true), Some(false), None)
        );
    }

    #[test]
    fn a_display_that_is_not_there_is_no_bug() {
        assert!(is_about_the_display(
            "could not open a window: winit EventLoopError: neither WAYLAND_DISPLAY nor WAYLAND_SOCKET nor DISPLAY is set."
        ));
        assert!(!is_about_the_display("index out of bounds (crates/worker-ui/src/shell.rs:1:2)"));
    }
}
