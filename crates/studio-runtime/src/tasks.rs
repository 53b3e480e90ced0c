//! Every task has an owner that can stop it and wait for it.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerWaitFuture;

/// Owns the tasks of a process, or of a part of it; clones own the same tasks.
///
/// Shutdown has two steps: [`soft`](Self::soft) says take no more work, [`hard`](Self::hard) says stop now.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    soft: CancellationToken,
    hard: CancellationToken,
}

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// An owner of its own whose steps follow this one's; ending it does not end this one.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { tracker: TaskTracker::new(), soft: self.soft.child_token(), hard: self.hard.child_token() }
    }

    /// Runs `task` until it ends, or is dropped at the second step.
    #[expect(clippy::disallowed_methods, reason = "this is the owner that the lint asks for")]
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let hard = self.hard.clone();
        let tracked = self.tracker.track_future(async move {
            tokio::select! {
                biased; // A task that ends by itself has the last word.
                () = task => {}
                () = hard.cancelled() => {}
            }
        });
        drop(tokio::spawn(tracked));
    }

    /// Runs blocking work that ends by itself; it cannot be dropped half way.
    pub fn spawn_blocking(&self, work: impl FnOnce() + Send + 'static) {
        drop(self.tracker.spawn_blocking(work));
    }

    /// Fires at the first step: take no more work.
    pub fn soft(&self) -> &CancellationToken {
        &self.soft
    }

    /// Fires at the second step: stop now.
    pub fn hard(&self) -> &CancellationToken {
        &self.hard
    }

    /// The first step.
    pub fn stop_softly(&self) {
        self.soft.cancel();
    }

    /// Both steps.
    pub fn stop_hard(&self) {
        self.soft.cancel();
        self.hard.cancel();
    }

    /// Ends when every task has ended; stops nothing by itself.
    pub fn join(&self) -> TaskTrackerWaitFuture<'_> {
        self.tracker.close();
        self.tracker.wait()
    }

    /// How many tasks are running.
    pub fn len(&self) -> usize {
        self.tracker.len()
    }

    /// Whether none is running.
    pub fn is_empty(&self) -> bool {
        self.tracker.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_step_lets_tasks_end_and_the_second_drops_them() {
        let tasks = Tasks::new();
        let (said, mut heard) = tokio::sync::mpsc::channel(4);
        let soft = tasks.soft().clone();
        let polite = said.clone();
        tasks.spawn(async move {
            soft.cancelled().await;
            polite.send("polite").await.unwrap();
        });
        tasks.spawn(async move {
            std::future::pending::<()>().await;
            drop(said);
        });
        tasks.stop_softly();
        assert_eq!(heard.recv().await, Some("polite"));
        assert_eq!(tasks.len(), 1);
        tasks.stop_hard();
        tasks.join().await;
        assert_eq!(heard.recv().await, None);
    }

    #[tokio::test]
    async fn a_child_ends_without_its_parent() {
        let parent = Tasks::new();
        let child = parent.child();
        child.spawn(std::future::pending());
        child.stop_hard();
        child.join().await;
        assert!(!parent.soft().is_cancelled());
        let second = parent.child();
        parent.stop_softly();
        assert!(second.soft().is_cancelled());
    }
}
