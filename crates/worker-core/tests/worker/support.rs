//! Drives one worker with a clock of the test's own.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use studio_protocol::{
    Capabilities, CloseCode, Feature, FeatureSet, JobId, Offer, OfferClaim, StudioFrame, Timestamp, Welcome,
    WorkerClose, WorkerFrame,
};
use worker_core::{
    Draw, Effect, EngineEvent, ExitReason, Identity, Input, Machine, Output, Secret, Settings, SocketEvent,
    SpoolEntry, SpoolOutcome, UploadOutcome, Worker,
};

/// Draws that a test can foresee.
#[derive(Default)]
pub struct Counting {
    installs: u32,
    secrets: u32,
}

impl Draw for Counting {
    fn install_id(&mut self) -> String {
        self.installs += 1;
        format!("install-{}", self.installs)
    }

    fn secret(&mut self) -> Secret {
        self.secrets += 1;
        Secret::new(format!("secret-{}", self.secrets))
    }

    fn jitter(&mut self) -> f64 {
        1.0
    }
}

/// Every extension that a studio of ours announces.
pub fn all_features() -> FeatureSet {
    Feature::ALL.into_iter().collect()
}

pub fn approved() -> Identity {
    Identity::Approved {
        install_id: "install-0".into(),
        worker_id: "w-1".into(),
        auth_token: Secret::new("tok"),
    }
}

pub struct Story {
    pub worker: Worker,
    pub now: Instant,
    /// What was wanted since it was last looked at.
    pub wanted: Vec<Effect>,
    /// Answers to the spool's writes; a full disk does not take them.
    pub disk_full: bool,
}

impl Story {
    pub fn new() -> Self {
        Self::with(Settings::default(), approved(), Vec::new())
    }

    pub fn with(settings: Settings, identity: Identity, spool: Vec<SpoolEntry>) -> Self {
        let worker = Worker::new(settings, identity, spool, Box::new(Counting::default()));
        let mut story = Self { worker, now: Instant::now(), wanted: Vec::new(), disk_full: false };
        story.give(Input::Machine(Box::new(machine())));
        story
    }

    /// A worker with a session that uses `features`; what it wanted until then is forgotten.
    pub fn open(features: FeatureSet) -> Self {
        Self::new().connect(features)
    }

    pub fn connect(mut self, features: FeatureSet) -> Self {
        self.reconnect(features);
        self.wanted.clear();
        self
    }

    /// Connects and is welcomed.
    pub fn reconnect(&mut self, features: FeatureSet) {
        let socket = self.wait_for_connect();
        self.socket(socket, SocketEvent::Opened);
        self.frame(welcome(features));
    }

    /// Lets time pass until the worker connects.
    pub fn wait_for_connect(&mut self) -> u64 {
        for _ in 0..100 {
            if let Some(socket) = self.last_connect() {
                return socket;
            }
            let deadline = self.worker.next_deadline().expect("an approved worker connects");
            self.now = self.now.max(deadline);
            self.give(Input::Tick);
        }
        panic!("no connection was wanted: {:?}", self.wanted);
    }

    fn last_connect(&mut self) -> Option<u64> {
        let at = self.wanted.iter().rposition(|effect| matches!(effect, Effect::Connect { .. }))?;
        match self.wanted.remove(at) {
            Effect::Connect { socket, .. } => Some(socket),
            _ => None,
        }
    }

