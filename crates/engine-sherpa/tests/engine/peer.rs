//! One process of the engine, spoken to in frames.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command as Program, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use engine_protocol::{
    CancelJob, Command, Done, Event, Failed, Hello, Load, PROTOCOLS, Progress, Run, encode_frame,
};
use engine_protocol::{Description, decode_event, read_frame};
use serde_json::Value;
use studio_protocol::{Task, TaskKind};
use tempfile::TempDir;

use crate::models::{MODEL, OnDisk};

/// For every answer; far above what any takes, a busy machine's slowness included.
const LIMIT: Duration = Duration::from_mins(1);

pub struct Peer {
    child: Child,
    stdin: ChildStdin,
    events: Receiver<Event>,
    log: Option<JoinHandle<String>>,
    pub description: Description,
}

/// How a job ended.
#[derive(Debug)]
pub struct Job {
    pub progress: Vec<Progress>,
    pub end: Result<Made, Failed>,
    /// Holds what was made.
    _folder: TempDir,
}

#[derive(Debug)]
pub enum Made {
    Json(Value),
    File(PathBuf),
}

impl Job {
    pub fn json(&self) -> &Value {
        match &self.end {
            Ok(Made::Json(value)) => value,
            other => panic!("no JSON: {other:?}"),
        }
    }

    pub fn file(&self) -> &Path {
        match &self.end {
            Ok(Made::File(path)) => path,
            other => panic!("no file: {other:?}"),
        }
    }

    pub fn failed(&self) -> &Failed {
        self.end.as_ref().expect_err("the job was done")
    }
}

pub fn program() -> Program {
    let mut program = Program::new(env!("CARGO_BIN_EXE_studio-engine-sherpa"));
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    program
}

impl Peer {
    pub fn start() -> Self {
        let mut child = program().spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let (said, events) = mpsc::channel();
        thread::spawn(move || {
            while let Ok(Some(json)) = read_frame(&mut stdout) {
                if said.send(decode_event(&json).unwrap()).is_err() {
                    return;
                }
            }
        });
        let log = thread::spawn(move || {
            let mut log = Vec::new();
            let _ = stderr.read_to_end(&mut log);
            String::from_utf8_lossy(&log).into_owned()
        });
        let mut peer = Self { child, stdin, events, log: Some(log), description: Description::default() };
        peer.say(&Command::Hello(Hello { protocols: PROTOCOLS.to_vec(), host: "test".to_owned() }));
        peer.description =
            peer.until(|event| if let Event::Ready(ready) = event { Some(ready.engine) } else { None });
        peer
    }

    /// A process that has loaded a model.
    pub fn with(model: &OnDisk) -> Self {
        let mut peer = Self::start();
        peer.load(&model.load).unwrap();
        peer
    }

    pub fn load(&mut self, load: &Load) -> Result<(), Failed> {
        self.try_load(load).expect("the engine ended while it loaded")
    }

    /// Nothing when the process ended meanwhile.
    pub fn try_load(&mut self, load: &Load) -> Option<Result<(), Failed>> {
        if !self.try_say(&Command::Load(Box::new(load.clone()))) {
            return None;
        }
        self.try_until(|event| {
            if let Event::Loaded(_) = event {
                return Some(Ok(()));
            }
            if let Event::Failed(failed) = event { Some(Err(failed)) } else { None }
        })
    }

    pub fn run(&mut self, task: &Task, inputs: &[(&str, &Path)]) -> Job {
        let job = self.begin(task, inputs);
        self.end(job).expect("the engine ended while it worked")
    }

    /// Nothing when the process ended meanwhile.
    pub fn try_run(&mut self, task: &Task, inputs: &[(&str, &Path)]) -> Option<Job> {
        let job = self.begin(task, inputs);
        self.end(job)
    }

    /// Starts a job, without waiting for it.
    pub fn begin(&mut self, task: &Task, inputs: &[(&str, &Path)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let inputs =
            inputs.iter().map(|(address, path)| ((*address).to_owned(), path.to_str().unwrap().to_owned()));
        self.try_say(&Command::Run(Box::new(Run {
            job_id: "job".into(),
            model: MODEL.to_owned(),
            task: task.clone(),
            out_dir: (task.kind() == TaskKind::AudioTts).then(|| folder.path().to_str().unwrap().to_owned()),
            inputs: inputs.collect::<BTreeMap<_, _>>(),
            stream: false,
            preview: false,
            traceparent: None,
        })));
        folder
    }

    /// Waits for the next sign of progress.
    pub fn progress(&mut self) -> Progress {
        self.until(|event| if let Event::Progress(progress) = event { Some(progress) } else { None })
    }

    pub fn cancel(&mut self) {
        self.say(&Command::Cancel(CancelJob { job_id: "job".into() }));
    }

    /// Waits for the end of the job that was begun.
    pub fn end(&mut self, folder: TempDir) -> Option<Job> {
        let mut progress = Vec::new();
        let end = self.try_until(|event| {
            if let Event::Progress(step) = event {
                progress.push(step);
                return None;
            }
            if let Event::Failed(failed) = event {
                return Some(Err(failed));
            }
            if let Event::Done(done) = event { Some(Ok(made(done))) } else { None }
        })?;
        Some(Job { progress, end, _folder: folder })
    }

    /// What it wrote to its log, once it has ended in good order.
    pub fn log(mut self) -> String {
        self.say(&Command::Shutdown);
        assert!(self.ended().success());
        self.log.take().unwrap().join().unwrap()
    }

    /// As the kernel does it when memory runs out.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it still runs");
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn say(&mut self, command: &Command) {
        assert!(self.try_say(command), "it does not read any more");
    }

    fn try_say(&mut self, command: &Command) -> bool {
        use std::io::Write;
        let frame = encode_frame(command).unwrap();
        self.stdin.write_all(&frame).and_then(|()| self.stdin.flush()).is_ok()
    }

    fn until<T>(&mut self, pick: impl FnMut(Event) -> Option<T>) -> T {
        self.try_until(pick).expect("the engine ended")
    }

    fn try_until<T>(&mut self, mut pick: impl FnMut(Event) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + LIMIT;
        loop {
            match self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) => {
                    if let Some(found) = pick(event) {
                        return Some(found);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => panic!("no answer within {LIMIT:?}: it hangs"),
            }
        }
    }
}

fn made(done: Done) -> Made {
    match (done.result, done.file) {
        (Some(json), None) => Made::Json(serde_json::from_str(json.get()).unwrap()),
        (None, Some(path)) => Made::File(path.into()),
        other => panic!("neither JSON nor file: {other:?}"),
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
