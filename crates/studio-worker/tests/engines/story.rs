//! The stage of the engine tests: a real synthetic engine, and everything that was said about its jobs.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use studio_runtime::Tasks;
use studio_worker::engines::{
    EngineJob, EngineProgram, EngineSettings, EngineSnapshot, EngineState, Engines, JobEvent, LaneSnapshot,
};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

/// What a busy machine may take for anything.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);

pub struct Story {
    pub engines: Engines,
    pub tasks: Tasks,
    /// Every event so far.
    pub seen: Vec<JobEvent>,
    events: mpsc::Receiver<JobEvent>,
    folder: TempDir,
}

/// The synthetic engine inside of the worker.
pub fn synthetic() -> EngineProgram {
    EngineProgram::synthetic(env!("CARGO_BIN_EXE_studio-worker"))
}

/// A shell script in place of an engine; `$ENGINE` is the worker's executable.
pub fn script(text: &str) -> EngineProgram {
    EngineProgram::new("/bin/sh").arg("-c").arg(text).env("ENGINE", env!("CARGO_BIN_EXE_studio-worker"))
}

pub fn picture(prompt: &str) -> Value {
    json!({"kind": "image", "prompt": prompt, "width": 32, "height": 32})
}

/// Whether the process is there and not a zombie.
pub fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with(['Z', 'X']))
}

pub fn kill_9(pid: u32) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
}

impl Story {
    pub fn new() -> Self {
        Self::with(|settings| settings, 64)
    }

    pub fn with_program(
        program: EngineProgram,
        change: impl FnOnce(EngineSettings) -> EngineSettings,
    ) -> Self {
        Self::with(|settings| change(settings.with("synthetic", program)), 64)
    }

    pub fn with(change: impl FnOnce(EngineSettings) -> EngineSettings, room: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = EngineSettings::new(folder.path(), folder.path().join("models"));
        let (tasks, (said, events)) = (Tasks::new(), mpsc::channel(room));
        let engines = Engines::new(&tasks, change(settings.with("synthetic", synthetic())), said);
        Self { engines, tasks, seen: Vec::new(), events, folder }
    }

    /// The engine's process group has one more process, whose pid is written down.
    pub fn with_child() -> Self {
        let child = "sleep 600 & echo $! > child.pid; exec \"$ENGINE\" engine synthetic";
        Self::with_program(script(child), |settings| settings)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn snapshot(&self) -> EngineSnapshot {
        self.engines.snapshot("synthetic").unwrap()
    }

    pub fn job(&self, job: &str, model: &str, task: &Value) -> EngineJob {
        let source = json!({"engine": "synthetic", "files": [],
            "cliDefaults": {"cfgScale": 1.0, "steps": 8, "width": 512, "height": 512}});
        EngineJob {
            job_id: job.into(),
            attempt: Some(1),
            engine: "synthetic".to_owned(),
            model: model.to_owned(),
            source: serde_json::from_value(source).unwrap(),
            vram_gb: 0.0,
            task: serde_json::from_value(task.clone()).unwrap(),
            out_dir: self.folder().join(job),
            inputs: std::collections::BTreeMap::new(),
            stream: false,
            preview: false,
            traceparent: None,
        }
    }

    pub async fn run(&self, job: &str, prompt: &str) {
        self.run_on(job, "synthetic", prompt).await;
    }

    pub async fn run_on(&self, job: &str, model: &str, prompt: &str) {
        let task = json!({"kind": "llm", "messages": [{"role": "user", "content": prompt}]});
        self.run_task(job, model, &task).await;
    }

    pub async fn run_task(&self, job: &str, model: &str, task: &Value) {
        self.engines.run(self.job(job, model, task)).await;
    }

    /// The event that ends the job.
    pub async fn end(&mut self, job: &str) -> JobEvent {
        let ends = |event: &JobEvent| match event {
            JobEvent::Finished { job_id, .. }
            | JobEvent::Failed { job_id, .. }
            | JobEvent::OutOfMemory { job_id, .. }
            | JobEvent::Stopped { job_id } => job_id.as_str() == job,
            JobEvent::Progress { .. }
            | JobEvent::Log { .. }
            | JobEvent::Delta { .. }
            | JobEvent::Preview { .. } => false,
        };
        self.until(&format!("the end of {job}"), ends).await
    }

    /// The error of a job that fails, and whether another try may help.
    pub async fn failure(&mut self, job: &str) -> (String, bool) {
        let end = self.end(job).await;
        let JobEvent::Failed { error, retryable, .. } = end else { panic!("{job} did not fail: {end:?}") };
        (error, retryable)
    }

    pub async fn until(&mut self, what: &str, mut is_it: impl FnMut(&JobEvent) -> bool) -> JobEvent {
        if let Some(event) = self.seen.iter().find(|event| is_it(event)) {
            return event.clone();
        }
        let next = async {
            loop {
                let event = self.events.recv().await.expect("the engines are gone");
                self.seen.push(event.clone());
                if is_it(&event) {
                    return event;
                }
            }
        };
        let found = timeout(PATIENCE, next).await;
        found.unwrap_or_else(|_| panic!("no sign of {what} within {PATIENCE:?}; seen: {:?}", self.seen))
    }

    pub async fn until_state(&self, state: EngineState) {
        wait_for(&format!("{state:?}"), || self.snapshot().state == state).await;
    }

    pub async fn until_lanes(&self, what: &str, are_so: impl Fn(&[LaneSnapshot]) -> bool) {
        wait_for(what, || are_so(&self.engines.lanes())).await;
    }

    pub async fn until_running(&self, jobs: usize) {
        wait_for(&format!("{jobs} running jobs"), || self.snapshot().running == jobs).await;
    }

    /// A job that hangs is deaf only once its engine has begun with it; before, it could still be withdrawn.
    pub async fn until_deaf(&mut self) {
        let says_so = |event: &JobEvent| matches!(event, JobEvent::Log { message, .. } if message.contains("hangs, as it was asked"));
        self.until("an engine that hangs", says_so).await;
    }

    pub async fn until_dead(&self, pid: u32) {
        wait_for(&format!("the end of process {pid}"), || !alive(pid)).await;
    }

    pub async fn child_pid(&self) -> u32 {
        let path = self.folder().join("child.pid");
        let read = || std::fs::read_to_string(&path).unwrap_or_default().trim().parse().ok();
        wait_for("the child's pid", || read().is_some()).await;
        read().unwrap()
    }
}

async fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "no sign of {what} within {PATIENCE:?}");
        sleep(POLL).await;
    }
}
