//! A worker's machine: its disk, its config, and the process that may run on it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use studio_protocol::{Capabilities, JobId, TaskKind, WorkerId};
use worker_core::{Identity, Machine, SpoolEntry};

use super::base::Base;
use super::ours::Ours;
use super::{Event, World};
use crate::checker::Look;
use crate::trace::note;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostId(pub usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// This project's worker.
    Ours { slots: u32 },
    /// A worker of the base protocol.
    Base,
}

pub(crate) enum Process {
    Ours(Box<Ours>),
    Base(Base),
}

pub(crate) struct Host {
    pub name: String,
    pub sort: Sort,
    pub engines: Vec<&'static str>,
    pub vram_gb: f64,
    /// Against the plan of a job.
    pub speed: f64,
    /// In the memory of its process.
    pub loaded: Option<&'static str>,
    /// On its disk.
    pub present: BTreeSet<&'static str>,
    /// Models that it has measured itself with.
    pub measured: BTreeSet<&'static str>,
    /// `None`: no GPU can be read.
    pub free_vram_gb: Option<f64>,
    /// As in the config file.
    pub identity: Identity,
    pub owner_paused: bool,
    pub spool: BTreeMap<JobId, SpoolEntry>,
    /// Writes that the process has not heard of; a crash may undo them.
    pub unsure: BTreeMap<JobId, Option<SpoolEntry>>,
    pub spool_full: bool,
    pub hole_until: Duration,
    /// Counts processes.
    pub life: u32,
    /// Counts plans for the next look at the clock.
    pub turn: u64,
    pub process: Option<Process>,
    /// Made from another machine's config folder.
    pub is_copy: bool,
    /// For good.
    pub is_gone: bool,
}

impl Host {
    pub fn new(name: String, sort: Sort, identity: Identity) -> Self {
        Self {
            name,
            sort,
            engines: vec!["synthetic"],
            vram_gb: 8.0,
            speed: 1.0,
            loaded: None,
            present: BTreeSet::new(),
            measured: BTreeSet::new(),
            free_vram_gb: None,
            identity,
            owner_paused: false,
            spool: BTreeMap::new(),
            unsure: BTreeMap::new(),
            spool_full: false,
            hole_until: Duration::ZERO,
            life: 0,
            turn: 0,
            process: None,
            is_copy: false,
            is_gone: false,
        }
    }

    pub fn is_base(&self) -> bool {
        self.sort == Sort::Base
    }

    pub fn worker_id(&self) -> Option<WorkerId> {
        self.identity.worker_id().cloned()
    }

    pub fn token(&self) -> Option<&str> {
        match &self.identity {
            Identity::Approved { auth_token, .. } => Some(auth_token.reveal()),
            Identity::Pristine { .. } | Identity::Pending { .. } | Identity::Rejected { .. } => None,
        }
    }

    pub fn kinds() -> Vec<TaskKind> {
        vec![TaskKind::Llm, TaskKind::Image]
    }

    /// What the machine says of itself, before the worker's core adds its part.
    pub fn capabilities(&self) -> Capabilities {
        Capabilities {
            machine_name: self.name.clone(),
            agent_version: "0.1.0".to_owned(),
            engine: "multi".to_owned(),
            vram_total_gb: self.vram_gb,
            vram_threshold_gb: self.vram_gb,
            auto_enabled: true,
            task_kinds: Self::kinds().iter().map(|kind| kind.as_str().to_owned()).collect(),
            model_engines: self.engines.iter().map(|engine| (*engine).to_owned()).collect(),
            loaded_models: self.loaded.iter().map(|model| (*model).to_owned()).collect(),
            present_models: self.present.iter().map(|model| (*model).to_owned()).collect(),
            model_speeds: self.measured.iter().map(|model| ((*model).to_owned(), self.speed)).collect(),
            ..Capabilities::default()
        }
    }

    /// As a worker's core is told.
    pub fn machine(&self) -> Machine {
        Machine { capabilities: self.capabilities(), free_vram_gb: self.free_vram_gb, ..Machine::default() }
    }

