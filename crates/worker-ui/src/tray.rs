//! The tray: how the worker is at a glance, and the pause within two clicks.
//!
//! A thread of its own has the icon, because a hidden window draws no frames and its thread sleeps. Only Linux so far:
//! elsewhere the icon would have to live on the window's thread.

mod face;
mod icon;
#[cfg(target_os = "linux")]
mod shown;
#[cfg(target_os = "linux")]
mod watcher;

use std::sync::mpsc::{Receiver, Sender, channel};

use crate::controller::OnView;
use crate::{Commands, WindowHandle};

pub use face::{Choice, Face};
pub use icon::{SIDE, draw};

/// What reaches the tray's thread.
#[derive(Debug)]
enum Event {
    /// The worker looks different.
    Face(Face),
    /// Somebody chose from the menu.
    Choice(Choice),
    /// Whether the desktop shows icons.
    #[cfg(target_os = "linux")]
    Watcher(bool),
}

/// A tray that is not there yet.
#[derive(Debug)]
pub struct Tray {
    events: Receiver<Event>,
    sender: Sender<Event>,
}

impl Tray {
    /// A tray, and what is to see every view for it.
    pub fn new() -> (Self, OnView) {
        // Unbounded, because the controller must not wait; a face is sent only when it differs from the last.
        let (sender, events) = channel();
        let faces = sender.clone();
        let mut last = None;
        let on_view: OnView = Box::new(move |view| {
            let face = Face::of(view);
            if last.as_ref() != Some(&face) {
                last = Some(face.clone());
                // The thread ends with the process.
                let _ = faces.send(Event::Face(face));
            }
        });
        (Self { events, sender }, on_view)
    }

    /// Shows it wherever the desktop has a place for it, for as long as the process runs.
    #[cfg(target_os = "linux")]
    pub fn start(self, window: WindowHandle, commands: Commands) -> std::io::Result<()> {
        let Self { events, sender } = self;
        let watcher = sender.clone();
        let threads = std::thread::Builder::new;
        threads().name("tray-watcher".to_owned()).spawn(move || {
            let told = watcher::follow(&|there| watcher.send(Event::Watcher(there)).is_ok());
            if let Err(error) = told {
                tracing::debug!("no tray: {}", studio_runtime::told(&error));
            }
        })?;
        threads().name("tray".to_owned()).spawn(move || shown::run(&events, &sender, &window, &commands))?;
        Ok(())
    }

    /// There is none here.
    #[cfg(not(target_os = "linux"))]
    pub fn start(self, window: WindowHandle, commands: Commands) -> std::io::Result<()> {
        drop((self.events, self.sender, window, commands));
        Ok(())
    }
}
