//! From the bytes of a submission to jobs that the store takes: every field checked, all or none.

use std::collections::{BTreeSet, HashMap};

use axum::http::HeaderMap;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};
use studio_protocol::{ProjectId, TaskKind};
use studio_store::{Idempotency, KeyId, Model, StoreError, Submission};

use super::auth::Caller;
use super::body::{MAX_SUBMISSION_BYTES, parse};
use super::problem::Problem;
use super::task::{self, CheckedTask};
use super::text::{MAX_ASSET_NAME_CHARS, MAX_NAME_CHARS, MAX_PROJECT_CHARS, checked_optional, checked_text};
use super::types::{BatchJob, NewBatch, NewJob, NewJobs};
use crate::ids;
use crate::state::AppState;

/// Jobs of one submission: one transaction must not keep the others waiting for long.
pub const MAX_JOBS: usize = 10_000;
/// Jobs that one entry of a submission may stand for.
pub const MAX_COUNT: u32 = 1_000;
/// How far priorities reach in both directions.
pub const MAX_PRIORITY: i32 = 1_000;
/// Failures that end a job unless it says otherwise: a flaky machine is survived, a broken job is not kept alive.
const DEFAULT_MAX_ATTEMPTS: u32 = 5;
/// The most failures that a job may ask for.
const MAX_MAX_ATTEMPTS: u32 = 100;
/// The header that makes a submission repeatable.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
/// Characters of an `Idempotency-Key`: a UUID several times over.
const MAX_IDEMPOTENCY_KEY_CHARS: usize = 255;
/// The project of jobs that name none.
const DEFAULT_PROJECT: &str = "default";
/// Bodies above this are parsed off the threads that serve sockets.
const PARSED_IN_PLACE_BYTES: usize = 64 * 1024;

/// A submission that was read, its models not looked up yet.
pub struct Draft {
    /// Whether the answer is one job, not a list.
    pub single: bool,
    batch: Option<DraftBatch>,
    jobs: Vec<DraftJob>,
}

struct DraftBatch {
    name: Option<String>,
    project: Option<String>,
}

#[derive(Clone)]
struct DraftJob {
    path: String,
    project: Option<String>,
    asset_name: Option<String>,
    model: String,
    kind: TaskKind,
    task_json: String,
    needs_options: bool,
    priority: i32,
    max_attempts: u32,
}

/// Reads `POST /api/v1/jobs`: one job, or a list of them.
pub fn read_jobs(bytes: &[u8]) -> Result<Draft, Problem> {
    #[derive(Deserialize)]
    struct Shape {
        jobs: Option<IgnoredAny>,
    }
    if parse::<Shape>(bytes)?.jobs.is_none() {
        let job: NewJob = parse(bytes)?;
        let single = job.count.is_none();
        let mut jobs = Drafts::default();
        jobs.add(job, "")?;
        return Ok(Draft { single, batch: None, jobs: jobs.jobs });
    }
    let many: NewJobs = parse(bytes)?;
    count(many.jobs.len())?;
    let mut jobs = Drafts::default();
    for (at, job) in many.jobs.into_iter().enumerate() {
        jobs.add(job, &format!("jobs[{at}]."))?;
    }
    Ok(Draft { single: false, batch: None, jobs: jobs.jobs })
}

/// Reads `POST /api/v1/batches`.
pub fn read_batch(bytes: &[u8]) -> Result<Draft, Problem> {
    let batch: NewBatch = parse(bytes)?;
    count(batch.jobs.len())?;
    let name = checked_optional("name", batch.name, MAX_NAME_CHARS)?;
    let project = checked_optional("project", batch.project, MAX_PROJECT_CHARS)?;
    let priority = batch.priority.unwrap_or(0);
    check_priority("priority", priority)?;
    let mut jobs = Drafts::default();
    for (at, job) in batch.jobs.into_iter().enumerate() {
        let path = format!("jobs[{at}].");
        let BatchJob { model, task, asset_name, priority: own, max_attempts, count } = job;
        let model = model.or_else(|| batch.model.clone()).ok_or_else(|| {
            Problem::invalid(format!("{path}model"), "neither this job nor the batch names a model")
        })?;
        let project = project.clone();
        let priority = Some(own.unwrap_or(priority));
        jobs.add(NewJob { model, task, project, asset_name, priority, max_attempts, count }, &path)?;
    }
    Ok(Draft { single: false, batch: Some(DraftBatch { name, project }), jobs: jobs.jobs })
}

