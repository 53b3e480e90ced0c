//! Jobs of programs on this machine: they run on the engines as those of the studio do, and the studio never hears of them.
//!
//! Their models are those of this machine, and whether one fits into memory is the engines' business as ever.
//! They hold slots of the core, so that the studio's offers beyond are refused as busy; they themselves wait in their
//! engine's line. An owner's pause keeps the studio's jobs away, not those of the owner's own programs; one that
//! asks for the memory does, because it wants the engines gone.

mod feed;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine_protocol::Description;
use model_store::Hold;
use studio_dialects::{Failure, Kind};
use studio_protocol::{JobId, ModelSource, Stage, Task, TaskKind};
use studio_runtime::Tasks;
use tokio::sync::oneshot;
use worker_core::{ExitReason, ProgressReport};
use worker_local::{JobEnd, Origin};

use super::ledger::{Ledger, picture_at, running_job};
use super::{Daemon, News};
use crate::engines::{EngineJob, JobEvent, Output};
use crate::logbatch::{self, Category};
pub(crate) use feed::{Feed, Folder, Follow, Made, Update, feed, is_local};

/// Local jobs at once: what the largest request of embeddings takes, twice. Each of them holds its inputs and a place in
/// an engine's line.
pub(crate) const MOST_LOCAL_JOBS: usize = 32;
/// When another try may find room among them: some answers are given by then.
const BUSY_RETRY: Duration = Duration::from_secs(2);
/// When another try may find memory: a job of another model is over by then, or a program has ended.
const MEMORY_RETRY: Duration = Duration::from_secs(10);
/// When a worker that is about to end may be back.
const ENDING_RETRY: Duration = Duration::from_secs(5);

/// A job that a local program wants.
#[derive(Debug)]
pub(crate) struct NewLocal {
    pub(crate) model: String,
    pub(crate) source: ModelSource,
    pub(crate) task: Task,
    /// What came with the request, and the file that holds it.
    pub(crate) inputs: BTreeMap<String, String>,
    /// Whether the text is wanted while it grows.
    pub(crate) stream: bool,
    /// Whether looks at a picture are wanted.
    pub(crate) preview: bool,
    /// Where everything goes that happens to it.
    pub(crate) feed: Feed,
}

/// What reaches the daemon's task of local jobs.
pub(crate) enum LocalNews {
    /// A new one; a refusal is its end.
    Run(Box<NewLocal>),
    /// It has its files and inputs, or cannot have them.
    Prepared(JobId, Result<(Box<EngineJob>, Option<Hold>), Failure>),
    /// Nobody waits for it any more.
    Gone(JobId),
    /// What every engine can do, by its name.
    Engines(oneshot::Sender<EnginesKnown>),
}

/// Every engine that there is, and what it can do, once it has said so.
pub(crate) type EnginesKnown = BTreeMap<String, Option<Arc<Description>>>;

/// One that waits or runs.
struct LocalJob {
    feed: Feed,
    kind: TaskKind,
    wants_looks: bool,
    /// Its preparation, and who looks out for its client.
    tasks: Tasks,
    /// Its engine has it.
    is_with_engine: bool,
    hold: Option<Hold>,
    folder: Folder,
    /// Why it is being called off.
    cancelled: Option<&'static str>,
}

/// All of them, in the order of their beginning.
#[derive(Default)]
pub(super) struct LocalJobs(Vec<LocalJob>);

impl LocalJobs {
    fn find(&mut self, job: &JobId) -> Option<&mut LocalJob> {
        self.0.iter_mut().find(|local| local.feed.job() == job)
    }

    fn take(&mut self, job: &JobId) -> Option<LocalJob> {
        let at = self.0.iter().position(|local| local.feed.job() == job)?;
        Some(self.0.remove(at))
    }

    /// How many of each kind hold a slot.
    fn counts(&self) -> BTreeMap<TaskKind, u32> {
        let mut counts = BTreeMap::new();
        for local in &self.0 {
            *counts.entry(local.kind).or_insert(0) += 1;
        }
        counts
    }

    /// The worker ends: whoever waits is told so, and nothing is left on the disk.
    pub(super) fn end_all(&mut self, ledger: &mut Ledger) {
        for local in std::mem::take(&mut self.0) {
            local.tasks.stop_hard();
            let reason = Some("the worker ended".to_owned());
            ledger.end(local.feed.job().as_str(), JobEnd::Cancelled, reason, None);
            local.feed.end(Err(ending()));
        }
    }
}

