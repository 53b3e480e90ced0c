//! What to do next: start the process, change its model, give it a job.

use engine_protocol::{Command, Hello, Load, PROTOCOLS, Run, Unload};
use studio_protocol::{ModelSource, Stage};
use tokio::time::Instant;

use super::{Actor, Model, Process, Running, State};
use crate::engines::{EngineJob, JobEvent};

impl Actor {
    /// Does all that can be done without waiting for the engine.
    pub(super) async fn advance(&mut self) {
        self.refuse();
        match &self.state {
            State::Stopped { not_before } => {
                if self.has_reason_to_start() && not_before.is_none_or(|moment| moment <= Instant::now()) {
                    self.start().await;
                }
            }
            State::Starting { .. } => {}
            State::Up { .. } => {
                self.feed().await;
                self.leave_if_asked().await;
            }
        }
    }

    /// Fails the jobs of models that crashed the engine too often.
    fn refuse(&mut self) {
        if self.crashes.is_empty() {
            return;
        }
        for _ in 0..self.waiting.len() {
            let Some(job) = self.waiting.pop_front() else { return };
            match self.crashes.refusal(&job.model) {
                Some(reason) => self.fail(job.job_id, reason, true),
                None => self.waiting.push_back(job),
            }
        }
    }

    async fn start(&mut self) {
        let hello = Hello {
            protocols: PROTOCOLS.to_vec(),
            host: concat!("studio-worker/", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        match Process::start(&self.program, &self.settings).await {
            Ok(mut process) => {
                self.starts += 1;
                tracing::info!(engine = self.name, pid = process.pid(), "engine started");
                let _ = process.say(&Command::Hello(hello));
                self.state = State::Starting { process, until: Instant::now() + self.settings.start_limit };
            }
            Err(problem) => {
                let how = format!("could not start `{}`: {problem}", self.program.path.display());
                self.start_failed(&how);
            }
        }
    }

    /// Gives jobs to the engine until it is full, or until it must change its model first.
    async fn feed(&mut self) {
        loop {
            let State::Up { process, slots, model, idle_since } = &mut self.state else { return };
            let Some(next) = self.waiting.front() else { return self.feed_preload() };
            match model {
                Model::Loading { .. } | Model::Unloading { .. } => return,
                Model::Loaded(name) if *name == next.model => {
                    if self.running.len() >= *slots {
                        return;
                    }
                    *idle_since = Instant::now();
                    self.give().await;
                }
                Model::Loaded(name) => {
                    if !self.running.is_empty() {
                        return;
                    }
                    let _ = process.say(&Command::Unload(Unload { model: std::mem::take(name) }));
                    *model = Model::Unloading { until: Instant::now() + self.settings.load_limit };
                }
                Model::Nothing => {
                    let load = load_of(&next.model, &next.source, &self.settings.models_root);
                    let (name, job_id) = (next.model.clone(), next.job_id.clone());
                    if let Err(problem) =
                        load.and_then(|load| said(process.say(&Command::Load(Box::new(load)))))
                    {
                        self.waiting.pop_front();
                        self.fail(job_id, problem, false);
                        continue;
                    }
                    *model = Model::Loading { name, silent_until: Instant::now() + self.settings.load_limit };
                    self.outbox.post_if_room(JobEvent::Progress {
                        job_id,
                        step: 0,
                        steps: 0,
                        eta_ms: None,
                        stage: Stage::Loading,
                    });
                }
            }
        }
    }

    /// Gives the first waiting job to the engine.
    async fn give(&mut self) {
        let Some(job) = self.waiting.pop_front() else { return };
        let State::Up { process, .. } = &mut self.state else { return };
        let kind = job.task.kind();
        let given = match run_of(&job).await {
            Ok(run) => said(process.say(&Command::Run(Box::new(run)))),
            Err(problem) => Err(problem),
        };
        match given {
            Ok(()) => self.running.push(Running {
                job: Box::new(job),
                since: Instant::now(),
                silent_until: Instant::now() + self.settings.step_limit(kind),
                kill_at: None,
            }),
            Err(problem) => self.fail(job.job_id, problem, true),
        }
    }
}

pub(super) fn load_of(
    model: &str,
    source: &ModelSource,
    models_root: &std::path::Path,
) -> Result<Load, String> {
    let dir = if source.files.is_empty() {
        None
    } else {
        // The name is the studio's text, and becomes one folder below the root.
        let plain = !model.is_empty() && !model.contains(['/', '\\', ':', '\0']) && !model.starts_with('.');
        if !plain {
            return Err(format!("model `{}` cannot be the name of a folder", model.escape_debug()));
        }
        Some(text(&models_root.join(model))?)
    };
    Ok(Load { model: model.to_owned(), source: source.clone(), dir })
}

async fn run_of(job: &EngineJob) -> Result<Run, String> {
    let out_dir = if job.task.kind().result_is_json() {
        None
    } else {
        let made = tokio::fs::create_dir_all(&job.out_dir).await;
        made.map_err(|e| format!("could not make the folder {}: {e}", job.out_dir.display()))?;
        Some(text(&job.out_dir)?)
    };
    Ok(Run {
        job_id: job.job_id.clone(),
        model: job.model.clone(),
        task: job.task.clone(),
        out_dir,
        inputs: job.inputs.clone(),
        stream: job.stream,
        preview: job.preview,
        traceparent: job.traceparent.clone(),
    })
}

/// Absolute, because the engine starts in a folder of its own.
fn text(path: &std::path::Path) -> Result<String, String> {
    let absolute = std::path::absolute(path).map_err(|e| format!("{}: {e}", path.display()))?;
    absolute.to_str().map(str::to_owned).ok_or_else(|| format!("the path {} is not text", path.display()))
}

pub(super) fn said(result: std::io::Result<()>) -> Result<(), String> {
    result.map_err(|e| format!("cannot be told to the engine: {e}"))
}
