//! Notifications of the desktop: what the setting `notify_on` asks for, as soon as this window sees it happen.
//!
//! `watch` decides, on a thread of its own that also shows what was decided: a desktop may take its time.

mod watch;

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use worker_local::Notice;

use crate::controller::OnView;
use watch::{Note, Seen, Watch};

/// Notifications that nobody shows yet.
#[derive(Debug)]
pub struct Notifier {
    seen: Receiver<Seen>,
}

impl Notifier {
    /// One, and what is to see every view for it.
    pub fn new() -> (Self, OnView) {
        // Unbounded, because the controller must not wait; only what differs from the last is sent.
        let (sender, receiver) = channel();
        let mut last = None;
        let on_view: OnView = Box::new(move |view| {
            let seen = Seen::of(view);
            if last.as_ref() != Some(&seen) {
                last = Some(seen.clone());
                // The thread ends with the process.
                let _ = sender.send(seen);
            }
        });
        (Self { seen: receiver }, on_view)
    }

    /// Shows them for as long as the process runs.
    pub fn start(self) -> std::io::Result<()> {
        std::thread::Builder::new().name("notifier".to_owned()).spawn(move || follow(&self.seen))?;
        Ok(())
    }
}

fn follow(all: &Receiver<Seen>) {
    let (mut watch, mut desktop) = (Watch::default(), Desktop::default());
    let mut last = Seen::default();
    loop {
        let wait = watch.due().map_or(Duration::MAX, |due| due.saturating_duration_since(Instant::now()));
        match all.recv_timeout(wait) {
            Ok(seen) => last = seen,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        for note in watch.look(&last, Instant::now()) {
            desktop.show(&note);
        }
    }
}

/// What shows notifications.
#[derive(Debug, Default)]
struct Desktop {
    /// A newer one of a sort takes the place of the last, so that many do not pile up.
    shown: HashMap<Notice, u32>,
    /// Whether it was told that they cannot be shown.
    told: bool,
}

impl Desktop {
    fn show(&mut self, note: &Note) {
        let mut notification = notify_rust::Notification::new();
        notification.appname("Studio worker").summary(&note.title).body(&plain(&note.words));
        if let Some(id) = self.shown.get(&note.notice) {
            notification.id(*id);
        }
        match notification.show() {
            Ok(shown) => self.remember(note.notice, &shown),
            Err(error) if !self.told => {
                self.told = true;
                tracing::warn!("the desktop shows no notifications: {}", studio_runtime::told(&error));
            }
            Err(_) => {}
        }
    }

    #[cfg(target_os = "linux")]
    fn remember(&mut self, notice: Notice, shown: &notify_rust::NotificationHandle) {
        self.shown.insert(notice, shown.id());
    }

    /// These desktops stack them by themselves.
    #[cfg(not(target_os = "linux"))]
    fn remember<T>(&mut self, _notice: Notice, _shown: &T) {}
}

/// Some desktops take the text for markup and others do not, so it has none of its signs.
fn plain(words: &str) -> String {
    words.replace('<', "‹").replace('>', "›").replace('&', "＆")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markup() {
        assert_eq!(plain("<b>Sword</b> & shield"), "‹b›Sword‹/b› ＆ shield");
    }
}
