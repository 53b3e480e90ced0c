//! The coordinator on a stage: a manual clock, sessions that are lists of what was said, and a store of a few rules.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use studio_protocol::{
    Accept, Capabilities, CloseCode, CompleteJson, Delta, Fail, FeatureSet, Heartbeat, JobId, ModelCommand,
    ProjectId, Reject, RejectCode, Release, StudioFrame, TaskKind, Timestamp, WorkerId,
};
use studio_scheduler::{
    ClaimedJob, CommitOutcome, Control, Coordinator, Effect, FailOutcome, HeldClaim, Input, LoseOutcome,
    ProjectRules, QueuedJob, SessionId, StoreError, StoreOp, Stored, Timing, WorkerLimits, first_place,
};

/// What a session heard, as far as stories care.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    Welcome,
    HeartbeatAck,
    Offer(String, Option<u32>),
    CompleteAck(String, bool),
    FailAck(String, bool),
    Cancel(String),
    Load(String),
    Close(CloseCode),
}

/// A worker with every extension that the studio has, for chats on the synthetic engine.
pub fn ours() -> Capabilities {
    Capabilities { features: Timing::default().features, ..base() }
}

/// A worker of the base protocol.
pub fn base() -> Capabilities {
    Capabilities {
        auto_enabled: true,
        vram_threshold_gb: 8.0,
        task_kinds: vec!["llm".to_owned()],
        model_engines: vec!["synthetic".to_owned()],
        features: FeatureSet::NONE,
        ..Capabilities::default()
    }
}

struct Row {
    job: QueuedJob,
    state: &'static str,
    holder: Option<WorkerId>,
    attempt: u32,
    counted: u32,
    losses: u32,
    had: Vec<(WorkerId, u32, &'static str)>,
}

pub struct Stage {
    pub now: Instant,
    coordinator: Coordinator,
    rows: BTreeMap<JobId, Row>,
    heard: HashMap<SessionId, Vec<Said>>,
    capabilities: HashMap<SessionId, Arc<Capabilities>>,
    sessions: u64,
    is_broken: bool,
    rules: Vec<(ProjectId, ProjectRules)>,
    /// What watchers were told of running texts.
    pub texts: Vec<(String, String)>,
}

impl Stage {
    pub fn new() -> Self {
        let mut stage = Self {
            now: Instant::now(),
            coordinator: Coordinator::new(Timing::default()),
            rows: BTreeMap::new(),
            heard: HashMap::new(),
            capabilities: HashMap::new(),
            sessions: 0,
            is_broken: false,
            rules: Vec::new(),
            texts: Vec::new(),
        };
        stage.tell(Input::Restored { queued: Vec::new(), held: Vec::new() });
        stage
    }

    pub fn open(&mut self, worker: &str, capabilities: Capabilities) -> SessionId {
        let session = self.let_in();
        self.say_hello(session, worker, capabilities);
        session
    }

    /// A socket is there, and has not said hello.
    pub fn let_in(&mut self) -> SessionId {
        self.sessions += 1;
        SessionId(self.sessions)
    }

    pub fn say_hello(&mut self, session: SessionId, worker: &str, capabilities: Capabilities) {
        let capabilities = Arc::new(capabilities);
        self.capabilities.insert(session, capabilities.clone());
        self.tell(Input::Opened { session, worker: worker.into(), capabilities, paused: false });
    }

    /// Opens a session and says the first heartbeat; what is heard of both is forgotten, offers are not.
    pub fn connect(&mut self, worker: &str, capabilities: Capabilities) -> SessionId {
        let session = self.open(worker, capabilities);
        self.heartbeat(session, &[]);
        self.heard.get_mut(&session).unwrap().retain(|said| matches!(said, Said::Offer(..)));
        session
    }

    /// A new worker runs a new job.
    pub fn run_job(&mut self, worker: &str, job: &str) -> SessionId {
        let session = self.connect(worker, ours());
        self.submit(job);
        self.accept(session, job);
        self.heard(session);
        session
    }

    pub fn submit(&mut self, job: &str) {
        self.submit_for("default", job);
    }

    pub fn submit_image(&mut self, job: &str) {
        self.submit_as(job, "default", "synthetic", TaskKind::Image, 0);
    }

    pub fn submit_model(&mut self, job: &str, model: &str) {
        self.submit_as(job, "default", model, TaskKind::Llm, 0);
    }

    pub fn submit_priority(&mut self, job: &str, model: &str, priority: i32) {
        self.submit_as(job, "default", model, TaskKind::Llm, priority);
    }

