//! Engines: how long a job takes, what comes of it, and what goes wrong.

use std::time::Duration;

use serde_json::value::RawValue;
use studio_protocol::{JobId, TaskKind};
use worker_core::{EngineEvent, Input, Output, ProgressReport};

use super::host::HostId;
use super::{Event, World};
use crate::checker::{Fate, Run, Spec};
use crate::trace::note;

/// A hung engine is killed after this.
const WATCHDOG: Duration = Duration::from_secs(45);
/// Between reports of progress.
const STEP: Duration = Duration::from_millis(700);

/// Bringing a model into memory, and onto the disk first.
const LOAD: Duration = Duration::from_millis(1_500);
const DOWNLOAD: Duration = Duration::from_secs(4);

/// A job that takes its worker down does so soon: it may have to five times before the fleet is at rest.
const MAX_POISON_MS: u64 = 8_000;

/// What is decided about a job when it is submitted.
#[derive(Debug)]
pub(crate) struct Plan {
    pub fate: Fate,
    kind: TaskKind,
    model: &'static str,
    takes: Duration,
    runs: u32,
}

/// How an engine ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    Finished,
    Failed {
        error: &'static str,
        retryable: bool,
    },
    Stopped,
    /// The machine goes down with it.
    Fatal,
}

/// The number of the run that made an output.
pub(super) fn run_of(output: &Output) -> u64 {
    match output {
        Output::Json(json) => crate::checker::run_of_json(json.get()).unwrap_or_default(),
        Output::File { path, .. } => {
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            name.parse().unwrap_or_default()
        }
    }
}

fn output(run: u64, kind: TaskKind) -> Output {
    if kind.result_is_json() {
        Output::Json(RawValue::from_string(json_of(run)).expect("a number in an object is JSON"))
    } else {
        Output::File { path: format!("/out/{run}.webp").into(), ext: "webp".to_owned() }
    }
}

