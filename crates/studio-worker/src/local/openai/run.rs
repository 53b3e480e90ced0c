//! The local jobs of one request: all are done, or none of them goes on.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use futures_util::stream::{self, BoxStream, SelectAll};
use serde_json::Value;
use studio_dialects::{Failure, Kind};
use studio_protocol::{Task, TaskKind};

use super::super::Local;
use super::files::Files;
use super::models::LocalModel;
use crate::daemon::{Folder, Follow, LocalNews, Made, NewLocal, News, Update, feed};

/// On an answer: the jobs that made it.
const JOBS: HeaderName = HeaderName::from_static("x-studio-job");
/// How long an answer in pieces waits for its first one before it begins: until then a failure has a status of its own.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// What is wanted while the jobs run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wish {
    /// Texts as they grow.
    pub(super) stream: bool,
    /// Looks at pictures.
    pub(super) preview: bool,
}

/// Jobs that run for one client; dropping it before its end calls all of them off.
pub(super) struct Jobs {
    follows: Vec<Follow>,
    /// What came with the request stays until the answer is made.
    files: Arc<Files>,
}

/// What happens with which of the jobs; dropping it before the end calls all of them off.
pub(super) type Updates = SelectAll<BoxStream<'static, (usize, Update)>>;

impl Jobs {
    /// Hands a job for each task to the daemon.
    pub(super) async fn submit(
        local: &Local,
        kind: TaskKind,
        model: &LocalModel,
        tasks: Vec<Value>,
        files: Files,
        wish: Wish,
    ) -> Result<Self, Failure> {
        let tasks: Vec<Task> =
            tasks.into_iter().map(|task| read_task(kind, model, task)).collect::<Result<_, _>>()?;
        let files = Arc::new(files);
        let mut follows = Vec::with_capacity(tasks.len());
        for task in tasks {
            let (feed, follow) = feed();
            let new = NewLocal {
                model: model.name.clone(),
                source: model.source.clone(),
                task,
                inputs: files.paths.clone(),
                stream: wish.stream,
                preview: wish.preview,
                feed,
            };
            // A worker that has ended drops the feed, which is the end of the job.
            let _ = local.asks.send(News::Local(LocalNews::Run(Box::new(new)))).await;
            follows.push(follow);
        }
        Ok(Self { follows, files })
    }

    pub(super) fn len(&self) -> usize {
        self.follows.len()
    }

    /// The value of a header that names them.
    pub(super) fn names(&self) -> Names {
        let names: Vec<&str> = self.follows.iter().map(|follow| follow.job().as_str()).collect();
        Names(HeaderValue::from_str(&names.join(",")).ok())
    }

    /// Waits until all are done; the first that fails ends the others.
    pub(super) async fn end(self) -> Result<Vec<Made>, Failure> {
        let count = self.len();
        let ends = self.follows.into_iter().enumerate().map(|(at, follow)| async move {
            follow.end().await.map_err(|failure| numbered(failure, at, count))
        });
        let made = try_join_all(ends).await;
        drop(self.files);
        made
    }

    /// Everything that happens until all have ended, and what has happened first: a failure before anything else has a
    /// status of its own.
    pub(super) async fn updates(self) -> Result<(Vec<(usize, Update)>, Updates), Failure> {
        let files = self.files;
        let mut updates = stream::select_all(self.follows.into_iter().enumerate().map(|(at, follow)| {
            let state = (follow, Arc::clone(&files));
            let updates = stream::unfold(state, |(mut follow, files)| async {
                Some((follow.next().await?, (follow, files)))
            });
            updates.map(move |update| (at, update)).boxed()
        }));
        let first = tokio::time::timeout(HEAD_PATIENCE, async {
            while let Some(update) = updates.next().await {
                if !matches!(update.1, Update::Progress { .. }) {
                    return Some(update);
                }
            }
            None
        });
        match first.await {
            Ok(Some((_, Update::Ended(Err(failure))))) => Err(failure),
            Ok(first) => Ok((first.into_iter().collect(), updates)),
            // It is still on its way.
            Err(_) => Ok((Vec::new(), updates)),
        }
    }
}

/// Names of jobs, for an answer.
pub(super) struct Names(Option<HeaderValue>);

impl Names {
    pub(super) fn on(self, mut response: Response) -> Response {
        if let Some(names) = self.0 {
            response.headers_mut().insert(JOBS, names);
        }
        response
    }
}

fn read_task(kind: TaskKind, model: &LocalModel, mut task: Value) -> Result<Task, Failure> {
    if let Some(fields) = task.as_object_mut() {
        fields.insert("kind".to_owned(), kind.as_str().into());
    }
    let task = Task::with_defaults(task, &model.source.cli_defaults)
        .map_err(|error| Failure::new(Kind::Invalid, error.to_string()))?;
    task.check().map_err(|error| Failure::invalid(error.field, error.problem))?;
    Ok(task)
}

/// How one job of several ended without a result.
pub(super) fn numbered(failure: Failure, at: usize, count: usize) -> Failure {
    if count == 1 {
        return failure;
    }
    Failure { message: format!("{} of {count}: {}", at + 1, failure.message), ..failure }
}

/// The JSON that a job made.
pub(super) fn json(made: &Made) -> Result<&str, Failure> {
    match made {
        Made::Json(json) => Ok(json.get()),
        Made::File { .. } => Err(Failure::new(Kind::Internal, "the engine made a file, not an answer")),
    }
}

/// The file that a job made, its extension, and the folder that it goes with.
pub(super) fn file(made: Made) -> Result<(std::path::PathBuf, String, Folder), Failure> {
    match made {
        Made::File { path, ext, folder } => Ok((path, ext, folder)),
        Made::Json(_) => Err(Failure::new(Kind::Internal, "the engine made an answer, not a file")),
    }
}
