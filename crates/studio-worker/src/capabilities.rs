//! What this worker says of itself (protocol section 4), from its settings, machine and engines.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine_protocol::Description;
use studio_protocol::{Capabilities, Resources, TaskKind};
use worker_core::Machine;

use crate::config::Config;
use crate::engines::{EngineState, LaneSnapshot};
use crate::hardware::{DeviceMemory, GIB, Hardware, Room};

/// Of the system's memory, what engines on the CPU may use unless the owner says otherwise.
const RAM_SHARE: f64 = 0.5;

/// What the capabilities are made of.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Read at start.
    pub hardware: Hardware,
    /// Known once the drivers have answered.
    pub device: Option<DeviceMemory>,
    /// Looked at now and then.
    pub room: Option<Room>,
    /// Every engine that has said what it can do, by name.
    pub engines: BTreeMap<String, Arc<Description>>,
    /// Which models are in memory, and on what.
    pub lanes: Vec<LaneSnapshot>,
    /// Models whose files are complete.
    pub present: Vec<String>,
    /// Measured, by model.
    pub speeds: BTreeMap<String, f64>,
    /// Jobs that programs of this machine asked for, by kind.
    pub local_jobs: BTreeMap<TaskKind, u32>,
}

impl Sources {
    /// Nothing is loaded, present or measured yet.
    pub fn new(hardware: Hardware, engines: BTreeMap<String, Arc<Description>>) -> Self {
        Self {
            hardware,
            device: None,
            room: None,
            engines,
            lanes: Vec::new(),
            present: Vec::new(),
            speeds: BTreeMap::new(),
            local_jobs: BTreeMap::new(),
        }
    }

    /// GiB of the device that idle models would give back.
    fn evictable_gb(&self) -> f64 {
        let idle = self.lanes.iter().filter(|lane| {
            !lane.resident && lane.process.on_device && lane.process.state == EngineState::Ready
        });
        idle.filter_map(|lane| lane.process.memory_bytes).sum::<u64>() as f64 / GIB
    }

    /// What the worker's core is told.
    pub fn machine(&self, config: &Config) -> Machine {
        Machine {
            capabilities: self.capabilities(config),
            free_vram_gb: self.device.as_ref().map(|device| device.free_gb + self.evictable_gb()),
            busy_reason: None,
            local_jobs: self.local_jobs.clone(),
        }
    }

    fn capabilities(&self, config: &Config) -> Capabilities {
        let per_kind = self.models_per_kind();
        let all: BTreeSet<&String> = per_kind.values().flatten().collect();
        Capabilities {
            machine_name: self.hardware.machine_name.clone(),
            username: self.hardware.username.clone(),
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            engine: "multi".to_owned(),
            vram_total_gb: rounded(self.device.as_ref().map_or(0.0, |device| device.total_gb)),
            vram_threshold_gb: self.threshold_gb(config),
            auto_update: config.auto_update_enabled,
            only_when_idle: config.rules.only_when_idle,
            supported_models: all.into_iter().cloned().collect(),
            task_kinds: per_kind.keys().cloned().collect(),
            supported_models_per_kind: per_kind
                .into_iter()
                .map(|(kind, models)| (kind, models.into_iter().collect()))
                .collect(),
            model_engines: self.engines.keys().cloned().collect(),
            loaded_models: self.loaded(),
            present_models: self.present.clone(),
            model_speeds: self.speeds.clone(),
            resources: self.room.map(|room| self.resources(room)),
            ..Capabilities::default()
        }
    }

    fn resources(&self, room: Room) -> Resources {
        let ram_total_gb = (self.hardware.ram_gb > 0.0).then_some(self.hardware.ram_gb);
        let ram_used_gb = ram_total_gb.zip(room.ram_free).map(|(total, free)| (total - free).max(0.0));
        let device = self.device.as_ref();
        Resources {
            disk_free_gb: room.disk_free.map(rounded),
            disk_total_gb: room.disk_total.map(rounded),
            vram_used_gb: device.map(|device| rounded((device.total_gb - device.free_gb).max(0.0))),
            ram_used_gb: ram_used_gb.map(rounded),
            ram_total_gb: ram_total_gb.map(rounded),
            gpu: device.and_then(|device| device.name.clone()),
        }
    }

