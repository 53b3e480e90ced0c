//! Signals to steps: the first asks, the second insists.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

use crate::Tasks;

/// Within it the other signal is the same wish: a supervisor tells every process of a tree, and a watcher
/// among them tells its children once more.
const SAME_WISH: Duration = Duration::from_secs(1);

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
            let first = signals.next().await;
            tracing::info!("{first}: finishing what runs, a second signal ends at once");
            stopped.stop_softly();
            let asked = Instant::now();
            let second = loop {
                let name = signals.next().await;
                if insists(first, name, asked.elapsed()) {
                    break name;
                }
                tracing::debug!("{name} right after {first}: the same wish");
            };
            tracing::warn!("{second} after {first}: ending at once");
            stopped.stop_hard();
        });
        Ok(Self(()))
    }
}

/// Whether `next`, so long after `first`, is more than an echo.
fn insists(first: &str, next: &str, after: Duration) -> bool {
    next == first || after >= SAME_WISH
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_senders_of_one_wish_do_not_insist() {
        assert!(!insists("SIGINT", "SIGTERM", Duration::from_millis(5)));
        assert!(insists("SIGINT", "SIGTERM", SAME_WISH));
        assert!(insists("SIGINT", "SIGINT", Duration::from_millis(5)), "Ctrl-C twice is meant");
    }
}
