//! What the daemon shows: published by its task, read by the handlers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use worker_local::Status;

/// Changes within it are shown together: ten pictures a second look alive.
const INTERVAL: Duration = Duration::from_millis(100);
/// How long after the last question the daemon goes on to publish by itself: twice the longest wait of a client.
const WATCHED_FOR: Duration = Duration::from_mins(1);

/// The daemon's side.
#[derive(Debug)]
pub(crate) struct Board {
    publish: watch::Sender<Arc<Status>>,
    /// Until when somebody looks; nobody's status is not even made.
    watched_until: Option<Instant>,
    next: Instant,
    changed: bool,
}

/// The handlers' side.
pub(crate) type Published = watch::Receiver<Arc<Status>>;

impl Board {
    /// With what is known at the start; it is made anew for the first who asks.
    pub(crate) fn new(first: Status) -> Self {
        let publish = watch::Sender::new(Arc::new(first));
        Self { publish, watched_until: None, next: Instant::now(), changed: true }
    }

    /// What handlers read.
    pub(crate) fn published(&self) -> Published {
        self.publish.subscribe()
    }

    /// Something may have changed.
    pub(crate) fn touch(&mut self) {
        self.changed = true;
    }

    /// Somebody looks, and will go on to look.
    pub(crate) fn look(&mut self) {
        self.watched_until = Some(Instant::now() + WATCHED_FOR);
    }

    /// Whether somebody has looked lately.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched_until.is_some_and(|until| Instant::now() < until)
    }

    /// When [`Board::show`] is to be called.
    pub(crate) fn due(&self) -> Option<Instant> {
        (self.changed && self.is_watched()).then_some(self.next)
    }

    /// Whether what is published is behind, and may be replaced already.
    pub(crate) fn is_due(&self) -> bool {
        self.changed && self.next <= Instant::now()
    }

    /// Publishes `status` as the next generation, if it says anything new; returns what is published.
    pub(crate) fn show(&mut self, mut status: Status) -> Arc<Status> {
        self.changed = false;
        let before = self.publish.borrow().clone();
        status.generation = before.generation;
        if status == *before {
            return before;
        }
        status.generation += 1;
        self.next = Instant::now() + INTERVAL;
        let status = Arc::new(status);
        self.publish.send_replace(Arc::clone(&status));
        status
    }

    /// What is published.
    pub(crate) fn shown(&self) -> Arc<Status> {
        self.publish.borrow().clone()
    }
}
