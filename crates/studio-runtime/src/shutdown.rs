//! Signals to steps: the first asks, the second insists.

use std::io;

use crate::Tasks;

/// The operating system does not let us listen for signals.
#[derive(Debug, thiserror::Error)]
#[error("could not listen for SIGTERM and SIGINT")]
pub struct ShutdownError(#[from] io::Error);

/// The signals that end a process, SIGTERM and SIGINT alike (Ctrl-C on Windows).
#[derive(Debug)]
pub struct Shutdown(());

impl Shutdown {
    /// Lets the signals drive the steps of `tasks`; a signal that comes earlier has its usual effect.
    ///
    /// The listener is not one of `tasks`, so that [`Tasks::join`] does not wait for a signal that never comes.
    pub fn install(tasks: &Tasks) -> Result<Self, ShutdownError> {
        let mut signals = Signals::new()?;
        let stopped = tasks.clone();
        let listener = Tasks::new();
        listener.spawn(async move {
            let name = signals.next().await;
            tracing::info!("{name}: finishing what runs, a second signal ends at once");
            stopped.stop_softly();
            let name = signals.next().await;
            tracing::warn!("{name} again: ending at once");
            stopped.stop_hard();
        });
        Ok(Self(()))
    }
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self(tokio::signal::windows::ctrl_c()?))
    }

    async fn next(&mut self) -> &'static str {
        self.0.recv().await;
        "Ctrl-C"
    }
}