fn count(jobs: usize) -> Result<(), Problem> {
    match jobs {
        0 => Err(Problem::invalid("jobs", "there is no job in it")),
        1..=MAX_JOBS => Ok(()),
        _ => Err(Problem::too_many_jobs(jobs, MAX_JOBS)),
    }
}

/// Jobs as they are read, with what they come to together.
#[derive(Default)]
struct Drafts {
    jobs: Vec<DraftJob>,
    repeated_bytes: usize,
}

impl Drafts {
    /// Adds what one entry of a submission stands for.
    fn add(&mut self, job: NewJob, path: &str) -> Result<(), Problem> {
        let at = |field: &str| format!("{path}{field}");
        let copies = job.count.unwrap_or(1);
        if !(1..=MAX_COUNT).contains(&copies) {
            return Err(Problem::invalid(at("count"), format!("{copies} is not within 1 to {MAX_COUNT}")));
        }
        let name = job.asset_name.clone();
        let (first, task) = draft(job, path)?;
        if copies == 1 {
            self.jobs.push(first);
            return count(self.jobs.len());
        }
        count(self.jobs.len() + copies as usize)?;
        self.repeated_bytes += task.json.len() * copies as usize;
        if self.repeated_bytes > MAX_SUBMISSION_BYTES {
            let detail =
                format!("{copies} copies of this task are more than {MAX_SUBMISSION_BYTES} bytes together");
            return Err(Problem::invalid(at("count"), detail));
        }
        if task.seed.is_some_and(|seed| seed.checked_add(u64::from(copies)).is_none()) {
            return Err(Problem::invalid(at("task.seed"), format!("leaves no room for {copies} seeds")));
        }
        let width = copies.to_string().len();
        for copy in 0..copies {
            let numbered = name.as_ref().map(|name| format!("{name}-{:0width$}", copy + 1));
            self.jobs.push(DraftJob {
                asset_name: checked_optional(&at("assetName"), numbered, MAX_ASSET_NAME_CHARS)?,
                task_json: match task.seed {
                    Some(seed) => task.with_seed(seed + u64::from(copy)),
                    None => first.task_json.clone(),
                },
                ..first.clone()
            });
        }
        Ok(())
    }
}

fn draft(job: NewJob, path: &str) -> Result<(DraftJob, CheckedTask), Problem> {
    let at = |field: &str| format!("{path}{field}");
    let task = task::check(&job.task, &at("task"))?;
    let priority = job.priority.unwrap_or(0);
    check_priority(&at("priority"), priority)?;
    let max_attempts = job.max_attempts.unwrap_or(DEFAULT_MAX_ATTEMPTS);
    if !(1..=MAX_MAX_ATTEMPTS).contains(&max_attempts) {
        return Err(Problem::invalid(
            at("maxAttempts"),
            format!("{max_attempts} is not within 1 to {MAX_MAX_ATTEMPTS}"),
        ));
    }
    let draft = DraftJob {
        project: checked_optional(&at("project"), job.project, MAX_PROJECT_CHARS)?,
        asset_name: checked_optional(&at("assetName"), job.asset_name, MAX_ASSET_NAME_CHARS)?,
        model: checked_text(&at("model"), job.model, MAX_NAME_CHARS)?,
        kind: task.kind,
        task_json: task.json.clone(),
        needs_options: task.needs_options,
        priority,
        max_attempts,
        path: path.to_owned(),
    };
    Ok((draft, task))
}

/// Refuses a priority that is out of bounds.
pub fn check_priority(field: &str, priority: i32) -> Result<(), Problem> {
    if (-MAX_PRIORITY..=MAX_PRIORITY).contains(&priority) {
        return Ok(());
    }
    Err(Problem::invalid(field, format!("{priority} is not within -{MAX_PRIORITY} to {MAX_PRIORITY}")))
}

/// A submission that the store takes, and whether one job is to be answered.
pub struct Ready {
    /// For the store.
    pub submission: Submission,
    /// Whether the answer is one job, not a list.
    pub single: bool,
}

/// Reads, checks and completes a submission.
pub async fn prepare(
    state: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    bytes: Bytes,
    route: &'static str,
    read: fn(&[u8]) -> Result<Draft, Problem>,
) -> Result<Ready, Problem> {
    let key = idempotency_key(headers)?;
    let key_id = KeyId::from(caller.id());
    let small = bytes.len() <= PARSED_IN_PLACE_BYTES;
    let work = move || {
        let idempotency = key.map(|key| idempotency(key_id, key, route, &bytes));
        Ok::<_, Problem>((read(&bytes)?, idempotency))
    };
    let (draft, idempotency) = if small {
        work()?
    } else {
        tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))??
    };
    let models = look_up(state, &draft).await?;
    complete(draft, caller, &models, idempotency)
}

