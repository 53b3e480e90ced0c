//! `GET /metrics`: the counters, and the state of things as it is now.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use studio_store::{Db, JobState, OpenJobs, RegistrationState, StateCounts};

use super::labels::{Engine, Model, Project, State as InState, StateOfKind};
use super::{MAX_NAMES, process};
use crate::api::{Caller, Problem};
use crate::state::AppState;

/// How old the answer of a look through tables may be: several scrapers do not make it several looks.
const KEPT: Duration = Duration::from_secs(5);
/// What has no name of its own any more.
const OTHER: &str = "other";
/// The text that Prometheus asks for by default.
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the database says.
#[derive(Debug, Clone)]
pub struct Found {
    counts: StateCounts,
    open: Vec<OpenJobs>,
    workers: i64,
    paused: i64,
    pending: i64,
    artefact_bytes: i64,
}

/// The latest look, and when it was.
pub type Latest = Mutex<Option<(Instant, Found)>>;

pub async fn get(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    if caller.bound_to().is_some() {
        return Err(Problem::forbidden(
            "the numbers are of all projects: a key of one project may not see them",
        ));
    }
    let found = look(&state).await?;
    let mut now = Registry::default();
    of_jobs(&mut now, &found);
    of_workers(&mut now, &state, &found);
    of_studio(&mut now, &state, &found);
    process::register(&mut now);
    let mut text = String::new();
    let written = encode_registry(&mut text, &state.metrics.0.registry)
        .and_then(|()| encode_registry(&mut text, &now))
        .and_then(|()| encode_eof(&mut text));
    written.map_err(|error| Problem::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}

async fn look(state: &AppState) -> Result<Found, Problem> {
    let latest = &state.metrics.0.latest;
    let kept = latest.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((_, found)) = kept.filter(|(at, _)| at.elapsed() < KEPT) {
        return Ok(found);
    }
    let found = state
        .store
        .read(|db: &Db| {
            let workers = db.workers()?;
            Ok(Found {
                counts: db.counts()?,
                open: db.open_jobs()?,
                workers: size(workers.len()),
                paused: size(workers.iter().filter(|worker| worker.paused).count()),
                pending: size(db.registrations(Some(RegistrationState::Pending))?.len()),
                artefact_bytes: db.artefact_bytes()?,
            })
        })
        .await?;
    *latest.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), found.clone()));
    Ok(found)
}

fn of_jobs(registry: &mut Registry, found: &Found) {
    let states = Family::<InState, Gauge>::default();
    for state in JobState::ALL {
        states.get_or_create(&InState { state: state.as_str() }).set(found.counts.of(*state).cast_signed());
    }
    registry.register("studio_jobs", "Jobs by state", states);
    let kinds = Family::<StateOfKind, Gauge>::default();
    let (mut models, mut projects) = (BTreeMap::new(), BTreeMap::new());
    for group in &found.open {
        let label = StateOfKind { state: group.state.as_str(), kind: group.kind.to_string() };
        kinds.get_or_create(&label).inc_by(group.jobs);
        if group.state == JobState::Queued {
            *models.entry(group.model.clone()).or_default() += group.jobs;
            *projects.entry(group.project.to_string()).or_default() += group.jobs;
        }
    }
    registry.register("studio_open_jobs", "Jobs with work to come, by state and kind", kinds);
    let models = named(models, |model| Model { model });
    registry.register("studio_waiting_jobs_by_model", "Jobs that wait, by model", models);
    let projects = named(projects, |project| Project { project });
    registry.register("studio_waiting_jobs_by_project", "Jobs that wait, by project", projects);
}

fn of_workers(registry: &mut Registry, state: &AppState, found: &Found) {
    let online = size(state.live.online());
    gauge(registry, "studio_sessions", "Workers with a session", online);
    let workers = Family::<InState, Gauge>::default();
    workers.get_or_create(&InState { state: "online" }).set(online);
    workers.get_or_create(&InState { state: "offline" }).set((found.workers - online).max(0));
    workers.get_or_create(&InState { state: "paused" }).set(found.paused);
    registry.register("studio_workers", "Approved workers; a paused one is online or offline too", workers);
    gauge(registry, "studio_registrations_pending", "Requests that wait for a decision", found.pending);
    let (mut engines, mut loaded, mut present) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut memory = 0.0;
    for worker in state.live.seen().iter().filter_map(|id| state.live.worker(id)) {
        count(&mut engines, &worker.capabilities.model_engines);
        count(&mut loaded, &worker.capabilities.loaded_models);
        count(&mut present, &worker.capabilities.present_models);
        memory += worker.capabilities.vram_total_gb;
    }
    let engines = named(engines, |engine| Engine { engine });
    registry.register("studio_worker_engines", "Connected workers that have an engine", engines);
    let loaded = named(loaded, |model| Model { model });
    registry.register("studio_models_loaded", "Connected workers that have a model in memory", loaded);
    let present = named(present, |model| Model { model });
    registry.register("studio_models_present", "Connected workers that have a model on their disk", present);
    let total = Gauge::<f64, std::sync::atomic::AtomicU64>::default();
    total.set(memory);
    registry.register("studio_workers_device_memory_gibibytes", "Device memory of connected workers", total);
}

fn of_studio(registry: &mut Registry, state: &AppState, found: &Found) {
    gauge(registry, "studio_artefact_bytes", "Bytes of all artefacts", found.artefact_bytes);
    gauge(
        registry,
        "studio_event_watchers",
        "Streams of events that are open",
        size(state.events.watchers()),
    );
    if let Ok(disk) = rustix::fs::statvfs(&state.settings.data_dir) {
        let bytes = |blocks: u64| i64::try_from(blocks.saturating_mul(disk.f_frsize)).unwrap_or(i64::MAX);
        gauge(registry, "studio_disk_free_bytes", "Free on the data directory's disk", bytes(disk.f_bavail));
        gauge(registry, "studio_disk_total_bytes", "Size of the data directory's disk", bytes(disk.f_blocks));
    }
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: i64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn size(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn count(counts: &mut BTreeMap<String, i64>, names: &[String]) {
    for name in names {
        *counts.entry(name.clone()).or_default() += 1;
    }
}

/// The largest under their names, the rest together.
fn named<L>(counts: BTreeMap<String, i64>, label: impl Fn(String) -> L) -> Family<L, Gauge>
where
    L: Clone + Hash + Eq + EncodeLabelSet,
{
    let family = Family::<L, Gauge>::default();
    let mut sorted: Vec<(String, i64)> = counts.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    for (at, (name, value)) in sorted.into_iter().enumerate() {
        let name = if at < MAX_NAMES { name } else { OTHER.to_owned() };
        family.get_or_create(&label(name)).inc_by(value);
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_names_are_fifty_and_the_rest() {
        let many: BTreeMap<String, i64> = (0..1_000).map(|n| (format!("m{n}"), n)).collect();
        let family = named(many, |model| Model { model });
        assert!(family.get(&Model { model: "m949".to_owned() }).is_none());
        assert!(family.get(&Model { model: "m950".to_owned() }).is_some());
        let rest = family.get(&Model { model: OTHER.to_owned() }).map(|gauge| gauge.get());
        assert_eq!(rest, Some((0..950).sum()));
    }
}