    /// Gives an input and answers the spool's writes, as a daemon does.
    pub fn give(&mut self, input: Input) {
        let effects = self.worker.handle(self.now, input);
        let spooled: Vec<JobId> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Spool(entry) => Some(entry.job_id.clone()),
                _ => None,
            })
            .collect();
        self.wanted.extend(effects);
        for job in spooled {
            let outcome = if self.disk_full {
                SpoolOutcome::NotWritten("no space left".into())
            } else {
                SpoolOutcome::Written
            };
            self.give(Input::Spooled { job, outcome });
        }
    }

    pub fn socket(&mut self, socket: u64, event: SocketEvent) {
        self.give(Input::Socket { socket, event });
    }

    /// Something happens on whatever connection there is: late news of others are ignored anyway.
    pub fn on_socket(&mut self, mut event: impl FnMut() -> SocketEvent) {
        for socket in 0..200 {
            self.socket(socket, event());
        }
    }

    pub fn frame(&mut self, frame: StudioFrame) {
        self.on_socket(|| SocketEvent::Frame(Box::new(frame.clone())));
    }

    pub fn closed(&mut self, code: Option<u16>) {
        self.on_socket(|| SocketEvent::Closed(code.map(CloseCode::from)));
    }

    pub fn offer(&mut self, claim: Value) {
        let claim: OfferClaim = serde_json::from_value(claim).unwrap();
        let socket = self.open_socket();
        self.socket(socket, SocketEvent::Frame(Box::new(StudioFrame::Offer(Box::new(Offer { claim })))));
    }

    /// Finds the open connection without repeating an offer on it.
    fn open_socket(&mut self) -> u64 {
        (0..200).rev().find(|socket| self.is_current(*socket)).expect("a connection")
    }

    fn is_current(&mut self, socket: u64) -> bool {
        // An unknown frame is only remarked upon on the current connection.
        let before = self.wanted.len();
        self.socket(socket, SocketEvent::UnknownFrame("probe".into()));
        let heard = self.wanted[before..]
            .iter()
            .any(|effect| matches!(effect, Effect::Log { message, .. } if message.contains("probe")));
        self.wanted
            .retain(|effect| !matches!(effect, Effect::Log { message, .. } if message.contains("probe")));
        heard
    }

    pub fn finish_json(&mut self, job: &str) {
        let output = Output::Json(
            serde_json::value::RawValue::from_string(r#"{"object":"chat.completion"}"#.into()).unwrap(),
        );
        self.give(Input::Engine(EngineEvent::Finished { job: job.into(), output }));
    }

    pub fn finish_file(&mut self, job: &str) {
        let output = Output::File { path: format!("/out/{job}.webp").into(), ext: "webp".into() };
        self.give(Input::Engine(EngineEvent::Finished { job: job.into(), output }));
    }

    pub fn fail(&mut self, job: &str, error: &str, retryable: bool) {
        self.give(Input::Engine(EngineEvent::Failed { job: job.into(), error: error.into(), retryable }));
    }

    pub fn stopped(&mut self, job: &str) {
        self.give(Input::Engine(EngineEvent::Stopped { job: job.into() }));
    }

    pub fn uploaded(&mut self, job: &str, attempt: Option<u32>, outcome: UploadOutcome) {
        self.give(Input::Uploaded { job: job.into(), attempt, outcome });
    }

    /// Lets time pass, deadline by deadline, while the studio acknowledges heartbeats.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.worker.next_deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            let before = self.wanted.len();
            self.give(Input::Tick);
            if self.wanted[before..]
                .iter()
                .any(|effect| matches!(effect, Effect::Send(WorkerFrame::Heartbeat(_))))
            {
                self.frame(StudioFrame::HeartbeatAck);
            }
        }
        self.now = end;
        self.give(Input::Tick);
    }

    /// The same while the studio says nothing.
    pub fn pass_in_silence(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.worker.next_deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.give(Input::Tick);
        }
        self.now = end;
    }

    /// The frames sent since the last look, as JSON.
    pub fn sent(&mut self) -> Vec<Value> {
        let (frames, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.wanted)
            .into_iter()
            .partition(|effect| matches!(effect, Effect::Send(_)));
        self.wanted = rest;
        frames
            .into_iter()
            .map(|effect| match effect {
                Effect::Send(frame) => serde_json::to_value(frame).unwrap(),
                _ => unreachable!("partitioned"),
            })
            .collect()
    }

    /// Their types, heartbeats left out.
    pub fn sent_types(&mut self) -> Vec<String> {
        let types = self.sent().into_iter().map(|frame| frame["type"].as_str().unwrap().to_owned());
        types.filter(|word| word != "heartbeat").collect()
    }

    pub fn exit(&self) -> Option<ExitReason> {
        self.wanted.iter().find_map(|effect| match effect {
            Effect::Exit(reason) => Some(*reason),
            _ => None,
        })
    }

    pub fn close(&self) -> Option<WorkerClose> {
        self.wanted.iter().rev().find_map(|effect| match effect {
            Effect::Close(reason) => Some(*reason),
            _ => None,
        })
    }

    pub fn saved(&self) -> Option<&Identity> {
        self.wanted.iter().rev().find_map(|effect| match effect {
            Effect::SaveIdentity(identity) => Some(identity),
            _ => None,
        })
    }

    pub fn wants(&self, check: impl Fn(&Effect) -> bool) -> bool {
        self.wanted.iter().any(check)
    }

    pub fn runs(&self, job: &str) -> bool {
        self.wants(|effect| matches!(effect, Effect::Run { claim, .. } if claim.job_id.as_str() == job))
    }

    pub fn stops(&self, job: &str) -> bool {
        self.wants(|effect| matches!(effect, Effect::Stop(id) if id.as_str() == job))
    }

    pub fn forgets(&self, job: &str) -> bool {
        self.wants(|effect| matches!(effect, Effect::Forget(id) if id.as_str() == job))
    }

    pub fn uploads(&self, job: &str) -> usize {
        self.wanted
            .iter()
            .filter(|effect| matches!(effect, Effect::Upload(entry) if entry.job_id.as_str() == job))
            .count()
    }

    pub fn logged(&self, text: &str) -> bool {
        self.wants(|effect| matches!(effect, Effect::Log { message, .. } if message.contains(text)))
    }
}

pub fn machine() -> Machine {
    Machine {
        capabilities: Capabilities {
            machine_name: "pc".into(),
            task_kinds: vec!["image".into(), "llm".into()],
            model_engines: vec!["synthetic".into()],
            ..Capabilities::default()
        },
        free_vram_gb: None,
        busy_reason: None,
        ..Machine::default()
    }
}

pub fn welcome(features: FeatureSet) -> StudioFrame {
    StudioFrame::Welcome(Welcome {
        worker_id: "w-1".into(),
        server_time: Timestamp::from_millis(0),
        features,
    })
}

pub fn chat(job: &str) -> Value {
    claim(job, json!({"kind": "llm", "messages": [{"role": "user", "content": "hi"}]}))
}

pub fn picture(job: &str) -> Value {
    claim(job, json!({"kind": "image", "prompt": "a fox"}))
}

pub fn attempt(mut claim: Value, attempt: u32) -> Value {
    claim["attempt"] = json!(attempt);
    claim
}

fn claim(job: &str, task: Value) -> Value {
    json!({
        "jobId": job, "gameId": "g", "assetName": "a", "model": "synthetic", "vramGbEstimate": 1.0, "task": task,
        "modelSource": {"engine": "synthetic", "files": [],
            "cliDefaults": {"cfgScale": 1.0, "steps": 8, "width": 64, "height": 64}},
    })
}
