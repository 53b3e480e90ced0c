//! From what the store keeps to what the API shows; the one place where the two meet.

use serde_json::Value;
use studio_protocol::{Capabilities, Progress};
use studio_store::{DeliveryState, JobState, StateCounts};

use super::types;
use crate::live::Live;

/// A job, with the progress that its worker reported last.
pub fn job(job: studio_store::Job, live: &Live) -> types::Job {
    let progress =
        if job.state == JobState::Running { live.progress(&job.id).map(|p| progress(&p)) } else { None };
    types::Job {
        id: job.id.to_string(),
        state: job.state,
        kind: job.kind,
        model: job.model,
        project: job.project.to_string(),
        asset_name: job.asset_name,
        batch: job.batch.map(|id| id.to_string()),
        priority: job.priority,
        attempts: job.attempts,
        max_attempts: job.max_attempts,
        worker: job.worker.map(|id| id.to_string()),
        error: job.error,
        created_at: job.created_at,
        started_at: job.started_at,
        finished_at: job.finished_at,
        progress,
        artefact: job.artefact.map(summary),
    }
}

/// A job with everything about it.
pub fn detail(detail: studio_store::JobDetail, live: &Live) -> types::JobDetail {
    types::JobDetail {
        task: json(&detail.task_json),
        history: detail.history.into_iter().map(attempt).collect(),
        result: detail.result_json.as_deref().map(json),
        job: job(detail.job, live),
    }
}

fn progress(progress: &Progress) -> types::JobProgress {
    types::JobProgress {
        step: progress.step,
        steps: progress.steps,
        eta_ms: progress.eta_ms,
        stage: progress.stage,
        bytes: progress.bytes,
        total_bytes: progress.total_bytes,
    }
}

fn attempt(attempt: studio_store::Attempt) -> types::Attempt {
    types::Attempt {
        number: attempt.number,
        worker: attempt.worker.to_string(),
        started_at: attempt.started_at,
        ended_at: attempt.ended_at,
        outcome: attempt.outcome,
        error: attempt.error,
    }
}

fn summary(artefact: studio_store::ArtefactSummary) -> types::ArtefactSummary {
    types::ArtefactSummary {
        id: artefact.id.to_string(),
        bytes: artefact.bytes,
        ext: artefact.ext,
        mime: artefact.mime,
        sha256: artefact.sha256,
    }
}

/// An artefact without its place in the artefact store.
pub fn artefact(artefact: studio_store::Artefact) -> types::Artefact {
    types::Artefact {
        summary: types::ArtefactSummary {
            id: artefact.id.to_string(),
            bytes: artefact.bytes,
            ext: artefact.ext,
            mime: artefact.mime,
            sha256: artefact.sha256,
        },
        job: artefact.job.to_string(),
        batch: artefact.batch.map(|id| id.to_string()),
        project: artefact.project.to_string(),
        kind: artefact.kind,
        asset_name: artefact.asset_name,
        created_at: artefact.created_at,
        meta: artefact.meta.as_deref().map(json),
    }
}

/// A batch.
pub fn batch(batch: studio_store::Batch) -> types::Batch {
    types::Batch {
        id: batch.id.to_string(),
        name: batch.name,
        project: batch.project.to_string(),
        created_at: batch.created_at,
        total: batch.total,
        counts: counts(&batch.counts),
        finished_at: batch.finished_at,
    }
}

/// Every state with its number.
pub fn counts(counts: &StateCounts) -> types::Counts {
    JobState::ALL.iter().map(|state| (*state, counts.of(*state))).collect()
}

/// A line of a job's log.
pub fn log(line: studio_store::JobLog) -> types::JobLog {
    types::JobLog { ts: line.ts, level: line.level, category: line.category, message: line.message }
}

