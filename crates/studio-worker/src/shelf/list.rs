//! Every model as it is now.

use std::collections::{BTreeMap, BTreeSet};

use model_store::StoredModel;
use serde_json::Value;
use studio_protocol::Timestamp;
use worker_local::{DiskUse, ModelFile, ModelPlace, ModelView, Models};

use super::{Shelf, ShelfError};
use crate::engines::{EngineState, LaneSnapshot};

impl Shelf {
    /// What is on the disk, on its way, and in memory.
    pub(crate) async fn list(&self, resident: &[String]) -> Result<Models, ShelfError> {
        // Before the disk: what ends in between is held by nobody any more.
        let downloads: BTreeSet<String> =
            self.files.downloads.shown().into_iter().map(|download| download.model).collect();
        let store = self.files.store.clone();
        let (looked, result) = tokio::sync::oneshot::channel();
        self.tasks.spawn_blocking(move || {
            let _ = looked.send((store.stored(), store.disk_use()));
        });
        let (stored, disk) =
            result.await.map_err(|_| ShelfError::Disk("the worker is about to end".to_owned()))?;
        let folder = self.files.store.root().display().to_string();
        let disk = disk.map_err(|error| ShelfError::Disk(format!("could not read `{folder}`: {error}")))?;
        let mut views: BTreeMap<String, ModelView> =
            stored.into_iter().map(|stored| (stored.model.clone(), of_disk(&stored))).collect();
        for lane in self.engines.lanes().iter().filter(|lane| !lane.model.is_empty()) {
            let view = views.entry(lane.model.clone()).or_insert_with(|| absent(&lane.model, &lane.engine));
            put_lane(view, lane);
        }
        for model in &downloads {
            let view = views.entry(model.clone()).or_insert_with(|| absent(model, ""));
            view.place = ModelPlace::Downloading;
            // What brings it is no job.
            view.in_use = false;
        }
        for (model, trouble) in self.files.downloads.troubles() {
            let view = views.entry(model.clone()).or_insert_with(|| absent(&model, ""));
            view.trouble = Some(trouble);
        }
        for model in resident {
            views.entry(model.clone()).or_insert_with(|| absent(model, "")).resident = true;
        }
        let disk = DiskUse { folder, used_bytes: disk.used, cap_bytes: disk.cap, free_bytes: disk.free };
        Ok(Models { models: views.into_values().collect(), disk })
    }
}

fn absent(model: &str, engine: &str) -> ModelView {
    ModelView {
        model: model.to_owned(),
        engine: engine.to_owned(),
        place: ModelPlace::Absent,
        file_bytes: 0,
        files: Vec::new(),
        memory_bytes: None,
        resident: false,
        in_use: false,
        used_at: None,
        trouble: None,
    }
}

fn of_disk(stored: &StoredModel) -> ModelView {
    let roles: BTreeMap<&str, String> = stored
        .source
        .files
        .iter()
        .map(|file| {
            let role = serde_json::to_value(&file.role).ok();
            (file.filename.as_str(), role.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned())
        })
        .collect();
    let files = stored.files.iter().map(|file| ModelFile {
        role: roles.get(file.name.as_str()).cloned().unwrap_or_default(),
        name: file.name.clone(),
        bytes: file.bytes,
        sha256: file.sha256.clone(),
    });
    let millis = stored.last_used.duration_since(std::time::UNIX_EPOCH).ok();
    ModelView {
        place: if stored.complete { ModelPlace::Present } else { ModelPlace::Absent },
        file_bytes: stored.files.iter().map(|file| file.bytes).sum(),
        files: files.collect(),
        in_use: stored.in_use,
        used_at: millis.map(|since| Timestamp::from_millis(since.as_millis() as i64)),
        ..absent(&stored.model, &stored.source.engine)
    }
}

fn put_lane(view: &mut ModelView, lane: &LaneSnapshot) {
    let process = &lane.process;
    match (process.state, &process.model) {
        (EngineState::Stopped, _) => {}
        (EngineState::Stopping, _) => view.place = ModelPlace::Unloading,
        (_, Some(_)) => view.place = ModelPlace::Loaded,
        (EngineState::Starting | EngineState::Busy | EngineState::Ready, None) => {
            view.place = ModelPlace::Loading;
        }
    }
    view.memory_bytes = process.memory_bytes;
    view.in_use |= process.running + process.waiting > 0;
    if let Some(refused) = process.refused.get(&lane.model) {
        view.trouble = Some(refused.clone());
    }
}