    pub fn submit_for(&mut self, project: &str, job: &str) {
        self.submit_as(job, project, "synthetic-chat", TaskKind::Llm, 0);
    }

    fn submit_as(&mut self, id: &str, project: &str, model: &str, kind: TaskKind, priority: i32) {
        let job = QueuedJob {
            id: id.into(),
            seq: i64::try_from(self.rows.len()).unwrap(),
            place: first_place(i64::try_from(self.rows.len()).unwrap()),
            project: project.into(),
            kind,
            engine: "synthetic".into(),
            model: model.into(),
            vram_gb: 1.0,
            priority,
            needs_options: id.starts_with("tuned"),
        };
        let row = Row {
            job: job.clone(),
            state: "queued",
            holder: None,
            attempt: 0,
            counted: 0,
            losses: 0,
            had: Vec::new(),
        };
        self.rows.insert(id.into(), row);
        self.tell(Input::Queued(vec![job]));
    }

    pub fn accept(&mut self, session: SessionId, job: &str) {
        self.tell(Input::Accept(session, Accept { job_id: job.into(), attempt: None }));
    }

    pub fn reject(&mut self, session: SessionId, job: &str, code: Option<RejectCode>) {
        let reject = Reject { job_id: job.into(), reason: "no".into(), code, attempt: None };
        self.tell(Input::Reject(session, reject));
    }

    pub fn complete(&mut self, session: SessionId, job: &str, attempt: Option<u32>) {
        let result = serde_json::value::RawValue::from_string("{}".to_owned()).unwrap();
        let frame = CompleteJson { job_id: job.into(), result, prompt: None, attempt };
        self.tell(Input::CompleteJson(session, frame));
    }

    pub fn fail(&mut self, session: SessionId, job: &str, retryable: bool) {
        let frame = Fail { job_id: job.into(), error: "no".into(), retryable, attempt: None };
        self.tell(Input::Fail(session, frame));
    }

    pub fn release(&mut self, session: SessionId, job: &str) {
        self.tell(Input::Release(
            session,
            Release { job_id: job.into(), reason: "no".into(), attempt: None },
        ));
    }

    pub fn goodbye(&mut self, session: SessionId) {
        self.tell(Input::Goodbye(session));
    }

    pub fn heartbeat(&mut self, session: SessionId, held: &[&str]) {
        let capabilities = self.capabilities[&session].clone();
        let heartbeat = Heartbeat {
            capabilities: Capabilities::default(),
            current_job_id: held.first().map(|job| JobId::from(*job)),
            held_jobs: None,
        };
        self.tell(Input::Heartbeat(session, Box::new(heartbeat), capabilities));
    }

    /// A heartbeat that describes the worker anew.
    pub fn heartbeat_as(&mut self, session: SessionId, held: &[&str], capabilities: Capabilities) {
        self.capabilities.insert(session, Arc::new(capabilities));
        self.heartbeat(session, held);
    }

    pub fn say(&mut self, session: SessionId, job: &str, text: &str, attempt: Option<u32>) {
        let frame = Delta { job_id: job.into(), index: 0, text: text.into(), reasoning: None, attempt };
        self.tell(Input::Delta(session, frame));
    }

    pub fn load(&mut self, worker: &str, model: &str) {
        let command = ModelCommand { model: model.into(), model_source: None, vram_gb_estimate: None };
        self.tell(Input::Control { worker: worker.into(), control: Control::Load(command) });
    }

    pub fn cut(&mut self, session: SessionId) {
        self.tell(Input::Closed { session });
    }

    pub fn pause(&mut self, worker: &str, paused: bool) {
        self.tell(Input::Paused { worker: worker.into(), paused });
    }

    pub fn cancel(&mut self, job: &str) {
        let row = self.rows.get_mut(&JobId::from(job)).unwrap();
        if let Some(holder) = row.holder.take() {
            row.had.push((holder, row.attempt, "cancelled"));
        }
        row.state = "cancelled";
        self.tell(Input::Cancelled { job: job.into(), reason: "cancelled".into() });
    }

    pub fn remove_worker(&mut self, worker: &str) {
        let worker = WorkerId::from(worker);
        let mut requeued = Vec::new();
        for row in self.rows.values_mut().filter(|row| row.holder.as_ref() == Some(&worker)) {
            row.holder = None;
            row.state = "queued";
            requeued.push(row.job.clone());
        }
        self.tell(Input::Removed { worker, requeued });
    }

