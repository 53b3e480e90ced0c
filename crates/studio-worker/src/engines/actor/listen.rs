//! What the engine says, and what it means for its jobs.

use std::sync::Arc;

use engine_protocol::{Done, Event, Failed, FailureClass, MAX_SLOTS, PROTOCOLS, Ready};
use studio_protocol::{JobId, LogLevel, MAX_PREVIEW_BYTES, Stage};
use tokio::time::Instant;

use super::{Actor, Model, Notice, Running, State};
use crate::engines::stderr::level_of;
use crate::engines::{JobEvent, output};

impl Actor {
    pub(super) async fn noticed(&mut self, notice: Notice) {
        match notice {
            Notice::Said(event) => self.said(event).await,
            Notice::Printed(line) => self.printed(&line),
            Notice::Broke(how) => self.crashed(&how).await,
        }
    }

    async fn said(&mut self, event: Event) {
        match event {
            Event::Ready(ready) => self.ready(*ready).await,
            Event::Loading(loading) => self.loading(loading.step, loading.steps),
            Event::Loaded(loaded) => self.loaded(&loaded.model, loaded.memory_bytes),
            Event::Unloaded(_) => self.unloaded(),
            Event::Progress(progress) => {
                if self.touch(&progress.job_id) {
                    self.outbox.post_if_room(JobEvent::Progress {
                        job_id: progress.job_id,
                        step: progress.step,
                        steps: progress.steps,
                        eta_ms: progress.eta_ms,
                        stage: Stage::Running,
                    });
                }
            }
            Event::Preview(preview) => {
                if self.touch(&preview.job_id) && preview.data.len() <= MAX_PREVIEW_BYTES {
                    let (job_id, mime, data) = (preview.job_id, preview.mime, preview.data);
                    self.outbox.post_if_room(JobEvent::Preview { job_id, mime, data });
                }
            }
            Event::Delta(delta) => {
                if self.touch(&delta.job_id) {
                    let (job_id, index, text, reasoning) =
                        (delta.job_id, delta.index, delta.text, delta.reasoning);
                    self.outbox.post(JobEvent::Delta { job_id, index, text, reasoning });
                }
            }
            Event::Done(done) => self.done(done).await,
            Event::Failed(failed) => self.failed(failed),
            Event::Heartbeat(heartbeat) => match heartbeat.job_id {
                Some(job_id) => drop(self.touch(&job_id)),
                None => self.still_loading(),
            },
            // Nobody asked for them yet.
            Event::Stats(_) => {}
        }
    }

    async fn ready(&mut self, ready: Ready) {
        let problem = match &self.state {
            State::Starting { .. } if !PROTOCOLS.contains(&ready.protocol) => {
                Some(format!("it speaks protocol {}, this worker speaks {PROTOCOLS:?}", ready.protocol))
            }
            State::Starting { .. } if ready.engine.name != self.name => {
                Some(format!("it calls itself `{}`, not `{}`", ready.engine.name, self.name))
            }
            State::Starting { .. } => None,
            State::Stopped { .. } | State::Up { .. } => Some("it said `ready` twice".to_owned()),
        };
        if let Some(problem) = problem {
            return self.crashed(&problem).await;
        }
        let old = std::mem::replace(&mut self.state, State::Stopped { not_before: None });
        if let State::Starting { process, .. } = old {
            let slots = ready.engine.slots.clamp(1, MAX_SLOTS) as usize;
            let description = Arc::new(ready.engine);
            for answer in self.describing.drain(..) {
                let _ = answer.send(Ok(description.clone()));
            }
            self.description = Some(description);
            self.state = State::Up { process, slots, model: Model::Nothing, idle_since: Instant::now() };
        }
    }

    fn loading(&mut self, step: u32, steps: u32) {
        self.still_loading();
        if let Some(job) = self.waiting.front() {
            let (job_id, stage) = (job.job_id.clone(), Stage::Loading);
            self.outbox.post_if_room(JobEvent::Progress { job_id, step, steps, eta_ms: None, stage });
        }
    }

    fn still_loading(&mut self) {
        if let State::Up { model: Model::Loading { silent_until, .. }, .. } = &mut self.state {
            *silent_until = Instant::now() + self.settings.load_limit;
        }
    }

