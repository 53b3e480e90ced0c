//! A database with a few models, and short words for what stories do with it.

#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses its part of it")]

use serde_json::Map;
use studio_protocol::{CliDefaults, JobId, ModelSource, TaskKind, Timestamp, WorkerId};
use studio_store::{
    BatchId, ClaimOutcome, Claimed, CommitOutcome, Db, FailOutcome, GiveBack, GivenBack, Job, JobDetail,
    JobState, LoseOutcome, Model, NewArtefact, NewBatch, NewJob, NewRegistration, Result, Submission,
};

pub const W1: &str = "w-1";
pub const W2: &str = "w-2";

pub struct Fixture {
    pub db: Db,
    now: i64,
    jobs: u32,
}

impl Fixture {
    pub fn new(mut db: Db) -> Self {
        for (id, kind) in
            [("chat", TaskKind::Llm), ("paint", TaskKind::Image), ("listen", TaskKind::AudioStt)]
        {
            db.put_model(&model(id, kind), at(0)).unwrap();
        }
        Self { db, now: 1_000, jobs: 0 }
    }

    /// A time later than all before.
    pub fn tick(&mut self) -> Timestamp {
        self.now += 1;
        at(self.now)
    }

    pub fn new_job(&mut self, model: &str) -> NewJob {
        self.jobs += 1;
        let kind = match model {
            "paint" => TaskKind::Image,
            "listen" => TaskKind::AudioStt,
            _ => TaskKind::Llm,
        };
        NewJob {
            id: format!("job-{}", self.jobs).into(),
            project: "p".into(),
            asset_name: format!("thing {}", self.jobs),
            model: model.to_owned(),
            kind,
            task_json: format!(r#"{{"kind":"{kind}"}}"#),
            priority: 0,
            max_attempts: 3,
            needs_options: false,
        }
    }

    pub fn submit(&mut self, model: &str) -> JobId {
        let job = self.new_job(model);
        let id = job.id.clone();
        self.submit_all(vec![job]).unwrap();
        id
    }

    pub fn submit_all(&mut self, jobs: Vec<NewJob>) -> Result<studio_store::Submitted> {
        let now = self.tick();
        self.db.submit(Submission { batch: None, jobs, idempotency: None }, now)
    }

    pub fn submit_batch(&mut self, id: &str, model: &str, jobs: usize) -> (BatchId, Vec<JobId>) {
        let jobs: Vec<_> = (0..jobs).map(|_| self.new_job(model)).collect();
        let ids = jobs.iter().map(|job| job.id.clone()).collect();
        let batch = NewBatch { id: id.into(), name: Some(format!("the {id}")), project: "p".into() };
        let now = self.tick();
        self.db.submit(Submission { batch: Some(batch), jobs, idempotency: None }, now).unwrap();
        (id.into(), ids)
    }

    pub fn claim(&mut self, job: &JobId, worker: &str) -> Claimed {
        let now = self.tick();
        match self.db.claim(job, &worker.into(), now).unwrap() {
            ClaimOutcome::Claimed(claimed) => *claimed,
            ClaimOutcome::NotQueued => panic!("{job} does not wait"),
        }
    }

    pub fn start(&mut self, job: &JobId, worker: &str) -> u32 {
        let attempt = self.claim(job, worker).attempt;
        let now = self.tick();
        assert!(self.db.accept(job, &worker.into(), Some(attempt), now).unwrap());
        attempt
    }

    pub fn complete(&mut self, job: &JobId, worker: &str, attempt: Option<u32>) -> CommitOutcome {
        let now = self.tick();
        self.db.complete_json(job, &worker.into(), attempt, r#"{"ok":true}"#, Some("hi"), now).unwrap()
    }

    pub fn upload(
        &mut self,
        job: &JobId,
        worker: &str,
        attempt: Option<u32>,
        id: &str,
    ) -> Result<CommitOutcome> {
        let now = self.tick();
        self.db.complete_artefact(job, &worker.into(), attempt, &new_artefact(id), now)
    }

    pub fn fail(&mut self, job: &JobId, worker: &str, attempt: Option<u32>, retryable: bool) -> FailOutcome {
        let now = self.tick();
        self.db.fail(job, &worker.into(), attempt, "the engine fell over", retryable, now).unwrap()
    }

    pub fn lose(&mut self, job: &JobId, worker: &str, attempt: u32) -> LoseOutcome {
        let now = self.tick();
        self.db.lose(job, &worker.into(), Some(attempt), &format!("{worker} vanished"), now).unwrap()
    }

    pub fn give_back(&mut self, job: &JobId, worker: &str, how: GiveBack) -> GivenBack {
        let now = self.tick();
        self.db.give_back(job, &worker.into(), None, how, "no time", now).unwrap()
    }

    pub fn detail(&self, job: &JobId) -> JobDetail {
        self.db.job(job).unwrap()
    }

    pub fn job(&self, job: &JobId) -> Job {
        self.detail(job).job
    }

    pub fn state(&self, job: &JobId) -> JobState {
        self.job(job).state
    }

    /// Lets a machine in; gives back the worker.
    pub fn join(&mut self, worker: &str) -> WorkerId {
        let new = registration(&format!("rr-{worker}"), &format!("install-{worker}"), "secret");
        let now = self.tick();
        self.db.request_registration(&new, None, now).unwrap();
        self.db.approve(&new.request_id, &worker.into(), None, now).unwrap().id
    }
}

pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub fn model(id: &str, kind: TaskKind) -> Model {
    let cli_defaults = CliDefaults { cfg_scale: 1.0, steps: 8, width: 64, height: 64, more: Map::new() };
    let source = ModelSource { engine: "synthetic".to_owned(), files: Vec::new(), cli_defaults };
    Model { id: id.to_owned(), kind, vram_gb: 1.5, enabled: true, source }
}

pub fn new_artefact(id: &str) -> NewArtefact {
    NewArtefact {
        id: id.into(),
        key: format!("ab/{id}"),
        sha256: "00ff".to_owned(),
        bytes: 5_000_000_000,
        ext: "webp".to_owned(),
        mime: "image/webp".to_owned(),
        meta: Some(r#"{"seed":7}"#.to_owned()),
    }
}

pub fn registration(request: &str, install: &str, secret: &str) -> NewRegistration {
    NewRegistration {
        request_id: request.into(),
        install_id: install.to_owned(),
        secret_hash: secret.into(),
        capabilities_json: r#"{"machineName":"attic"}"#.to_owned(),
        user_agent: "studio-worker/0.1.0".to_owned(),
        source_addr: "127.0.0.1".to_owned(),
    }
}
