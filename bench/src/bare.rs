//! An engine process that is spoken to directly, without any of our programs around it.

use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdout, Command as Program, Stdio};

use anyhow::{Context, bail};
use engine_protocol::{Command, Event, Hello, Load, PROTOCOLS, Run, decode_event, encode_frame, read_frame};
use studio_protocol::{JobId, Task};

/// A running engine with one loaded model; it ends with its handle.
pub struct Bare {
    process: Child,
    output: ChildStdout,
}

impl Bare {
    /// Starts the program `engine` (built by `cargo build --release -p PACKAGE`) and loads a model.
    pub fn start(engine: &Path, package: &str, load: Load) -> anyhow::Result<Self> {
        let mut program = Program::new(engine);
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = program.spawn().with_context(|| {
            format!("`{}` did not start: cargo build --release -p {package}", engine.display())
        })?;
        let output = process.stdout.take().context("its output is piped")?;
        let mut bare = Self { process, output };
        bare.say(&Command::Hello(Hello { protocols: PROTOCOLS.to_vec(), host: "bench".to_owned() }))?;
        bare.until(|event| matches!(event, Event::Ready(_)))?;
        bare.say(&Command::Load(Box::new(load)))?;
        bare.until(|event| matches!(event, Event::Loaded(_)))?;
        Ok(bare)
    }

    /// Hands it a job.
    pub fn run(&mut self, run: Run) -> anyhow::Result<()> {
        self.say(&Command::Run(Box::new(run)))
    }

    /// Reads until it says what is waited for.
    pub fn until(&mut self, is_it: impl Fn(&Event) -> bool) -> anyhow::Result<()> {
        while let Some(frame) = read_frame(&mut self.output)? {
            let event = decode_event(&frame)?;
            if let Event::Failed(failed) = &event {
                bail!("the engine failed: {}", failed.message);
            }
            if is_it(&event) {
                return Ok(());
            }
        }
        bail!("the engine ended")
    }

    fn say(&mut self, command: &Command) -> anyhow::Result<()> {
        let input = self.process.stdin.as_mut().context("its input is piped")?;
        input.write_all(&encode_frame(command)?).context("the engine does not listen")
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.process.kill().and_then(|()| self.process.wait());
    }
}

/// A job without inputs, streams and previews.
pub fn run_of(job: &str, model: &str, task: serde_json::Value) -> anyhow::Result<Run> {
    let task: Task = serde_json::from_value(task)?;
    Ok(Run {
        job_id: JobId::from(job.to_owned()),
        model: model.to_owned(),
        task,
        out_dir: None,
        inputs: std::collections::BTreeMap::new(),
        stream: false,
        preview: false,
        traceparent: None,
    })
}
