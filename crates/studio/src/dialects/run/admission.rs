//! Whether a client should wait at all: its model is there, somebody can run it, and the line is not too long.

use std::time::Duration;

use axum::http::StatusCode;
use studio_protocol::{Feature, JobId, TaskKind, UserPresence};
use studio_store::{Model, StoreError};

use crate::api::problem::Problem;
use crate::api::submit;
use crate::live::{LiveWorker, Place};
use crate::state::AppState;

/// When to ask again where no worker can do it: one that lost its connection is back by then.
const WORKER_RETRY: Duration = Duration::from_secs(10);
/// When to ask again where too many wait: some answers are given by then.
const LINE_RETRY: Duration = Duration::from_secs(5);
/// When to ask again where the studio itself cannot: its database is busy, or it is stopping.
const STUDIO_RETRY: Duration = Duration::from_secs(1);

/// Why a request does not become a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The registry does not have the model, or it is disabled.
    NoModel {
        /// In words.
        reason: String,
    },
    /// The request is wrong.
    Invalid {
        /// Where, as a path of the submission: `model`, `task.maxTokens`.
        field: Option<String>,
        /// In words.
        reason: String,
    },
    /// The key may not do this.
    Forbidden {
        /// In words.
        reason: String,
    },
    /// Nobody can do it now.
    Unavailable {
        /// In words.
        reason: String,
        /// When it may be worth another try.
        retry_after: Duration,
    },
    /// Too many wait already.
    Busy {
        /// In words.
        reason: String,
        /// When it may be worth another try.
        retry_after: Duration,
    },
    /// The studio failed; why is in its log.
    Internal {
        /// In words for a client.
        reason: String,
    },
}

impl Refusal {
    /// A fault of the studio.
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        Problem::internal(cause).into()
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let Problem { status, detail: reason, field, .. } = problem;
        match StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR) {
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Self::Forbidden { reason },
            StatusCode::TOO_MANY_REQUESTS => Self::Busy { reason, retry_after: LINE_RETRY },
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE => {
                Self::Unavailable { reason, retry_after: STUDIO_RETRY }
            }
            status if status.is_client_error() => Self::Invalid { field, reason },
            _ => Self::Internal { reason },
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Problem::from(error).into()
    }
}

/// The model, if it is one that takes jobs of this kind.
pub(super) async fn model(state: &AppState, kind: TaskKind, name: &str) -> Result<Model, Refusal> {
    let Some(model) = submit::model(state, name).await? else {
        let shown: String = name.chars().take(MAX_QUOTED_MODEL_CHARS).collect();
        return Err(Refusal::NoModel { reason: format!("the model `{shown}` does not exist") });
    };
    if !model.enabled {
        return Err(Refusal::NoModel { reason: format!("the model `{}` is disabled", model.id) });
    }
    if model.kind != kind {
        let reason = format!("the model `{}` is for {}, this address is for {kind}", model.id, model.kind);
        return Err(Refusal::Invalid { field: Some("model".to_owned()), reason });
    }
    Ok(model)
}

/// Characters of a model's name that an error repeats.
const MAX_QUOTED_MODEL_CHARS: usize = 100;

/// Whether a worker is there that could take a job of this model.
pub(super) fn can_run(state: &AppState, model: &Model, needs_options: bool) -> Result<(), Refusal> {
    let mut nearest = Fit::Nobody;
    state.live.any_worker(|worker| {
        nearest = nearest.max(Fit::of(worker, model, needs_options));
        nearest == Fit::Fits
    });
    let id = &model.id;
    let reason = match nearest {
        Fit::Fits => return Ok(()),
        Fit::Nobody => "no worker is connected".to_owned(),
        Fit::Kind => format!("no connected worker takes {} jobs", model.kind),
        Fit::Engine => format!("no connected worker has the engine `{}` of `{id}`", model.source.engine),
        Fit::Memory => {
            format!("no connected worker has the {} GiB of memory that `{id}` needs", model.vram_gb)
        }
        Fit::Options => "no connected worker understands everything that this request states".to_owned(),
        Fit::Away => format!("every worker that could run `{id}` is paused"),
    };
    Err(Refusal::Unavailable { reason, retry_after: WORKER_RETRY })
}

/// What keeps a worker from a job; the later, the nearer it is to running it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Nobody,
    Kind,
    Engine,
    Memory,
    Options,
    Away,
    Fits,
}

impl Fit {
    fn of(worker: &LiveWorker, model: &Model, needs_options: bool) -> Self {
        let can = &worker.capabilities;
        if !can.takes_kind(model.kind) {
            return Self::Kind;
        }
        if !can.model_engines.contains(&model.source.engine) {
            return Self::Engine;
        }
        if can.vram_threshold_gb < model.vram_gb {
            return Self::Memory;
        }
        if needs_options && !worker.features.has(Feature::Options) {
            return Self::Options;
        }
        let is_idle = !can.only_when_idle || can.user_presence == Some(UserPresence::Idle);
        if can.auto_enabled && is_idle { Self::Fits } else { Self::Away }
    }
}

/// A place in the line.
pub(super) fn seat(state: &AppState, job: JobId) -> Result<Place, Refusal> {
    state.live.seats().take(job, state.settings.client_line).map_err(|waiting| {
        let reason = format!("{waiting} requests wait for a worker already");
        Refusal::Busy { reason, retry_after: LINE_RETRY }
    })
}