impl Daemon {
    pub(super) async fn local_news(&mut self, news: LocalNews) -> Option<ExitReason> {
        match news {
            LocalNews::Run(new) => self.run_local(*new).await,
            LocalNews::Prepared(job, prepared) => self.local_prepared(&job, prepared).await,
            LocalNews::Gone(job) => {
                self.call_off_local(&job, "its client is gone").await;
                None
            }
            LocalNews::Engines(answer) => {
                let known = |name: String| (name.clone(), self.sources.engines.get(&name).cloned());
                let _ = answer.send(self.engines.names().into_iter().map(known).collect());
                None
            }
        }
    }

    async fn run_local(&mut self, new: NewLocal) -> Option<ExitReason> {
        let NewLocal { model, source, task, inputs, stream, preview, feed } = new;
        if let Some(refusal) = self.refuses_local() {
            feed.end(Err(refusal));
            return None;
        }
        let folder = Folder::new(self.home.work().join(feed.job().as_str()));
        let (kind, tasks) = (task.kind(), self.tasks.child());
        let id = feed.job().to_string();
        self.ledger.add(running_job(id, Origin::Local, kind, model.clone(), task.prompt()));
        let job = EngineJob {
            job_id: feed.job().clone(),
            attempt: None,
            engine: source.engine.clone(),
            model: model.clone(),
            source,
            // By the size of its files, or as it was measured before.
            vram_gb: 0.0,
            task,
            out_dir: folder.path().to_path_buf(),
            inputs,
            stream,
            preview: kind == TaskKind::Image,
            traceparent: None,
        };
        tracing::info!(job = %job.job_id, model, "a local program asked for {kind}");
        let (gone, news, id) = (feed.gone().clone(), self.news.clone(), job.job_id.clone());
        tasks.spawn(async move {
            gone.cancelled().await;
            let _ = news.send(News::Local(LocalNews::Gone(id))).await;
        });
        self.local_jobs.0.push(LocalJob {
            feed,
            kind,
            wants_looks: preview,
            tasks: tasks.clone(),
            is_with_engine: false,
            hold: None,
            folder,
            cancelled: None,
        });
        tasks.spawn(prepare(self.files.clone(), self.news.clone(), job));
        self.local_jobs_changed().await
    }

    /// Why no local job is taken now.
    fn refuses_local(&self) -> Option<Failure> {
        if self.worker.snapshot().ending {
            return Some(ending());
        }
        if self.worker.wants_memory().is_some() {
            let why = "the owner wants the memory of this machine back: resume the worker, or wait for the pause to end";
            return Some(Failure::new(Kind::Unavailable, why).after(MEMORY_RETRY));
        }
        let running = self.local_jobs.0.len();
        (running >= MOST_LOCAL_JOBS).then(|| {
            let why = format!("{running} jobs of local programs wait or run already, the most that may");
            Failure::new(Kind::Unavailable, why).after(BUSY_RETRY)
        })
    }

    async fn local_prepared(
        &mut self,
        id: &JobId,
        prepared: Result<(Box<EngineJob>, Option<Hold>), Failure>,
    ) -> Option<ExitReason> {
        let local = self.local_jobs.find(id)?;
        match (local.cancelled, prepared) {
            (None, Ok((job, hold))) => {
                (local.is_with_engine, local.hold) = (true, hold);
                self.engines.run(*job).await;
                None
            }
            (Some(reason), _) => self.local_ended(id, Err(cancelled(reason))).await,
            (None, Err(failure)) => self.local_ended(id, Err(failure)).await,
        }
    }

    /// Ends a local job that nobody wants any more; its engine may take a moment to heed it.
    pub(super) async fn call_off_local(&mut self, id: &JobId, reason: &'static str) -> bool {
        let Some(local) = self.local_jobs.find(id) else { return false };
        if local.cancelled.replace(reason).is_some() {
            return true;
        }
        tracing::info!(job = %id, "called off: {reason}");
        if local.is_with_engine {
            self.engines.cancel(id).await;
        } else {
            local.tasks.stop_hard();
            let prepared = Err(cancelled(reason));
            // Told as news, because its slot is free from then on, which the core has to hear.
            let news = News::Local(LocalNews::Prepared(id.clone(), prepared));
            let told = self.news.clone();
            self.tasks.spawn(async move { drop(told.send(news).await) });
        }
        true
    }

