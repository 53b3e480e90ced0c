//! One process of the engine under check.

use std::io::Write;
use std::process::{Child, ChildStdin, Command as Program, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Command, DecodeError, Event, Hello, PROTOCOLS, Ready, decode_event, encode_frame, read_frame};

/// Killed and reaped when dropped.
pub(super) struct Peer {
    child: Child,
    stdin: Option<ChildStdin>,
    events: Receiver<Result<Event, String>>,
    limit: Duration,
}

/// How often an exit is looked for.
const POLL: Duration = Duration::from_millis(10);

impl Peer {
    pub(super) fn start(program: &dyn Fn() -> Program, limit: Duration) -> Result<Self, String> {
        let mut program = program();
        program.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = program.spawn().map_err(|e| format!("could not start {program:?}: {e}"))?;
        let stdin = child.stdin.take();
        let mut stdout = child.stdout.take().ok_or("no standard output")?;
        let (said, events) = mpsc::channel();
        thread::spawn(move || {
            loop {
                let event = match read_frame(&mut stdout) {
                    Ok(None) => return,
                    Ok(Some(json)) => match decode_event(&json) {
                        Err(DecodeError::UnknownType(_)) => continue,
                        read => read.map_err(|e| format!("{e}: {}", String::from_utf8_lossy(&json))),
                    },
                    Err(problem) => Err(problem.to_string()),
                };
                let broken = event.is_err();
                if said.send(event).is_err() || broken {
                    return;
                }
            }
        });
        Ok(Self { child, stdin, events, limit })
    }

    /// Starts a process and greets it.
    pub(super) fn greeted(program: &dyn Fn() -> Program, limit: Duration) -> Result<(Self, Ready), String> {
        let mut peer = Self::start(program, limit)?;
        peer.say(&Command::Hello(Hello { protocols: PROTOCOLS.to_vec(), host: "conformance".to_owned() }))?;
        let ready = peer
            .expect("`ready`", |event| if let Event::Ready(ready) = event { Some(*ready) } else { None })?;
        Ok((peer, ready))
    }

    pub(super) fn say(&mut self, command: &Command) -> Result<(), String> {
        let frame = encode_frame(command).map_err(|e| e.to_string())?;
        self.raw(&frame)
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) -> Result<(), String> {
        let stdin = self.stdin.as_mut().ok_or("standard input is closed already")?;
        stdin
            .write_all(bytes)
            .and_then(|()| stdin.flush())
            .map_err(|e| format!("it does not read any more: {e}"))
    }

    pub(super) fn hang_up(&mut self) {
        self.stdin = None;
    }

    /// The first event that `pick` takes, within the usual limit.
    pub(super) fn expect<T>(&self, what: &str, pick: impl FnMut(Event) -> Option<T>) -> Result<T, String> {
        self.expect_within(self.limit, what, pick)
    }

    /// The first event that `pick` takes; other events are skipped.
    pub(super) fn expect_within<T>(
        &self,
        limit: Duration,
        what: &str,
        mut pick: impl FnMut(Event) -> Option<T>,
    ) -> Result<T, String> {
        let deadline = Instant::now() + limit;
        loop {
            match self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) => {
                    if let Some(found) = pick(event?) {
                        return Ok(found);
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Err(format!("no {what} within {limit:?}")),
                Err(RecvTimeoutError::Disconnected) => return Err(format!("it ended before {what}")),
            }
        }
    }

    /// How the process ends, within `limit`.
    pub(super) fn ends_within(&mut self, limit: Duration) -> Result<ExitStatus, String> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().map_err(|e| e.to_string())? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                return Err(format!("it still runs after {limit:?}"));
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
