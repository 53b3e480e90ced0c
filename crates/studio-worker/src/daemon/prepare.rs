//! What a job needs before its engine can have it: the model's files and the inputs that its task names.

use std::collections::BTreeMap;
use std::path::PathBuf;

use model_store::{FetchError, Hold, InputLimits, ModelStore, Progress, fetch_inputs};
use studio_protocol::{JobId, LogLevel, ModelSource, Stage};
use studio_runtime::Tasks;
use tokio::sync::mpsc;
use worker_core::{EngineEvent, Input, ProgressReport};

use super::News;
use crate::engines::EngineJob;
use crate::logbatch::{self, Category};
use crate::shelf::Downloads;

/// Folder of a job's inputs, below its own.
const INPUTS: &str = "inputs";

/// Jobs on their way to their engine, and what keeps their models on the disk.
#[derive(Default)]
pub(super) struct Preparing {
    jobs: BTreeMap<JobId, Tasks>,
    holds: BTreeMap<JobId, Hold>,
}

/// A job with everything in its place, or why that could not be.
pub(crate) type Prepared = Result<(Box<EngineJob>, Option<Hold>), (JobId, String, bool)>;

impl Preparing {
    pub(super) fn begin(&mut self, job: &JobId, tasks: Tasks) {
        self.jobs.insert(job.clone(), tasks);
    }

    /// Its preparation is over; false when nobody waits for it any more.
    pub(super) fn over(&mut self, job: &JobId) -> bool {
        self.jobs.remove(job).is_some()
    }

    /// Breaks it off; false when it was over.
    pub(super) fn stop(&mut self, job: &JobId) -> bool {
        self.jobs.remove(job).map(|tasks| tasks.stop_hard()).is_some()
    }

    /// The model's files stay until the job ends.
    pub(super) fn keep(&mut self, job: &JobId, hold: Hold) {
        self.holds.insert(job.clone(), hold);
    }

    pub(super) fn ended(&mut self, job: &JobId) {
        self.holds.remove(job);
    }
}

/// Where files come from and go to.
#[derive(Clone)]
pub(crate) struct Files {
    pub(crate) store: ModelStore,
    pub(crate) news: mpsc::Sender<News>,
    pub(crate) downloads: Downloads,
}

impl Files {
    /// Fetches what is missing, and tells the daemon.
    pub(super) async fn prepare(self, job: EngineJob) {
        let job_id = job.job_id.clone();
        let prepared =
            self.fetch(job, true).await.map_err(|error| (job_id, error.to_string(), error.retryable()));
        let _ = self.news.send(News::Prepared(Box::new(prepared))).await;
    }

    /// The same for a job that the studio does not know of.
    pub(super) async fn prepare_local(
        self,
        job: EngineJob,
    ) -> Result<(Box<EngineJob>, Option<Hold>), FetchError> {
        self.fetch(job, false).await
    }

    async fn fetch(
        &self,
        mut job: EngineJob,
        studio_listens: bool,
    ) -> Result<(Box<EngineJob>, Option<Hold>), FetchError> {
        let hold = if job.source.files.is_empty() {
            None
        } else {
            let shown = Some(&job.job_id).filter(|_| studio_listens);
            Some(self.model(&job.model, &job.source, shown).await?)
        };
        // What came with a local request is here already.
        let is_missing = |input: &&str| !job.inputs.contains_key(*input);
        let inputs: Vec<String> =
            job.task.inputs().into_iter().filter(is_missing).map(str::to_owned).collect();
        if !inputs.is_empty() {
            let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
            let folder: PathBuf = job.out_dir.join(INPUTS);
            let fetched = fetch_inputs(self.store.web(), &inputs, &folder, &limits(&job)).await?;
            job.inputs.extend(fetched);
        }
        Ok((Box::new(job), hold))
    }

    /// How to run a model that is on the disk.
    pub(crate) fn source(&self, model: &str) -> Option<ModelSource> {
        self.store.present().into_iter().find(|present| present.model == model).map(|present| present.source)
    }

    /// A model's files, complete and held.
    pub(crate) async fn model(
        &self,
        model: &str,
        source: &ModelSource,
        job: Option<&JobId>,
    ) -> Result<Hold, FetchError> {
        // Held first: nothing may evict it between the download and the load.
        let hold = self.store.hold(model);
        let shown = job.cloned();
        let news = self.news.clone();
        let began = std::sync::atomic::AtomicBool::new(false);
        let watched = self.downloads.watch(model);
        let progress = move |progress: Progress| {
            if watched.note(&progress) {
                let _ = news.try_send(News::Show);
            }
            let Some(job) = &shown else { return };
            if !began.swap(true, std::sync::atomic::Ordering::Relaxed) {
                let message = format!("downloading {}", progress.file);
                if let Some(entry) = logbatch::log(Category::Worker, LogLevel::Info, &message, Some(job)) {
                    let _ = news.try_send(News::Core(Input::Log(entry)));
                }
            }
            let report = ProgressReport {
                step: progress.files_done as u32,
                steps: progress.files as u32,
                stage: Some(Stage::Downloading),
                bytes: Some(progress.bytes),
                total_bytes: Some(progress.total),
                ..ProgressReport::default()
            };
            // The next report makes up for one that finds no room.
            let event = EngineEvent::Progress { job: job.clone(), report };
            let _ = news.try_send(News::Core(Input::Engine(event)));
        };
        let brought = self.store.ensure(model, source, progress).await;
        self.downloads.remember(model, brought.as_ref().err().map(ToString::to_string));
        brought?;
        self.store.mark_used(model);
        let _ = self.news.send(News::Models).await;
        Ok(hold)
    }
}

/// Recordings may be longer than pictures are large.
fn limits(job: &EngineJob) -> InputLimits {
    match job.task.kind() {
        studio_protocol::TaskKind::AudioStt => InputLimits::recordings(),
        studio_protocol::TaskKind::Image
        | studio_protocol::TaskKind::Llm
        | studio_protocol::TaskKind::AudioTts
        | studio_protocol::TaskKind::Video
        | studio_protocol::TaskKind::Mesh => InputLimits::default(),
    }
}
