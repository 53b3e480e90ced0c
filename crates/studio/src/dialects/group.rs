//! The jobs of one request: all are done, or none of them goes on.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use futures_util::stream::{self, BoxStream, SelectAll};
use serde_json::Value;
use studio_dialects::{Failure, Kind};
use studio_protocol::TaskKind;
use studio_store::{Artefact, JobDetail};

use super::run::{Attended, Ending, RunOptions, Update};
use crate::api::auth::Caller;
use crate::api::problem::Problem;
use crate::state::AppState;

/// On an answer: the jobs that made it.
const JOBS: HeaderName = HeaderName::from_static("x-studio-job");

/// What happens with which of the jobs; dropping it before the end cancels all of them.
pub(super) type Updates = SelectAll<BoxStream<'static, (usize, Update)>>;

/// Jobs that run for one client; dropping it before its end cancels all of them.
pub(super) struct Group(Vec<Attended>);

impl Group {
    /// Submits a job for each task; when one is refused, those before it are cancelled.
    pub(super) async fn submit(
        state: &AppState,
        caller: &Caller,
        kind: TaskKind,
        model: &str,
        tasks: Vec<Value>,
        options: &RunOptions,
    ) -> Result<Self, Failure> {
        let mut jobs = Vec::with_capacity(tasks.len());
        for task in tasks {
            jobs.push(Attended::submit(state, caller, kind, model, task, options.clone()).await?);
        }
        Ok(Self(jobs))
    }

    /// How many jobs there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Names the jobs on an answer.
    pub(super) fn names(&self) -> Names {
        let names: Vec<&str> = self.0.iter().map(|job| job.job().as_str()).collect();
        Names(HeaderValue::from_str(&names.join(",")).ok())
    }

    /// Waits until all are done; the first that fails ends the others.
    pub(super) async fn end(self) -> Result<Vec<JobDetail>, Failure> {
        let count = self.len();
        let ends = self.0.into_iter().enumerate().map(|(at, job)| async move {
            job.end().await.map(|detail| *detail).map_err(|ending| ended(ending, at, count))
        });
        try_join_all(ends).await
    }

    /// Everything that happens until all have ended.
    pub(super) fn updates(self) -> Updates {
        stream::select_all(self.0.into_iter().enumerate().map(|(at, job)| {
            let updates = stream::unfold(job, |mut job| async { Some((job.next().await?, job)) });
            updates.map(move |update| (at, update)).boxed()
        }))
    }
}

/// The names of a group's jobs.
pub(super) struct Names(Option<HeaderValue>);

impl Names {
    pub(super) fn on(self, mut response: Response) -> Response {
        if let Some(names) = self.0 {
            response.headers_mut().insert(JOBS, names);
        }
        response
    }
}

/// The artefacts of jobs that are done, in their order.
pub(super) async fn artefacts(state: &AppState, jobs: &[JobDetail]) -> Result<Vec<Artefact>, Failure> {
    let ids: Vec<_> =
        jobs.iter().map(|detail| detail.job.artefact.as_ref().map(|of| of.id.clone())).collect();
    let found = state.store.read(move |db| {
        ids.into_iter().map(|id| id.map(|id| db.artefact(&id)).transpose()).collect::<Result<Vec<_>, _>>()
    });
    let missing = || Failure::new(Kind::Internal, "a job is done and has no artefact");
    let found = found.await.map_err(Problem::from)?;
    found.into_iter().map(|artefact| artefact.ok_or_else(missing)).collect()
}

/// The result of a job that is done.
pub(super) fn result(job: JobDetail) -> Result<String, Failure> {
    job.result_json.ok_or_else(|| Failure::new(Kind::Internal, "a job is done and has no result"))
}

/// How one job of several ended without a result.
pub(super) fn ended(ending: Ending, at: usize, count: usize) -> Failure {
    let failure = Failure::from(ending);
    if count == 1 {
        return failure;
    }
    Failure { message: format!("{} of {count}: {}", at + 1, failure.message), ..failure }
}