    fn loaded(&mut self, name: &str, memory_bytes: Option<u64>) {
        if let State::Up { model, idle_since, .. } = &mut self.state
            && matches!(model, Model::Loading { name: asked, .. } if asked == name)
        {
            *model = Model::Loaded(name.to_owned());
            *idle_since = Instant::now();
            self.loads += 1;
            self.memory_bytes = memory_bytes;
        }
    }

    fn unloaded(&mut self) {
        if let State::Up { model, .. } = &mut self.state
            && matches!(model, Model::Unloading { .. })
        {
            *model = Model::Nothing;
        }
    }

    /// The job gives a sign of life; false for a job that does not run, or that nobody wants any more.
    fn touch(&mut self, job_id: &JobId) -> bool {
        let settings = &self.settings;
        let running = self.running.iter_mut().find(|running| running.job.job_id == *job_id);
        running.is_some_and(|running| {
            running.silent_until = Instant::now() + settings.step_limit(running.job.task.kind());
            running.kill_at.is_none()
        })
    }

    async fn done(&mut self, done: Done) {
        let Some(running) = self.take(&done.job_id) else { return };
        let (job_id, file) = (done.job_id.clone(), done.file.clone());
        if running.kill_at.is_some() {
            if let Some(file) = file {
                let _ = tokio::fs::remove_file(file).await;
            }
            return self.outbox.post(JobEvent::Stopped { job_id });
        }
        match output::accept(done, &running.job).await {
            Ok(output) => {
                self.failures = 0;
                self.crashes.forgive(&running.job.model);
                let took = running.since.elapsed();
                self.outbox.post(JobEvent::Finished { job_id, output, took });
            }
            Err(problem) => self.fail(job_id, format!("engine {}: {problem}", self.name), true),
        }
    }

    fn failed(&mut self, failed: Failed) {
        let Failed { job_id, model, class, message, retryable } = failed;
        if let Some(job_id) = job_id {
            let Some(running) = self.take(&job_id) else { return };
            // A failure is an answer: the engine itself is well.
            self.failures = 0;
            if running.kill_at.is_some() {
                self.outbox.post(JobEvent::Stopped { job_id });
            } else if class == FailureClass::Memory {
                self.outbox.post(JobEvent::OutOfMemory { job_id, error: message });
            } else {
                self.fail(job_id, message, retryable || class == FailureClass::Cancelled);
            }
        } else if model.is_some() {
            self.load_failed(message, class, retryable);
        } else {
            self.log(LogLevel::Error, &message);
        }
    }

    /// The job that the model was for fails; the next one tries the load again.
    fn load_failed(&mut self, message: String, class: FailureClass, retryable: bool) {
        self.end_preload(Err(message.clone()));
        let State::Up { model, .. } = &mut self.state else { return };
        if let Model::Loading { name, .. } = std::mem::replace(model, Model::Nothing)
            && let Some(at) = self.waiting.iter().position(|job| job.model == name)
            && let Some(job) = self.waiting.remove(at)
        {
            if class == FailureClass::Memory {
                return self.outbox.post(JobEvent::OutOfMemory { job_id: job.job_id, error: message });
            }
            self.fail(job.job_id, message, retryable);
        }
    }

    /// Takes the job out of the running ones.
    fn take(&mut self, job_id: &JobId) -> Option<Running> {
        let at = self.running.iter().position(|running| running.job.job_id == *job_id)?;
        if let State::Up { idle_since, .. } = &mut self.state {
            *idle_since = Instant::now();
        }
        Some(self.running.swap_remove(at))
    }

    fn printed(&mut self, line: &str) {
        match self.gate.pass(Instant::now().into_std()) {
            None => {}
            Some(0) => self.log(level_of(line), line),
            Some(dropped) => {
                self.log(LogLevel::Warn, &format!("{dropped} lines were dropped: it prints too much"));
                self.log(level_of(line), line);
            }
        }
    }

    fn log(&mut self, level: LogLevel, line: &str) {
        let job_id = match &self.running[..] {
            [only] => Some(only.job.job_id.clone()),
            _ => None,
        };
        self.outbox.post_if_room(JobEvent::Log { job_id, level, message: format!("{}: {line}", self.name) });
    }
}
