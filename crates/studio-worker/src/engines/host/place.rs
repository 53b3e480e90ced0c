//! Where what waits goes: to its lane, or nowhere until there is room.

use tokio::sync::oneshot;

use super::super::JobEvent;
use super::super::actor::{Ask, Preload};
use super::super::admission::{Decision, Other, Use, Wish, decide};
use super::super::lane::LaneKey;
use super::super::memory::FreeMemory;
use super::{Host, LoadWish, Waiting};

/// A model takes more than its files: buffers for computing, and what its engine itself needs.
const FILES_FACTOR: f64 = 1.2;
const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

impl Host {
    /// In the order of arrival: what waits for room is not overtaken, or a busy model would keep it out for ever.
    pub(super) async fn place_waiting(&mut self) {
        while let Some(waiting) = self.waiting.pop_front() {
            let key = waiting.key();
            let is_live = self.lanes.get(&key).is_some_and(|lane| lane.is_live() && !lane.leaving);
            if is_live {
                self.hand_over(waiting).await;
                continue;
            }
            match self.decide(&waiting).await {
                Decision::Admit => self.hand_over(waiting).await,
                Decision::Evict(keys) => {
                    self.evict(&keys).await;
                    return self.waiting.push_front(waiting);
                }
                Decision::Wait => return self.waiting.push_front(waiting),
                Decision::Refuse(words) => self.refuse(waiting, &words),
            }
        }
    }

    async fn hand_over(&mut self, waiting: Waiting) {
        let (need, group) = (self.need(&waiting), group(&waiting));
        let key = waiting.key();
        let lane = self.lane(&key);
        lane.group = group;
        if !lane.is_live() {
            lane.need = need;
        }
        lane.leaving = false;
        lane.load.more();
        let ask = match waiting {
            Waiting::Job(job) => Ask::Run(job),
            Waiting::Load(load) => {
                let LoadWish { model, source, answer, .. } = *load;
                Ask::Load(Box::new(Preload { model, source, answer }))
            }
        };
        let _ = lane.mailbox.send(ask).await;
    }

    async fn decide(&self, waiting: &Waiting) -> Decision<LaneKey> {
        let key = waiting.key();
        let (need, group) = (self.need(waiting), group(waiting));
        let on_device = self.lanes.iter().any(|((engine, _), lane)| *engine == key.0 && lane.is_on_device());
        let others: Vec<_> = self
            .lanes
            .iter()
            .filter(|(other, lane)| !other.1.is_empty() && lane.is_live() && **other != key)
            .map(|(other, lane)| Other {
                key: other.clone(),
                holds: if lane.is_on_device() == on_device { lane.holds() } else { 0 },
                usage: lane.usage(),
                resident: lane.resident,
                excluded: group.is_some() && lane.group == group,
                used: lane.used,
            })
            .collect();
        // Its own process is on its way out: its memory is not free yet.
        if self.lanes.get(&key).is_some_and(|lane| lane.usage() == Use::Leaving && lane.is_live()) {
            return Decision::Wait;
        }
        let free = if need == 0 { u64::MAX } else { self.free(on_device).await };
        decide(
            Wish { need, free, reserve: self.settings.reserve, max_lanes: self.settings.max_lanes },
            &others,
        )
    }

    /// What nobody uses and nobody is about to use.
    async fn free(&self, on_device: bool) -> u64 {
        let (answer, measured) = oneshot::channel();
        let probe = self.settings.probe.clone();
        self.tasks.spawn_blocking(move || {
            let _ = answer.send(probe());
        });
        let FreeMemory { host, device } = measured.await.unwrap_or_default();
        // A device that cannot be read is not weighed (protocol section 5).
        let free = if on_device { device.unwrap_or(u64::MAX) } else { host };
        let owed = self.lanes.values().filter(|lane| lane.is_on_device() == on_device).map(super::Lane::owes);
        free.saturating_sub(owed.sum())
    }

    /// Measured when it was loaded before, else what the studio says, else by the size of its files.
    fn need(&self, waiting: &Waiting) -> u64 {
        let key = waiting.key();
        if let Some(bytes) = self.measured.get(&key) {
            return *bytes;
        }
        let (source, vram_gb) = waiting.source();
        let folder = self.settings.models_root.join(&key.1);
        let on_disk = |name: &str| std::fs::metadata(folder.join(name)).map_or(0, |file| file.len());
        let files = source.files.iter().filter(|file| file.has_plain_name());
        let files: u64 = files.map(|file| on_disk(&file.filename).max(file.approx_bytes.unwrap_or(0))).sum();
        if vram_gb > 0.0 && !source.files.is_empty() {
            return (vram_gb * GIB) as u64;
        }
        (files as f64 * FILES_FACTOR) as u64
    }

    async fn evict(&mut self, keys: &[LaneKey]) {
        for key in keys {
            if let Some(lane) = self.lanes.get_mut(key) {
                tracing::info!(engine = key.0, model = key.1, "leaves memory to make room");
                lane.leaving = true;
                let _ = lane.mailbox.send(Ask::Free).await;
            }
        }
    }

    fn refuse(&mut self, waiting: Waiting, words: &str) {
        match waiting {
            Waiting::Job(job) => {
                let error = format!("model `{}` does not fit into memory: {words}", job.model);
                self.outbox.post(JobEvent::OutOfMemory { job_id: job.job_id, error });
            }
            Waiting::Load(load) => {
                let _ = load
                    .answer
                    .send(Err(format!("model `{}` does not fit into memory: {words}", load.model)));
            }
        }
    }
}

/// Models that must not be in memory together name the same group.
fn group(waiting: &Waiting) -> Option<String> {
    let (source, _) = waiting.source();
    source.cli_defaults.more.get("exclusiveGroup")?.as_str().map(str::to_owned)
}
