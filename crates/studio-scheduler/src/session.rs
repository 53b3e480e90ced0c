//! One worker's session as the coordinator sees it: what it can take, and what it is busy with.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use studio_protocol::{
    Capabilities, Feature, FeatureSet, JobId, ProjectId, TaskKind, UserPresence, WorkerId,
};

use crate::WorkerLimits;
use crate::queue::ClassKey;
use crate::speed;

/// Models that a worker may report in one list: more than a disk holds, so that nobody fills our memory.
const MAX_REPORTED_MODELS: usize = 4_096;

/// Projects that an owner may name: more than any studio has of them in use.
const MAX_ACCEPTED_PROJECTS: usize = 1_024;

/// How close a model is to running; the best comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Warmth {
    /// In memory.
    Loaded,
    /// On disk.
    Present,
    /// Neither, or nobody knows.
    Cold,
}

/// How fast a session is with a model; the best comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pace {
    /// It measures speeds and had no chance yet: one job tells.
    Untried,
    /// The negated step of its speed.
    Measured(i32),
    /// It tells no speed.
    Unknown,
}

/// An open session.
#[derive(Debug)]
pub(crate) struct Session {
    pub worker: WorkerId,
    pub features: FeatureSet,
    pub capabilities: Arc<Capabilities>,
    /// What an operator lets it have.
    pub limits: Arc<WorkerLimits>,
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
    /// The model of its last job, which it probably still has loaded.
    pub resident: Option<Arc<str>>,
    /// How many jobs in a row had a model that was loaded.
    pub streak: u32,
    /// The projects that its owner lets in; absent: all.
    accepted: Option<HashSet<ProjectId>>,
    /// What the last heartbeat said.
    loaded: HashSet<String>,
    present: HashSet<String>,
    /// For each model the step of the speed that it reports.
    steps: HashMap<String, i32>,
    /// Models that it was given in this session.
    tried: HashSet<Arc<str>>,
    /// When it last became free, as a count: who waits longest goes first.
    pub free_since: u64,
}

impl Session {
    pub fn new(now: Instant, worker: WorkerId, capabilities: Arc<Capabilities>, studio: FeatureSet) -> Self {
        Self {
            worker,
            features: capabilities.features.intersection(studio),
            capabilities,
            limits: Arc::default(),
            last_frame: now,
            in_service: false,
            blocked: false,
            leaving: false,
            refused: HashMap::new(),
            winding_down: HashSet::new(),
            foreign: None,
            resident: None,
            streak: 0,
            accepted: None,
            loaded: HashSet::new(),
            present: HashSet::new(),
            steps: HashMap::new(),
            tried: HashSet::new(),
            free_since: 0,
        }
    }

    /// Takes note of what a heartbeat says.
    pub fn describe(&mut self, capabilities: Arc<Capabilities>, holds: impl Fn(&str) -> bool) {
        if self.has(Feature::Options) {
            let first = |models: &[String]| models.iter().take(MAX_REPORTED_MODELS).cloned().collect();
            self.loaded = first(&capabilities.loaded_models);
            if self.capabilities.present_models != capabilities.present_models || self.present.is_empty() {
                self.present = first(&capabilities.present_models);
            }
            let speeds = capabilities.model_speeds.iter().take(MAX_REPORTED_MODELS);
            let former = std::mem::take(&mut self.steps);
            self.steps = speeds
                .filter_map(|(model, speed)| {
                    let step = speed::step(*speed, former.get(model).copied())?;
                    Some((model.clone(), step))
                })
                .collect();
            // It gave the model's memory back, unless a job of it is on its way there.
            self.resident.take_if(|model| !self.loaded.contains(&**model) && !holds(model));
        }
        let projects = capabilities.accept.iter().flat_map(|accept| &accept.projects);
        let projects: HashSet<_> =
            projects.take(MAX_ACCEPTED_PROJECTS).map(|name| ProjectId::from(name.as_str())).collect();
        self.accepted = (!projects.is_empty()).then_some(projects);
        self.capabilities = capabilities;
    }

    /// Whether an operator and its owner let it have jobs of a project.
    pub fn takes_project(&self, project: &ProjectId) -> bool {
        self.limits.takes_project(project)
            && self.accepted.as_ref().is_none_or(|accepted| accepted.contains(project))
    }

    pub fn warmth(&self, model: &Arc<str>) -> Warmth {
        if self.resident.as_ref() == Some(model) || self.loaded.contains(&**model) {
            Warmth::Loaded
        } else if self.present.contains(&**model) {
            Warmth::Present
        } else {
            Warmth::Cold
        }
    }

    pub fn pace(&self, model: &Arc<str>) -> Pace {
        match self.steps.get(&**model) {
            Some(step) => Pace::Measured(-step),
            None if self.has(Feature::Options) && !self.tried.contains(model) => Pace::Untried,
            None => Pace::Unknown,
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
            && self.limits.takes_kind(class.kind)
            && self.capabilities.model_engines.iter().any(|engine| **engine == *class.engine)
            && self.capabilities.vram_threshold_gb >= class.vram_gb
            && (!class.needs_options || self.has(Feature::Options))
    }

    /// How many jobs of a kind it runs at a time, given that `all` are running and `same` of them are of that kind.
    pub fn has_slot(&self, kind: TaskKind, all: usize, same: usize) -> bool {
        let foreign = self.foreign.iter().filter(|job| !self.winding_down.contains(*job)).count();
        let shadows = self.winding_down.len() + foreign;
        if !self.limits.has_room(all + shadows) {
            return false;
        }
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
        let is_loaded = self.warmth(model) == Warmth::Loaded;
        self.streak = if is_loaded { self.streak.saturating_add(1) } else { 1 };
        if self.resident.as_ref() != Some(model) {
            self.resident = Some(model.clone());
        }
        if self.tried.len() < MAX_REPORTED_MODELS && !self.tried.contains(model) {
            self.tried.insert(model.clone());
        }
    }
}