/// Checks and completes one job that comes from elsewhere than `/api/v1`.
pub async fn prepare_one(state: &AppState, caller: &Caller, job: NewJob) -> Result<Submission, Problem> {
    let (draft, _) = draft(job, "")?;
    let draft = Draft { single: true, batch: None, jobs: vec![draft] };
    let models = look_up(state, &draft).await?;
    Ok(complete(draft, caller, &models, None)?.submission)
}

/// A model of the registry, enabled or not.
pub async fn model(state: &AppState, name: &str) -> Result<Option<Model>, Problem> {
    let wanted = name.to_owned();
    let load = state.store.read(move |db| match db.model(&wanted) {
        Ok(model) => Ok(Some(model)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    });
    Ok(state.models.get(&name.to_owned(), load).await?)
}

/// The route is part of the hash: the same body means another thing elsewhere.
fn idempotency(key_id: KeyId, key: String, route: &str, body: &[u8]) -> Idempotency {
    let hash = Sha256::new().chain_update(route).chain_update([0]).chain_update(body);
    Idempotency { key_id, key, body_sha256: hash.finalize().into() }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let fits = |text: &&str| {
        !text.is_empty()
            && text.len() <= MAX_IDEMPOTENCY_KEY_CHARS
            && text.bytes().all(|b| b.is_ascii_graphic())
    };
    match value.to_str().ok().filter(fits) {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(Problem::invalid(
            IDEMPOTENCY_KEY,
            format!("the key is 1 to {MAX_IDEMPOTENCY_KEY_CHARS} printable ASCII characters without spaces"),
        )),
    }
}

async fn look_up(state: &AppState, draft: &Draft) -> Result<HashMap<String, Model>, Problem> {
    let names: BTreeSet<&String> = draft.jobs.iter().map(|job| &job.model).collect();
    let mut models = HashMap::new();
    for name in names {
        if let Some(model) = model(state, name).await? {
            models.insert(name.clone(), model);
        }
    }
    Ok(models)
}

fn complete(
    draft: Draft,
    caller: &Caller,
    models: &HashMap<String, Model>,
    idempotency: Option<Idempotency>,
) -> Result<Ready, Problem> {
    let batch = match draft.batch {
        None => None,
        Some(batch) => Some(studio_store::NewBatch {
            id: ids::batch(),
            name: batch.name,
            project: project_of(caller, batch.project, "project")?,
        }),
    };
    let mut jobs = Vec::with_capacity(draft.jobs.len());
    for job in draft.jobs {
        check_model(models.get(&job.model), &job)?;
        let id = ids::job();
        jobs.push(studio_store::NewJob {
            asset_name: job.asset_name.unwrap_or_else(|| id.to_string()),
            id,
            project: project_of(caller, job.project, &format!("{}project", job.path))?,
            model: job.model,
            kind: job.kind,
            task_json: job.task_json,
            needs_options: job.needs_options,
            priority: job.priority,
            max_attempts: job.max_attempts,
        });
    }
    Ok(Ready { submission: Submission { batch, jobs, idempotency }, single: draft.single })
}

fn check_model(model: Option<&Model>, job: &DraftJob) -> Result<(), Problem> {
    let field = || format!("{}model", job.path);
    let Some(model) = model else {
        let detail = format!("there is no model `{}`: `studio models list` shows those that are", job.model);
        return Err(Problem::invalid(field(), detail));
    };
    if !model.enabled {
        return Err(Problem::invalid(field(), format!("the model `{}` is disabled", model.id)));
    }
    if model.kind != job.kind {
        let detail = format!("the model `{}` is for {}, the task is {}", model.id, model.kind, job.kind);
        return Err(Problem::invalid(format!("{}task.kind", job.path), detail));
    }
    Ok(())
}

/// The project that is meant, if the caller may name it.
pub fn project_of(caller: &Caller, asked: Option<String>, field: &str) -> Result<ProjectId, Problem> {
    let project = caller.narrow(asked).map_err(|problem| problem.at(field))?;
    Ok(project.unwrap_or_else(|| ProjectId::from(DEFAULT_PROJECT)))
}