/// A worker, and whether it is there.
pub fn worker(
    record: studio_store::WorkerRecord,
    live: &Live,
    held: Option<Vec<studio_store::Job>>,
) -> types::Worker {
    let session = live.worker(&record.id);
    let capabilities = match &session {
        Some(session) => session.capabilities.as_ref().clone(),
        None => capabilities(&record.capabilities_json),
    };
    types::Worker {
        id: record.id.to_string(),
        name: record.name,
        paused: record.paused,
        draining: record.draining,
        outdated: live.versions().is_outdated(&capabilities.agent_version),
        limits: record.limits,
        online: session.is_some(),
        created_at: record.created_at,
        last_seen_at: session.as_ref().map(|session| session.last_seen_at).or(record.last_seen_at),
        connected_at: session.map(|session| session.connected_at),
        jobs: held.as_ref().map(|jobs| jobs.iter().map(|job| job.id.to_string()).collect()),
        current_jobs: held.into_iter().flatten().map(|held| job(held, live)).collect(),
        capabilities,
    }
}

/// A project.
pub fn project(project: &studio_store::Project) -> types::Project {
    types::Project {
        id: project.id.to_string(),
        weight: project.weight,
        max_queued: project.max_queued,
        max_running: project.max_running,
        keep_artefacts_days: project.keep_artefacts_days,
        keep_jobs_days: project.keep_jobs_days,
        counts: counts(&project.counts),
        created_at: project.created_at,
    }
}

/// A registration.
pub fn registration(record: studio_store::RegistrationRecord) -> types::Registration {
    let capabilities = capabilities(&record.capabilities_json);
    types::Registration {
        id: record.id.to_string(),
        status: record.status,
        install_id: record.install_id,
        machine_name: capabilities.machine_name.clone(),
        user_agent: record.user_agent,
        source_addr: record.source_addr,
        created_at: record.created_at,
        decided_at: record.decided_at,
        worker: record.worker_id.map(|id| id.to_string()),
        reason: record.reason,
        capabilities,
    }
}

/// A webhook, without its secret.
pub fn webhook(webhook: studio_store::Webhook) -> types::Webhook {
    types::Webhook {
        id: webhook.id.to_string(),
        url: webhook.url,
        events: webhook.events.iter().map(ToString::to_string).collect(),
        project: webhook.project.map(|project| project.to_string()),
        disabled: webhook.disabled,
        created_at: webhook.created_at,
    }
}

/// One thing that a webhook is told.
pub fn delivery(delivery: studio_store::Delivery) -> types::Delivery {
    types::Delivery {
        id: delivery.id,
        event: delivery.event.to_string(),
        state: match delivery.state {
            DeliveryState::Waiting => types::DeliveryState::Waiting,
            DeliveryState::Delivered => types::DeliveryState::Delivered,
            DeliveryState::Failed => types::DeliveryState::Failed,
        },
        attempts: delivery.attempts,
        status: delivery.status,
        error: delivery.error,
        created_at: delivery.created_at,
        next_at: delivery.next_at,
    }
}

/// An API key.
pub fn key(key: studio_store::ApiKey) -> types::Key {
    types::Key {
        id: key.id.to_string(),
        name: key.name,
        role: key.role,
        project: key.project.map(|project| project.to_string()),
        created_at: key.created_at,
        expires_at: key.expires_at,
        last_used_at: key.last_used_at,
    }
}

pub fn user(user: studio_store::User) -> types::User {
    types::User {
        id: user.id.to_string(),
        name: user.name,
        role: user.role,
        disabled: user.disabled,
        created_at: user.created_at,
        last_seen_at: user.last_seen_at,
    }
}

pub fn audit(line: studio_store::AuditRecord) -> types::AuditEntry {
    types::AuditEntry {
        at: line.at,
        actor: line.actor,
        actor_id: line.actor_id,
        action: line.action,
        target: line.target,
        status: line.status,
        detail: line.detail_json.as_deref().map(json).unwrap_or_default(),
        times: line.times,
    }
}

/// Stored JSON as a tree. It was checked when it came in; a row that was damaged since shows as null, not as an error for all.
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn capabilities(text: &str) -> Capabilities {
    serde_json::from_str(text).unwrap_or_default()
}
