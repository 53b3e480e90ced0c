//! What a daemon wrote into its status file, for when it cannot be asked.

use serde::de::DeserializeOwned;
use serde_json::json;
use worker_local::{
    EngineView, LaneView, MachineView, MemoryView, Origin, PauseView, Presence, RegistrationView, RunningJob,
    Status as Shown, UpdateView, WorkerState,
};

use crate::Home;
use crate::status::Status as Written;

/// As the daemon would tell it, as far as the file knows.
pub(super) fn shown(home: &Home, written: Written) -> Shown {
    let started_at = written.started_at;
    Shown {
        generation: 0,
        version: written.version.clone(),
        pid: written.pid,
        started_at,
        config_path: home.config().display().to_string(),
        log_dir: String::new(),
        api_base_url: written.api_base_url,
        state: WorkerState::default(),
        registration: RegistrationView {
            state: word(&written.registration),
            worker_id: written.worker_id.map(|id| id.to_string()),
            ..RegistrationView::default()
        },
        session: word(&written.session),
        last_trouble: written.last_trouble,
        pause: written.paused.then_some(PauseView { until: None, until_idle: false }),
        holds: Vec::new(),
        presence: Presence::default(),
        ending: written.ending,
        jobs: written
            .jobs
            .into_iter()
            .map(|job| RunningJob {
                id: job.id.to_string(),
                origin: Origin::Studio,
                kind: job.kind,
                model: job.model,
                project: String::new(),
                name: String::new(),
                prompt: String::new(),
                started_at,
                stage: None,
                step: job.step,
                steps: job.steps,
                eta_ms: None,
                bytes: None,
                total_bytes: None,
                preview: 0,
            })
            .collect(),
        ended_jobs: Vec::new(),
        waiting_results: written.waiting_results,
        spool_full: written.spool_full,
        machine: MachineView::default(),
        memory: MemoryView::default(),
        engines: written
            .engines
            .into_iter()
            .map(|name| EngineView { name, ..EngineView::default() })
            .collect(),
        lanes: written.lanes.iter().filter(|lane| !lane.model.is_empty()).map(LaneView::from).collect(),
        downloads: Vec::new(),
        update: UpdateView { current: written.version, ..UpdateView::default() },
        last_record: 0,
        last_log: 0,
        raises: 0,
        notify_on: Vec::new(),
    }
}

/// The words are the same ones; one of another version is the least that there is.
fn word<T: DeserializeOwned + Default>(word: &str) -> T {
    serde_json::from_value(json!(word)).unwrap_or_default()
}
