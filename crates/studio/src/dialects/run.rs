//! Runs one job for a client that waits.
//!
//! The job is like any other, but ahead of the others, and nobody wants it once its client is gone: dropping an
//! [`Attended`] before the end cancels the job, and so does the next start of the studio.
//! Nothing is queued for a client: it is told that there is news, and takes what the live streams hold when it is
//! ready for more. Text that they have dropped by then is in the job's result.

mod admission;
mod ending;

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;
use serde_json::value::to_raw_value;
use studio_protocol::{JobId, Preview, Progress, TaskKind, Timestamp};
use studio_store::{CancelOutcome, JobDetail, JobState, Submitted};
use tokio::time::{Instant, sleep_until};

use crate::api::auth::Caller;
use crate::api::commit::commit;
use crate::api::submit;
use crate::api::types::NewJob;
use crate::events::StudioEvent;
use crate::http::{Current, current, current_trace};
use crate::live::{Place, Watcher};
use crate::state::AppState;
pub use admission::Refusal;
pub use ending::Ending;

/// Ahead of what was put in the queue for later: somebody looks at an empty screen.
pub const PRIORITY: i32 = 100;
/// How often a client that waits is told so: well below the idle limit of any proxy.
const WAITING_INTERVAL: Duration = Duration::from_secs(3);

/// What one request may say about its job.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Absent: that of the key, or the default.
    pub project: Option<String>,
    /// Absent: [`PRIORITY`].
    pub priority: Option<i32>,
    /// How long to wait for the end; absent: as the studio is set.
    pub wait: Option<Duration>,
    /// Whether [`Update::Preview`]s are wanted.
    pub previews: bool,
}

/// What a client is told of its job, in the order in which it happens.
#[derive(Debug)]
pub enum Update {
    /// It waits, and so do so many clients that came before; repeated while it is so.
    Waiting {
        /// How many.
        ahead: usize,
    },
    /// A worker has begun.
    Started,
    /// The text grew.
    Delta {
        /// What was said since the last one.
        text: String,
        /// What was thought since the last one.
        reasoning: String,
        /// What was told before belongs to a try that is lost: this one starts from the beginning.
        reset: bool,
        /// Something before this is left out; the result has it.
        gap: bool,
    },
    /// It got further.
    Progress(Progress),
    /// What the picture looks like so far.
    Preview(Preview),
    /// The end: its result.
    Done(Box<JobDetail>),
    /// The end: there is no result.
    Failed(Ending),
    /// The end: somebody else called it off.
    Cancelled {
        /// As they said.
        reason: String,
    },
}

/// A job and the client that waits for it.
pub struct Attended {
    state: AppState,
    place: Place,
    shows: Watcher,
    /// Seen, and not told yet: what one look has found.
    ready: VecDeque<Update>,
    progress: Option<Progress>,
    has_started: bool,
    /// When to say again that it waits.
    word_at: Instant,
    limit: Duration,
    until: Instant,
    is_over: bool,
    /// Its request, until the first word of the answer.
    first: Option<Current>,
    route: String,
}

impl Attended {
    /// Checks and submits `task` (without its `kind`) for `caller`, unless it had to wait for too long or for ever.
    pub async fn submit(
        state: &AppState,
        caller: &Caller,
        kind: TaskKind,
        model: &str,
        mut task: Value,
        options: RunOptions,
    ) -> Result<Self, Refusal> {
        if let Some(fields) = task.as_object_mut() {
            fields.insert("kind".to_owned(), kind.as_str().into());
        }
        let found = admission::model(state, kind, model).await?;
        let task = to_raw_value(&task).map_err(|error| Refusal::internal(&error))?;
        let job = NewJob {
            model: model.to_owned(),
            task,
            project: options.project,
            asset_name: None,
            priority: Some(options.priority.unwrap_or(PRIORITY)),
            max_attempts: None,
            count: None,
        };
        let submission = submit::prepare_one(state, caller, job).await?;
        let [job] = &submission.jobs[..] else { return Err(Refusal::internal(&"one job, and one only")) };
        admission::can_run(state, &found, job.needs_options)?;
        // Before the commit: a client that hangs up during it drops this, which cancels what is committed by then.
        let place = admission::seat(state, job.id.clone())?;
        let (limit, now) = (options.wait.unwrap_or(state.settings.client_wait), Instant::now());
        let attended = Self {
            shows: state.live.streams().watch().only(true, options.previews),
            state: state.clone(),
            place,
            ready: VecDeque::new(),
            progress: None,
            has_started: false,
            word_at: now,
            limit,
            until: now + limit,
            is_over: false,
            first: current(),
            route: current().map_or_else(String::new, |current| current.route),
        };
        let (now, trace) = (Timestamp::now(), current_trace());
        commit(
            state,
            move |db| {
                let submitted = db.submit_attended(submission, now)?;
                if let Some(trace) = trace {
                    db.trace_jobs(&submitted.jobs, trace)?;
                }
                Ok(submitted)
            },
            |state, submitted: &Submitted| {
                state.events.publish(StudioEvent::Submitted { jobs: submitted.jobs.len() });
                state.coordinator.queued(submitted.jobs.clone());
            },
        )
        .await?;
        Ok(attended)
    }

