//! Machines that load models and compute at speeds of their own, worked by the coordinator.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use studio_protocol::Capabilities;
use studio_scheduler::SessionId;

use crate::stage::{Said, Stage, ours};

const STEP: Duration = Duration::from_millis(50);
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Bringing a model into memory.
pub const LOAD: Duration = Duration::from_secs(4);
/// One job at speed 1.
pub const JOB: Duration = Duration::from_secs(4);

pub struct Machine {
    session: SessionId,
    /// Of its own measure; told once it has done a job.
    pub speed: f64,
    pub loaded: Option<String>,
    measured: Vec<String>,
    job: Option<(String, Instant)>,
    offers: VecDeque<String>,
    pub loads: usize,
    pub done: usize,
}

impl Machine {
    pub fn new(stage: &mut Stage, name: &str, speed: f64) -> Self {
        Self {
            session: stage.connect(name, ours()),
            speed,
            loaded: None,
            measured: Vec::new(),
            job: None,
            offers: VecDeque::new(),
            loads: 0,
            done: 0,
        }
    }

    pub fn capabilities(&self) -> Capabilities {
        Capabilities {
            loaded_models: self.loaded.iter().cloned().collect(),
            model_speeds: self.measured.iter().map(|model| (model.clone(), self.speed)).collect(),
            ..ours()
        }
    }

    fn listen(&mut self, stage: &mut Stage) {
        for said in stage.heard(self.session) {
            if let Said::Offer(job, _) = said {
                stage.accept(self.session, &job);
                self.offers.push_back(job);
            }
        }
        if self.job.is_some() {
            return;
        }
        let Some(job) = self.offers.pop_front() else { return };
        let model = model_of(&job);
        let mut takes = JOB.div_f64(self.speed);
        if self.loaded.as_deref() != Some(model) {
            self.loaded = Some(model.to_owned());
            self.loads += 1;
            takes += LOAD;
        }
        self.job = Some((job, stage.now + takes));
    }

    fn work(&mut self, stage: &mut Stage) {
        let Some((job, _)) = self.job.take_if(|(_, until)| *until <= stage.now) else { return };
        self.done += 1;
        let model = model_of(&job).to_owned();
        if !self.measured.contains(&model) {
            self.measured.push(model);
        }
        stage.complete(self.session, &job, None);
    }

    fn heartbeat(&self, stage: &mut Stage) {
        let held: Vec<&str> = self.job.iter().map(|(job, _)| job.as_str()).collect();
        stage.heartbeat_as(self.session, &held, self.capabilities());
    }
}

/// `flux:7` is a job of the model `flux`.
fn model_of(job: &str) -> &str {
    job.split(':').next().unwrap()
}

pub fn submit(stage: &mut Stage, model: &str, number: usize) {
    stage.submit_model(&format!("{model}:{number}"), model);
}

/// Lets the machines work until `jobs` are done; how long that took.
pub fn work_off(stage: &mut Stage, machines: &mut [Machine], jobs: usize) -> Duration {
    let start = stage.now;
    let before: usize = machines.iter().map(|machine| machine.done).sum();
    let mut next_heartbeat = start;
    while machines.iter().map(|machine| machine.done).sum::<usize>() < before + jobs {
        assert!(stage.now - start < Duration::from_hours(1), "the fleet does not get on");
        for machine in &mut *machines {
            machine.work(stage);
            machine.listen(stage);
        }
        if next_heartbeat <= stage.now {
            for machine in &*machines {
                machine.heartbeat(stage);
            }
            next_heartbeat += HEARTBEAT;
        }
        stage.pass(STEP);
    }
    stage.now - start
}
