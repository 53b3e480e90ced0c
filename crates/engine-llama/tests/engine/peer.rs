//! One process of the engine, and a folder with its model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command as Program, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use engine_protocol::{
    CancelJob, Command, Delta, Event, Failed, Hello, Load, PROTOCOLS, Progress, Ready, Run, decode_event,
    read_frame, write_frame,
};
use serde_json::{Map, Value, json};
use studio_protocol::{JobId, ModelSource, Task};
use tempfile::TempDir;
use tiny_models::gguf::LanguageModel;

/// For every answer: far more than a tiny model needs on a busy machine.
const LIMIT: Duration = Duration::from_mins(1);
pub const MODEL: &str = "tiny";
pub const FILE: &str = "tiny.gguf";
pub const PROJECTOR: &str = "mmproj.gguf";

/// A folder with model files.
pub struct Folder(pub TempDir);

impl Folder {
    pub fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn with(model: &LanguageModel) -> Self {
        let folder = Self::empty();
        model.write(&folder.path(FILE)).unwrap();
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn load(&self, files: &[(&str, &str)], more: &Value) -> Load {
        Load {
            model: MODEL.to_owned(),
            source: source(files, more),
            dir: Some(self.0.path().to_str().unwrap().to_owned()),
        }
    }
}

/// One thread computes a tiny model fastest: more would wait for each other.
pub fn source(files: &[(&str, &str)], more: &Value) -> ModelSource {
    let files: Vec<Value> = files
        .iter()
        .map(|(role, name)| json!({"role": role, "url": format!("https://models.invalid/{name}"), "filename": name}))
        .collect();
    let mut defaults = json!({"cfgScale": 1.0, "steps": 1, "width": 8, "height": 8, "threads": 1});
    defaults.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(json!({"engine": "llama-cpp", "files": files, "cliDefaults": defaults})).unwrap()
}

pub struct Peer {
    child: Child,
    stdin: Option<ChildStdin>,
    events: Receiver<Event>,
    pub ready: Ready,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A finished job.
#[derive(Debug)]
pub struct Done {
    pub result: Value,
    pub deltas: Vec<Delta>,
    pub progress: Vec<Progress>,
}

impl Done {
    pub fn content(&self) -> &str {
        self.result["choices"][0]["message"]["content"].as_str().unwrap()
    }

    pub fn message(&self) -> &Value {
        &self.result["choices"][0]["message"]
    }

    pub fn finish(&self) -> &str {
        self.result["choices"][0]["finish_reason"].as_str().unwrap()
    }

    pub fn usage(&self, key: &str) -> u64 {
        self.result["usage"][key].as_u64().unwrap()
    }