    /// The device memory that jobs may use, GiB.
    pub fn threshold_gb(&self, config: &Config) -> f64 {
        let default = match &self.device {
            Some(device) => device.total_gb,
            None => self.hardware.ram_gb * RAM_SHARE,
        };
        rounded(config.vram_threshold_gb.unwrap_or(default))
    }

    fn loaded(&self) -> Vec<String> {
        let names: BTreeSet<_> = self.lanes.iter().filter_map(|lane| lane.process.model.clone()).collect();
        names.into_iter().collect()
    }

    /// An engine that takes any model is named, a bare `*` would say nothing.
    fn models_per_kind(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut per_kind: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, engine) in &self.engines {
            for kind in &engine.kinds {
                let models = per_kind.entry(kind.clone()).or_default();
                models.extend(
                    engine.models.iter().map(
                        |model| {
                            if model == "*" { format!("{name}:*") } else { model.clone() }
                        },
                    ),
                );
            }
        }
        per_kind
    }
}

/// Two digits are enough for people and keep the heartbeat short.
fn rounded(gb: f64) -> f64 {
    (gb * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigFile;

    fn config(text: &str) -> Config {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("c"), text).unwrap();
        ConfigFile::new(dir.path().join("c")).load().unwrap()
    }

    fn sources() -> Sources {
        let any = Description {
            name: "sd-cpp".into(),
            kinds: vec!["image".into()],
            models: vec!["*".into()],
            ..Description::default()
        };
        let synthetic = Description {
            name: "synthetic".into(),
            kinds: vec!["llm".into(), "image".into()],
            models: vec!["synthetic*".into()],
            ..Description::default()
        };
        let engines = [any, synthetic].map(|engine| (engine.name.clone(), Arc::new(engine)));
        let hardware = Hardware { machine_name: "pc".into(), username: "me".into(), ram_gb: 24.0 };
        Sources::new(hardware, engines.into())
    }

    #[test]
    fn models_are_the_sorted_union_and_never_a_bare_star() {
        let said = sources().machine(&config("")).capabilities;
        assert_eq!(said.supported_models, ["sd-cpp:*", "synthetic*"]);
        assert_eq!(said.task_kinds, ["image", "llm"]);
        assert_eq!(said.supported_models_per_kind["image"], ["sd-cpp:*", "synthetic*"]);
        assert_eq!(said.supported_models_per_kind["llm"], ["synthetic*"]);
        assert_eq!((said.engine.as_str(), said.model_engines.len()), ("multi", 2));
    }

    #[test]
    fn resources_are_told_once_they_were_looked_at() {
        let mut sources = sources();
        let said = |sources: &Sources| sources.machine(&config("")).capabilities.resources;
        assert_eq!(said(&sources), None);
        let room = Room { disk_free: Some(10.126), disk_total: Some(100.0), ram_free: Some(20.0) };
        sources.room = Some(room);
        sources.device = Some(DeviceMemory { total_gb: 8.0, free_gb: 6.5, name: Some("a card".into()) });
        let expected = Resources {
            disk_free_gb: Some(10.13),
            disk_total_gb: Some(100.0),
            vram_used_gb: Some(1.5),
            ram_used_gb: Some(4.0),
            ram_total_gb: Some(24.0),
            gpu: Some("a card".into()),
        };
        assert_eq!(said(&sources), Some(expected));
        let looked = Room::look(std::path::Path::new("/nowhere/at/all"));
        assert!(looked.disk_free <= looked.disk_total && looked.ram_free > Some(0.0), "{looked:?}");
    }

    #[test]
    fn the_threshold_is_the_owners_the_gpus_or_half_of_the_memory() {
        let mut sources = sources();
        let said = |sources: &Sources, text: &str| {
            let machine = sources.machine(&config(text));
            let of = machine.capabilities;
            format!("{} of {}, {:?} free", of.vram_threshold_gb, of.vram_total_gb, machine.free_vram_gb)
        };
        assert_eq!(said(&sources, ""), "12 of 0, None free");
        sources.device = Some(DeviceMemory { total_gb: 8.0, free_gb: 6.5, name: None });
        assert_eq!(said(&sources, ""), "8 of 8, Some(6.5) free");
        assert_eq!(said(&sources, "vram_threshold_gb = 4"), "4 of 8, Some(6.5) free");
    }
}