    /// The job.
    pub fn job(&self) -> &JobId {
        self.place.job()
    }

    /// What happens next; `None` after the end. Nothing is lost when the wait is given up and taken up again.
    pub async fn next(&mut self) -> Option<Update> {
        loop {
            if let Some(update) = self.ready.pop_front() {
                return Some(update);
            }
            if self.is_over {
                return None;
            }
            let state = self.place.look();
            self.hear(state);
            if !self.ready.is_empty() {
                continue;
            }
            if !state.is_open() {
                let end = ending::of(&self.state, self.place.job()).await;
                self.over(end);
                continue;
            }
            let stop = self.state.tasks.soft().clone();
            tokio::select! {
                biased; // What happened is told before what did not happen in time.
                () = self.place.changed() => {}
                () = stop.cancelled() => self.give_up(Ending::Stopping, "the studio is stopping"),
                () = sleep_until(self.until) => {
                    self.give_up(Ending::TimedOut(self.limit), "its client waited for too long");
                }
                () = sleep_until(self.word_at), if !self.has_started => {
                    self.word_at = Instant::now() + WAITING_INTERVAL;
                    self.ready.push_back(Update::Waiting { ahead: self.place.ahead() });
                }
            }
        }
    }

    /// Waits for the end, whatever comes before it.
    pub async fn end(mut self) -> Result<Box<JobDetail>, Ending> {
        while let Some(update) = self.next().await {
            match update {
                Update::Done(detail) => return Ok(detail),
                Update::Failed(ending) => return Err(ending),
                Update::Cancelled { reason } => return Err(Ending::Cancelled(reason)),
                Update::Waiting { .. }
                | Update::Started
                | Update::Delta { .. }
                | Update::Progress(_)
                | Update::Preview(_) => {}
            }
        }
        Err(Ending::Lost("its end was told already".to_owned()))
    }

    fn hear(&mut self, state: JobState) {
        let has_started = state != JobState::Queued && state != JobState::Offered;
        if has_started && !self.has_started {
            self.ready.push_back(Update::Started);
        }
        self.has_started = has_started;
        let job = self.place.job();
        for event in self.shows.take_job(job) {
            let update = update(event);
            if let Some(Update::Delta { .. }) = update
                && let Some(request) = self.first.take()
            {
                self.state.metrics.first_token(&request.route, request.began.elapsed());
            }
            self.ready.extend(update);
        }
        if state == JobState::Running
            && let Some(progress) = self.state.live.progress(job)
            && self.progress.as_ref() != Some(&progress)
        {
            self.progress = Some(progress.clone());
            self.ready.push_back(Update::Progress(progress));
        }
    }

    fn over(&mut self, end: Update) {
        self.is_over = true;
        if let Update::Done(detail) = &end
            && let Some(Usage { prompt_tokens, completion_tokens }) = usage(detail.result_json.as_deref())
        {
            self.state.metrics.tokens(&self.route, prompt_tokens, completion_tokens);
        }
        self.ready.push_back(end);
        let job = self.place.job().clone();
        self.state.store.write_then(move |db| db.unattend(&job), log);
    }

    fn give_up(&mut self, ending: Ending, reason: &'static str) {
        self.is_over = true;
        self.ready.push_back(Update::Failed(ending));
        self.cancel(reason);
    }

    /// By the store's writer, which needs nobody to wait for it.
    fn cancel(&self, reason: &'static str) {
        let (job, now) = (self.place.job().clone(), Timestamp::now());
        let (told, coordinator) = (job.clone(), self.state.coordinator.clone());
        self.state.store.write_then(
            move |db| {
                db.unattend(&job)?;
                db.cancel(&job, reason, now)
            },
            move |outcome| {
                if let Ok(CancelOutcome::Cancelled { .. }) = outcome {
                    tracing::info!(job = %told, "cancelled: {reason}");
                    coordinator.cancelled(told, reason.to_owned());
                }
                log(outcome);
            },
        );
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        if !self.is_over {
            self.cancel("its client is gone");
        }
    }
}

/// What a result says that it has cost.
#[derive(Debug, serde::Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

fn usage(json: Option<&str>) -> Option<Usage> {
    #[derive(serde::Deserialize)]
    struct Answer {
        usage: Usage,
    }
    Some(serde_json::from_str::<Answer>(json?).ok()?.usage)
}

fn update(event: StudioEvent) -> Option<Update> {
    match event {
        StudioEvent::Delta { text, reasoning, reset, truncated, .. } => {
            let reasoning = reasoning.unwrap_or_default();
            Some(Update::Delta { text, reasoning, reset, gap: truncated })
        }
        StudioEvent::Preview(preview) => Some(Update::Preview(preview)),
        StudioEvent::Job { .. }
        | StudioEvent::Progress(_)
        | StudioEvent::Worker { .. }
        | StudioEvent::Registration { .. }
        | StudioEvent::Submitted { .. }
        | StudioEvent::Changed { .. } => None,
    }
}

/// The next start of the studio makes good what could not be written down.
fn log<T>(outcome: studio_store::Result<T>) {
    if let Err(error) = outcome {
        tracing::warn!("could not note that nobody waits for a job any more: {error}");
    }
}