    /// An engine's news of a local job.
    pub(super) async fn local_event(&mut self, event: JobEvent) -> Option<ExitReason> {
        let end = match event {
            JobEvent::Progress { job_id, step, steps, eta_ms, stage } => {
                if let Some(local) = self.local_jobs.find(&job_id) {
                    if stage == Stage::Running {
                        local.feed.started();
                    }
                    local.feed.progress(step, steps);
                }
                let stage = Some(stage);
                let report = ProgressReport { step, steps, eta_ms, stage, ..ProgressReport::default() };
                self.ledger.progress(&job_id, &report);
                self.board.touch();
                return None;
            }
            JobEvent::Delta { job_id, text, reasoning, .. } => {
                if let Some(local) = self.local_jobs.find(&job_id) {
                    local.feed.delta(&text, reasoning.as_deref().unwrap_or_default());
                }
                return None;
            }
            JobEvent::Preview { job_id, mime, data } => {
                self.ledger.look(&job_id, &mime, &data);
                if let Some(local) = self.local_jobs.find(&job_id).filter(|local| local.wants_looks) {
                    local.feed.preview(data);
                }
                self.board.touch();
                return None;
            }
            JobEvent::Log { job_id, level, message } => {
                if let Some(entry) = logbatch::log(Category::Engine, level, &message, job_id.as_ref()) {
                    self.ledger.line(&entry);
                }
                return None;
            }
            JobEvent::Finished { job_id, output, .. } => (job_id, Ok(output)),
            JobEvent::Failed { job_id, error, retryable } => {
                let kind = if retryable { Kind::Internal } else { Kind::Unprocessable };
                (job_id, Err(Failure::new(kind, format!("the job failed: {error}"))))
            }
            JobEvent::OutOfMemory { job_id, error } => {
                (job_id, Err(Failure::new(Kind::Unavailable, error).after(MEMORY_RETRY)))
            }
            JobEvent::Stopped { job_id } => {
                let local = self.local_jobs.find(&job_id)?;
                // Without anybody's wish for this job: the memory is wanted back, or the worker ends.
                let was_stopped = "the engines of this worker were stopped";
                let failure = match local.cancelled.replace(local.cancelled.unwrap_or(was_stopped)) {
                    Some(reason) => cancelled(reason),
                    None => Failure::new(Kind::Unavailable, was_stopped).after(MEMORY_RETRY),
                };
                (job_id, Err(failure))
            }
        };
        self.local_ended(&end.0, end.1).await
    }

    async fn local_ended(&mut self, id: &JobId, end: Result<Output, Failure>) -> Option<ExitReason> {
        let LocalJob { feed, folder, tasks, cancelled, .. } = self.local_jobs.take(id)?;
        tasks.stop_hard();
        let (how, reason, picture) = match &end {
            Ok(Output::Json(_)) => (JobEnd::Done, None, None),
            Ok(Output::File { path, .. }) => (JobEnd::Done, None, picture_at(path)),
            Err(_) if let Some(reason) = cancelled => (JobEnd::Cancelled, Some(reason.to_owned()), None),
            Err(failure) => (JobEnd::Failed, Some(failure.message.clone()), None),
        };
        tracing::info!(job = %id, "ended: {how:?}{}", reason.as_deref().map(|why| format!(", {why}")).unwrap_or_default());
        self.ledger.end(id.as_str(), how, reason, picture);
        feed.end(end.map(|output| match output {
            Output::Json(json) => Made::Json(json),
            Output::File { path, ext } => Made::File { path, ext, folder },
        }));
        self.local_jobs_changed().await
    }

    /// The core counts them against its slots.
    async fn local_jobs_changed(&mut self) -> Option<ExitReason> {
        self.sources.local_jobs = self.local_jobs.counts();
        self.machine_changed().await
    }
}

async fn prepare(files: super::prepare::Files, news: tokio::sync::mpsc::Sender<News>, job: EngineJob) {
    let id = job.job_id.clone();
    let prepared = files.prepare_local(job).await.map_err(|error| {
        let kind = if error.retryable() { Kind::Unavailable } else { Kind::Invalid };
        Failure::new(kind, error.to_string())
    });
    let _ = news.send(News::Local(LocalNews::Prepared(id, prepared))).await;
}

fn ending() -> Failure {
    Failure::new(Kind::Unavailable, "the worker is about to end").after(ENDING_RETRY)
}

fn cancelled(reason: &str) -> Failure {
    Failure::new(Kind::Unprocessable, format!("the job was called off: {reason}"))
}
