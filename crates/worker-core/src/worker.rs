//! The whole worker: dispatch of inputs, deadlines, and what follows from every change.

use std::collections::BTreeSet;
use std::time::Instant;

use studio_protocol::{
    Capabilities, Feature, JobId, LogLevel, Release, TaskKind, UserPresence, WorkerFrame, WorkerId,
};

use crate::fails::Fails;
use crate::jobs::{Job, Jobs};
use crate::link::Link;
use crate::logs::Logs;
use crate::outbox::Outbox;
use crate::owner::Owner;
use crate::pause::Memory;
use crate::registration::Registering;
use crate::release::OWNER_RELEASES;
use crate::{
    Draw, Effect, ExitReason, Hold, Identity, Input, Machine, Pause, ProgressReport, Settings, SpoolEntry,
};

/// One worker; see the crate's documentation for how a shell drives it.
pub struct Worker {
    pub(crate) settings: Settings,
    pub(crate) draw: Box<dyn Draw>,
    pub(crate) machine: Machine,
    pub(crate) identity: Identity,
    pub(crate) registering: Registering,
    pub(crate) link: Link,
    /// The number of the latest connection.
    pub(crate) sockets: u64,
    /// Connections in a row that ended without a welcome, and the end of the last welcomed one.
    pub(crate) failures: u32,
    /// When the last session that was welcomed heard its last frame.
    pub(crate) heard_last: Option<Instant>,
    /// Whether this process was ever welcomed: before it, no upload is tried.
    pub(crate) was_welcomed: bool,
    pub(crate) jobs: Jobs,
    pub(crate) outbox: Outbox,
    pub(crate) fails: Fails,
    pub(crate) logs: Logs,
    pub(crate) pause: Option<Pause>,
    pub(crate) owner: Owner,
    pub(crate) memory: Memory,
    /// Jobs that were given back and whose engines have not said their last word.
    pub(crate) winding_down: BTreeSet<JobId>,
    /// Given back while there was no session.
    pub(crate) unsaid: Vec<Release>,
    /// An operator or the owner asked for the end of what runs, and then of the worker.
    pub(crate) draining: bool,
    /// After the first signal: the end of the grace.
    pub(crate) stopping: Option<Instant>,
    /// While the disk under the spool is full: when it is looked at again.
    pub(crate) spool_check: Option<Instant>,
    /// The studio called one of several results a violation.
    pub(crate) cautious: bool,
    pub(crate) last_trouble: Option<String>,
    /// The session uses other features than the settings say by now.
    pub(crate) renegotiate: bool,
    ended: bool,
    out: Vec<Effect>,
}

/// A read-only copy for display.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// `pristine`, `pending`, `approved` or `rejected`.
    pub registration: &'static str,
    /// `off`, `waiting`, `connecting`, `greeting` or `open`.
    pub link: &'static str,
    /// Once approved.
    pub worker_id: Option<WorkerId>,
    /// Takes no offers because the owner or an operator said so.
    pub pause: Option<Pause>,
    /// Takes no offers because of these rules.
    pub holds: Vec<Hold>,
    /// Whether somebody uses the machine, where that was looked at.
    pub presence: Option<UserPresence>,
    /// Takes no offers because it is about to end.
    pub ending: bool,
    /// What runs: id, kind, model, how far.
    pub jobs: Vec<(JobId, TaskKind, String, ProgressReport)>,
    /// Results that the studio has not acknowledged.
    pub waiting_results: usize,
    /// Whether the disk under the spool is full.
    pub spool_full: bool,
    /// Why the last connection or request ended, until a welcome.
    pub last_trouble: Option<String>,
}

impl Worker {
    /// A worker with the results that an earlier process left; those of another identity are forgotten.
    pub fn new(settings: Settings, identity: Identity, spool: Vec<SpoolEntry>, draw: Box<dyn Draw>) -> Self {
        let (ours, others): (Vec<_>, Vec<_>) =
            spool.into_iter().partition(|entry| Some(&entry.worker_id) == identity.worker_id());
        let mut worker = Self {
            pause: settings.pause,
            owner: Owner::new(settings.rules.clone()),
            memory: Memory::default(),
            winding_down: BTreeSet::new(),
            unsaid: Vec::new(),
            settings,
            draw,
            machine: Machine::default(),
            identity,
            registering: Registering::default(),
            link: Link::Off,
            sockets: 0,
            failures: 0,
            heard_last: None,
            was_welcomed: false,
            jobs: Jobs::default(),
            outbox: Outbox::restored(ours),
            fails: Fails::default(),
            logs: Logs::default(),
            draining: false,
            stopping: None,
            spool_check: None,
            cautious: false,
            last_trouble: None,
            renegotiate: false,
            ended: false,
            out: Vec::new(),
        };
        for entry in others {
            let message = format!("dropped the result of another identity, worker {}", entry.worker_id);
            worker.log(LogLevel::Warn, message, Some(&entry.job_id));
            worker.push(Effect::Forget(entry.job_id));
        }
        worker
    }

