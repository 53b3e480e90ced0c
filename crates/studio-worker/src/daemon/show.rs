//! What the local API shows of the daemon.

use std::collections::BTreeMap;
use std::sync::Arc;

use studio_protocol::Timestamp;
use worker_core::Identity;
use worker_local::{
    EngineView, LaneView, MachineView, MemoryView, Presence, RegistrationState, RegistrationView,
    SessionState, Status, UpdateView, WorkerState,
};

use super::Daemon;
use super::pausing::{hold_view, presence_view};
use crate::config::Config;
use crate::engines::EngineProgram;
use crate::hardware::GIB;
use crate::home::Home;

/// What is shown and known nowhere else.
#[derive(Debug)]
pub(super) struct Shown {
    started_at: Timestamp,
    config_path: String,
    log_dir: String,
    /// Each engine and its program.
    programs: BTreeMap<String, String>,
    processors: u32,
    /// How often the window was asked for.
    pub(super) raises: u64,
}

impl Shown {
    pub(super) fn new(home: &Home, config: &Config, programs: &BTreeMap<String, EngineProgram>) -> Self {
        let log_dir = config.log_dir.clone().unwrap_or_else(|| home.logs());
        Self {
            started_at: Timestamp::now(),
            config_path: home.config().display().to_string(),
            log_dir: log_dir.display().to_string(),
            programs: programs
                .iter()
                .map(|(name, program)| (name.clone(), program.path.display().to_string()))
                .collect(),
            processors: std::thread::available_parallelism().map_or(0, |count| count.get() as u32),
            raises: 0,
        }
    }

    /// Before anything is known.
    pub(super) fn first(&self) -> Status {
        Status {
            generation: 0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_at: self.started_at,
            config_path: self.config_path.clone(),
            log_dir: self.log_dir.clone(),
            api_base_url: String::new(),
            state: WorkerState::default(),
            registration: RegistrationView::default(),
            session: SessionState::default(),
            last_trouble: None,
            pause: None,
            holds: Vec::new(),
            presence: Presence::default(),
            ending: false,
            jobs: Vec::new(),
            ended_jobs: Vec::new(),
            waiting_results: 0,
            spool_full: false,
            machine: MachineView::default(),
            memory: MemoryView::default(),
            engines: Vec::new(),
            lanes: Vec::new(),
            downloads: Vec::new(),
            update: UpdateView { current: env!("CARGO_PKG_VERSION").to_owned(), ..UpdateView::default() },
            last_record: 0,
            last_log: 0,
            raises: self.raises,
            notify_on: Vec::new(),
        }
    }
}

impl Daemon {
    /// Publishes how things are now.
    pub(super) fn show(&mut self) -> Arc<Status> {
        let status = self.status_now();
        self.board.show(status)
    }

    fn status_now(&self) -> Status {
        let snapshot = self.worker.snapshot();
        let session = session(snapshot.link);
        Status {
            api_base_url: self.config.api_base_url.clone(),
            registration: registration(self.worker.identity()),
            session,
            last_trouble: snapshot.last_trouble,
            pause: self.pause_view(snapshot.pause),
            presence: presence_view(snapshot.presence),
            ending: snapshot.ending,
            state: match session {
                _ if snapshot.pause.is_some() || !snapshot.holds.is_empty() => WorkerState::Paused,
                _ if !self.ledger.jobs().is_empty() => WorkerState::Busy,
                SessionState::Open => WorkerState::Idle,
                SessionState::Off
                | SessionState::Waiting
                | SessionState::Connecting
                | SessionState::Greeting => WorkerState::Disconnected,
            },
            holds: snapshot.holds.into_iter().map(hold_view).collect(),
            jobs: self.ledger.jobs().to_vec(),
            ended_jobs: self.ledger.ended(),
            waiting_results: snapshot.waiting_results,
            spool_full: snapshot.spool_full,
            machine: self.machine_view(),
            memory: self.memory_view(),
            engines: self.engine_views(),
            lanes: self
                .engines
                .lanes()
                .iter()
                .filter(|lane| !lane.model.is_empty())
                .map(LaneView::from)
                .collect(),
            downloads: self.files.downloads.shown(),
            update: self.updates.view(),
            last_record: self.ledger.history().last(),
            last_log: self.log.last(),
            notify_on: self.config.notify_on.iter().map(|notice| notice.as_str().to_owned()).collect(),
            ..self.shown.first()
        }
    }

    fn machine_view(&self) -> MachineView {
        let (sources, room) = (&self.sources, self.sources.room.unwrap_or_default());
        let device = sources.device.as_ref();
        MachineView {
            name: sources.hardware.machine_name.clone(),
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            gpu: device.and_then(|device| device.name.clone()),
            vram_total_gb: device.map(|device| device.total_gb),
            vram_free_gb: device.map(|device| device.free_gb),
            ram_total_gb: (sources.hardware.ram_gb > 0.0).then_some(sources.hardware.ram_gb),
            ram_free_gb: room.ram_free,
            disk_total_gb: room.disk_total,
            disk_free_gb: room.disk_free,
            processors: self.shown.processors,
        }
    }

    fn memory_view(&self) -> MemoryView {
        let lanes = self.engines.lanes();
        MemoryView {
            threshold_gb: self.sources.threshold_gb(&self.config),
            reserve_gb: self.config.memory_reserve as f64 / GIB,
            loaded_bytes: lanes.iter().filter_map(|lane| lane.process.memory_bytes).sum(),
            on_device: self.sources.device.is_some() || lanes.iter().any(|lane| lane.process.on_device),
        }
    }

    fn engine_views(&self) -> Vec<EngineView> {
        let view = |(name, path): (&String, &String)| {
            let said = self.sources.engines.get(name);
            EngineView {
                name: name.clone(),
                version: said.map(|said| said.version.clone()).filter(|version| !version.is_empty()),
                kinds: said.map(|said| said.kinds.clone()).unwrap_or_default(),
                path: path.clone(),
            }
        };
        self.shown.programs.iter().map(view).collect()
    }
}

fn registration(identity: &Identity) -> RegistrationView {
    let none = RegistrationView::default();
    match identity {
        Identity::Pristine { .. } => none,
        Identity::Pending { request_id, .. } => RegistrationView {
            state: RegistrationState::Pending,
            request_id: Some(request_id.to_string()),
            ..none
        },
        Identity::Approved { worker_id, .. } => RegistrationView {
            state: RegistrationState::Approved,
            worker_id: Some(worker_id.to_string()),
            ..none
        },
        Identity::Rejected { reason, .. } => {
            RegistrationView { state: RegistrationState::Rejected, reason: Some(reason.clone()), ..none }
        }
    }
}

fn session(link: &str) -> SessionState {
    match link {
        "waiting" => SessionState::Waiting,
        "connecting" => SessionState::Connecting,
        "greeting" => SessionState::Greeting,
        "open" => SessionState::Open,
        _ => SessionState::Off,
    }
}