pub(super) fn json_of(run: u64) -> String {
    format!(r#"{{"run":{run}}}"#)
}

impl World {
    pub(super) fn plan_jobs(&mut self, jobs: &[JobId], specs: &[Spec]) {
        for (job, spec) in jobs.iter().zip(specs) {
            let most = *self.dice.pick(&[400, 400, 3_000, 3_000, 12_000, 70_000]).unwrap_or(&400);
            let most = if spec.fate == Fate::Poison { most.min(MAX_POISON_MS) } else { most };
            let takes = self.dice.millis(20, most);
            let Spec { fate, kind, model, .. } = *spec;
            self.plans.insert(job.clone(), Plan { fate, kind, model, takes, runs: 0 });
        }
    }

    pub(super) fn kind_of(&self, job: &JobId) -> TaskKind {
        self.plans.get(job).map_or(TaskKind::Llm, |plan| plan.kind)
    }

    /// Starts an engine; returns the number of the run.
    pub(super) fn start_engine(&mut self, host: HostId, job: &JobId, reports: bool) -> u64 {
        self.next_run += 1;
        let (run, life) = (self.next_run, self.hosts[host.0].life);
        let worker = self.hosts[host.0].worker_id().unwrap_or_else(|| "nobody".into());
        self.checker.runs.insert(run, Run { job: job.clone(), worker });
        let trouble = !self.is_calm && self.dice.chance(self.climate.engine_trouble);
        let jitter = 0.8 + 0.4 * self.dice.unit();
        let hangs = self.dice.chance(0.2);
        let Some(plan) = self.plans.get_mut(job) else {
            self.checker.broken(format!("{job} is run, which nobody submitted"));
            return run;
        };
        plan.runs += 1;
        let (model, fate, runs) = (plan.model, plan.fate, plan.runs);
        let machine = &mut self.hosts[host.0];
        let mut takes = plan.takes.mul_f64(jitter / machine.speed);
        if machine.loaded.replace(model) != Some(model) {
            takes += LOAD;
        }
        if machine.present.insert(model) {
            takes += DOWNLOAD;
        }
        let failed = |error, retryable| Ending::Failed { error, retryable };
        let (takes, ending) = match fate {
            Fate::Hopeless => (takes, failed("this can never be done", false)),
            Fate::Flaky(times) if runs <= times => (takes, failed("not this time", true)),
            Fate::Poison => (takes, Ending::Fatal),
            Fate::Good | Fate::Flaky(_) if trouble && hangs => (WATCHDOG, failed("the engine hung", true)),
            Fate::Good | Fate::Flaky(_) if trouble => {
                (takes.mul_f64(0.5), failed("the engine crashed", true))
            }
            Fate::Good | Fate::Flaky(_) => (takes, Ending::Finished),
        };
        note!(self, "{}: runs {job} as run {run}, {ending:?} after {takes:?}", self.hosts[host.0].name);
        self.after(takes, Event::EngineEnd { host, life, run, ending });
        if reports {
            self.after(STEP, Event::EngineStep { host, life, run, step: 1 });
        }
        run
    }

    /// Asks an engine to stop; it may finish before it hears of it.
    pub(super) fn stop_engine(&mut self, host: HostId, job: &JobId) {
        let life = self.hosts[host.0].life;
        let Some(run) = self.ours(host).and_then(|ours| ours.engines.get(job).copied()) else { return };
        note!(self, "{}: stops {job}, run {run}", self.hosts[host.0].name);
        let grace = self.dice.millis(0, 1_100);
        self.after(grace, Event::EngineEnd { host, life, run, ending: Ending::Stopped });
    }

    /// The job of a run that is still under way on a host.
    fn running(&mut self, host: HostId, life: u32, run: u64) -> Option<JobId> {
        let job = self.checker.runs.get(&run)?.job.clone();
        if self.hosts[host.0].life != life {
            return None;
        }
        (self.ours(host)?.engines.get(&job) == Some(&run)).then_some(job)
    }

    pub(super) fn engine_step(&mut self, host: HostId, life: u32, run: u64, step: u32) {
        let Some(job) = self.running(host, life, run) else { return };
        let report = ProgressReport { step, steps: 0, ..ProgressReport::default() };
        if self.kind_of(&job) == TaskKind::Llm {
            let delta =
                EngineEvent::Delta { job: job.clone(), text: format!("{run}.{step} "), reasoning: None };
            self.drive(host, Input::Engine(delta));
        }
        self.drive(host, Input::Engine(EngineEvent::Progress { job, report }));
        self.after(STEP, Event::EngineStep { host, life, run, step: step + 1 });
    }

    /// What it did tells how fast it is; the next heartbeat says so.
    fn measured(&mut self, host: HostId, job: &JobId) {
        let Some(model) = self.plans.get(job).map(|plan| plan.model) else { return };
        if self.hosts[host.0].measured.insert(model) {
            let machine = self.hosts[host.0].machine();
            self.drive(host, Input::Machine(Box::new(machine)));
        }
    }

    pub(super) fn engine_end(&mut self, host: HostId, life: u32, run: u64, ending: &Ending) {
        if self.hosts[host.0].life != life {
            return;
        }
        if self.hosts[host.0].is_base() {
            return self.base_engine_end(host, run, ending);
        }
        let Some(job) = self.running(host, life, run) else { return };
        if let Some(ours) = self.ours(host) {
            ours.engines.remove(&job);
        }
        note!(self, "{}: run {run} of {job} ends: {ending:?}", self.hosts[host.0].name);
        let event = match ending {
            Ending::Finished => {
                self.measured(host, &job);
                let kind = self.kind_of(&job);
                EngineEvent::Finished { job, output: output(run, kind) }
            }
            Ending::Failed { error, retryable } => {
                EngineEvent::Failed { job, error: (*error).to_owned(), retryable: *retryable }
            }
            Ending::Stopped => EngineEvent::Stopped { job },
            Ending::Fatal => return self.crash_host(host),
        };
        self.drive(host, Input::Engine(event));
    }
}
