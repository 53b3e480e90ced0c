//! What reaches the daemon's task, and what the core gets to hear of it.

use std::time::Duration;

use studio_protocol::JobId;
use worker_core::{EngineEvent, ExitReason, Input, Output, ProgressReport};

use super::local_jobs::is_local;
use super::prepare::Prepared;
use super::{Daemon, News};
use crate::engines::{JobEvent, Output as Made};
use crate::logbatch::{self, Category};

impl Daemon {
    pub(super) async fn hear(&mut self, news: News) -> Option<ExitReason> {
        match news {
            News::Core(input) => self.step(input).await,
            News::Described(name, description) => {
                tracing::info!(engine = name, kinds = ?description.kinds, "engine found");
                self.sources.engines.insert(name, description);
                self.machine_changed().await
            }
            News::Device(device) => {
                if device == self.sources.device {
                    return None;
                }
                self.sources.device = device;
                self.machine_changed().await
            }
            News::Room(room) => {
                if Some(room) == self.sources.room {
                    return None;
                }
                self.sources.room = Some(room);
                self.machine_changed().await
            }
            News::Config(config) => self.config_changed(*config).await,
            News::Prepared(prepared) => self.prepared(*prepared).await,
            News::Local(news) => self.local_news(news).await,
            News::Models => {
                self.read_models();
                self.machine_changed().await
            }
            News::Show => {
                self.board.touch();
                None
            }
            News::Ask(ask) => self.asked(ask).await,
        }
    }

    /// Its engine gets the job, unless it was called off meanwhile.
    async fn prepared(&mut self, prepared: Prepared) -> Option<ExitReason> {
        match prepared {
            Ok((job, hold)) => {
                if self.preparing.over(&job.job_id) {
                    if let Some(hold) = hold {
                        self.preparing.keep(&job.job_id, hold);
                    }
                    self.engines.run(*job).await;
                }
                None
            }
            Err((job, error, retryable)) => {
                if !self.preparing.over(&job) {
                    return None;
                }
                self.ended(&job);
                self.step(Input::Engine(EngineEvent::Failed { job, error, retryable })).await
            }
        }
    }

    /// Nothing more comes of a job.
    pub(super) fn ended(&mut self, job: &JobId) {
        self.preparing.ended(job);
        self.speeds.forget(job);
    }

    fn finished(&mut self, job: &JobId, output: Made, took: Duration) -> Output {
        let result = if let Made::Json(result) = &output { Some(&**result) } else { None };
        if self.speeds.done(job, took, result) {
            // A full inbox brings other news that are followed by the next ones of models.
            let _ = self.news.try_send(News::Models);
        }
        self.preparing.ended(job);
        match output {
            Made::Json(result) => Output::Json(result),
            Made::File { path, ext } => Output::File { path, ext },
        }
    }

    pub(super) async fn machine_changed(&mut self) -> Option<ExitReason> {
        self.step(Input::Machine(Box::new(self.sources.machine(&self.config)))).await
    }

    pub(super) async fn engine_event(&mut self, event: JobEvent) -> Option<ExitReason> {
        if event.job().is_some_and(is_local) {
            return self.local_event(event).await;
        }
        let event = match event {
            JobEvent::Progress { job_id, step, steps, eta_ms, stage } => EngineEvent::Progress {
                job: job_id,
                report: ProgressReport {
                    step,
                    steps,
                    eta_ms,
                    stage: Some(stage),
                    ..ProgressReport::default()
                },
            },
            JobEvent::Finished { job_id, output, took } => {
                let output = self.finished(&job_id, output, took);
                EngineEvent::Finished { job: job_id, output }
            }
            JobEvent::Failed { job_id, error, retryable } => {
                self.ended(&job_id);
                EngineEvent::Failed { job: job_id, error, retryable }
            }
            JobEvent::OutOfMemory { job_id, error } => {
                self.ended(&job_id);
                EngineEvent::OutOfMemory { job: job_id, error }
            }
            JobEvent::Stopped { job_id } => {
                self.ended(&job_id);
                EngineEvent::Stopped { job: job_id }
            }
            JobEvent::Delta { job_id, text, reasoning, .. } => {
                EngineEvent::Delta { job: job_id, text, reasoning }
            }
            JobEvent::Preview { job_id, mime, data } => EngineEvent::Preview { job: job_id, mime, data },
            JobEvent::Log { job_id, level, message } => {
                let entry = logbatch::log(Category::Engine, level, &message, job_id.as_ref())?;
                return self.step(Input::Log(entry)).await;
            }
        };
        self.step(Input::Engine(event)).await
    }
}
