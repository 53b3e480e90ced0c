//! Ends with the program that started this one, in whatever way that one ends.
//!
//! Standard input is a pipe whose other end the parent holds: a line is an [`Order`], its end means that
//! nobody is left to give one. A parent asks here instead of with a signal, because supervisors send signals
//! to every process of a tree, and a second signal means "at once".

use std::io::{self, BufRead};

use studio_runtime::Tasks;

use super::words::Order;

/// Asks the system to tell this process of its parent's death; before anything that may take long.
///
/// A parent that died even before has closed the pipe, which [`follow`] sees.
pub(crate) fn bind() -> io::Result<()> {
    // A signal of its own: it says "finish" and never "at once", however many others came before.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::HUP))?;
    Ok(())
}

/// Lets the parent drive the steps of `tasks`.
pub(crate) fn follow(tasks: &Tasks) -> io::Result<()> {
    #[cfg(unix)]
    hang_ups(tasks)?;
    let tasks = tasks.clone();
    // A thread that nobody joins: a blocking read cannot be called off, and ends with the process.
    std::thread::Builder::new().name("parent".to_owned()).spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            match line.trim().parse() {
                Ok(Order::Finish) => {
                    tracing::info!("asked to end: finishing what runs");
                    tasks.stop_softly();
                }
                Ok(Order::EndNow) => {
                    tracing::warn!("asked to end at once");
                    tasks.stop_hard();
                }
                Err(unknown) => tracing::warn!("the program that started this one says {unknown}"),
            }
        }
        orphaned(&tasks);
    })?;
    Ok(())
}

/// The parent's death, or the end of the terminal that all of them run in.
#[cfg(unix)]
fn hang_ups(tasks: &Tasks) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut signals = signal(SignalKind::hangup())?;
    let stopped = tasks.clone();
    // Not one of `tasks`, so that nobody waits for a signal that never comes.
    Tasks::new().spawn(async move {
        while signals.recv().await.is_some() {
            orphaned(&stopped);
        }
    });
    Ok(())
}

fn orphaned(tasks: &Tasks) {
    if !tasks.soft().is_cancelled() {
        tracing::info!("the program that started this one is gone: finishing what runs");
    }
    tasks.stop_softly();
}