    /// The studio's process is replaced; the store is not.
    pub fn restart(&mut self) {
        let rows = self.rows.values();
        let queued = rows.clone().filter(|row| row.state == "queued").map(|row| row.job.clone()).collect();
        let held = rows.filter_map(|row| {
            let worker = row.holder.clone()?;
            Some(HeldClaim {
                job: row.job.clone(),
                worker,
                attempt: row.attempt,
                accepted: row.state == "running",
            })
        });
        let held = held.collect();
        self.coordinator = Coordinator::new(Timing::default());
        self.tell(Input::Projects(self.rules.clone()));
        self.tell(Input::Restored { queued, held });
    }

    pub fn rule(&mut self, project: &str, weight: f64, max_running: Option<u64>) {
        let rules = ProjectRules { weight, max_running };
        self.rules.push((project.into(), rules));
        self.tell(Input::Projects(vec![(project.into(), rules)]));
    }

    pub fn hold(&mut self, is_held: bool) {
        self.tell(Input::Held(is_held));
    }

    pub fn limit(&mut self, worker: &str, limits: WorkerLimits) {
        self.tell(Input::Limits { worker: worker.into(), limits });
    }

    /// The jobs of a project that workers hold, as the store sees it.
    pub fn held_of(&self, project: &str) -> usize {
        let held = self.rows.values().filter(|row| row.holder.is_some());
        held.filter(|row| row.job.project.as_str() == project).count()
    }

    pub fn done_of(&self, project: &str) -> usize {
        let done = self.rows.values().filter(|row| row.state == "done");
        done.filter(|row| row.job.project.as_str() == project).count()
    }

    pub fn break_store(&mut self) {
        self.is_broken = true;
    }

    pub fn mend_store(&mut self) {
        self.is_broken = false;
    }