    /// What still keeps it from rest.
    pub fn restless(&self) -> Vec<String> {
        if self.is_gone {
            return Vec::new();
        }
        let mut out: Vec<String> =
            self.spool.keys().map(|job| format!("{} spools {job}", self.name)).collect();
        match &self.process {
            None => out.push(format!("{} is not running", self.name)),
            Some(Process::Ours(ours)) if ours.is_stopping => out.push(format!("{} stops", self.name)),
            Some(Process::Base(Base { job: Some(job), .. })) => {
                out.push(format!("{} has {}", self.name, job.id));
            }
            Some(Process::Ours(_) | Process::Base(_)) => {}
        }
        out
    }
}

impl World {
    pub(super) fn start_host(&mut self, id: HostId) {
        let host = &mut self.hosts[id.0];
        if host.process.is_some() || host.is_gone {
            return;
        }
        host.unsure.clear();
        host.loaded = None;
        note!(
            self,
            "{}: starts with {} results in the spool",
            self.hosts[id.0].name,
            self.hosts[id.0].spool.len()
        );
        if self.hosts[id.0].is_base() { self.start_base(id) } else { self.start_ours(id) }
    }

    pub(super) fn host_tick(&mut self, id: HostId, life: u32, turn: u64) {
        let host = &self.hosts[id.0];
        if host.life != life || host.turn != turn {
            return;
        }
        match &host.process {
            Some(Process::Ours(_)) => self.drive(id, worker_core::Input::Tick),
            Some(Process::Base(_)) => self.base_tick(id),
            None => {}
        }
    }

    pub(super) fn plan_tick(&mut self, id: HostId, at: Duration) {
        let host = &mut self.hosts[id.0];
        host.turn += 1;
        let (life, turn) = (host.life, host.turn);
        self.at(at, Event::HostTick { host: id, life, turn });
    }

    /// The process is gone at once, with all that it had in memory.
    pub(super) fn kill_host(&mut self, id: HostId, is_told: bool) {
        let host = &mut self.hosts[id.0];
        if host.process.take().is_none() {
            return;
        }
        let (life, worker) = (host.life, host.worker_id());
        host.life += 1;
        note!(self, "{}: dies, peers told: {is_told}", self.hosts[id.0].name);
        for (job, former) in std::mem::take(&mut self.hosts[id.0].unsure) {
            if self.dice.chance(0.5) {
                let spool = &mut self.hosts[id.0].spool;
                match former {
                    Some(entry) => spool.insert(job, entry),
                    None => spool.remove(&job),
                };
            }
        }
        if let Some(worker) = worker {
            self.checker.holds.process_gone(&worker);
        }
        self.requests_die(id, life);
        self.worker_side_dies(id, life, is_told);
    }

    /// The process ended by itself.
    pub(super) fn host_ended(&mut self, id: HostId) {
        let host = &mut self.hosts[id.0];
        host.process = None;
        let (life, worker) = (host.life, host.worker_id());
        host.life += 1;
        host.unsure.clear();
        if let Some(worker) = worker {
            self.checker.holds.process_gone(&worker);
        }
        self.requests_die(id, life);
        for conn in self.conns_where(|conn| conn.host == id && conn.life == life) {
            self.worker_closes(conn, None);
        }
    }

    /// Workers that could take a job now.
    pub(super) fn idle_workers(&self) -> Vec<Look> {
        let hosts = (0..self.hosts.len()).map(HostId);
        hosts.filter_map(|id| self.idle_worker(id)).collect()
    }

    fn idle_worker(&self, id: HostId) -> Option<Look> {
        let host = &self.hosts[id.0];
        let (conn, usable) = match host.process.as_ref()? {
            Process::Ours(ours) => {
                (ours.idle_conn()?, host.free_vram_gb.map_or(host.vram_gb, |free| free - 0.5))
            }
            Process::Base(base) => (base.idle_conn()?, host.vram_gb),
        };
        let worker = host.worker_id()?;
        let is_sound =
            self.conns.get(&conn).is_some_and(|conn| conn.is_sound() && !conn.is_held_up(self.now))
                && host.hole_until <= self.now;
        let is_paused = self.db.worker(&worker).ok().flatten().is_none_or(|record| record.paused);
        (is_sound && !is_paused).then(|| Look {
            worker,
            conn: conn.0,
            kinds: Host::kinds(),
            engines: host.engines.clone(),
            vram_gb: usable.min(host.vram_gb),
            knows_options: !host.is_base(),
        })
    }
}
