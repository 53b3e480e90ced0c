//! How processes end: by themselves, by the watchdog, by a cancel, by going idle, with the daemon.

use std::time::Duration;

use studio_runtime::backoff;
use tokio::time::Instant;

use super::{Actor, Model, State};
use crate::engines::{DescribeError, JobEvent};

/// The wait before the second start in a row that comes after a crash.
const BACKOFF_BASE: Duration = Duration::from_millis(250);
/// The longest wait before a start.
const BACKOFF_CAP: Duration = Duration::from_secs(30);
/// Characters of an engine's last words that a failure quotes.
const MAX_LAST_WORDS: usize = 1_000;

impl Actor {
    /// The process is gone or out of its mind: its jobs fail, whatever is left of it is killed.
    pub(super) async fn crashed(&mut self, how: &str) {
        let (process, loading) = match std::mem::replace(&mut self.state, State::Stopped { not_before: None })
        {
            State::Stopped { .. } => return,
            State::Starting { process, .. } => {
                let how = with_last_words(how, &process.last_words());
                process.kill().await;
                return self.start_failed(&how);
            }
            State::Up { process, model: Model::Loading { name, .. }, .. } => (process, Some(name)),
            State::Up { process, .. } => (process, None),
        };
        let how = with_last_words(how, &process.last_words());
        tracing::warn!(engine = self.name, pid = process.pid(), "engine crashed: {how}");
        process.kill().await;
        let error = format!("engine {} crashed: {how}", self.name);
        if let Some(model) = loading {
            self.crashes.at_load(&model, &how);
            self.end_preload(Err(format!("{error} (while it loaded the model)")));
            if let Some(at) = self.waiting.iter().position(|job| job.model == model)
                && let Some(job) = self.waiting.remove(at)
            {
                self.fail(job.job_id, format!("{error} (while it loaded the model)"), true);
            }
        }
        for running in std::mem::take(&mut self.running) {
            if running.kill_at.is_some() {
                self.outbox.post(JobEvent::Stopped { job_id: running.job.job_id });
            } else {
                self.crashes.at_job(&running.job.model, &running.job.job_id, &how);
                self.fail(running.job.job_id, error.clone(), true);
            }
        }
        self.back_off();
    }

    /// The process did not get as far as `ready`: the job that wanted it fails, others try again later.
    pub(super) fn start_failed(&mut self, how: &str) {
        let error = format!("engine {} did not start: {how}", self.name);
        tracing::warn!("{error}");
        for answer in self.describing.drain(..) {
            let _ = answer.send(Err(DescribeError::Start(error.clone())));
        }
        self.end_preload(Err(error.clone()));
        if let Some(job) = self.waiting.pop_front() {
            self.fail(job.job_id, error, true);
        }
        self.back_off();
    }

    /// The first crash in a row is answered by a start at once.
    fn back_off(&mut self) {
        self.failures = self.failures.saturating_add(1);
        let wait = match self.failures {
            1 => None,
            more => Some(backoff(more - 1, BACKOFF_BASE, BACKOFF_CAP)),
        };
        self.state = State::Stopped { not_before: wait.map(|wait| Instant::now() + wait) };
    }

    /// A deadline has passed.
    pub(super) async fn overdue(&mut self) {
        let now = Instant::now();
        if !self.outbox.has_room() {
            // The silence is ours: the engine was not listened to.
            return self.pardon(now);
        }
        match &self.state {
            State::Stopped { .. } => {}
            State::Starting { .. } => {
                self.crashed(&format!("it was not ready within {:?}", self.settings.start_limit)).await;
            }
            State::Up { model: Model::Loading { name, .. }, .. } => {
                let how =
                    format!("it was silent for {:?} while it loaded `{name}`", self.settings.load_limit);
                self.crashed(&how).await;
            }
            State::Up { model: Model::Unloading { .. }, .. } => {
                self.crashed(&format!("it did not unload a model within {:?}", self.settings.load_limit))
                    .await;
            }
            State::Up { model: Model::Nothing | Model::Loaded(_), .. } if self.running.is_empty() => {
                tracing::info!(engine = self.name, "engine stopped: idle for {:?}", self.settings.idle_ttl);
                self.stop_process(super::STOP_GRACE).await;
            }
            State::Up { .. } => self.overdue_jobs(now).await,
        }
    }