    /// Takes one thing that happened at `now`, and returns what to do about it, in order.
    pub fn handle(&mut self, now: Instant, input: Input) -> Vec<Effect> {
        if self.ended {
            return Vec::new();
        }
        match input {
            Input::Tick => {}
            Input::Socket { socket, event } => self.socket_event(now, socket, event),
            Input::Registered(answer) => self.registered(now, answer),
            Input::Polled(answer) => self.polled(now, answer),
            Input::Engine(event) => self.engine_event(now, event),
            Input::Spooled { job, outcome } => self.spooled(now, &job, outcome),
            Input::SpoolChecked { writable } => self.spool_checked(now, writable),
            Input::Uploaded { job, attempt, outcome } => self.uploaded(now, &job, attempt, outcome),
            Input::Machine(machine) => self.machine_changed(now, *machine),
            Input::Settings(settings) => self.settings_changed(now, *settings),
            Input::StudioMoved => self.studio_moved(now),
            Input::ResetRegistration => self.reset_registration(now),
            Input::Join(code) => self.join(now, code),
            Input::Pause(pause) => self.pause_for(now, pause),
            Input::Resume => self.resume(now),
            Input::Rules(rules) => self.rules_changed(now, *rules),
            Input::Seen(seen) => self.looked(now, *seen),
            Input::Log(entry) => self.logs.push(entry),
            Input::Shutdown => self.begin_shutdown(now),
            Input::Release(job) => self.release(&job, OWNER_RELEASES),
            Input::Drain => self.begin_drain(),
        }
        // Nothing follows an exit.
        for follow_up in [Self::due, Self::renegotiate, Self::report, Self::settle_memory, Self::settle] {
            if !self.ended {
                follow_up(self, now);
            }
        }
        std::mem::take(&mut self.out)
    }

    /// When [`Worker::handle`] wants to be called with [`Input::Tick`] at the latest.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.ended {
            return None;
        }
        let open = self.link.open();
        let waiting = match &self.link {
            Link::Waiting { until } => Some(*until),
            Link::Off | Link::Connecting { .. } | Link::Greeting { .. } | Link::Open(_) => None,
        };
        let progress =
            self.link.uses(Feature::Progress).then(|| self.jobs.iter().filter_map(Job::progress_due).min());
        let logs = open.and_then(|open| self.logs.due(open.heard));
        [
            self.registering.due(&self.identity),
            waiting,
            self.link.dead_at(),
            open.map(|open| open.next_heartbeat),
            progress.flatten(),
            self.show_due(),
            logs,
            if self.was_welcomed { self.outbox.upload_due() } else { None },
            self.spool_check,
            self.hold_due(),
            self.stopping,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Who this worker is to its studio.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The studio hears at once of engines that came, until then it has no jobs for them, and of what the owner decided.
    fn machine_changed(&mut self, now: Instant, machine: Machine) {
        let is_news = {
            let (new, old) = (&machine.capabilities, &self.machine.capabilities);
            new.model_engines != old.model_engines
                || new.only_when_idle != old.only_when_idle
                || new.vram_threshold_gb.to_bits() != old.vram_threshold_gb.to_bits()
        };
        self.machine = machine;
        if is_news {
            self.hurry_heartbeat(now);
        }
    }

    /// A read-only copy for display.
    pub fn snapshot(&self) -> Snapshot {
        let job = |job: &Job| (job.id.clone(), job.kind, job.model.clone(), job.progress.clone());
        Snapshot {
            registration: self.identity.word(),
            link: self.link.word(),
            worker_id: self.identity.worker_id().cloned(),
            pause: self.pause,
            holds: self.owner.holds().collect(),
            presence: self.presence(),
            ending: self.is_ending(),
            jobs: self.jobs.iter().map(job).collect(),
            waiting_results: self.outbox.len(),
            spool_full: self.spool_check.is_some(),
            last_trouble: self.last_trouble.clone(),
        }
    }

    /// Everything whose time has come.
    fn due(&mut self, now: Instant) {
        self.holds_due(now);
        self.registration_due(now);
        self.link_due(now);
        if self.spool_check.is_some_and(|at| at <= now) {
            self.spool_check = Some(now + crate::SPOOL_RETRY);
            self.push(Effect::CheckSpool);
        }
    }

    /// Brings to the studio what it has not heard yet.
    fn report(&mut self, now: Instant) {
        if self.was_welcomed && self.identity.worker_id().is_some() {
            for entry in self.outbox.take_uploads(now) {
                self.push(Effect::Upload(entry));
            }
        }
        if self.link.open().is_some() {
            self.report_on_session(now);
        }
    }

    /// What the worker says of itself now.
    pub(crate) fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.machine.capabilities.clone();
        capabilities.auto_enabled = !self.is_held() && !self.is_ending();
        capabilities.user_presence = self.presence();
        capabilities.features = self.settings.features();
        if self.settings.has_slots() {
            let slots = |kind: &String| kind.parse().map_or(1, |kind| self.settings.slots_of(kind));
            let kinds = capabilities.task_kinds.iter();
            capabilities.slots = kinds.map(|kind| (kind.clone(), slots(kind))).collect();
        }
        capabilities
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.draining || self.stopping.is_some()
    }

    /// Whether results of earlier connections may be sent all at once.
    pub(crate) fn trusts(&self) -> bool {
        self.link.uses(Feature::Resume) && !self.cautious
    }

    pub(crate) fn push(&mut self, effect: Effect) {
        self.out.push(effect);
    }

    pub(crate) fn send(&mut self, frame: WorkerFrame) {
        self.push(Effect::Send(frame));
    }

    pub(crate) fn exit(&mut self, reason: ExitReason) {
        self.push(Effect::Exit(reason));
        self.ended = true;
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(crate) fn log(&mut self, level: LogLevel, message: String, job: Option<&JobId>) {
        self.push(Effect::Log { level, message, job: job.cloned() });
    }
}
