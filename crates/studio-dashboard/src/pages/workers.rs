//! Who works here: requests to join, every worker, and one of them.

mod detail;
mod limits;
mod list;

use maud::{Markup, html};
use studio_api::Worker;
use studio_protocol::{Capabilities, UserPresence};

pub use detail::{Detail, page as detail};
pub use list::{Row, Workers, page};

use crate::parts::{badge, gib, meter};

/// Something about a worker that somebody should look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It was approved and has no session.
    Offline,
    /// An operator paused it, or sent it home.
    Paused,
    /// A newer version is known.
    Outdated,
    /// Its disk has little room for models.
    LowDisk,
}

impl Trouble {
    /// The worst first.
    pub const ALL: [Self; 4] = [Self::Offline, Self::LowDisk, Self::Paused, Self::Outdated];

    /// What follows after "2 workers".
    pub fn words(self, count: usize) -> &'static str {
        match (self, count) {
            (Self::Offline, 1) => "is offline",
            (Self::Offline, _) => "are offline",
            (Self::Paused, 1) => "is paused",
            (Self::Paused, _) => "are paused",
            (Self::LowDisk, 1) => "has little room on its disk",
            (Self::LowDisk, _) => "have little room on their disks",
            (Self::Outdated, 1) => "is out of date",
            (Self::Outdated, _) => "are out of date",
        }
    }
}

/// Everything that is wrong with a worker.
pub fn troubles(worker: &Worker) -> Vec<Trouble> {
    let mut found = Vec::new();
    // Who was sent home is not missed.
    if !worker.online && !worker.draining {
        found.push(Trouble::Offline);
    }
    if worker.paused || worker.draining {
        found.push(Trouble::Paused);
    }
    if worker.online && worker.outdated {
        found.push(Trouble::Outdated);
    }
    if worker.online && has_low_disk(&worker.capabilities) {
        found.push(Trouble::LowDisk);
    }
    found
}

/// Room for models below which a worker needs somebody, GiB: a picture model does not fit any more.
const LOW_DISK_GB: f64 = 5.0;

fn has_low_disk(has: &Capabilities) -> bool {
    let free = has.resources.as_ref().and_then(|resources| resources.disk_free_gb);
    free.is_some_and(|free| free < LOW_DISK_GB)
}

/// A meter for memory that is nearly full from here on.
const HIGH_MEMORY: f64 = 0.9;

/// Its memories and its disk, as far as it tells of them.
pub fn meters(worker: &Worker) -> Markup {
    let has = &worker.capabilities;
    let Some(resources) = &has.resources else { return html! { span { (list::memory(worker)) } } };
    let bar = |label: &str, used: Option<f64>, total: Option<f64>| {
        let (Some(used), Some(total)) = (used, total.filter(|total| *total > 0.0)) else { return html! {} };
        meter(label, used, total, HIGH_MEMORY, &format!("{label}: {} of {}", gib(used), gib(total)))
    };
    let vram = Some(has.vram_total_gb);
    let disk_used = resources.disk_total_gb.zip(resources.disk_free_gb).map(|(total, free)| total - free);
    html! {
        @if resources.vram_used_gb.is_none() || has.vram_total_gb <= 0.0 { span { (list::memory(worker)) } }
        (bar("GPU memory", resources.vram_used_gb, vram))
        (bar("Memory", resources.ram_used_gb, resources.ram_total_gb))
        (bar("Disk", disk_used, resources.disk_total_gb))
    }
}

/// Whether it is there and takes jobs.
pub fn state(worker: &Worker) -> Markup {
    html! {
        span.badges {
            @if worker.online { (badge("good", "online")) } @else { (badge("bad", "offline")) }
            @if worker.draining { (badge("warn", if worker.online { "draining" } else { "sent home" })) }
            @else if worker.paused { (badge("warn", "paused")) }
            @else if worker.online && !worker.capabilities.auto_enabled { (badge("idle", "paused by its owner")) }
            @if worker.online && worker.capabilities.user_presence == Some(UserPresence::Active) {
                (badge("idle", "in use by a person"))
            }
            @if worker.outdated { (badge("warn", "out of date")) }
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
