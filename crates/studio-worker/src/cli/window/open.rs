//! Opens the window, and says in plain words why that cannot be done.

use std::io::{self, BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use studio_runtime::init_telemetry;
use worker_ui::controller::{Controller, ControllerOptions, StartDaemon};
use worker_ui::tray::Tray;
use worker_ui::{Ended, Options, Page, ThemePreference, WindowHandle, window_channel};

use super::super::{output, ui};
use super::{Theme, Window, missing};
use crate::Home;
use crate::lifetime::{News, WindowExit, Wish};

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
        listen(window.clone())?;
        let (tray, on_view) = Tray::new();
        let mut options = ControllerOptions::new(home.dir().to_path_buf(), window.clone());
        options.start_daemon = Some(starter());
        options.on_view = Some(on_view);
        let controller = Controller::start(options).context("could not start the window's threads")?;
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
fn listen(window: WindowHandle) -> io::Result<()> {
    // Not joined: a blocking read cannot be called off.
    std::thread::Builder::new().name("owner".to_owned()).spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            match line.trim().parse() {
                Ok(News::Close) => break,
                Ok(news @ (News::RunsOwn | News::Runs)) => window.set_keep(news == News::RunsOwn),
                // The daemon's absence is seen, and what its end means was in its last status.
                Ok(News::Rests | News::Ended(_) | News::Ends) => {}
                Err(unknown) => tracing::warn!("the owner of this window says {unknown}"),
            }
        }
        window.quit();
        std::thread::sleep(CLOSE_LIMIT);
        give_up();
    })?;
    Ok(())
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
    fn a_display_that_is_not_there_is_no_bug() {
        assert!(is_about_the_display(
            "could not open a window: winit EventLoopError: neither WAYLAND_DISPLAY nor WAYLAND_SOCKET nor DISPLAY is set."
        ));
        assert!(!is_about_the_display("index out of bounds (crates/worker-ui/src/shell.rs:1:2)"));
    }
}
