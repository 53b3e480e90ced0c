//! How a job ends for its client.

use std::time::Duration;

use studio_protocol::JobId;
use studio_store::{JobDetail, JobState};

use super::Update;
use crate::state::AppState;

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ending {
    /// No worker could do it.
    #[error("the job failed: {reason}")]
    Failed {
        /// In the worker's words.
        reason: String,
        /// No other try would help: it is about the request.
        is_final: bool,
    },
    /// It took workers down.
    #[error("the job was set aside because workers were lost with it: {0}")]
    Quarantined(String),
    /// Somebody else called it off.
    #[error("the job was cancelled: {0}")]
    Cancelled(String),
    /// The client waited as long as it may.
    #[error("the job did not end within {} seconds and was cancelled", .0.as_secs())]
    TimedOut(Duration),
    /// The studio is told to stop.
    #[error("the studio is stopping: send the request again in a moment")]
    Stopping,
    /// The studio failed; why is in its log.
    #[error("the studio lost sight of the job: {0}")]
    Lost(String),
}

/// What to tell of a job that has ended.
pub(super) async fn of(state: &AppState, job: &JobId) -> Update {
    let id = job.clone();
    match state.store.read(move |db| db.job(&id)).await {
        Ok(detail) => told(detail),
        Err(error) => {
            tracing::error!(%job, "could not read how a job has ended: {error}");
            Update::Failed(Ending::Lost(error.to_string()))
        }
    }
}

fn told(detail: JobDetail) -> Update {
    let error = || detail.job.error.clone().unwrap_or_else(|| "no reason was given".to_owned());
    match detail.job.state {
        JobState::Done => Update::Done(Box::new(detail)),
        JobState::Failed => {
            // Tries are left over when the worker said that none of them helps.
            let is_final = detail.job.attempts < detail.job.max_attempts;
            Update::Failed(Ending::Failed { reason: error(), is_final })
        }
        JobState::Quarantined => Update::Failed(Ending::Quarantined(error())),
        JobState::Cancelled => Update::Cancelled { reason: error() },
        JobState::Queued | JobState::Offered | JobState::Running => {
            Update::Failed(Ending::Lost(format!("it is {} again", detail.job.state)))
        }
    }
}
