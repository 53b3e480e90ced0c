//! What reaches the daemon's task, and what the core gets to hear of it.

use worker_core::{EngineEvent, ExitReason, Input, Output, ProgressReport};

use super::{Daemon, News};
use crate::config::Config;
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
            News::Config(config) => self.config_changed(*config).await,
        }
    }

    async fn machine_changed(&mut self) -> Option<ExitReason> {
        self.step(Input::Machine(Box::new(self.sources.machine(&self.config)))).await
    }

    /// Takes up what can change while the daemon runs; the rest waits for a restart.
    async fn config_changed(&mut self, new: Config) -> Option<ExitReason> {
        if new.paused != self.config.paused {
            self.config.paused = new.paused;
            if let Some(reason) = self.step(Input::SetPaused(new.paused)).await {
                return Some(reason);
            }
        }
        let live = (new.vram_threshold_gb, new.only_when_idle);
        if live == (self.config.vram_threshold_gb, self.config.only_when_idle) {
            return None;
        }
        (self.config.vram_threshold_gb, self.config.only_when_idle) = live;
        self.machine_changed().await
    }

    pub(super) async fn engine_event(&mut self, event: JobEvent) -> Option<ExitReason> {
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
            JobEvent::Finished { job_id, output, took: _ } => {
                let output = match output {
                    Made::Json(result) => Output::Json(result),
                    Made::File { path, ext } => Output::File { path, ext },
                };
                EngineEvent::Finished { job: job_id, output }
            }
            JobEvent::Failed { job_id, error, retryable } => {
                EngineEvent::Failed { job: job_id, error, retryable }
            }
            JobEvent::Stopped { job_id } => EngineEvent::Stopped { job: job_id },
            JobEvent::Log { job_id, level, message } => {
                let entry = logbatch::log(Category::Engine, level, &message, job_id.as_ref())?;
                return self.step(Input::Log(entry)).await;
            }
            // Neither is announced, so neither was asked for.
            JobEvent::Delta { .. } | JobEvent::Preview { .. } => return None,
        };
        self.step(Input::Engine(event)).await
    }
}
