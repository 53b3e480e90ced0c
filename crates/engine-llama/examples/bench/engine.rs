//! The engine as the worker runs it: a process, frames, chats.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command as Program, Stdio};
use std::time::{Duration, Instant};

use engine_protocol::{Command, Event, Hello, Load, PROTOCOLS, Run, decode_event, read_frame, write_frame};
use serde_json::{Value, json};

const MODEL: &str = "bench";

/// A process with the model loaded.
pub struct Engine {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    jobs: usize,
}

impl Engine {
    pub fn start(model: &Path, threads: u32) -> io::Result<Self> {
        let mut child = Program::new(program()?).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the engine has no pipes"));
        };
        let mut engine = Self { child, stdin, stdout, jobs: 0 };
        engine.say(&Command::Hello(Hello { protocols: PROTOCOLS.to_vec(), host: "bench".to_owned() }))?;
        let name = model.file_name().unwrap_or_default().to_string_lossy();
        let source = json!({
            "engine": "llama-cpp",
            "files": [{ "role": "model", "url": "https://models.invalid/bench.gguf", "filename": name }],
            "cliDefaults": { "cfgScale": 1.0, "steps": 1, "width": 8, "height": 8, "threads": threads },
        });
        let dir = model.canonicalize()?.parent().map(|dir| dir.to_string_lossy().into_owned());
        let source = serde_json::from_value(source).map_err(io::Error::other)?;
        engine.say(&Command::Load(Box::new(Load { model: MODEL.to_owned(), source, dir })))?;
        engine.until(|event| matches!(event, Event::Loaded(_)))?;
        Ok(engine)
    }

    /// Its number in the system.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    fn say(&mut self, command: &Command) -> io::Result<()> {
        write_frame(&mut self.stdin, command)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever is no failure goes on")]
    fn event(&mut self) -> io::Result<Event> {
        let json = read_frame(self.stdout.by_ref()).map_err(io::Error::other)?;
        let json = json.ok_or_else(|| io::Error::other("the engine ended"))?;
        match decode_event(&json).map_err(io::Error::other)? {
            Event::Failed(failed) => Err(io::Error::other(failed.message)),
            event => Ok(event),
        }
    }

    fn until(&mut self, mut wanted: impl FnMut(&Event) -> bool) -> io::Result<Event> {
        loop {
            let event = self.event()?;
            if wanted(&event) {
                return Ok(event);
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only these two are counted")]
    /// Tokens that all streams made together, and the time from the first token of the first to the end of the last.
    pub fn answer(&mut self, streams: usize, tokens: u32) -> io::Result<(u32, Duration)> {
        for _ in 0..streams {
            self.jobs += 1;
            // No two prompts begin alike.
            let prompt = format!("{} hello", self.jobs);
            let task: Value = json!({ "kind": "llm", "messages": [{ "role": "user", "content": prompt }],
                "temperature": 0, "maxTokens": tokens });
            let task = serde_json::from_value(task).map_err(io::Error::other)?;
            self.say(&Command::Run(Box::new(Run {
                job_id: format!("job-{}", self.jobs).as_str().into(),
                model: MODEL.to_owned(),
                task,
                out_dir: None,
                inputs: BTreeMap::new(),
                stream: true,
                preview: false,
                traceparent: None,
            })))?;
        }
        let (mut made, mut ended, mut started) = (0, 0, None);
        while ended < streams {
            match self.event()? {
                Event::Delta(_) => {
                    started.get_or_insert_with(Instant::now);
                }
                Event::Done(done) => {
                    let result = done.result.map(|result| result.get().to_owned()).unwrap_or_default();
                    let result: Value = serde_json::from_str(&result).map_err(io::Error::other)?;
                    made += result["usage"]["completion_tokens"].as_u64().unwrap_or_default() as u32;
                    ended += 1;
                }
                _ => {}
            }
        }
        let time = started.map(|started: Instant| started.elapsed()).unwrap_or_default();
        // The first token of each stream was made before the clock started.
        Ok((made.saturating_sub(streams as u32), time))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The engine beside this program's folder.
fn program() -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(Path::parent).ok_or_else(|| io::Error::other("no folder"))?;
    Ok(folder.join(format!("studio-engine-llama{}", std::env::consts::EXE_SUFFIX)))
}
