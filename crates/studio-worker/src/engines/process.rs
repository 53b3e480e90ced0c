//! One engine process: frames out and in, its stderr, and its end.

#[cfg_attr(unix, path = "process/unix.rs")]
#[cfg_attr(windows, path = "process/windows.rs")]
mod platform;

use std::io;
use std::process::Stdio;
use std::time::Duration;

use engine_protocol::{Command, DecodeError, Event, FrameDecoder, decode_event, encode_frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::time::{Instant, sleep_until, timeout};

use super::stderr::Lines;
use super::{EngineProgram, EngineSettings};

/// What is read at once: a pipe holds no more.
const READ: usize = 64 * 1024;
/// After the end of a process, how long its pipes may still give what was written before.
const DRAIN: Duration = Duration::from_millis(250);
/// How long a killed process may take to disappear before it is left to be reaped in the background.
const REAP: Duration = Duration::from_secs(2);
/// The daemon's own settings, secrets among them, are none of an engine's business.
const PRIVATE: &str = "STUDIO_WORKER_";

/// A running engine; dropping it kills its process group.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: platform::Group,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    /// Bytes on their way in: an engine that does not read must not make its owner wait.
    outgoing: Vec<u8>,
    /// How much of `outgoing` has left.
    sent: usize,
    frames: FrameDecoder,
    lines: Lines,
    buffers: (Box<[u8]>, Box<[u8]>),
    /// How it ended, and until when its pipes are read.
    ended: Option<(String, Instant)>,
}

/// Something that a process did.
#[derive(Debug)]
pub(super) enum Notice {
    Said(Event),
    Printed(String),
    /// It is gone, or not to be listened to any longer: how.
    Broke(String),
}

impl Process {
    /// Starts `program`, isolated, in the settings' folder.
    pub(super) async fn start(program: &EngineProgram, settings: &EngineSettings) -> io::Result<Self> {
        tokio::fs::create_dir_all(&settings.work_dir).await?;
        let mut command = tokio::process::Command::new(&program.path);
        command.args(&program.args).current_dir(&settings.work_dir).kill_on_drop(true);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(PRIVATE)) {
            command.env_remove(name);
        }
        if let Some(threads) = settings.threads {
            command.env(engine_protocol::harness::THREADS_VARIABLE, threads.to_string());
        }
        command.envs(program.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        platform::isolate(&mut command);
        let mut child = command.spawn()?;
        Ok(Self {
            group: platform::Group::of(&child),
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child,
            outgoing: Vec::new(),
            sent: 0,
            frames: FrameDecoder::default(),
            lines: Lines::default(),
            buffers: (vec![0; READ].into(), vec![0; READ].into()),
            ended: None,
        })
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Queues a command; it leaves while [`next`](Self::next) is waited for. An error is one about its size.
    pub(super) fn say(&mut self, command: &Command) -> io::Result<()> {
        self.outgoing.extend(encode_frame(command)?);
        Ok(())
    }

    /// What it printed last.
    pub(super) fn last_words(&self) -> String {
        self.lines.last_words()
    }

    /// The next thing that it does. May be dropped at any time; nothing is lost.
    pub(super) async fn next(&mut self) -> Notice {
        loop {
            if let Some(line) = self.lines.pop() {
                return Notice::Printed(line);
            }
            match self
                .frames
                .next_frame()
                .map_err(|e| e.to_string())
                .map(|json| json.map(|json| decode_event(&json)))
            {
                Ok(None) => {}
                Ok(Some(Ok(event))) => return Notice::Said(event),
                Ok(Some(Err(DecodeError::UnknownType(tag)))) => {
                    tracing::warn!("skipped an engine event of the unknown type `{tag}`");
                    continue;
                }
                Ok(Some(Err(problem))) => {
                    return Notice::Broke(format!("it wrote something else than events: {problem}"));
                }
                Err(problem) => {
                    return Notice::Broke(format!("it wrote something else than frames: {problem}"));
                }
            }
            if let Some((how, _)) = &self.ended
                && self.stdout.is_none()
                && self.stderr.is_none()
            {
                let partial = self.frames.finish().map_err(|e| format!(", {e}")).err().unwrap_or_default();
                return Notice::Broke(format!("{how}{partial}"));
            }
            self.transfer().await;
        }
    }

    /// Moves bytes in one direction, once.
    async fn transfer(&mut self) {
        let Self { child, stdin, stdout, stderr, outgoing, sent, buffers, ended, .. } = self;
        let (out, err) = buffers;
        let drained = ended.as_ref().map(|(_, until)| *until);
        tokio::select! {
            read = read(stdout, out), if stdout.is_some() => match read {
                0 => self.stdout = None,
                bytes => self.frames.push(&self.buffers.0[..bytes]),
            },
            read = read(stderr, err), if stderr.is_some() => match read {
                0 => {
                    self.stderr = None;
                    self.lines.end_line();
                }
                bytes => self.lines.push(&self.buffers.1[..bytes]),
            },
            written = write(stdin, &outgoing[*sent..]), if stdin.is_some() && !outgoing.is_empty() => match written {
                0 => self.stdin = None,
                bytes => self.has_sent(bytes),
            },
            status = child.wait(), if ended.is_none() => {
                // Children that it left behind hold its pipes, and nobody else would end them.
                self.group.kill();
                self.group.forget();
                let how = status.map_or_else(|e| e.to_string(), |status| format!("it ended with {status}"));
                self.ended = Some((how, Instant::now() + DRAIN));
            }
            () = sleep_until(drained.unwrap_or_else(Instant::now)), if drained.is_some() => {
                self.stdout = None;
                self.stderr = None;
            }
        }
    }

    fn has_sent(&mut self, bytes: usize) {
        self.sent += bytes;
        if self.sent == self.outgoing.len() {
            self.sent = 0;
            self.outgoing.clear();
            self.outgoing.shrink_to(READ);
        }
    }

    /// Asks it to end, kills it after `grace`, and returns when it is gone.
    pub(super) async fn stop(mut self, grace: Duration) {
        let _ = self.say(&Command::Shutdown);
        let end = async { while !matches!(self.next().await, Notice::Broke(_)) {} };
        if timeout(grace, end).await.is_err() {
            tracing::warn!(pid = self.pid(), "engine did not end within {grace:?}: killing it");
        }
        self.kill().await;
    }

    /// Kills its group and returns when it is gone.
    pub(super) async fn kill(mut self) {
        if self.ended.is_some() {
            return;
        }
        self.group.kill();
        let _ = self.child.start_kill();
        if timeout(REAP, self.child.wait()).await.is_ok() {
            self.group.forget();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.group.kill();
    }
}

/// 0 at the end and at an error: either way nothing more comes.
async fn read(from: &mut Option<impl AsyncReadExt + Unpin>, into: &mut [u8]) -> usize {
    match from {
        Some(from) => from.read(into).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

async fn write(to: &mut Option<ChildStdin>, bytes: &[u8]) -> usize {
    match to {
        Some(to) => to.write(bytes).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}