    async fn overdue_jobs(&mut self, now: Instant) {
        if self.running.iter().any(|running| running.kill_at.is_some_and(|moment| moment <= now)) {
            return self.kill_for_cancel().await;
        }
        let silent =
            self.running.iter().find(|running| running.kill_at.is_none() && running.silent_until <= now);
        if let Some(running) = silent {
            let how = format!(
                "it was silent for {:?} in job {}",
                self.settings.step_limit(running.job.task.kind()),
                running.job.job_id
            );
            self.crashed(&how).await;
        }
    }

    /// The engine did not heed a cancel: only its end stops the job. That is no crash.
    async fn kill_for_cancel(&mut self) {
        if let State::Up { process, .. } =
            std::mem::replace(&mut self.state, State::Stopped { not_before: None })
        {
            tracing::info!(
                engine = self.name,
                pid = process.pid(),
                "engine killed: it did not stop a cancelled job"
            );
            process.kill().await;
        }
        for running in std::mem::take(&mut self.running) {
            let job_id = running.job.job_id;
            if running.kill_at.is_some() {
                self.outbox.post(JobEvent::Stopped { job_id });
            } else {
                let error =
                    format!("engine {} had to be killed to stop another job that was cancelled", self.name);
                self.fail(job_id, error, true);
            }
        }
    }

    fn pardon(&mut self, now: Instant) {
        match &mut self.state {
            State::Stopped { .. } => {}
            State::Starting { until, .. } => *until = now + self.settings.start_limit,
            State::Up { model, idle_since, .. } => {
                *idle_since = now;
                match model {
                    Model::Loading { silent_until: until, .. } | Model::Unloading { until } => {
                        *until = now + self.settings.load_limit;
                    }
                    Model::Nothing | Model::Loaded(_) => {}
                }
            }
        }
        for running in &mut self.running {
            running.silent_until = now + self.settings.step_limit(running.job.task.kind());
            running.kill_at = running.kill_at.map(|_| now + engine_protocol::CANCEL_GRACE);
        }
    }

    /// Takes no more jobs and ends the process; what ran or waited is told so.
    pub(super) async fn close(&mut self, grace: Duration) {
        self.closed = true;
        for answer in self.describing.drain(..) {
            let _ = answer.send(Err(DescribeError::Start(super::STOPPED.to_owned())));
        }
        self.abort(grace, super::STOPPED).await;
    }

    /// Ends the process; what ran or waited is told so.
    pub(super) async fn abort(&mut self, grace: Duration, why: &str) {
        self.end_preload(Err(why.to_owned()));
        self.stop_process(grace).await;
        let running = std::mem::take(&mut self.running).into_iter().map(|running| *running.job);
        for job in running.chain(std::mem::take(&mut self.waiting)) {
            self.outbox.post(JobEvent::Stopped { job_id: job.job_id });
        }
    }

    pub(super) async fn stop_process(&mut self, grace: Duration) {
        self.publish.send_modify(|snapshot| snapshot.state = super::EngineState::Stopping);
        match std::mem::replace(&mut self.state, State::Stopped { not_before: None }) {
            State::Stopped { .. } => {}
            State::Starting { process, .. } | State::Up { process, .. } => process.stop(grace).await,
        }
    }
}

fn with_last_words(how: &str, words: &str) -> String {
    let start = words.char_indices().rev().nth(MAX_LAST_WORDS).map_or(0, |(at, _)| at);
    if words.is_empty() { how.to_owned() } else { format!("{how}; its last words: {}", &words[start..]) }
}
