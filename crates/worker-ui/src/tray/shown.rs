//! The icon and its menu, on the tray's thread.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use studio_protocol::Timestamp;
use tray_icon::menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem, Submenu};
use tray_icon::{Icon, MouseButton, TrayIcon, TrayIconBuilder, TrayIconEvent};

use super::{Choice, Event, Face, SIDE, draw};
use crate::{Commands, WindowHandle};

/// A desktop's panel that restarts is back by then; after it, a hidden window would be out of reach.
const PANEL_RESTART: Duration = Duration::from_secs(10);

/// Never comes back while the window runs.
pub(super) fn run(
    events: &Receiver<Event>,
    sender: &Sender<Event>,
    window: &WindowHandle,
    commands: &Commands,
) {
    listen(sender);
    let mut face: Option<Face> = None;
    let mut shown: Option<Shown> = None;
    let mut missed: Option<Instant> = None;
    loop {
        let wait = missed.map_or(Duration::MAX, |since| PANEL_RESTART.saturating_sub(since.elapsed()));
        match events.recv_timeout(wait) {
            Ok(Event::Face(new)) => {
                if let Some(shown) = &shown {
                    shown.wear(&new);
                }
                face = Some(new);
            }
            Ok(Event::Choice(choice)) => choose(choice, window, commands),
            Ok(Event::Watcher(true)) => {
                missed = None;
                // It registers itself again with a panel that comes back.
                if shown.is_none() {
                    shown = Shown::new(face.as_ref());
                }
                window.set_tray(shown.is_some());
            }
            Ok(Event::Watcher(false)) => missed = Some(Instant::now()),
            Err(RecvTimeoutError::Timeout) => {
                missed = None;
                window.set_tray(false);
                if !window.is_shown() {
                    window.show();
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn choose(choice: Choice, window: &WindowHandle, commands: &Commands) {
    match choice {
        Choice::Open => window.show(),
        Choice::Quit => window.quit(),
        Choice::PauseQuarter | Choice::PauseHour | Choice::PauseTomorrow | Choice::Pause | Choice::Resume => {
            if let Some(command) = choice.command(Timestamp::now()) {
                commands.send(command);
            }
        }
    }
}

/// Clicks come on threads of the menu's library.
fn listen(sender: &Sender<Event>) {
    let choices = sender.clone();
    MenuEvent::set_event_handler(Some(move |event: MenuEvent| {
        if let Some(choice) = Choice::ALL.into_iter().find(|choice| event.id.as_ref() == id(*choice)) {
            let _ = choices.send(Event::Choice(choice));
        }
    }));
    let clicks = sender.clone();
    TrayIconEvent::set_event_handler(Some(move |event: TrayIconEvent| {
        if let TrayIconEvent::Click { button: MouseButton::Left, .. } = event {
            let _ = clicks.send(Event::Choice(Choice::Open));
        }
    }));
}

/// Of the menu's entry, and nobody else's.
fn id(choice: Choice) -> String {
    format!("{choice:?}")
}

struct Shown {
    icon: TrayIcon,
    words: MenuItem,
    pause: Submenu,
    resume: MenuItem,
}

impl Shown {
    fn new(face: Option<&Face>) -> Option<Self> {
        let made =
            Self::make().inspect_err(|error| tracing::warn!("no tray: {}", studio_runtime::told(error)));
        let made = made.ok()?;
        if let Some(face) = face {
            made.wear(face);
        }
        Some(made)
    }

    fn make() -> Result<Self, tray_icon::Error> {
        let item = |choice: Choice| MenuItem::with_id(id(choice), choice.label(), true, None);
        let words = MenuItem::new("Starting", false, None);
        let pauses =
            [Choice::PauseQuarter, Choice::PauseHour, Choice::PauseTomorrow, Choice::Pause].map(item);
        let pause = Submenu::new("Pause", false);
        let resume = item(Choice::Resume);
        let menu = Menu::new();
        let filled = (|| {
            for entry in &pauses {
                pause.append(entry)?;
            }
            let line = PredefinedMenuItem::separator;
            menu.append_items(&[
                &words,
                &line(),
                &item(Choice::Open),
                &pause,
                &resume,
                &line(),
                &item(Choice::Quit),
            ])
        })();
        if let Err(error) = filled {
            tracing::warn!("the tray's menu is not whole: {}", studio_runtime::told(&error));
        }
        let icon = TrayIconBuilder::new()
            .with_id("studio-worker")
            .with_title("Studio worker")
            .with_menu(Box::new(menu))
            .build()?;
        Ok(Self { icon, words, pause, resume })
    }

    fn wear(&self, face: &Face) {
        let drawn = Icon::from_rgba(draw(face.state), SIDE, SIDE).ok();
        // Errors of these come from systems that this is not built for.
        let _ = self.icon.set_icon(drawn);
        let _ = self.icon.set_tooltip(Some(face.tooltip()));
        // An ampersand would underline the letter after it.
        self.words.set_text(face.words.replace('&', "&&"));
        self.pause.set_enabled(face.can_pause);
        self.resume.set_enabled(face.can_resume);
    }
}
