//! What the owner may change while engines run.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::super::actor::Ask;
use super::super::settings::FOREVER;
use super::{Host, LaneKey};

/// How models come and go; see [`EngineSettings`](crate::engines::EngineSettings).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tuning {
    /// A model without a job for this long leaves memory.
    pub idle_ttl: Duration,
    /// Models that stay in memory.
    pub resident: BTreeSet<String>,
    /// Memory that is left alone when a model is loaded, bytes.
    pub reserve: u64,
}

impl Host {
    /// Lanes that are there hear of it, later ones are made with it.
    pub(super) async fn tune(&mut self, tuning: Tuning) {
        let settings = Arc::make_mut(&mut self.settings);
        settings.idle_ttl = tuning.idle_ttl;
        settings.resident = tuning.resident;
        settings.reserve = tuning.reserve;
        let ttls: Vec<Duration> = self.lanes.keys().map(|key| self.idle_ttl(key)).collect();
        for ((key, lane), ttl) in self.lanes.iter_mut().zip(ttls) {
            lane.resident = self.settings.resident.contains(&key.1);
            let _ = lane.mailbox.send(Ask::IdleTtl(ttl)).await;
        }
    }

    /// How long a lane keeps its process without a job.
    pub(super) fn idle_ttl(&self, key: &LaneKey) -> Duration {
        match &key.1 {
            // It has said what it can do: nothing else is wanted of this process.
            model if model.is_empty() => Duration::ZERO,
            model if self.settings.resident.contains(model) => FOREVER,
            _ => self.settings.idle_ttl,
        }
    }
}
