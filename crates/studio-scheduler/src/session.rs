//! One worker's session as the coordinator sees it: what it can take, and what it is busy with.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use studio_protocol::{Capabilities, Feature, FeatureSet, JobId, TaskKind, UserPresence, WorkerId};

use crate::queue::ClassKey;

/// An open session.
#[derive(Debug)]
pub(crate) struct Session {
    pub worker: WorkerId,
    pub features: FeatureSet,
    pub capabilities: Arc<Capabilities>,
    pub last_frame: Instant,
    /// The first heartbeat has come: the claims that the worker holds are known.
    pub in_service: bool,
    /// No offers before the next heartbeat: it said so itself, or the store could not make a claim.
    pub blocked: bool,
    /// It said goodbye or gave a job back: no more offers in this session.
    pub leaving: bool,
    /// Jobs that it is not offered, until when; `None`: until its next heartbeat.
    pub refused: HashMap<JobId, Option<Instant>>,
    /// Jobs that were taken from it and that it may still be running.
    pub winding_down: HashSet<JobId>,
    /// A job that it names but that was not given to it in this life of the studio's memory.
    pub foreign: Option<JobId>,
    /// The model of its last job, which it probably still has loaded, and how many jobs in a row had it.
    pub resident: Option<Arc<str>>,
    pub streak: u32,
    /// When it last became free, as a count: who waits longest goes first.
    pub free_since: u64,
}

impl Session {
    pub fn new(now: Instant, worker: WorkerId, capabilities: Arc<Capabilities>, studio: FeatureSet) -> Self {
        Self {
            worker,
            features: capabilities.features.intersection(studio),
            capabilities,
            last_frame: now,
            in_service: false,
            blocked: false,
            leaving: false,
            refused: HashMap::new(),
            winding_down: HashSet::new(),
            foreign: None,
            resident: None,
            streak: 0,
            free_since: 0,
        }
    }

    pub fn has(&self, feature: Feature) -> bool {
        self.features.has(feature)
    }

    /// Whether it may be offered anything at all.
    pub fn takes_offers(&self) -> bool {
        let presence_fits =
            !self.capabilities.only_when_idle || self.capabilities.user_presence == Some(UserPresence::Idle);
        self.in_service && !self.blocked && !self.leaving && self.capabilities.auto_enabled && presence_fits
    }

    /// Whether it can run jobs of a class (protocol section 6).
    pub fn can_serve(&self, class: &ClassKey) -> bool {
        self.capabilities.takes_kind(class.kind)
            && self.capabilities.model_engines.iter().any(|engine| **engine == *class.engine)
            && self.capabilities.vram_threshold_gb >= class.vram_gb
    }

    /// How many jobs of a kind it runs at a time, given that `all` are running and `same` of them are of that kind.
    pub fn has_slot(&self, kind: TaskKind, all: usize, same: usize) -> bool {
        let foreign = self.foreign.iter().filter(|job| !self.winding_down.contains(*job)).count();
        let shadows = self.winding_down.len() + foreign;
        if self.has(Feature::Slots) && !self.capabilities.slots.is_empty() {
            let slots = self.capabilities.slots.get(kind.as_str()).copied().unwrap_or_default();
            return same + shadows < slots as usize;
        }
        all + shadows == 0
    }

    pub fn is_refused(&self, job: &JobId) -> bool {
        self.refused.contains_key(job)
    }

    /// Forgets refusals whose time is over; says whether there were any.
    pub fn forgive(&mut self, now: Instant) -> bool {
        let before = self.refused.len();
        self.refused.retain(|_, until| until.is_none_or(|until| now < until));
        self.refused.len() < before
    }

    /// Notes that a job of `model` was given to it.
    pub fn given(&mut self, model: &Arc<str>) {
        if self.resident.as_ref() == Some(model) {
            self.streak = self.streak.saturating_add(1);
        } else {
            self.resident = Some(model.clone());
            self.streak = 1;
        }
    }
}
