//! Between the daemon's task and the one who waits for a local job.
//!
//! Nothing is queued: texts are joined, and of reports and looks only the latest is kept, so that a slow reader costs no
//! more than its answer. Dropping a [`Follow`] says that nobody wants the job any more.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use studio_dialects::{Failure, Kind};
use studio_protocol::JobId;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// How every local job's id begins.
const PREFIX: &str = "local-";

/// Whether a program of this machine asked for this job.
pub(crate) fn is_local(job: &JobId) -> bool {
    job.as_str().starts_with(PREFIX)
}

/// A folder that is deleted with its last owner.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Nothing is made yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where it is, or will be.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is cleared at the next start.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a job made.
#[derive(Debug)]
pub(crate) enum Made {
    /// As the engine wrote it.
    Json(Box<RawValue>),
    /// In a folder that goes with this.
    File {
        /// Where.
        path: PathBuf,
        /// What kind.
        ext: String,
        /// Around it.
        folder: Folder,
    },
}

/// What happens to a job, in this order.
#[derive(Debug)]
pub(crate) enum Update {
    /// Its engine works on it.
    Started,
    /// The text grew.
    Delta { text: String, reasoning: String },
    /// It got further.
    Progress { step: u32, steps: u32 },
    /// What it looks like so far, as base64.
    Preview(String),
    /// The end.
    Ended(Result<Made, Failure>),
}

#[derive(Debug, Default)]
struct State {
    has_started: bool,
    text: String,
    reasoning: String,
    progress: Option<(u32, u32)>,
    preview: Option<String>,
    end: Option<Result<Made, Failure>>,
    is_over: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The daemon's end; dropping it tells that nothing more comes.
#[derive(Debug)]
pub(crate) struct Feed {
    job: JobId,
    shared: Arc<Shared>,
    gone: CancellationToken,
}

/// The end of whoever waits.
#[derive(Debug)]
pub(crate) struct Follow {
    job: JobId,
    shared: Arc<Shared>,
    _gone: DropGuard,
}

/// Both ends of a new job.
pub(crate) fn feed() -> (Feed, Follow) {
    let job = JobId::from(format!("{PREFIX}{}", Uuid::new_v4()));
    let (shared, gone) = (Arc::<Shared>::default(), CancellationToken::new());
    let follow = Follow { job: job.clone(), shared: Arc::clone(&shared), _gone: gone.clone().drop_guard() };
    (Feed { job, shared, gone }, follow)
}

impl Feed {
    /// Of this job.
    pub(crate) fn job(&self) -> &JobId {
        &self.job
    }

    /// Fires when nobody waits any more.
    pub(crate) fn gone(&self) -> &CancellationToken {
        &self.gone
    }

    pub(crate) fn started(&self) {
        self.change(|state| state.has_started = true);
    }

    pub(crate) fn delta(&self, text: &str, reasoning: &str) {
        self.change(|state| {
            state.has_started = true;
            state.text.push_str(text);
            state.reasoning.push_str(reasoning);
        });
    }

    pub(crate) fn progress(&self, step: u32, steps: u32) {
        self.change(|state| state.progress = Some((step, steps)));
    }

    pub(crate) fn preview(&self, data: String) {
        self.change(|state| state.preview = Some(data));
    }

    /// Nothing follows.
    pub(crate) fn end(self, end: Result<Made, Failure>) {
        self.change(|state| state.end = Some(end));
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.shared.state());
        self.shared.changed.notify_one();
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.change(|state| {
            state
                .end
                .get_or_insert_with(|| Err(Failure::new(Kind::Unavailable, "the worker is about to end")));
        });
    }
}

impl Follow {
    /// Of this job.
    pub(crate) fn job(&self) -> &JobId {
        &self.job
    }

    /// What happens next; `None` after the end. Nothing is lost when the wait is given up and taken up again.
    pub(crate) async fn next(&mut self) -> Option<Update> {
        loop {
            {
                let mut state = self.shared.state();
                if state.is_over {
                    return None;
                }
                if let Some(update) = state.take() {
                    return Some(update);
                }
            }
            self.shared.changed.notified().await;
        }
    }

    /// Waits for the end, whatever comes before it.
    pub(crate) async fn end(mut self) -> Result<Made, Failure> {
        while let Some(update) = self.next().await {
            if let Update::Ended(end) = update {
                return end;
            }
        }
        Err(Failure::new(Kind::Internal, "the job's end was told already"))
    }
}

impl State {
    fn take(&mut self) -> Option<Update> {
        if std::mem::take(&mut self.has_started) {
            return Some(Update::Started);
        }
        if !(self.text.is_empty() && self.reasoning.is_empty()) {
            let (text, reasoning) = (std::mem::take(&mut self.text), std::mem::take(&mut self.reasoning));
            return Some(Update::Delta { text, reasoning });
        }
        if let Some((step, steps)) = self.progress.take() {
            return Some(Update::Progress { step, steps });
        }
        if let Some(data) = self.preview.take() {
            return Some(Update::Preview(data));
        }
        let end = self.end.take()?;
        self.is_over = true;
        Some(Update::Ended(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_reader_gets_the_whole_text_and_the_latest_of_the_rest() {
        let (feed, mut follow) = feed();
        assert!(is_local(follow.job()) && feed.job() == follow.job());
        for piece in ["a", "b", "c"] {
            feed.delta(piece, "");
            feed.progress(1, 3);
        }
        feed.progress(2, 3);
        feed.end(Ok(Made::Json(RawValue::from_string("{}".into()).unwrap())));
        assert!(matches!(follow.next().await, Some(Update::Started)));
        assert!(matches!(follow.next().await, Some(Update::Delta { text, .. }) if text == "abc"));
        assert!(matches!(follow.next().await, Some(Update::Progress { step: 2, steps: 3 })));
        assert!(matches!(follow.next().await, Some(Update::Ended(Ok(_)))));
        assert!(follow.next().await.is_none());
    }

    #[tokio::test]
    async fn each_side_hears_when_the_other_is_gone() {
        let (first, follow) = feed();
        let gone = first.gone().clone();
        drop(first);
        assert_eq!(follow.end().await.unwrap_err().kind, Kind::Unavailable);
        assert!(gone.is_cancelled());
    }

    #[test]
    fn a_folder_goes_with_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        std::fs::create_dir_all(&path).unwrap();
        drop(Folder::new(path.clone()));
        assert!(!path.exists() && dir.path().join("a").exists());
        drop(Folder::new(path));
    }
}
