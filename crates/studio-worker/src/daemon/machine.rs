//! Keeps an eye on what may change beside the daemon: engines, the GPU's memory, the config file.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use studio_protocol::HEARTBEAT_INTERVAL;
use studio_runtime::Tasks;
use tokio::sync::{mpsc, watch};

use super::{Daemon, News};
use crate::config::ConfigFile;
use crate::engines::{EngineState, LaneSnapshot};
use crate::hardware::{self, DeviceMemory, Room};
use crate::presence;

/// How often the config file's time is looked at: a change is in the next heartbeat.
const CONFIG_INTERVAL: Duration = HEARTBEAT_INTERVAL;
/// How often the room on the disk and in memory is looked at.
const ROOM_INTERVAL: Duration = Duration::from_secs(30);

impl Daemon {
    /// Starts what runs until the daemon ends; none of it stands before the first connection.
    pub(super) fn watch_machine(&self) {
        self.tasks.spawn(watch_device(self.tasks.clone(), self.news.clone()));
        let models = self.config.models_root.clone().unwrap_or_else(|| self.home.models().to_path_buf());
        self.tasks.spawn(watch_room(self.tasks.clone(), models, self.news.clone()));
        let (probes, needs) = (self.probes.clone(), self.needs.subscribe());
        self.tasks.spawn(presence::watch(self.tasks.clone(), probes, needs, self.news.clone()));
        self.tasks.spawn(watch_config(self.file.clone(), self.news.clone()));
        self.tasks.spawn(watch_lanes(self.engines.watch_lanes(), self.news.clone()));
        for name in self.engines.names() {
            if self.sources.engines.contains_key(&name) {
                continue;
            }
            let (engines, news) = (self.engines.clone(), self.news.clone());
            self.tasks.spawn(async move {
                match engines.describe(&name).await {
                    Ok(description) => drop(news.send(News::Described(name, description)).await),
                    Err(error) => tracing::warn!("engine `{name}` cannot be used: {error}"),
                }
            });
        }
    }
}

/// Without a GPU the first answer is the last: asking loads large driver libraries.
async fn watch_device(tasks: Tasks, news: mpsc::Sender<News>) {
    while let Some(device) = probe(&tasks).await {
        if news.send(News::Device(Some(device))).await.is_err() {
            return;
        }
        tokio::time::sleep(HEARTBEAT_INTERVAL).await;
    }
    let _ = news.send(News::Device(None)).await;
}

/// Says when a model came into memory or left it; what else lanes do is nobody's news.
async fn watch_lanes(mut lanes: watch::Receiver<Vec<LaneSnapshot>>, news: mpsc::Sender<News>) {
    let facts = |lanes: &[LaneSnapshot]| -> Vec<_> {
        let of_lane = |lane: &LaneSnapshot| {
            let idle = lane.process.state == EngineState::Ready;
            lane.process
                .model
                .clone()
                .map(|model| (model, lane.process.memory_bytes, lane.process.on_device && idle))
        };
        lanes.iter().filter_map(of_lane).collect()
    };
    let mut told = Vec::new();
    // Models that are on the disk from before count too.
    if news.send(News::Models).await.is_err() {
        return;
    }
    while lanes.changed().await.is_ok() {
        let now = facts(&lanes.borrow_and_update());
        if now != told {
            told = now;
            if news.send(News::Models).await.is_err() {
                return;
            }
        }
    }
}

/// A look costs two system calls and a small file, and it is for people.
async fn watch_room(tasks: Tasks, models: PathBuf, news: mpsc::Sender<News>) {
    loop {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let folder = models.clone();
        tasks.spawn_blocking(move || {
            let _ = answer.send(Room::look(&folder));
        });
        let Ok(room) = answered.await else { return };
        if news.send(News::Room(room)).await.is_err() {
            return;
        }
        tokio::time::sleep(ROOM_INTERVAL).await;
    }
}

async fn probe(tasks: &Tasks) -> Option<DeviceMemory> {
    let (answer, answered) = tokio::sync::oneshot::channel();
    tasks.spawn_blocking(move || {
        let _ = answer.send(hardware::device_memory());
    });
    answered.await.ok().flatten()
}

async fn watch_config(file: ConfigFile, news: mpsc::Sender<News>) {
    let mut seen = modified(file.path());
    loop {
        tokio::time::sleep(CONFIG_INTERVAL).await;
        let now = modified(file.path());
        if now == seen {
            continue;
        }
        seen = now;
        match file.load() {
            Ok(config) => {
                if news.send(News::Config(Box::new(config))).await.is_err() {
                    return;
                }
            }
            Err(error) => tracing::warn!("the changed config is not taken up: {error}"),
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok()
}
