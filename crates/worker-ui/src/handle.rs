//! How the tray, signals and a second start reach the window, from any thread and whether it is shown or not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use eframe::egui::Context;

/// What the window is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowAsk {
    /// Show it, in front of all others.
    Show,
    /// Close it for good, and end [`run`](crate::run).
    Quit,
}

/// The sending end: cheap to clone, and never waits.
#[derive(Debug, Clone)]
pub struct WindowHandle {
    asks: Sender<WindowAsk>,
    shared: Arc<Shared>,
}

/// The receiving end, for [`Options`](crate::Options).
#[derive(Debug)]
pub struct WindowAsks {
    asks: Receiver<WindowAsk>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    tray: AtomicBool,
    keep: AtomicBool,
    /// Of the window that is shown now.
    window: Mutex<Option<ContextOf>>,
}

struct ContextOf(Context);

impl std::fmt::Debug for ContextOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Context")
    }
}

/// Both ends.
pub fn window_channel() -> (WindowHandle, WindowAsks) {
    // Unbounded, because whoever asks may be a signal's thread that must not wait; people and signals are few.
    let (sender, receiver) = channel();
    let shared = Arc::<Shared>::default();
    (WindowHandle { asks: sender, shared: Arc::clone(&shared) }, WindowAsks { asks: receiver, shared })
}

impl WindowHandle {
    /// Shows the window, in front of all others.
    pub fn show(&self) {
        self.ask(WindowAsk::Show);
    }

    /// Closes the window for good.
    pub fn quit(&self) {
        self.ask(WindowAsk::Quit);
    }

    /// Whether there is a tray to come back from: closing the window then hides it.
    pub fn set_tray(&self, there: bool) {
        self.shared.tray.store(there, Ordering::Relaxed);
    }

    /// Whether the worker ends with the window: closing it then only minimizes it where there is no tray.
    pub fn set_keep(&self, keep: bool) {
        self.shared.keep.store(keep, Ordering::Relaxed);
    }

    /// Draws a frame soon, if the window is shown.
    pub fn wake(&self) {
        if let Some(window) = &*self.shared.window.lock().unwrap_or_else(PoisonError::into_inner) {
            window.0.request_repaint();
        }
    }

    fn ask(&self, ask: WindowAsk) {
        // Nobody listens once the window has ended.
        let _ = self.asks.send(ask);
        self.wake();
    }
}

impl WindowAsks {
    /// Whether closing the window hides it.
    pub(crate) fn tray(&self) -> bool {
        self.shared.tray.load(Ordering::Relaxed)
    }

    /// Whether closing the window by hand leaves it open.
    pub(crate) fn keep(&self) -> bool {
        self.shared.keep.load(Ordering::Relaxed)
    }

    /// The next one, if there is one now.
    pub(crate) fn next(&self) -> Option<WindowAsk> {
        self.asks.try_recv().ok()
    }

    /// Waits for the next one; `None` when nobody can ask any more.
    pub(crate) fn wait(&self) -> Option<WindowAsk> {
        self.asks.recv().ok()
    }

    /// Where [`WindowHandle::wake`] goes from now on.
    pub(crate) fn shown(&self, window: Option<&Context>) {
        *self.shared.window.lock().unwrap_or_else(PoisonError::into_inner) = window.cloned().map(ContextOf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_arrive_in_their_order_and_wake_the_window_that_is_shown() {
        let (handle, asks) = window_channel();
        handle.show();
        let ctx = Context::default();
        let woken = Arc::new(AtomicBool::new(false));
        let callback = Arc::clone(&woken);
        ctx.set_request_repaint_callback(move |_| callback.store(true, Ordering::Relaxed));
        asks.shown(Some(&ctx));
        assert!(!woken.load(Ordering::Relaxed));
        handle.quit();
        assert!(woken.load(Ordering::Relaxed));
        assert_eq!(
            (asks.next(), asks.next(), asks.next()),
            (Some(WindowAsk::Show), Some(WindowAsk::Quit), None)
        );
        assert!(!asks.tray());
        handle.set_tray(true);
        assert!(asks.tray());
    }
}
