//! One process of the engine, spoken to as the daemon does.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, ChildStdin, Command as Program, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use engine_protocol::{
    Command, Description, Event, Hello, Load, Run, Stats, decode_event, read_frame, write_frame,
};
use studio_protocol::{CliDefaults, FileRole, ModelFile, ModelSource, Task};

/// For any answer: a picture on a machine that does much else.
pub const PATIENCE: Duration = Duration::from_mins(2);

pub struct Peer {
    pub child: Child,
    stdin: Option<ChildStdin>,
    events: Receiver<Event>,
    pub description: Description,
}

impl Peer {
    pub fn start() -> Self {
        let mut child = Program::new(env!("CARGO_BIN_EXE_studio-engine-sdcpp"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let (said, events) = mpsc::channel();
        thread::spawn(move || {
            // A process that is killed may leave half a frame.
            while let Ok(Some(json)) = read_frame(&mut stdout) {
                if said.send(decode_event(&json).unwrap()).is_err() {
                    return;
                }
            }
        });
        let stdin = child.stdin.take();
        let mut peer = Self { child, stdin, events, description: Description::default() };
        peer.say(&Command::Hello(Hello { protocols: vec![1], host: "test".to_owned() }));
        let Some(Event::Ready(ready)) = peer.next() else { panic!("no `ready`") };
        peer.description = ready.engine;
        peer
    }

    /// A process that died does not hear it, which the next event tells.
    pub fn say(&mut self, command: &Command) {
        let _ = write_frame(self.stdin.as_mut().unwrap(), command);
    }

    pub fn hang_up(&mut self) {
        self.stdin = None;
    }

    /// `None` when the process has ended.
    pub fn next(&self) -> Option<Event> {
        match self.events.recv_timeout(PATIENCE) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the engine says nothing, and does not end"),
        }
    }

    /// The events up to the first that `is_last`; it is missing when the process ended.
    pub fn until(&self, is_last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next() {
            let ends = is_last(&event);
            events.push(event);
            if ends {
                break;
            }
        }
        events
    }

    /// The last event is `loaded` or `failed`, or the process has ended.
    pub fn load(&mut self, load: Load) -> Vec<Event> {
        self.say(&Command::Load(Box::new(load)));
        self.until(|event| matches!(event, Event::Loaded(_) | Event::Failed(_)))
    }

    pub fn stats(&mut self) -> Stats {
        self.say(&Command::Stats);
        let events = self.until(|event| matches!(event, Event::Stats(_)));
        let Some(Event::Stats(stats)) = events.into_iter().last() else { panic!("no `stats`") };
        stats
    }

    pub fn ends(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the engine does not end");
            thread::yield_now();
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command to load `files` of `dir`.
pub fn load(dir: &Path, files: &[(FileRole, &str)], more: serde_json::Value) -> Load {
    let files = files.iter().map(|(role, filename)| ModelFile {
        role: role.clone(),
        url: format!("https://example.invalid/{filename}"),
        mirrors: Vec::new(),
        filename: (*filename).to_owned(),
        approx_bytes: None,
        sha256: (*role == FileRole::DiffusionModel).then(|| "ab".repeat(32)),
    });
    let serde_json::Value::Object(more) = more else { panic!("defaults are an object") };
    Load {
        model: "tiny".to_owned(),
        source: ModelSource {
            engine: "sd-cpp".to_owned(),
            files: files.collect(),
            cli_defaults: CliDefaults { cfg_scale: 1.0, steps: 2, width: 64, height: 64, more },
        },
        dir: Some(dir.to_str().unwrap().to_owned()),
    }
}

/// A command to do `task`.
pub fn run(job: &str, task: Task, out: &Path, inputs: &BTreeMap<String, String>, preview: bool) -> Command {
    Command::Run(Box::new(Run {
        job_id: job.into(),
        model: "tiny".to_owned(),
        task,
        out_dir: Some(out.to_str().unwrap().to_owned()),
        inputs: inputs.clone(),
        stream: false,
        preview,
        traceparent: None,
    }))
}