    pub fn cached(&self) -> u64 {
        self.result["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap()
    }

    pub fn streamed(&self) -> String {
        self.deltas.iter().map(|delta| delta.text.as_str()).collect()
    }
}

impl Peer {
    pub fn start() -> Self {
        let mut child = Program::new(env!("CARGO_BIN_EXE_studio-engine-llama"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let (said, events) = channel();
        thread::spawn(move || {
            while let Ok(Some(json)) = read_frame(&mut stdout) {
                if said.send(decode_event(&json).unwrap()).is_err() {
                    return;
                }
            }
        });
        write_frame(
            &mut stdin,
            &Command::Hello(Hello { protocols: PROTOCOLS.to_vec(), host: "test".to_owned() }),
        )
        .unwrap();
        let Event::Ready(ready) = events.recv_timeout(LIMIT).unwrap() else { panic!("no ready") };
        Self { child, stdin: Some(stdin), events, ready: *ready }
    }

    /// With the model of `folder` loaded.
    pub fn serving(folder: &Folder, more: &Value) -> Self {
        let mut peer = Self::start();
        peer.load(&folder.load(&[("model", FILE)], more)).unwrap();
        peer
    }

    /// With a tiny model.
    pub fn tiny(model: &LanguageModel, more: &Value) -> Self {
        Self::serving(&Folder::with(model), more)
    }

    pub fn say(&mut self, command: &Command) {
        // A dead engine is told by what it does not answer.
        let _ = write_frame(self.stdin.as_mut().unwrap(), command);
    }

    /// The next event; `None` when the process has ended.
    pub fn next(&self) -> Option<Event> {
        match self.events.recv_timeout(LIMIT) {
            Ok(event) => Some(event),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => None,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("nothing within {LIMIT:?}"),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "an engine may say more, and that is its business")]
    /// What became of a load: `None` when the engine died of it.
    pub fn try_load(&mut self, load: &Load) -> Option<Result<Option<u64>, Failed>> {
        self.say(&Command::Load(Box::new(load.clone())));
        loop {
            match self.next()? {
                Event::Loaded(loaded) => return Some(Ok(loaded.memory_bytes)),
                Event::Failed(failed) => return Some(Err(failed)),
                _ => {}
            }
        }
    }

    pub fn load(&mut self, load: &Load) -> Result<Option<u64>, Failed> {
        self.try_load(load).expect("the engine died")
    }

    pub fn begin(&mut self, job: &str, task: &Value) {
        self.begin_with(job, task, BTreeMap::new());
    }

    pub fn begin_with(&mut self, job: &str, task: &Value, inputs: BTreeMap<String, String>) {
        let mut fields =
            Map::from_iter([("kind".to_owned(), json!("llm")), ("temperature".to_owned(), json!(0))]);
        fields.extend(task.as_object().unwrap().clone());
        let task: Task = serde_json::from_value(Value::Object(fields)).unwrap();
        self.say(&Command::Run(Box::new(Run {
            job_id: job.into(),
            model: MODEL.to_owned(),
            task,
            out_dir: None,
            inputs,
            stream: true,
            preview: false,
            traceparent: None,
        })));
    }

    pub fn cancel(&mut self, job: &str) {
        self.say(&Command::Cancel(CancelJob { job_id: job.into() }));
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "an engine may say more, and that is its business")]
    /// The ends of several jobs, in the order of their names.
    pub fn ends(&self, jobs: &[&str]) -> Vec<Result<Done, Failed>> {
        let mut open: BTreeMap<JobId, Done> = jobs
            .iter()
            .map(|&job| (job.into(), Done { result: Value::Null, deltas: Vec::new(), progress: Vec::new() }))
            .collect();
        let mut ended = BTreeMap::new();
        while !open.is_empty() {
            match self.next().expect("the engine died") {
                Event::Delta(delta) => {
                    if let Some(done) = open.get_mut(&delta.job_id) {
                        done.deltas.push(delta);
                    }
                }
                Event::Progress(progress) => {
                    if let Some(done) = open.get_mut(&progress.job_id) {
                        done.progress.push(progress);
                    }
                }
                Event::Done(done) => {
                    if let Some(mut whole) = open.remove(&done.job_id) {
                        whole.result = serde_json::from_str(done.result.unwrap().get()).unwrap();
                        ended.insert(done.job_id, Ok(whole));
                    }
                }
                Event::Failed(failed) => {
                    let job = failed.job_id.clone().expect("a failure of a job");
                    open.remove(&job);
                    ended.insert(job, Err(failed));
                }
                _ => {}
            }
        }
        jobs.iter().map(|&job| ended.remove(&job.into()).unwrap()).collect()
    }

    /// Waits for the end of a job or of the process; whether the process goes on.
    pub fn survives(&self, job: &str) -> bool {
        loop {
            match self.next() {
                None => return false,
                Some(Event::Done(done)) if done.job_id.as_str() == job => return true,
                Some(Event::Failed(failed)) if failed.job_id.is_some() => return true,
                Some(_) => {}
            }
        }
    }

    pub fn end(&self, job: &str) -> Result<Done, Failed> {
        self.ends(&[job]).remove(0)
    }

    pub fn run(&mut self, task: &Value) -> Result<Done, Failed> {
        self.begin("job", task);
        self.end("job")
    }

    pub fn begin_and_end(&mut self, job: &str, task: &Value) -> Done {
        self.begin(job, task);
        self.end(job).unwrap_or_else(|failed| panic!("{task}: {}", failed.message))
    }

    pub fn done(&mut self, task: &Value) -> Done {
        self.run(task).unwrap_or_else(|failed| panic!("{task}: {}", failed.message))
    }

    pub fn refused(&mut self, task: &Value) -> Failed {
        match self.run(task) {
            Ok(done) => panic!("{task}: {}", done.result),
            Err(failed) => failed,
        }
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// How the process ends, within the usual limit.
    pub fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it still runs");
            thread::yield_now();
        }
    }
}

/// A chat of one message.
pub fn says(content: &str, more: &Value) -> Value {
    let mut task = json!({"messages": [{"role": "user", "content": content}]});
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    task
}

/// The file of a golden answer.
pub fn golden(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/golden").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}
