//! Ctrl-C, and what waits for it.

use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result};

/// Hears SIGINT, SIGTERM and SIGHUP.
pub struct Stop {
    heard: Receiver<()>,
}

/// Somebody asked to stop.
#[derive(Debug)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped")
    }
}

impl std::error::Error for Stopped {}

impl Stop {
    /// From now on a signal does not end this process: [`Stop::pause`] tells of it.
    pub fn install() -> Result<Self> {
        let (tell, heard) = channel();
        let handler = move || {
            // The receiver lives as long as there is something to stop.
            let _ = tell.send(());
        };
        ctrlc::set_handler(handler).context("could not listen for Ctrl-C")?;
        Ok(Self { heard })
    }

    /// Waits for `time`, or for a signal: then it is [`Stopped`].
    pub fn pause(&self, time: Duration) -> Result<()> {
        match self.heard.recv_timeout(time) {
            Ok(()) => Err(Stopped.into()),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(()),
        }
    }
}
