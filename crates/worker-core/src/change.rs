//! The owner changes something while the worker runs: settings, the studio's address.

use std::time::Instant;

use studio_protocol::{Feature, LogLevel, WorkerClose};

use crate::link::Link;
use crate::registration::Registering;
use crate::{Identity, Settings, Worker};

impl Worker {
    /// Takes other settings up; whether it is paused is told by itself.
    pub(crate) fn settings_changed(&mut self, now: Instant, new: Settings) {
        let before = self.settings.features();
        self.settings = new;
        if before != self.settings.features() && self.link.socket().is_some() {
            // What a session uses is agreed upon at its beginning.
            self.renegotiate = true;
        }
        self.hurry_heartbeat(now);
    }

    /// The studio has another address: everything that was on its way to the old one is tried again there.
    pub(crate) fn studio_moved(&mut self, now: Instant) {
        self.last_trouble = None;
        self.failures = 0;
        match self.identity {
            Identity::Approved { .. } => self.reconnect(now),
            Identity::Pristine { .. } | Identity::Pending { .. } | Identity::Rejected { .. } => {
                self.registering = Registering::default();
            }
        }
    }

    /// What the owner changed is in the next heartbeat, which is now.
    pub(crate) fn hurry_heartbeat(&mut self, now: Instant) {
        if let Link::Open(open) = &mut self.link {
            open.next_heartbeat = now;
        }
    }

    /// Begins a session with other features as soon as that cannot cost a job.
    pub(crate) fn renegotiate(&mut self, now: Instant) {
        let keeps_jobs = self.link.uses(Feature::Resume) || self.jobs.is_empty();
        if self.renegotiate && keeps_jobs && !self.is_ending() {
            self.log(LogLevel::Info, "connecting anew: the settings changed".to_owned(), None);
            self.reconnect(now);
        }
    }

    fn reconnect(&mut self, now: Instant) {
        self.renegotiate = false;
        if self.link.socket().is_some() {
            self.push(crate::Effect::Close(WorkerClose::SessionEnded));
        }
        self.heard_last = self.link.open().map(|open| open.heard).or(self.heard_last);
        self.link = Link::Waiting { until: now };
        self.link_due(now);
    }
}