    /// Time passes, a quarter of a second at a time.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(250);
            self.tell(Input::Tick);
        }
    }

    pub fn pass_with_heartbeats(&mut self, session: SessionId, held: &[&str], time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.heartbeat(session, held);
            self.pass(Duration::from_secs(5).min(end - self.now));
        }
    }

    /// The worker does every job that it is offered, in order.
    pub fn work_off(&mut self, session: SessionId) -> Vec<String> {
        let mut order = Vec::new();
        loop {
            let offered = self
                .heard(session)
                .into_iter()
                .rev()
                .find_map(|said| if let Said::Offer(job, _) = said { Some(job) } else { None });
            let Some(job) = offered else { return order };
            self.accept(session, &job);
            self.complete(session, &job, None);
            order.push(job);
        }
    }

    pub fn heard(&mut self, session: SessionId) -> Vec<Said> {
        self.heard.remove(&session).unwrap_or_default()
    }

    pub fn state(&self, job: &str) -> &'static str {
        self.rows[&JobId::from(job)].state
    }

    pub fn counted(&self, job: &str) -> u32 {
        self.rows[&JobId::from(job)].counted
    }

    pub fn losses(&self, job: &str) -> u32 {
        self.rows[&JobId::from(job)].losses
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a frame that no story knows should panic")]
    fn tell(&mut self, input: Input) {
        for effect in self.coordinator.handle(self.now, input) {
            match effect {
                Effect::Send(session, frame) => {
                    let said = match frame {
                        StudioFrame::Welcome(_) => Said::Welcome,
                        StudioFrame::HeartbeatAck => Said::HeartbeatAck,
                        StudioFrame::OfferRaw(offer) => {
                            Said::Offer(offer.claim.job_id.to_string(), offer.claim.attempt)
                        }
                        StudioFrame::CompleteAck(ack) => Said::CompleteAck(ack.job_id.to_string(), ack.stale),
                        StudioFrame::FailAck(ack) => Said::FailAck(ack.job_id.to_string(), ack.stale),
                        StudioFrame::Cancel(cancel) => Said::Cancel(cancel.job_id.to_string()),
                        StudioFrame::LoadModel(command) => Said::Load(command.model),
                        other => panic!("the coordinator sent {other:?}"),
                    };
                    self.heard.entry(session).or_default().push(said);
                }
                Effect::Close { session, code, .. } => {
                    self.heard.entry(session).or_default().push(Said::Close(code));
                }
                Effect::Store(op) => {
                    let stored = self.perform(op);
                    self.tell(Input::Stored(stored));
                }
                Effect::Delta(delta) => {
                    assert!(delta.attempt.is_some(), "a text is of an attempt: {delta:?}");
                    self.texts.push((delta.job_id.to_string(), delta.text));
                }
                Effect::Progress(_) | Effect::Preview(_) => {}
            }
        }
    }

    fn perform(&mut self, op: StoreOp) -> Stored {
        let broken = self.is_broken.then(|| StoreError("the disk is full".into()));
        match op {
            StoreOp::Claim { session, ticket, job, worker } => {
                let outcome = broken.map_or_else(|| Ok(self.claim(&job, &worker)), Err);
                Stored::Claim { session, ticket, job, worker, outcome }
            }
            StoreOp::Accept { job, worker, attempt } => {
                if let Some(error) = broken {
                    return Stored::Accept { job, worker, outcome: Err(error) };
                }
                let row = self.rows.get_mut(&job).unwrap();
                let is_current = row.holder.as_ref() == Some(&worker) && row.attempt == attempt;
                if is_current {
                    row.state = "running";
                }
                Stored::Accept { job, worker, outcome: Ok(is_current) }
            }
            StoreOp::GiveBack { job, worker, attempt, .. } => {
                let outcome = broken
                    .map_or_else(|| Ok(self.end(&job, &worker, Some(attempt), "given back", "queued")), Err);
                Stored::GiveBack { job, attempt, outcome }
            }
            StoreOp::Lose { job, worker, attempt, .. } => {
                if let Some(error) = broken {
                    return Stored::Lose { job, attempt, outcome: Err(error) };
                }
                let requeued = self.end(&job, &worker, Some(attempt), "lost", "queued");
                self.rows.get_mut(&job).unwrap().losses += u32::from(requeued.is_some());
                Stored::Lose {
                    job,
                    attempt,
                    outcome: Ok(requeued.map_or(LoseOutcome::NotHeld, LoseOutcome::Requeued)),
                }
            }
            StoreOp::CompleteJson { session, worker, result } => {
                let job = result.job_id;
                let outcome = broken.map_or_else(
                    || {
                        Ok(match self.end(&job, &worker, result.attempt, "done", "done") {
                            Some(_) => CommitOutcome::Committed,
                            None => match self.had(&job, &worker, result.attempt) {
                                Some("done") => CommitOutcome::Again,
                                Some(_) => CommitOutcome::Stale,
                                None => CommitOutcome::NeverHeld,
                            },
                        })
                    },
                    Err,
                );
                Stored::CompleteJson { session, job, outcome }
            }
            StoreOp::Fail { session, worker, fail } => {
                let job = fail.job_id;
                let end = if fail.retryable { "queued" } else { "failed" };
                let outcome = match self.end(&job, &worker, fail.attempt, "failed", end) {
                    Some(queued) if fail.retryable => {
                        self.rows.get_mut(&job).unwrap().counted += 1;
                        FailOutcome::Requeued(queued)
                    }
                    Some(_) => FailOutcome::Failed,
                    None if self.had(&job, &worker, fail.attempt).is_some() => FailOutcome::Stale,
                    None => FailOutcome::NeverHeld,
                };
                Stored::Fail { session, job, outcome: Ok(outcome) }
            }
            StoreOp::WasHeld { session, worker, job } => {
                let outcome = Ok(self.had(&job, &worker, None).is_some());
                Stored::WasHeld { session, job, outcome }
            }
        }
    }

    fn claim(&mut self, job: &JobId, worker: &WorkerId) -> Option<Box<ClaimedJob>> {
        let row = self.rows.get_mut(job).filter(|row| row.state == "queued")?;
        row.state = "offered";
        row.holder = Some(worker.clone());
        row.attempt += 1;
        let raw = || serde_json::value::RawValue::from_string("{}".to_owned()).unwrap();
        Some(Box::new(ClaimedJob {
            attempt: row.attempt,
            kind: row.job.kind,
            created_at: Timestamp::from_millis(0),
            trace: None,
            project: row.job.project.clone(),
            asset_name: String::new(),
            model: row.job.model.to_string(),
            vram_gb: row.job.vram_gb,
            task: raw(),
            source: raw(),
        }))
    }

    fn end(
        &mut self,
        job: &JobId,
        worker: &WorkerId,
        attempt: Option<u32>,
        how: &'static str,
        state: &'static str,
    ) -> Option<QueuedJob> {
        let row = self.rows.get_mut(job)?;
        let is_current =
            row.holder.as_ref() == Some(worker) && attempt.is_none_or(|attempt| attempt == row.attempt);
        if !is_current {
            return None;
        }
        row.had.push((worker.clone(), row.attempt, how));
        row.holder = None;
        row.state = state;
        Some(row.job.clone())
    }

    fn had(&self, job: &JobId, worker: &WorkerId, attempt: Option<u32>) -> Option<&'static str> {
        let had = self.rows.get(job)?.had.iter().rev();
        let mut mine = had.filter(|(who, number, _)| who == worker && attempt.is_none_or(|a| a == *number));
        mine.next().map(|(_, _, how)| *how)
    }
}
