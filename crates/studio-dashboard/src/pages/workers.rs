//! Who works here: requests to join, every worker, and one of them.

mod detail;
mod list;

use maud::{Markup, html};
use studio_api::Worker;
use studio_protocol::{Capabilities, UserPresence};

pub use detail::{Detail, page as detail};
pub use list::{Row, Workers, page};

use crate::parts::{badge, gib};

/// Something about a worker that somebody should look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It was approved and has no session.
    Offline,
    /// An operator paused it.
    Paused,
}

impl Trouble {
    /// The worst first.
    pub const ALL: [Self; 2] = [Self::Offline, Self::Paused];

    /// What follows after "2 workers".
    pub fn words(self, count: usize) -> &'static str {
        match (self, count) {
            (Self::Offline, 1) => "is offline",
            (Self::Offline, _) => "are offline",
            (Self::Paused, 1) => "is paused",
            (Self::Paused, _) => "are paused",
        }
    }
}

/// Everything that is wrong with a worker.
pub fn troubles(worker: &Worker) -> Vec<Trouble> {
    let mut found = Vec::new();
    if !worker.online {
        found.push(Trouble::Offline);
    }
    if worker.paused {
        found.push(Trouble::Paused);
    }
    found
}

/// Whether it is there and takes jobs.
pub fn state(worker: &Worker) -> Markup {
    html! {
        span.badges {
            @if worker.online { (badge("good", "online")) } @else { (badge("bad", "offline")) }
            @if worker.paused { (badge("warn", "paused")) }
            @else if worker.online && !worker.capabilities.auto_enabled { (badge("idle", "paused by its owner")) }
            @if worker.online && worker.capabilities.user_presence == Some(UserPresence::Active) {
                (badge("idle", "in use by a person"))
            }
        }
    }
}

/// A machine in a line.
pub fn summary(has: &Capabilities) -> String {
    let mut parts = Vec::new();
    if has.vram_total_gb > 0.0 {
        parts.push(format!("{} GPU memory", gib(has.vram_total_gb)));
    } else {
        parts.push("no GPU known".to_owned());
    }
    if !has.task_kinds.is_empty() {
        parts.push(has.task_kinds.join(", "));
    }
    if !has.agent_version.is_empty() {
        parts.push(format!("version {}", has.agent_version));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests;
