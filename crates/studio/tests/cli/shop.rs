//! A studio process, the commands that speak to it, and a worker that does what it is told.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use studio_protocol::{OfferClaim, Task};
use testkit::{Home, Identity, RawSession, RawWorker, StudioProcess};

/// A command on a busy machine.
const COMMAND_LIMIT: Duration = Duration::from_mins(1);

pub struct Shop {
    pub home: Home,
    pub studio: StudioProcess,
}

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Shop {
    pub async fn open() -> Self {
        let home = Home::new();
        let studio = StudioProcess::start(&home).await;
        Self { home, studio }
    }

    /// Runs `studio` with these arguments.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        run(self.studio.command(arguments)).await
    }

    /// Runs it, and it must succeed; gives back what it printed.
    pub async fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments).await;
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran.out.trim_end().to_owned()
    }

    /// The same with `--json`.
    pub async fn json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = ["--json"].into_iter().chain(arguments.iter().copied()).collect();
        let out = self.ok(&arguments).await;
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
    }

    pub fn file(&self, name: &str, content: &str) -> String {
        let path = self.home.join(name);
        std::fs::write(&path, content).expect("a file can be written");
        path.display().to_string()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// A worker that is connected and waits.
    pub async fn worker(&self) -> Hand {
        let code = self.ok(&["join-code"]).await;
        let raw = RawWorker::new(&self.studio.url());
        let capabilities = RawWorker::synthetic();
        let identity = raw.join(&capabilities, &code).await;
        let mut session = raw.session(&identity, &capabilities).await;
        session.heartbeat(&capabilities, None).await;
        Hand { raw, identity, session }
    }
}

/// A worker, by hand.
pub struct Hand {
    raw: RawWorker,
    identity: Identity,
    session: RawSession,
}

impl Hand {
    /// Takes this many jobs; those whose prompt says `fail` are failed for good.
    pub async fn work(&mut self, jobs: usize) {
        for _ in 0..jobs {
            let claim = self.session.offer().await;
            let id = claim.job_id.to_string();
            self.session.send_json(json!({ "type": "accept", "jobId": id })).await;
            if claim.task.prompt().contains("fail") {
                let fail = json!({ "type": "fail", "jobId": id, "error": "told to", "retryable": false });
                self.session.send_json(fail).await;
            } else {
                self.deliver(&claim).await;
            }
        }
    }

    async fn deliver(&mut self, claim: &OfferClaim) {
        let id = claim.job_id.to_string();
        match &claim.task {
            Task::Llm(_) | Task::AudioStt(_) => {
                let answer = json!({ "object": "chat.completion", "choices": [], "to": claim.task.prompt() });
                let frame = json!({ "type": "completeJson", "jobId": id, "result": answer, "prompt": "p" });
                self.session.send_json(frame).await;
            }
            Task::Image(_) | Task::AudioTts(_) | Task::Video(_) | Task::Mesh(_) => {
                let ext = claim.task.ext().unwrap_or("bin");
                let bytes = format!("bytes of {}", claim.task.prompt()).into_bytes();
                let answer = self.raw.upload(&self.identity, &id, None, ext, bytes).await;
                assert!(answer.status.is_success(), "{answer:?}");
            }
        }
    }
}

/// Runs a command to its end.
pub async fn run(command: Command) -> Ran {
    run_with(command, Stdio::null()).await
}

/// The same with something to read.
pub async fn run_with(command: Command, input: Stdio) -> Ran {
    let mut command = tokio::process::Command::from(command);
    command.stdin(input).kill_on_drop(true);
    let output = tokio::time::timeout(COMMAND_LIMIT, command.output());
    let output = output.await.expect("a command ends in time").expect("a command starts");
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).expect("output is text"),
        err: String::from_utf8(output.stderr).expect("errors are text"),
    }
}
